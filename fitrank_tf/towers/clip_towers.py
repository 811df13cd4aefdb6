"""CLIP's towers (Radford et al., 2021): a KerasHub `CLIPBackbone`, trained by softmax."""

import keras
import keras_hub
from keras import KerasTensor

from fitrank_tf.config import TowersConfig
from fitrank_tf.towers.backbones import TowerSizes, TransformerSizes, new_clip
from fitrank_tf.towers.towers import RunBlock, Towers, unit

# The photo statistics that CLIP was trained with.
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)

# Default of towers trained from scratch.
_OWN_IMAGE_SIZE = 96


class ClipTowers(Towers):
    """An image tower with a class token, and a text tower that reads up to an end mark."""

    mean, std = CLIP_MEAN, CLIP_STD
    loss = "info_nce"
    class_tokens = 1
    _converter = keras_hub.layers.CLIPImageConverter

    @property
    def embedding_dim(self) -> int:
        """Width of the joint embedding."""
        return self.backbone.projection_dim

    @property
    def head(self) -> keras.layers.Layer:
        """Holds `logit_scale`."""
        return self.backbone.clip_head

    def pool_tokens(self, tokens: KerasTensor, run_block: RunBlock) -> KerasTensor:
        """Returns the class token after all blocks; see `Towers`."""
        encoder = self.backbone.vision_encoder
        tokens = encoder.pre_layer_norm(tokens)
        for number, block in enumerate(encoder.encoder_layers):
            tokens = run_block(number, block, tokens)
        return self.backbone.vision_pooler(encoder.layer_norm(tokens))

    def project_image(self, pooled: KerasTensor) -> KerasTensor:
        """Projects `pool_images` to unit embeddings, float32 [batch, embedding_dim]."""
        return unit(self.backbone.vision_projection(pooled))


def towers_from_sizes(
    config: TowersConfig, tokenizer: keras_hub.models.CLIPTokenizer, seed: int
) -> ClipTowers:
    """Builds untrained towers.

    Args:
        config: sizes of the towers.
        tokenizer: of the text tower.
        seed: of the initial weights.
    """
    backbone = backbone_from_sizes(config, tokenizer.vocabulary_size(), seed)
    return ClipTowers(backbone, tokenizer, config.context_length)


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
    sizes = TowerSizes(
        vision=_transformer(config.vision_width, config.vision_layers, config.vision_heads),
        text=_transformer(config.text_width, config.text_layers, config.text_heads),
        image_size=config.image_size or _OWN_IMAGE_SIZE,
        patch_size=config.patch_size,
        vocabulary_size=vocabulary_size,
        context_length=config.context_length,
        embedding_dim=config.embedding_dim,
    )
    return new_clip(sizes)


def _transformer(width: int, layers: int, heads: int) -> TransformerSizes:
    """Sizes of a tower with CLIP's MLP ratio and activation."""
    return TransformerSizes(width, layers, heads, 4 * width, "quick_gelu")
