"""What every pair of towers offers, whatever its family."""

import abc
import dataclasses
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import ClassVar

import keras
import keras_hub
import numpy as np
from keras import KerasTensor, ops

from fitrank_tf.towers.backbones import with_image_size

# (number, block, tokens [batch, T, width]) -> tokens of the same shape.
RunBlock = Callable[[int, keras.layers.Layer, KerasTensor], KerasTensor]


def plain_block(number: int, block: keras.layers.Layer, tokens: KerasTensor) -> KerasTensor:
    """Runs a block of the image tower unchanged."""
    del number
    return block(tokens)


@dataclasses.dataclass(frozen=True)
class Towers(abc.ABC):
    """Image and text tower with a joint embedding space.

    The subclasses are the families: `ClipTowers` and `SiglipTowers`.

    Attributes:
        backbone: KerasHub's network of both towers and their projections, with
            `vision_encoder` and `text_encoder`.
        tokenizer: of the text tower; None without TensorFlow, when texts are given as
            token ids.
        context_length: tokens per text.
        mean: of each colour channel, by which photos in 0..1 are normalised.
        std: of each colour channel.
        loss: the contrastive loss of the family, one of `config.CONTRASTIVE_LOSSES`.
        class_tokens: tokens of the image tower before those of the patches.
    """

    backbone: keras_hub.models.Backbone
    tokenizer: keras_hub.models.Tokenizer | None
    context_length: int

    mean: ClassVar[tuple[float, float, float]]
    std: ClassVar[tuple[float, float, float]]
    loss: ClassVar[str]
    class_tokens: ClassVar[int]
    _converter: ClassVar[type[keras_hub.layers.ImageConverter]]

    @property
    def image_size(self) -> int:
        """Side of the image tower's square input, in pixels."""
        return self.backbone.vision_encoder.image_shape[0]

    @property
    @abc.abstractmethod
    def embedding_dim(self) -> int:
        """Width of the joint embedding."""

    @property
    @abc.abstractmethod
    def head(self) -> keras.layers.Layer:
        """Holds what the loss learns: `logit_scale` and, of some, `logit_bias`."""

    @property
    def temperature(self) -> float:
        """The temperature learned in training."""
        return float(ops.exp(-self.head.logit_scale))

    @property
    def bias(self) -> float | None:
        """The bias of the sigmoid loss learned in training; None without one."""
        bias = getattr(self.head, "logit_bias", None)
        return None if bias is None else float(bias)

    def encode_images(self, images: KerasTensor) -> KerasTensor:
        """Encodes images.

        Args:
            images: [batch, S, S, 3], values 0..255, any numeric dtype.

        Returns:
            float32 [batch, embedding_dim], L2-normalised.
        """
        return self.project_image(self.pool_images(images))

    def pool_images(
        self, images: KerasTensor, run_block: RunBlock = plain_block
    ) -> KerasTensor:
        """Returns the image tower's pooled output, before the projection.

        Args:
            images: [batch, S, S, 3], values 0..255, any numeric dtype.
            run_block: runs each block.

        Returns:
            float32 [batch, width of the image tower].
        """
        tokens = self.backbone.vision_encoder.embedding(self.normalise(images))
        return self.pool_tokens(tokens, run_block)

    @abc.abstractmethod
    def pool_tokens(self, tokens: KerasTensor, run_block: RunBlock) -> KerasTensor:
        """Returns the image tower's pooled output for embedded patches.

        Args:
            tokens: float32 [batch, class_tokens + patches, width].
            run_block: runs each block.

        Returns:
            float32 [batch, width].
        """

    @abc.abstractmethod
    def project_image(self, pooled: KerasTensor) -> KerasTensor:
        """Projects `pool_images` to unit embeddings, float32 [batch, embedding_dim]."""

    def normalise(self, images: KerasTensor) -> KerasTensor:
        """Normalises photos 0..255 by mean and std, float32 [batch, S, S, 3]."""
        scaled = ops.cast(images, "float32") / 255.0
        return (scaled - ops.array(self.mean)) / ops.array(self.std)

    def encode_tokens(self, token_ids: KerasTensor) -> KerasTensor:
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
        backbone = with_image_size(self.backbone, image_size, self.class_tokens)
        return dataclasses.replace(self, backbone=backbone)

    def save_to_preset(self, folder: Path) -> None:
        """Writes a KerasHub preset folder. Adapters are merged into the kernels."""
        self.backbone.save_to_preset(str(folder))
        if self.tokenizer is not None:
            self.tokenizer.save_to_preset(str(folder))
        converter = self._converter(
            image_size=(self.image_size, self.image_size),
            scale=[1.0 / (255.0 * std) for std in self.std],
            offset=[-mean / std for mean, std in zip(self.mean, self.std)],
            crop_to_aspect_ratio=False,
            pad_to_aspect_ratio=True,
            antialias=True,
        )
        converter.save_to_preset(str(folder))


def unit(vectors: KerasTensor) -> KerasTensor:
    """L2-normalises vectors along the last axis, as float32; zeros stay zeros."""
    vectors = ops.cast(vectors, "float32")
    return vectors / ops.maximum(ops.norm(vectors, axis=-1, keepdims=True), 1e-6)


def count_parameters(variables: Iterable[keras.Variable]) -> int:
    """Returns the total number of parameters of the variables."""
    return sum(int(np.prod(variable.shape)) for variable in variables)
