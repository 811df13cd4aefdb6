"""SigLIP's towers (Zhai et al., 2023; SigLIP 2, Tschannen et al., 2025).

A KerasHub `SigLIPBackbone`, trained by the sigmoid loss.
"""

import keras
import keras_hub
from keras import KerasTensor

from fitrank_tf.towers.towers import RunBlock, Towers, unit

SIGLIP_MEAN = (0.5, 0.5, 0.5)
SIGLIP_STD = (0.5, 0.5, 0.5)


class SiglipTowers(Towers):
    """An image tower pooled by attention, and a text tower that reads its padding too.

    The text tower sees no mask and pools the last place: its texts always have the length
    that it was trained with.
    """

    mean, std = SIGLIP_MEAN, SIGLIP_STD
    loss = "sigmoid"
    class_tokens = 0
    _converter = keras_hub.layers.SigLIPImageConverter

    @property
    def embedding_dim(self) -> int:
        """Width of the joint embedding."""
        return self.backbone.vision_encoder.hidden_dim

    @property
    def head(self) -> keras.layers.Layer:
        """Holds `logit_scale` and `logit_bias`."""
        return self.backbone.siglip_head

    def pool_tokens(self, tokens: KerasTensor, run_block: RunBlock) -> KerasTensor:
        """Returns what a learned query attends to after all blocks; see `Towers`."""
        encoder = self.backbone.vision_encoder
        for number, block in enumerate(encoder.encoder_layers):
            tokens = run_block(number, block, tokens)
        return encoder.head(encoder.post_layer_norm(tokens))

    def project_image(self, pooled: KerasTensor) -> KerasTensor:
        """Unit embeddings, float32 [batch, embedding_dim]: SigLIP has no projection."""
        return unit(pooled)
