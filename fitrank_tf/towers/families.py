"""Which family of towers a KerasHub network belongs to."""

import keras_hub

from fitrank_tf.towers.clip_towers import ClipTowers
from fitrank_tf.towers.siglip_towers import SiglipTowers
from fitrank_tf.towers.towers import Towers


def towers_of(
    backbone: keras_hub.models.Backbone,
    tokenizer: keras_hub.models.Tokenizer | None,
    context_length: int,
) -> Towers:
    """Returns the towers of a network.

    Args:
        backbone: KerasHub's CLIP or SigLIP.
        tokenizer: of its texts; None if they are given as token ids.
        context_length: most tokens per text. CLIP reads up to its own maximum; SigLIP
            always reads that, since it was trained on padded texts.
    """
    longest = backbone.text_encoder.max_sequence_length
    if isinstance(backbone, keras_hub.models.SigLIPBackbone):
        return SiglipTowers(backbone, tokenizer, longest)
    return ClipTowers(backbone, tokenizer, min(context_length, longest))
