"""Builds untrained KerasHub CLIP networks, and resizes trained ones."""

import dataclasses

import keras_hub
import numpy as np
from keras import KerasTensor, ops


@dataclasses.dataclass(frozen=True)
class TransformerSizes:
    """Sizes of one tower.

    Attributes:
        width: of a token's vector.
        layers: number of transformer blocks.
        heads: attention heads per block.
        intermediate: hidden width of a block's MLP.
        activation: of the MLP, "quick_gelu" or "gelu".
    """

    width: int
    layers: int
    heads: int
    intermediate: int
    activation: str

    def keras_hub_arguments(self) -> dict[str, int | str]:
        """Returns the arguments shared by both KerasHub encoders."""
        return {
            "hidden_dim": self.width,
            "num_layers": self.layers,
            "num_heads": self.heads,
            "intermediate_dim": self.intermediate,
            "intermediate_activation": self.activation,
        }


@dataclasses.dataclass(frozen=True)
class ClipSizes:
    """Sizes of both towers.

    Attributes:
        vision: of the image tower.
        text: of the text tower.
        image_size: side of the square photo, in pixels.
        patch_size: side of a patch, in pixels.
        vocabulary_size: number of tokens.
        context_length: most tokens per text.
        embedding_dim: width of the joint embedding.
    """

    vision: TransformerSizes
    text: TransformerSizes
    image_size: int
    patch_size: int
    vocabulary_size: int
    context_length: int
    embedding_dim: int


def new_backbone(sizes: ClipSizes) -> keras_hub.models.CLIPBackbone:
    """Builds the network with random weights, drawn from Keras' global seed."""
    vision = keras_hub.models.CLIPVisionEncoder(
        patch_size=sizes.patch_size,
        image_shape=(sizes.image_size, sizes.image_size, 3),
        name="clip_vision_encoder",
        **sizes.vision.keras_hub_arguments(),
    )
    text = keras_hub.models.CLIPTextEncoder(
        vocabulary_size=sizes.vocabulary_size,
        embedding_dim=sizes.text.width,
        max_sequence_length=sizes.context_length,
        name="clip_text_encoder",
        **sizes.text.keras_hub_arguments(),
    )
    backbone = keras_hub.models.CLIPBackbone(
        vision_encoder=vision, text_encoder=text, projection_dim=sizes.embedding_dim
    )
    _number_patches(backbone)
    return backbone


def _number_patches(backbone: keras_hub.models.CLIPBackbone) -> None:
    """Sets the patches' position ids, which KerasHub leaves at zero for a checkpoint.

    Trained from scratch with zeros, every patch would have the same position.
    """
    embedding = backbone.vision_encoder.embedding
    embedding.position_ids.assign(np.arange(embedding.num_positions)[np.newaxis, :])


def with_image_size(
    backbone: keras_hub.models.CLIPBackbone, image_size: int
) -> keras_hub.models.CLIPBackbone:
    """Returns the same towers for photos of another size.

    The patch size stays the same; the grid of positions is interpolated bicubically
    (Dosovitskiy et al., "An Image is Worth 16x16 Words", 2021, section 3.2).

    Args:
        backbone: trained; not changed.
        image_size: side of the square photo in pixels, a multiple of the patch.
    """
    config = backbone.vision_encoder.get_config()
    config["image_shape"] = (image_size, image_size, 3)
    resized = keras_hub.models.CLIPBackbone(
        vision_encoder=keras_hub.models.CLIPVisionEncoder.from_config(config),
        text_encoder=keras_hub.models.CLIPTextEncoder.from_config(
            backbone.text_encoder.get_config()
        ),
        projection_dim=backbone.projection_dim,
    )
    positions = backbone.vision_encoder.embedding.position_embedding.embeddings
    for new, old in zip(resized.weights, backbone.weights):
        if old is positions:
            new.assign(_interpolated(old, image_size // config["patch_size"]))
        elif new.shape == old.shape:
            new.assign(old)
    _number_patches(resized)
    return resized


def _interpolated(positions: KerasTensor, side: int) -> KerasTensor:
    """Resizes positions [1 + P, D] of a square grid to [1 + side * side, D]."""
    width = positions.shape[-1]
    old_side = round((positions.shape[0] - 1) ** 0.5)
    grid = ops.reshape(positions[1:], (1, old_side, old_side, width))
    grid = ops.image.resize(grid, (side, side), "bicubic", data_format="channels_last")
    return ops.concatenate([positions[:1], ops.reshape(grid, (-1, width))], axis=0)
