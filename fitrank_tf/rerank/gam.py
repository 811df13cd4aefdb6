"""A generalised additive ranker, whose curves can be plotted, on TF-Ranking.

The neural generalised additive model of Zhuang et al., "Interpretable Ranking with
Generalized Additive Models" (WSDM 2021), on TF-Ranking's own layer: every feature of a
candidate has a small network of its own, and what the query is like weighs their outputs.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from fitrank_tf._legacy import tf_keras, tfr
from fitrank_tf.config import RerankerConfig
from fitrank_tf.datasets.iteration import without_autotune
from fitrank_tf.features.standardise import (
    mean_and_inverse_scale,
    standardise_by_inverse,
)
from fitrank_tf.rerank.match_features import (
    OF_FIRST_STAGE,
    match_columns,
)
from fitrank_tf.rerank.model import train_reranker

# Networks of one feature each are small and trained from scratch: they take larger steps
# than the re-ranker, and more of them.
TRAINING = RerankerConfig(epochs=6, learning_rate=5e-3)
_ITEM_WIDTHS, _CONTEXT_WIDTHS = [16, 8], [8]
_PADDING_SCORE = -1e9
_AT_ONCE = 256
_GRID = 101
_LOW_HIGH = (5.0, 95.0)


@dataclasses.dataclass(frozen=True)
class GamItem:
    """A feature in which a list's candidates differ.

    Attributes:
        name: what its curve is called.
        column: where it is among the K features of a candidate.
        facet_mask: column that is 1 in the lists where the feature says something; None
            if it does in all.
    """

    name: str
    column: int
    facet_mask: int | None = None

    def values(self, features: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """float32 [N]: its values where it says something, of [Q, L, K] and [Q, L]."""
        if self.facet_mask is not None:
            mask = mask & (features[..., self.facet_mask] > 0.0)
        return features[..., self.column][mask]


@dataclasses.dataclass(frozen=True)
class Shape:
    """Contribution of one feature to the score, as a curve over its values.

    Attributes:
        name: the feature's.
        values: float32 [G], rising, from the least that was seen to the greatest.
        contributions: float32 [G], weighed as in the mean list, less their mean over
            `seen`: a list's order does not change by what all its candidates get.
        band: float32 [2, G], the same weighed as in the lists where the feature weighs
            little (5th percentile) and much (95th).
        seen: float32 [N], the values of candidates.
    """

    name: str
    values: np.ndarray
    contributions: np.ndarray
    band: np.ndarray
    seen: np.ndarray


def gam_columns(facets: Sequence[str]) -> tuple[tuple[GamItem, ...], tuple[int, ...]]:
    """Which columns of `match_features` have a curve, and which weigh the curves.

    A curve of a column of all facets together would hide what each facet gives.

    Args:
        facets: F names.

    Returns:
        F + 3 features of a candidate, its match by facet among them, and the F columns that
        say which facets the query names.
    """
    names = match_columns(facets)
    masks = {f"matches {facet}": names.index(f"query has {facet}") for facet in facets}
    items = tuple(
        GamItem(name, names.index(name), masks.get(name))
        for name in (*masks, *OF_FIRST_STAGE)
    )
    return items, tuple(masks.values())


class GamRanker(tf_keras.Model):
    """Sum over a candidate's features of weight(context) * curve(feature).

    The context is what all candidates of a list share, e.g. which facets the query names;
    each of its columns gives every curve a weight between 0 and 1 and the weights add up,
    so that a query may make more of one curve than another does. Scores do not depend on
    the candidates' order, nor on the other candidates.

    Args:
        items: the features with a curve each.
        context: columns of the features that a list's candidates share, 0 or above; none
            weighs all curves alike.
        mean: float32 [items], of the candidates to learn from.
        inverse_scale: float32 [items], 1 / standard deviation, 0 to leave a feature out.
    """

    def __init__(
        self,
        items: Sequence[GamItem],
        context: Sequence[int],
        mean: np.ndarray,
        inverse_scale: np.ndarray,
    ):
        super().__init__(name="gam_ranker")
        self._items = tuple(items)
        self._columns = np.array([item.column for item in items], np.int32)
        self._context = np.array(context, np.int32)
        self._mean = tf.constant(mean, tf.float32)
        self._inverse_scale = tf.constant(inverse_scale, tf.float32)
        # Batch normalisation would let padding influence the curves.
        self._gam = tfr.keras.layers.GAMLayer(
            example_feature_num=len(self._items),
            example_hidden_layer_dims=_ITEM_WIDTHS,
            context_feature_num=len(self._context),
            context_hidden_layer_dims=_CONTEXT_WIDTHS,
            activation="gelu",
            use_batch_norm=False,
            dropout=0.0,
            name="gam",
        )

    def call(self, inputs: Mapping[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        """Scores of lists of any length.

        Args:
            inputs: `features` float32 [B, L, K], `mask` bool [B, L].
            training: without effect; there is no dropout.

        Returns:
            float32 [B, L]; padding scores lowest.
        """
        scores, _, _ = self._apply(self._own(inputs), self._shared(inputs))
        return tf.where(inputs["mask"], scores[..., 0], _PADDING_SCORE)

    def terms(self, inputs: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Returns the contributions to each score, float32 [B, L, items]."""
        _, curves, weights = self._apply(self._own(inputs), self._shared(inputs))
        return curves * weights

    def score(self, features: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """float32 [Q, L], the scores of float32 [Q, L, K] where bool [Q, L]."""
        starts = range(0, len(features), _AT_ONCE)
        parts = (slice(start, start + _AT_ONCE) for start in starts)
        return np.concatenate(
            [self({"features": features[p], "mask": mask[p]}).numpy() for p in parts]
        )

    def shapes(self, features: np.ndarray, mask: np.ndarray) -> list[Shape]:
        """Returns each feature's curve, over the values and the contexts of some lists.

        Args:
            features: float32 [Q, L, K], of the lists to learn from for one.
            mask: bool [Q, L].

        Returns:
            One a feature, in order; those without any value are left out.
        """
        seen = [item.values(features, mask) for item in self._items]
        grid, shared = _grid(seen), _of_lists(features, mask)
        curves = self._curves(grid)
        weights = self._weights(shared[:, self._context])
        return [
            _shape(
                item,
                grid[:, i],
                curves[:, i],
                seen[i],
                weights[_has_facet(item, shared), i],
            )
            for i, item in enumerate(self._items)
            if len(seen[i])
        ]

    def _curves(self, grid: np.ndarray) -> np.ndarray:
        """float32 [G, items]: each curve along its own column of [G, items] values."""
        features = self._normal(tf.constant(grid[np.newaxis]))
        context = tf.zeros([1, 1, len(self._context)])
        return self._apply(features, context)[1][0].numpy()

    def _weights(self, context: np.ndarray) -> np.ndarray:
        """float32 [Q, items], the curves' weights in Q contexts, few of them different."""
        different, which = np.unique(context, axis=0, return_inverse=True)
        features = tf.zeros([len(different), 1, len(self._items)])
        context = tf.constant(different[:, np.newaxis])
        return self._apply(features, context)[2].numpy()[which.reshape(-1), 0]

    def _apply(
        self, features: tf.Tensor, shared: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """[B, L, 1] scores, [B, L, items] curves' outputs, their weights [B, 1, items]."""
        parts = tuple(_columns(values) for values in (features, shared))
        scores, curves, weights = self._gam(parts, training=False)
        curves = tf.concat(curves, axis=-1)
        weights = tf.add_n(weights) if weights else tf.ones_like(curves[:, :1])
        return scores, curves, weights

    def _own(self, inputs: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """float32 [B, L, items], normalised."""
        return self._normal(tf.gather(inputs["features"], self._columns, axis=-1))

    def _normal(self, features: tf.Tensor) -> tf.Tensor:
        return standardise_by_inverse(features, self._mean, self._inverse_scale)

    def _shared(self, inputs: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """float32 [B, 1, context]: that of any candidate, whichever comes first."""
        real = tf.cast(inputs["mask"], tf.float32)[..., tf.newaxis]
        context = tf.gather(inputs["features"], self._context, axis=-1) * real
        return tf.reduce_max(context, axis=1, keepdims=True)


def _columns(values: tf.Tensor) -> list[tf.Tensor]:
    """The last axis' columns, each [B, L, 1]; none of none."""
    count = values.shape[-1]
    return tf.split(values, count, axis=-1) if count else []


def _grid(seen: Sequence[np.ndarray]) -> np.ndarray:
    """float32 [G, items], from the least value seen to the greatest."""
    ends = [(values.min(), values.max()) if len(values) else (0, 0) for values in seen]
    lowest, highest = np.transpose(ends)
    return np.linspace(lowest, highest, _GRID, dtype=np.float32)


def _of_lists(features: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """float32 [Q, K], the context that all candidates of a list share."""
    return np.where(mask[..., np.newaxis], features, 0.0).max(axis=1)


def _has_facet(item: GamItem, shared: np.ndarray) -> np.ndarray:
    """bool [Q]: the lists in which a feature is informative."""
    if item.facet_mask is None:
        return np.ones(len(shared), bool)
    return shared[:, item.facet_mask] > 0.0


def _shape(
    item: GamItem,
    values: np.ndarray,
    curve: np.ndarray,
    seen: np.ndarray,
    weights: np.ndarray,
) -> Shape:
    centred = curve - np.interp(seen, values, curve).mean()
    low, high = np.percentile(weights, _LOW_HIGH)
    band = np.stack([low * centred, high * centred])
    return Shape(item.name, values, weights.mean() * centred, band, seen)


def build_gam_ranker(
    items: Sequence[GamItem],
    context: Sequence[int],
    features: np.ndarray,
    mask: np.ndarray,
    seed: int,
) -> GamRanker:
    """Builds an untrained ranker for the features of some lists.

    Args:
        items: the features with a curve each.
        context: columns of the features that a list's candidates share.
        features: float32 [Q, L, K] of the lists to learn from, for mean and scale; a
            feature that does not vary says nothing.
        mask: bool [Q, L].
        seed: of the weights.
    """
    tf_keras.utils.set_random_seed(seed)
    statistics = [_mean_and_inverse_scale(item.values(features, mask)) for item in items]
    model = GamRanker(items, context, *np.transpose(statistics).astype(np.float32))
    model({"features": tf.constant(features[:1]), "mask": tf.constant(mask[:1])})
    return model


def _mean_and_inverse_scale(values: np.ndarray) -> tuple[float, float]:
    """Of one feature; both 0 where it has no value."""
    if not len(values):
        return 0.0, 0.0
    (mean,), (inverse_scale,) = mean_and_inverse_scale(values[:, np.newaxis])
    return mean, inverse_scale


def train_gam_ranker(
    model: GamRanker,
    learned: tuple[np.ndarray, np.ndarray],
    chosen: tuple[np.ndarray, np.ndarray],
    config: RerankerConfig,
    seed: int,
    log_dir: Path,
) -> tf_keras.callbacks.History:
    """Trains as the re-ranker is trained, with its losses.

    Args:
        model: to train.
        learned: float32 [Q, L, K] features and [Q, L] grades, -1 for padding.
        chosen: the same of other lists, whose nDCG@10 chooses the epoch; without any
            the last one is kept.
        config: loss, epochs, batch size and rate, `TRAINING` for one.
        seed: of the lists' order.
        log_dir: gets `history.csv`.
    """
    order = np.random.default_rng(seed).permutation(len(learned[0]))
    features, labels = learned
    return train_reranker(
        model,
        _batches(features[order], labels[order], config.batch_size),
        _batches(*chosen, config.batch_size) if len(chosen[0]) else None,
        config,
        log_dir,
    )


def _batches(features: np.ndarray, labels: np.ndarray, size: int) -> tf.data.Dataset:
    lists = tf.data.Dataset.from_tensor_slices(
        ({"features": features, "mask": labels >= 0.0}, labels)
    )
    return without_autotune(lists).batch(size).prefetch(tf.data.AUTOTUNE)
