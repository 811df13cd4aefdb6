"""Fuses image features into the image tower: by a residual or by tokens in its blocks.

An untrained fusion of either kind does not change the embeddings.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import KerasTensor, ops

from fitrank_tf.features.standardise import (
    mean_and_inverse_scale,
    standardise_by_inverse,
)
from fitrank_tf.towers.blocks import parts_of
from fitrank_tf.towers.towers import Towers, unit


class FeatureFusion(keras.layers.Layer):
    """Base class of the fusions: standardisation and group dropout of the features.

    In training, feature groups are dropped at random (set to their mean), so that the
    towers work without them.

    Args:
        group_masks: [groups, F] of 0 and 1, one row per feature group.
        group_dropout: probability of dropping a group of an example in training.
        seed: of the group dropout.
    """

    def __init__(
        self,
        group_masks: Sequence[Sequence[float]],
        group_dropout: float = 0.1,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.group_masks = np.asarray(group_masks, "float32")
        self.group_dropout = group_dropout
        self._seeds = keras.random.SeedGenerator(seed)

    def build_scale(self) -> None:
        """Adds the standardisation's weights; subclasses call it before adding others."""
        size = self.group_masks.shape[1]
        self.mean = self.add_weight(
            name="mean", shape=(size,), initializer="zeros", trainable=False
        )
        self.inverse_scale = self.add_weight(
            name="inverse_scale", shape=(size,), initializer="ones", trainable=False
        )

    def adapt(self, features: np.ndarray, seen: np.ndarray) -> None:
        """Sets mean and scale of each feature from the training products.

        Args:
            features: float32 [N, F].
            seen: [F] of 0 and 1; a feature with 0 is always replaced by its mean.
        """
        mean, inverse_scale = mean_and_inverse_scale(features)
        self.mean.assign(mean)
        self.inverse_scale.assign(inverse_scale * seen)

    def standardise(
        self, features: KerasTensor, training: bool | None = None
    ) -> KerasTensor:
        """Returns standardised features, float32 [batch, F]; dropped groups are 0."""
        standard = standardise_by_inverse(features, self.mean, self.inverse_scale)
        if training and self.group_dropout:
            standard = standard * self._keep(ops.shape(features)[0])
        return standard

    def _keep(self, batch: KerasTensor) -> KerasTensor:
        masks = ops.convert_to_tensor(self.group_masks, "float32")
        drawn = keras.random.uniform((batch, masks.shape[0]), seed=self._seeds)
        return ops.matmul(ops.cast(drawn >= self.group_dropout, "float32"), masks)

    def prepare(self, features: KerasTensor, training: bool | None = None) -> KerasTensor:
        """Returns the fusion's function of the features, for `block` and `finish`.

        Args:
            features: float32 [batch, F].
            training: drops groups at random if true.
        """
        raise NotImplementedError

    def block(
        self, number: int, block: keras.Layer, tokens: KerasTensor, prepared: KerasTensor
    ) -> KerasTensor:
        """Runs one block of the image tower.

        Args:
            number: of the block, from 0.
            block: the transformer block.
            tokens: float [batch, T, width].
            prepared: from `prepare`.

        Returns:
            float [batch, T, width].
        """
        raise NotImplementedError

    def finish(self, embedding: KerasTensor, prepared: KerasTensor) -> KerasTensor:
        """Returns the fused unit embedding, float32 [batch, D].

        Args:
            embedding: float32 [batch, D], from the image tower's projection.
            prepared: from `prepare`.
        """
        raise NotImplementedError


class ResidualFusion(FeatureFusion):
    """Adds a learned function of the features to the image embedding.

    `unit(embedding + W2 gelu(W1 standardised(features)))`, with W2 = 0 at the start.

    Args:
        embedding_dim: D.
        hidden: width of the hidden layer.
        **fusion: `FeatureFusion`'s.
    """

    def __init__(self, embedding_dim: int, hidden: int = 80, **fusion: Any):
        super().__init__(**fusion)
        self.widen = keras.layers.Dense(hidden, activation="gelu", name="widen")
        self.project = keras.layers.Dense(
            embedding_dim, kernel_initializer="zeros", use_bias=False, name="project"
        )
        self.build_scale()
        self.widen.build((None, self.group_masks.shape[1]))
        self.project.build((None, hidden))
        self.built = True

    def prepare(self, features: KerasTensor, training: bool | None = None) -> KerasTensor:
        """Returns the residual added to the embedding, [batch, D]."""
        return self.project(self.widen(self.standardise(features, training)))

    def block(
        self, number: int, block: keras.Layer, tokens: KerasTensor, prepared: KerasTensor
    ) -> KerasTensor:
        """Runs the block unchanged."""
        return block(tokens)

    def finish(self, embedding: KerasTensor, prepared: KerasTensor) -> KerasTensor:
        """Returns the normalised sum of embedding and residual."""
        return unit(embedding + prepared)


