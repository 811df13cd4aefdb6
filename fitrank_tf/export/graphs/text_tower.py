"""The served text tower of either family: token ids to unit embeddings."""

from collections.abc import Callable

import tensorflow as tf

from fitrank_tf.export.graphs.packed_text_tower import PackedTextTower
from fitrank_tf.towers.clip_towers import ClipTowers
from fitrank_tf.towers.towers import Towers


def served_text_tower(towers: Towers) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns a `tf.Module` from int32 [B, context_length] to float32 [B, D].

    Args:
        towers: trained; adapters may be on.
    """
    if isinstance(towers, ClipTowers):
        return PackedTextTower(towers)
    return WholeTextTower(towers)


class WholeTextTower(tf.Module):
    """A text tower that reads its padding: nothing can be skipped.

    Args:
        towers: trained; adapters may be on.
    """

    def __init__(self, towers: Towers):
        super().__init__(name="whole_text_tower")
        self._encode = towers.encode_tokens
        # A SavedModel holds what a module has: Keras' variables do not show as such.
        self._variables = [v.value for v in towers.backbone.text_encoder.variables]

    def __call__(self, ids: tf.Tensor) -> tf.Tensor:
        """Unit embeddings, float32 [B, D], of token ids, int32 [B, context_length]."""
        return self._encode(ids)
