"""P(facet value | photo), predicted from a product's embedding and features.

A query for "navy blue" is then scored by how likely the photo shows navy blue, not only by
how alike photo and text are. The catalogue's attributes are the labels of training
products; for a product that is searched only the pixels count.
"""

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
from keras import KerasTensor, ops

from fitrank_tf.config import FacetHeadsConfig
from fitrank_tf.core.arrays import load_arrays, save_arrays
from fitrank_tf.core.chunks import map_in_chunks
from fitrank_tf.core.progress import Progress
from fitrank_tf.features.standardise import (
    mean_and_inverse_scale,
    standardise_by_inverse,
)
from fitrank_tf.queries.lexicon import FacetLexicon

_ARRAYS, _LEXICON = "heads.npz", "lexicon.json"
_MADE_BY = "train"
_STEPS_AT_ONCE = 16
# Heads err: no predicted probability is taken to be lower than this, and logarithms
# of probabilities are bounded by it.
PROB_FLOOR = 0.001


class _Head(keras.Model):
    """One network from a product's embedding and features to the logits of all values."""

    def __init__(self, config: FacetHeadsConfig, num_values: int):
        super().__init__(name="facet_head")
        self.hide = keras.layers.Dropout(config.dropout / 2)
        self.hidden = keras.layers.Dense(config.hidden, activation="gelu", name="hidden")
        self.dropout = keras.layers.Dropout(config.dropout)
        self.values = keras.layers.Dense(num_values, name="values")

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Builds the two layers for inputs of width `shape[-1]`."""
        self.hidden.build(shape)
        self.values.build((None, self.hidden.units))

    def call(self, inputs: KerasTensor, training: bool | None = None) -> KerasTensor:
        """Returns logits, float32 [B, V]."""
        hidden = self.hidden(self.hide(inputs, training=training))
        return self.values(self.dropout(hidden, training=training))


class FacetHeads:
    """Heads of several folds, whose probabilities are averaged.

    Args:
        lexicon: the facets' values, V of them.
        mean: float32 [D + F], of the training products' embeddings and features.
        inverse_scale: float32 [D + F], 1 / standard deviation, 0 for what they do not see.
        heads: trained.
    """

    def __init__(
        self,
        lexicon: FacetLexicon,
        mean: np.ndarray,
        inverse_scale: np.ndarray,
        heads: Sequence[_Head],
    ):
        self.lexicon, self.heads = lexicon, tuple(heads)
        self._mean, self._inverse_scale = mean, inverse_scale

    @property
    def variables(self) -> list[keras.Variable]:
        """All heads' weights."""
        return [variable for head in self.heads for variable in head.variables]

    def predict_proba(self, embeddings: KerasTensor, features: KerasTensor) -> KerasTensor:
        """Probabilities of the facet values of products.

        Args:
            embeddings: float32 [B, D], unit image embeddings.
            features: float32 [B, F].

        Returns:
            float32 [B, V]; the values of each facet add up to 1, unless a product may have
            several of them.
        """
        inputs = _standardised(embeddings, features, self._mean, self._inverse_scale)
        return _mean_probs(self.heads, inputs, self.lexicon)

    def predict_all(self, embeddings: np.ndarray, features: np.ndarray) -> np.ndarray:
        """`predict_proba` of a whole catalogue, float32 [N, V]."""
        return map_in_chunks(self.predict_proba, embeddings, features)

    def save(self, folder: Path) -> None:
        """Writes the heads and their lexicon."""
        arrays = {"mean": self._mean, "inverse_scale": self._inverse_scale}
        for number, head in enumerate(self.heads):
            for place, array in enumerate(head.get_weights()):
                arrays[f"head_{number}_{place}"] = array
        save_arrays(folder / _ARRAYS, arrays)
        (folder / _LEXICON).write_text(self.lexicon.to_json(), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, config: FacetHeadsConfig) -> "FacetHeads":
        """Loads what `save` wrote.

        Raises:
            FitRankError: if it cannot be read.
        """
        arrays = load_arrays(folder / _ARRAYS, _MADE_BY)
        lexicon = FacetLexicon.from_json((folder / _LEXICON).read_text(encoding="utf-8"))
        mean, inverse_scale = arrays.pop("mean"), arrays.pop("inverse_scale")
        heads = []
        for number in range(len(arrays) // 4):
            head = _new_head(config, lexicon, len(mean))
            head.set_weights([arrays[f"head_{number}_{place}"] for place in range(4)])
            heads.append(head)
        return cls(lexicon, mean, inverse_scale, heads)


def cross_fitted(
    lexicon: FacetLexicon,
    codes: np.ndarray,
    embeddings: np.ndarray,
    features: np.ndarray,
    seen: np.ndarray,
    config: FacetHeadsConfig,
    seed: int,
) -> tuple[FacetHeads, np.ndarray]:
    """Trains a head on all folds but one, for each fold.

    A head predicts products that it has learned from better than others. So a training
    product is predicted by the head that has not seen it, and the re-ranker learns how far
    to trust such predictions.

    Args:
        lexicon: the facets' values, V of them.
        codes: int32 [N, C], `lexicon.codes` of the training products.
        embeddings: float32 [N, D], their unit image embeddings.
        features: float32 [N, E].
        seen: float32 [E], 1 for the features that the heads see.
        config: sizes and folds.
        seed: decides folds and weights.

    Returns:
        (the heads together, float32 [N, V] predictions for the training products).
    """
    raw = np.concatenate([embeddings, features], axis=1)
    mean, inverse_scale = mean_and_inverse_scale(raw)
    inverse_scale[embeddings.shape[1] :] *= seen
    inputs = np.asarray(_standardised(embeddings, features, mean, inverse_scale))
    facet_probs = np.zeros((len(codes), lexicon.size), np.float32)
    if not lexicon.size or len(codes) < 2 * config.folds:
        return FacetHeads(lexicon, mean, inverse_scale, []), facet_probs
    fold = np.random.default_rng(seed).permutation(len(codes)) % config.folds
    heads = []
    epochs = config.folds * config.epochs
    with Progress("training facet heads", epochs, "epochs") as shown:
        for number in range(config.folds):
            keras.utils.set_random_seed(seed + number)
            head = _new_head(config, lexicon, inputs.shape[1])
            rest = fold != number
            _fit(head, inputs[rest], codes[rest], lexicon, config, shown)
            left = np.flatnonzero(fold == number)
            facet_probs[left] = np.asarray(_mean_probs([head], inputs[left], lexicon))
            heads.append(head)
    return FacetHeads(lexicon, mean, inverse_scale, heads), facet_probs


def facet_loss(
    codes: KerasTensor, logits: KerasTensor, sizes: Sequence[int], several: Sequence[bool]
) -> KerasTensor:
    """Cross-entropy of each facet, summed over the facets that a product has.

    Args:
        codes: int32 [B, C], as `FacetLexicon.codes` has them, -1 for "not known".
        logits: float32 [B, V], the facets' values one after the other.
        sizes: how many values each facet has.
        several: for each facet, whether a product may have several of its values.

    Returns:
        float32 [B].
    """
    total, first, column = 0.0, 0, 0
    for size, has_several in zip(sizes, several):
        of_facet = logits[:, first : first + size]
        if has_several:
            code = codes[:, column : column + size]
            target = ops.cast(code, of_facet.dtype)
            # The cross-entropy of a sigmoid, in logits.
            loss = ops.softplus(of_facet) - target * of_facet
            total = total + ops.sum(ops.where(code >= 0, loss, 0.0), axis=1)
        else:
            code = codes[:, column : column + 1]
            logs = ops.log_softmax(of_facet, axis=-1)
            own = ops.take_along_axis(logs, ops.maximum(code, 0), axis=1)
            total = total - ops.where(code >= 0, own, 0.0)[:, 0]
        first += size
        column += size if has_several else 1
    return total


def _fit(
    head: _Head,
    inputs: np.ndarray,
    codes: np.ndarray,
    lexicon: FacetLexicon,
    config: FacetHeadsConfig,
    shown: Progress,
) -> None:
    steps = max(1, -(-len(inputs) // config.batch_size) * config.epochs)
    head.compile(
        optimizer=keras.optimizers.AdamW(
            keras.optimizers.schedules.CosineDecay(config.learning_rate, steps),
            weight_decay=config.weight_decay,
        ),
        loss=lambda codes, logits: facet_loss(
            codes, logits, lexicon.sizes, lexicon.has_several
        ),
        # Steps are so small that launching one takes longer than running it.
        steps_per_execution=_STEPS_AT_ONCE,
    )
    head.fit(
        inputs,
        codes,
        batch_size=config.batch_size,
        epochs=config.epochs,
        verbose=0,
        callbacks=[
            keras.callbacks.LambdaCallback(on_epoch_end=lambda _, logs: shown.add(1, logs))
        ],
    )


def _new_head(config: FacetHeadsConfig, lexicon: FacetLexicon, width: int) -> _Head:
    head = _Head(config, lexicon.size)
    head.build((None, width))
    return head


def _standardised(
    embeddings: KerasTensor,
    features: KerasTensor,
    mean: KerasTensor,
    inverse_scale: KerasTensor,
) -> KerasTensor:
    inputs = ops.concatenate([embeddings, features], axis=-1)
    return standardise_by_inverse(inputs, mean, inverse_scale)


def _mean_probs(
    heads: Sequence[_Head], inputs: KerasTensor, lexicon: FacetLexicon
) -> KerasTensor:
    if not heads:
        return ops.zeros((ops.shape(inputs)[0], lexicon.size))
    return sum(_probabilities(head(inputs), lexicon) for head in heads) / len(heads)


def _probabilities(logits: KerasTensor, lexicon: FacetLexicon) -> KerasTensor:
    ends = np.cumsum(lexicon.sizes).tolist()
    parts = [
        ops.sigmoid(part) if several else ops.softmax(part, axis=-1)
        for part, several in zip(
            (logits[:, end - size : end] for end, size in zip(ends, lexicon.sizes)),
            lexicon.has_several,
        )
    ]
    return ops.concatenate(parts, axis=-1)
