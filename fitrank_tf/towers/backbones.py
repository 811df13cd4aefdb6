"""Builds untrained KerasHub networks of both families, and resizes trained ones."""

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
        activation: of the MLP: "quick_gelu" or "gelu" of CLIP, "gelu" or
            "gelu_approximate" (by tanh) of SigLIP.
    """

    width: int
    layers: int
    heads: int
    intermediate: int
    activation: str

    def keras_hub_arguments(self) -> dict[str, int | str]:
        """Returns the arguments that KerasHub's encoders share."""
        return {
            "hidden_dim": self.width,
            "num_layers": self.layers,
            "num_heads": self.heads,
            "intermediate_dim": self.intermediate,
            "intermediate_activation": self.activation,
        }


@dataclasses.dataclass(frozen=True)
class TowerSizes:
    """Sizes of both towers.

    Attributes:
        vision: of the image tower.
        text: of the text tower.
        image_size: side of the square photo, in pixels.
        patch_size: side of a patch, in pixels.
        vocabulary_size: number of tokens.
        context_length: most tokens per text.
        embedding_dim: width of the joint embedding; SigLIP's is the image tower's width.
    """

    vision: TransformerSizes
    text: TransformerSizes
    image_size: int
    patch_size: int
    vocabulary_size: int
    context_length: int
    embedding_dim: int

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape of a photo."""
        return (self.image_size, self.image_size, 3)


def new_clip(sizes: TowerSizes) -> keras_hub.models.CLIPBackbone:
    """Builds a CLIP with random weights, drawn from Keras' global seed."""
    vision = keras_hub.models.CLIPVisionEncoder(
        patch_size=sizes.patch_size,
        image_shape=sizes.image_shape,
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


def new_siglip(sizes: TowerSizes) -> keras_hub.models.SigLIPBackbone:
    """Builds a SigLIP with random weights, drawn from Keras' global seed."""
    vision = keras_hub.models.SigLIPVisionEncoder(
        patch_size=sizes.patch_size,
        image_shape=sizes.image_shape,
        name="siglip_vision_encoder",
        **sizes.vision.keras_hub_arguments(),
    )
    text = keras_hub.models.SigLIPTextEncoder(
        vocabulary_size=sizes.vocabulary_size,
        embedding_dim=sizes.text.width,
        max_sequence_length=sizes.context_length,
        projection_dim=sizes.embedding_dim,
        name="siglip_text_encoder",
        **sizes.text.keras_hub_arguments(),
    )
    return keras_hub.models.SigLIPBackbone(vision_encoder=vision, text_encoder=text)


def _number_patches(backbone: keras_hub.models.Backbone) -> None:
    """Sets the patches' position ids, which KerasHub leaves at zero for a checkpoint.

    Trained from scratch with zeros, every patch would have the same position.
    """
    embedding = backbone.vision_encoder.embedding
    embedding.position_ids.assign(np.arange(embedding.num_positions)[np.newaxis, :])


def with_image_size(
    backbone: keras_hub.models.Backbone, image_size: int, class_tokens: int
) -> keras_hub.models.Backbone:
    """Returns the same towers for photos of another size.

    The patch size stays the same; the grid of positions is interpolated bicubically
    (Dosovitskiy et al., "An Image is Worth 16x16 Words", 2021, section 3.2).

    Args:
        backbone: trained; not changed.
        image_size: side of the square photo in pixels, a multiple of the patch.
        class_tokens: positions before those of the patches, which stay as they are.
    """
    config = backbone.get_config()
    config["vision_encoder"]["config"]["image_shape"] = (image_size, image_size, 3)
    resized = type(backbone).from_config(config)
    positions = backbone.vision_encoder.embedding.position_embedding.embeddings
    side = image_size // backbone.vision_encoder.patch_size
    for new, old in zip(resized.weights, backbone.weights):
        if old is positions:
            new.assign(_interpolated(old, side, class_tokens))
        elif new.shape == old.shape:
            new.assign(old)
    _number_patches(resized)
    return resized


def _interpolated(positions: KerasTensor, side: int, class_tokens: int) -> KerasTensor:
    """Resizes positions [C + P, D] of a square grid to [C + side * side, D]."""
    width = positions.shape[-1]
    old_side = round((positions.shape[0] - class_tokens) ** 0.5)
    grid = ops.reshape(positions[class_tokens:], (1, old_side, old_side, width))
    grid = ops.image.resize(grid, (side, side), "bicubic", data_format="channels_last")
    return ops.concatenate(
        [positions[:class_tokens], ops.reshape(grid, (-1, width))], axis=0
    )
