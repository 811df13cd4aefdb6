"""Contrastive training of batches larger than memory, in parts (gradient caching).

Gao et al., "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup"
(GradCache), 2021. The loss of a batch depends on all its embeddings e_1 .. e_k (k parts);
its gradient is the sum over the parts of dL/de_m de_m/dweights. So a step backpropagates
through one part and uses stored embeddings of the others, and the optimizer accumulates k
such steps into one update.
"""

from typing import Any

from keras import KerasTensor, ops

from fitrank_tf.config import ContrastiveConfig
from fitrank_tf.towers.fusion import FeatureFusion
from fitrank_tf.towers.towers import Towers
from fitrank_tf.towers.training.contrastive import ContrastiveModel
from fitrank_tf.towers.training.distillation import Teachers
from fitrank_tf.towers.training.feature_prediction import FeaturePrediction


class GradCacheModel(ContrastiveModel):
    """`ContrastiveModel` that processes a batch in parts.

    Inputs are those of the whole batch, in each of its `accumulation` steps, and `part`
    int [1], the number of the part. In part 0 the embeddings of the whole batch are
    computed and stored, part by part and without dropout, as they have no gradient.

    Args:
        *arguments: `ContrastiveModel`'s; `config.accumulation` is the number of parts.
        **named: `ContrastiveModel`'s.
    """

    def __init__(self, *arguments: Any, **named: Any):
        super().__init__(*arguments, **named)
        parts = self._config.accumulation
        shape = (parts, self._config.batch_size // parts, self._towers.embedding_dim)
        self.kept_images, self.kept_texts = (
            self.add_weight(name=name, shape=shape, initializer="zeros", trainable=False)
            for name in ("kept_images", "kept_texts")
        )

    def call(
        self, inputs: dict[str, KerasTensor], training: bool | None = None
    ) -> dict[str, KerasTensor]:
        """Returns unit embeddings of the whole batch, one part of which has a gradient."""
        if not training:
            return super().call(inputs, training=training)
        part = ops.reshape(inputs["part"], ())
        images, texts = ops.cond(
            ops.equal(part, 0),
            lambda: self._embed_all(inputs),
            lambda: (self.kept_images + 0.0, self.kept_texts + 0.0),
        )
        self.kept_images.assign(images)
        self.kept_texts.assign(texts)
        made = super().call(self._part_of(inputs, part), training=training)
        return {
            **made,
            "image": self._with_part(images, made["image"], part),
            "text": self._with_part(texts, made["text"], part),
        }

    def _embed_all(self, inputs: dict[str, KerasTensor]) -> tuple[KerasTensor, ...]:
        made = [
            super(GradCacheModel, self).call(self._part_of(inputs, part), training=False)
            for part in range(self._config.accumulation)
        ]
        return tuple(
            ops.stop_gradient(ops.stack([one[name] for one in made]))
            for name in ("image", "text")
        )

    def _part_of(
        self, inputs: dict[str, KerasTensor], part: KerasTensor
    ) -> dict[str, KerasTensor]:
        """The rows of a part, for each input of the towers and the fusion."""
        rows = self._config.batch_size // self._config.accumulation
        cut: dict[str, KerasTensor] = {}
        for name in ("images", "token_ids", "features"):
            if name in inputs:
                values = inputs[name]
                parts = ops.reshape(values, (-1, rows, *values.shape[1:]))
                cut[name] = parts[part]
        return cut

    def _with_part(
        self, kept: KerasTensor, made: KerasTensor, part: KerasTensor
    ) -> KerasTensor:
        """[B, D]: the stored embeddings with those of the part replaced."""
        parts = self._config.accumulation
        # The optimizer takes the mean over the parts; the gradient is their sum.
        live = made + (parts - 1) * (made - ops.stop_gradient(made))
        own = ops.equal(ops.arange(parts), ops.cast(part, "int32"))[:, None, None]
        return ops.reshape(
            ops.where(own, live[None], ops.stop_gradient(kept)), (-1, made.shape[-1])
        )


def new_contrastive_model(
    towers: Towers,
    fusion: FeatureFusion | None,
    config: ContrastiveConfig,
    seed: int,
    prediction: FeaturePrediction | None = None,
    teachers: Teachers | None = None,
) -> ContrastiveModel:
    """Builds a model for whole batches or, if `config.accumulation` > 1, for parts.

    Arguments as for `ContrastiveModel`.
    """
    kind = GradCacheModel if config.accumulation > 1 else ContrastiveModel
    return kind(towers, fusion, config, seed, prediction, teachers=teachers)
