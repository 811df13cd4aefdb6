"""Data and operations that all systems of the tower benchmark share."""

import dataclasses
from pathlib import Path

import numpy as np

from fitrank_tf.config import LoraConfig

LORA = LoraConfig(rank=8, alpha=16.0, targets=("query", "value"), dropout=0.0)
LEARNING_RATE, WEIGHT_DECAY = 1e-4, 0.01

# The operations: a whole training step; embeddings without a gradient; a training step on
# one tower, with the mean of its embeddings as the loss; the number of trainable weights.
TRAIN, IMAGES, TEXTS = "train", "images", "texts"
IMAGE_STEP, TEXT_STEP, TRAINED = "image_step", "text_step", "trained"
TIMED = (TRAIN, IMAGES, TEXTS, IMAGE_STEP, TEXT_STEP)

_BATCH = "batch.npz"


@dataclasses.dataclass(frozen=True)
class Batch:
    """Pairs of photo and text.

    Attributes:
        images: photos, uint8 [B, S, S, 3].
        token_ids: texts, int32 [B, L].
    """

    images: np.ndarray
    token_ids: np.ndarray

    def save(self, folder: Path) -> None:
        """Writes the batch into a directory."""
        np.savez(folder / _BATCH, images=self.images, token_ids=self.token_ids)

    @classmethod
    def load(cls, folder: Path) -> "Batch":
        """Reads the batch that `save` wrote."""
        with np.load(folder / _BATCH) as arrays:
            return cls(**arrays)
