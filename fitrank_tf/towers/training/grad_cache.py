"""A batch larger than memory: its parts in turn, each beside the others' embeddings.

Gao et al., "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup"
(GradCache), 2021. The loss of a batch depends on all its embeddings e_1 .. e_k (k parts);
its gradient is the sum over the parts of dL/de_m de_m/dweights. So a step goes through one
part with a gradient and takes the others' embeddings from where they were kept, and the
optimizer adds up k such steps before it moves.
"""

from typing import Any

from keras import KerasTensor, ops

from fitrank_tf.config import ContrastiveConfig
from fitrank_tf.towers.fusion import FeatureFusion
from fitrank_tf.towers.towers import Towers
from fitrank_tf.towers.training.contrastive import ContrastiveModel
from fitrank_tf.towers.training.feature_prediction import FeaturePrediction


class GradCacheModel(ContrastiveModel):
    """`ContrastiveModel` that takes a batch in parts.

    Inputs are those of the whole batch, in each of its `accumulation` steps, and `part`
    int [1], which of the parts it is. Part 0 comes first: there the embeddings of the
    whole batch are made anew (part by part, of whole photos with all features: what is
    kept has no gradient that a dropout could help).

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
        """Unit embeddings of the whole batch, of which one part has a gradient."""
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
        """The rows of a part, of each input that the towers and the fusion read."""
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
        """[B, D]: the kept embeddings with the part's own in their place."""
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
) -> ContrastiveModel:
    """The model that takes batches as the configuration says, whole or in parts."""
    kind = GradCacheModel if config.accumulation > 1 else ContrastiveModel
    return kind(towers, fusion, config, seed, prediction)
