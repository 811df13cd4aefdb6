"""The CLIP towers: a KerasHub `CLIPBackbone` with its tokenizer and image size."""

import dataclasses
from collections.abc import Callable, Iterable
from pathlib import Path

import keras
import keras_hub
import numpy as np
from keras import ops

from fitrank_tf.config import TowersConfig
from fitrank_tf.towers.clip_backbone import (
    ClipSizes,
    TransformerSizes,
    new_backbone,
    with_image_size,
)

# The photo statistics that CLIP was trained with (Radford et al., 2021).
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)

# Default of towers trained from scratch.
_OWN_IMAGE_SIZE = 96


# (number, block, tokens [batch, T, width]) -> tokens of the same shape.
RunBlock = Callable[[int, keras.layers.Layer, keras.KerasTensor], keras.KerasTensor]


def plain_block(
    number: int, block: keras.layers.Layer, tokens: keras.KerasTensor
) -> keras.KerasTensor:
    """Runs a block of the image tower unchanged."""
    del number
    return block(tokens)


@dataclasses.dataclass(frozen=True)
class Towers:
    """Image and text tower with a joint embedding space.

    Attributes:
        backbone: both towers and their projections.
        tokenizer: of the text tower; None without TensorFlow, when texts are given as
            token ids.
        context_length: tokens per text.
    """

    backbone: keras_hub.models.CLIPBackbone
    tokenizer: keras_hub.models.CLIPTokenizer | None
    context_length: int

    @property
    def image_size(self) -> int:
        """Side of the image tower's square input, in pixels."""
        return self.backbone.vision_encoder.image_shape[0]

    @property
    def embedding_dim(self) -> int:
        """Width of the joint embedding."""
        return self.backbone.projection_dim

    @property
    def temperature(self) -> float:
        """The softmax temperature learned in training."""
        return float(ops.exp(-self.backbone.clip_head.logit_scale))

    def encode_images(self, images: keras.KerasTensor) -> keras.KerasTensor:
        """Encodes images.

        Args:
            images: [batch, S, S, 3], values 0..255, any numeric dtype.

        Returns:
            float32 [batch, embedding_dim], L2-normalised.
        """
        return self.project_image(self.pool_images(images))

    def pool_images(
        self, images: keras.KerasTensor, run_block: RunBlock = plain_block
    ) -> keras.KerasTensor:
        """Returns the image tower's pooled output, before the projection.

        Args:
            images: [batch, S, S, 3], values 0..255, any numeric dtype.
            run_block: runs each block.

        Returns:
            float32 [batch, width of the image tower].
        """
        tokens = self.backbone.vision_encoder.embedding(self.normalise(images))
        return self.pool_tokens(tokens, run_block)

    def pool_tokens(
        self, tokens: keras.KerasTensor, run_block: RunBlock
    ) -> keras.KerasTensor:
        """Returns the image tower's pooled output for embedded patches.

        Args:
            tokens: float32 [batch, 1 + patches, width], the class token first.
            run_block: runs each block.

        Returns:
            float32 [batch, width].
        """
        encoder = self.backbone.vision_encoder
        tokens = encoder.pre_layer_norm(tokens)
        for number, block in enumerate(encoder.encoder_layers):
            tokens = run_block(number, block, tokens)
        return self.backbone.vision_pooler(encoder.layer_norm(tokens))

    def project_image(self, pooled: keras.KerasTensor) -> keras.KerasTensor:
        """Projects `pool_images` to unit embeddings, float32 [batch, embedding_dim]."""
        return unit(self.backbone.vision_projection(pooled))

    def normalise(self, images: keras.KerasTensor) -> keras.KerasTensor:
        """Normalises photos 0..255 by CLIP's mean and std, float32 [batch, S, S, 3]."""
        scaled = ops.cast(images, "float32") / 255.0
        return (scaled - ops.array(CLIP_MEAN)) / ops.array(CLIP_STD)

    def encode_tokens(self, token_ids: keras.KerasTensor) -> keras.KerasTensor:
        """Encodes texts.

        Args:
            token_ids: int32 [batch, context_length].

        Returns:
            float32 [batch, embedding_dim], L2-normalised.
        """
        return unit(self.backbone.get_text_embeddings(token_ids))

    def with_image_size(self, image_size: int) -> "Towers":
        """Returns the towers for another image size in pixels, positions interpolated."""
        if image_size == self.image_size:
            return self
        backbone = with_image_size(self.backbone, image_size)
        return Towers(backbone, self.tokenizer, self.context_length)

    def save_to_preset(self, folder: Path) -> None:
        """Writes a KerasHub preset folder. Adapters are merged into the kernels."""
        self.backbone.save_to_preset(str(folder))
        if self.tokenizer is not None:
            self.tokenizer.save_to_preset(str(folder))
        _image_converter(self.image_size).save_to_preset(str(folder))


def unit(vectors: keras.KerasTensor) -> keras.KerasTensor:
    """L2-normalises vectors along the last axis, as float32; zeros stay zeros."""
    vectors = ops.cast(vectors, "float32")
    return vectors / ops.maximum(ops.norm(vectors, axis=-1, keepdims=True), 1e-6)


def towers_from_sizes(
    config: TowersConfig, tokenizer: keras_hub.models.CLIPTokenizer, seed: int
) -> Towers:
    """Builds untrained towers.

    Args:
        config: sizes of the towers.
        tokenizer: of the text tower.
        seed: of the initial weights.
    """
    backbone = backbone_from_sizes(config, tokenizer.vocabulary_size(), seed)
    return Towers(backbone, tokenizer, config.context_length)


def backbone_from_sizes(
    config: TowersConfig, vocabulary_size: int, seed: int
) -> keras_hub.models.CLIPBackbone:
    """Builds the network of untrained towers.

    Args:
        config: sizes of the towers.
        vocabulary_size: number of tokens.
        seed: of the initial weights.
    """
    keras.utils.set_random_seed(seed)
    sizes = ClipSizes(
        vision=_transformer(config.vision_width, config.vision_layers, config.vision_heads),
        text=_transformer(config.text_width, config.text_layers, config.text_heads),
        image_size=config.image_size or _OWN_IMAGE_SIZE,
        patch_size=config.patch_size,
        vocabulary_size=vocabulary_size,
        context_length=config.context_length,
        embedding_dim=config.embedding_dim,
    )
    return new_backbone(sizes)


def _transformer(width: int, layers: int, heads: int) -> TransformerSizes:
    """Sizes of a tower with CLIP's MLP ratio and activation."""
    return TransformerSizes(width, layers, heads, 4 * width, "quick_gelu")


def _image_converter(image_size: int) -> keras_hub.layers.CLIPImageConverter:
    return keras_hub.layers.CLIPImageConverter(
        image_size=(image_size, image_size),
        scale=[1.0 / (255.0 * std) for std in CLIP_STD],
        offset=[-mean / std for mean, std in zip(CLIP_MEAN, CLIP_STD)],
        crop_to_aspect_ratio=False,
        pad_to_aspect_ratio=True,
        antialias=True,
    )


def count_parameters(variables: Iterable[keras.Variable]) -> int:
    """Returns the total number of parameters of the variables."""
    return sum(int(np.prod(variable.shape)) for variable in variables)