class TokenFusion(FeatureFusion):
    """One token per feature group, to which every block of the image tower attends.

    Zero-initialised attention (LLaMA-Adapter; Zhang et al., 2023): a block's own
    projections map its tokens to queries and the group tokens to keys and values; the
    output of this attention is scaled by tanh(gate), with one gate per head that starts at
    0, and added to the block's self-attention.

    Args:
        width: of the image tower.
        blocks: number of blocks of the image tower.
        heads: attention heads per block.
        hidden: width of each group's hidden layer.
        **fusion: `FeatureFusion`'s.
    """

    def __init__(
        self, width: int, blocks: int, heads: int, hidden: int = 64, **fusion: Any
    ):
        super().__init__(**fusion)
        groups, size = self.group_masks.shape
        self.build_scale()
        self.widen = self.add_weight(
            name="widen", shape=(groups, size, hidden), initializer="glorot_uniform"
        )
        self.bias = self.add_weight(
            name="bias", shape=(groups, hidden), initializer="zeros"
        )
        self.project = self.add_weight(
            name="project", shape=(groups, hidden, width), initializer="glorot_uniform"
        )
        self.gates = self.add_weight(
            name="gates", shape=(blocks, heads), initializer="zeros"
        )
        self.built = True

    def prepare(self, features: KerasTensor, training: bool | None = None) -> KerasTensor:
        """Returns the group tokens, [batch, groups, width]."""
        standard = self.standardise(features, training)
        apart = standard[:, None, :] * ops.convert_to_tensor(self.group_masks)
        hidden = ops.gelu(ops.einsum("bgf,gfh->bgh", apart, self.widen) + self.bias)
        return ops.einsum("bgh,ghw->bgw", hidden, self.project)

    def block(
        self, number: int, block: keras.Layer, tokens: KerasTensor, prepared: KerasTensor
    ) -> KerasTensor:
        """Runs the block with additional attention to the group tokens."""
        parts = parts_of(block)
        normed = parts.attention_norm(tokens)
        attended = parts.attention(normed, normed, normed, use_causal_mask=False)
        more = self._attend_to_groups(number, block, normed, prepared)
        tokens = tokens + attended + more
        return tokens + parts.mlp(parts.mlp_norm(tokens))

    def _attend_to_groups(
        self, number: int, block: keras.Layer, normed: KerasTensor, prepared: KerasTensor
    ) -> KerasTensor:
        """Attention of the tokens [batch, T, width] to the group tokens alone."""
        attention = parts_of(block).attention
        queries = attention.query_dense(normed)
        keys, values = attention.key_dense(prepared), attention.value_dense(prepared)
        scores = ops.einsum("bthd,bghd->bhtg", queries, keys)
        shares = ops.softmax(scores / queries.shape[-1] ** 0.5, axis=-1)
        seen = ops.einsum("bhtg,bghd->bthd", shares, values)
        gated = seen * ops.tanh(self.gates[number])[:, None]
        output = attention.output_dense
        # Its bias is in the block's own attention already.
        return output(gated) - output.bias

    def finish(self, embedding: KerasTensor, prepared: KerasTensor) -> KerasTensor:
        """Returns the normalised embedding, which contains the features already."""
        return unit(embedding)


def new_fusion(
    kind: str, towers: Towers, group_masks: np.ndarray, group_dropout: float, seed: int
) -> FeatureFusion:
    """Builds an untrained fusion.

    Args:
        kind: one of `config.FUSIONS`.
        towers: their sizes are used.
        group_masks: [groups, F] of 0 and 1.
        group_dropout: see `FeatureFusion`.
        seed: of weights and dropout.
    """
    keras.utils.set_random_seed(seed)
    shared: dict[str, Any] = {
        "group_masks": group_masks,
        "group_dropout": group_dropout,
        "seed": seed,
    }
    if kind == "residual":
        return ResidualFusion(towers.embedding_dim, **shared)
    encoder = towers.backbone.vision_encoder
    return TokenFusion(encoder.hidden_dim, encoder.num_layers, encoder.num_heads, **shared)


def encode_with_features(
    towers: Towers, fusion: FeatureFusion, images: KerasTensor, features: KerasTensor
) -> KerasTensor:
    """Encodes images with their features.

    Args:
        towers: fine-tuned.
        fusion: trained with them.
        images: [batch, S, S, 3], values 0..255, any numeric dtype.
        features: float32 [batch, F].

    Returns:
        float32 [batch, D], L2-normalised.
    """
    prepared = fusion.prepare(features)
    pooled = towers.pool_images(
        images, lambda number, block, tokens: fusion.block(number, block, tokens, prepared)
    )
    return fusion.finish(towers.project_image(pooled), prepared)
