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

# Of towers from nothing where the recipe names none.
_OWN_IMAGE_SIZE = 96


# (number, block, tokens [batch, T, width]) -> tokens of the same shape.
RunBlock = Callable[[int, keras.layers.Layer, keras.KerasTensor], keras.KerasTensor]


def plain_block(
    number: int, block: keras.layers.Layer, tokens: keras.KerasTensor
) -> keras.KerasTensor:
    """A block of the image tower as it is."""
    del number
    return block(tokens)


@dataclasses.dataclass(frozen=True)
class Towers:
    """Image and text tower into one space.

    Attributes:
        backbone: both towers and their projections.
        tokenizer: of the text tower; None where there is no TensorFlow to run it, and
            texts come as tokens.
        context_length: tokens of a text.
    """

    backbone: keras_hub.models.CLIPBackbone
    tokenizer: keras_hub.models.CLIPTokenizer | None
    context_length: int

    @property
    def image_size(self) -> int:
        """Side of the square that the image tower reads, in pixels."""
        return self.backbone.vision_encoder.image_shape[0]

    @property
    def embedding_dim(self) -> int:
        """Width of the joint embedding."""
        return self.backbone.projection_dim

    @property
    def temperature(self) -> float:
        """The temperature that the towers were trained with."""
        return float(ops.exp(-self.backbone.clip_head.logit_scale))

    def encode_images(self, images: keras.KerasTensor) -> keras.KerasTensor:
        """Unit image embeddings.

        Args:
            images: [batch, S, S, 3], values 0..255, any numeric dtype.

        Returns:
            float32 [batch, embedding_dim], L2-normalised.
        """
        return self.project_image(self.pool_images(images))

    def pool_images(
        self, images: keras.KerasTensor, run_block: RunBlock = plain_block
    ) -> keras.KerasTensor:
        """What the image tower makes of photos, before the joint space.

        Args:
            images: [batch, S, S, 3], values 0..255, any numeric dtype.
            run_block: how a block is run.

        Returns:
            float32 [batch, width of the image tower].
        """
        tokens = self.backbone.vision_encoder.embedding(self.normalise(images))
        return self.pool_tokens(tokens, run_block)

    def pool_tokens(
        self, tokens: keras.KerasTensor, run_block: RunBlock
    ) -> keras.KerasTensor:
        """What the image tower makes of embedded patches.

        Args:
            tokens: float32 [batch, 1 + patches, width], the class token first.
            run_block: how a block is run.

        Returns:
            float32 [batch, width].
        """
        encoder = self.backbone.vision_encoder
        tokens = encoder.pre_layer_norm(tokens)
        for number, block in enumerate(encoder.encoder_layers):
            tokens = run_block(number, block, tokens)
        return self.backbone.vision_pooler(encoder.layer_norm(tokens))

    def project_image(self, pooled: keras.KerasTensor) -> keras.KerasTensor:
        """Unit embeddings, float32 [batch, embedding_dim], of `pool_images`."""
        return unit(self.backbone.vision_projection(pooled))

    def normalise(self, images: keras.KerasTensor) -> keras.KerasTensor:
        """Photos of 0..255 as the image tower reads them, float32 [batch, S, S, 3]."""
        scaled = ops.cast(images, "float32") / 255.0
        return (scaled - ops.array(CLIP_MEAN)) / ops.array(CLIP_STD)

    def encode_tokens(self, token_ids: keras.KerasTensor) -> keras.KerasTensor:
        """Unit text embeddings.

        Args:
            token_ids: int32 [batch, context_length].

        Returns:
            float32 [batch, embedding_dim], L2-normalised.
        """
        return unit(self.backbone.get_text_embeddings(token_ids))

    def with_image_size(self, image_size: int) -> "Towers":
        """These towers for photos of another size, the positions interpolated."""
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
    """Rows of length 1; a row of zeros stays zeros."""
    vectors = ops.cast(vectors, "float32")
    return vectors / ops.maximum(ops.norm(vectors, axis=-1, keepdims=True), 1e-6)


def towers_from_sizes(
    config: TowersConfig, tokenizer: keras_hub.models.CLIPTokenizer, seed: int
) -> Towers:
    """Untrained towers of the recipe's sizes."""
    backbone = backbone_from_sizes(config, tokenizer.vocabulary_size(), seed)
    return Towers(backbone, tokenizer, config.context_length)


def backbone_from_sizes(
    config: TowersConfig, vocabulary_size: int, seed: int
) -> keras_hub.models.CLIPBackbone:
    """The network of untrained towers, for a vocabulary of so many tokens."""
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
    """With CLIP's own proportions and activation."""
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
    """How many numbers the variables hold."""
    return sum(int(np.prod(variable.shape)) for variable in variables)
