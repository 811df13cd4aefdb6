"""An untrained KerasHub CLIP of given sizes."""

import dataclasses

import keras_hub
import numpy as np


@dataclasses.dataclass(frozen=True)
class TransformerSizes:
    """One tower.

    Attributes:
        width: of a token's vector.
        layers: blocks.
        heads: attention heads of a block.
        intermediate: width inside a block's MLP.
        activation: "quick_gelu" or "gelu".
    """

    width: int
    layers: int
    heads: int
    intermediate: int
    activation: str

    def keras_hub_arguments(self) -> dict[str, int | str]:
        """Arguments of either KerasHub encoder."""
        return {
            "hidden_dim": self.width,
            "num_layers": self.layers,
            "num_heads": self.heads,
            "intermediate_dim": self.intermediate,
            "intermediate_activation": self.activation,
        }


@dataclasses.dataclass(frozen=True)
class ClipSizes:
    """Both towers.

    Attributes:
        vision: the image tower.
        text: the text tower.
        image_size: side of the square photo, in pixels.
        patch_size: side of a patch, in pixels.
        vocabulary_size: tokens.
        context_length: most tokens of a text.
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
    """The network, its weights drawn from Keras' seed."""
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
    """KerasHub leaves the patch numbers at zero for a checkpoint to fill in.

    Trained from nothing like that, every patch would have the same position.
    """
    embedding = backbone.vision_encoder.embedding
    embedding.position_ids.assign(np.arange(embedding.num_positions)[np.newaxis, :])
