"""What every system of the tower benchmark is given, and what it is asked for."""

import dataclasses
from pathlib import Path

import numpy as np

from fitrank_tf.config import LoraConfig

LORA = LoraConfig(rank=8, alpha=16.0, targets=("query", "value"), dropout=0.0)
LEARNING_RATE, WEIGHT_DECAY = 1e-4, 0.01

# The ways: a whole training step; embeddings without a gradient; a training step on one
# tower, its mean embedding being the loss; how many numbers a training step changes.
TRAIN, IMAGES, TEXTS = "train", "images", "texts"
IMAGE_STEP, TEXT_STEP, TRAINED = "image_step", "text_step", "trained"
TIMED = (TRAIN, IMAGES, TEXTS, IMAGE_STEP, TEXT_STEP)

_BATCH = "batch.npz"


@dataclasses.dataclass(frozen=True)
class Batch:
    """Pairs of photo and text.

    Attributes:
        images: uint8 [B, S, S, 3].
        token_ids: int32 [B, L].
    """

    images: np.ndarray
    token_ids: np.ndarray

    def save(self, folder: Path) -> None:
        """Beside the checkpoint."""
        np.savez(folder / _BATCH, images=self.images, token_ids=self.token_ids)

    @classmethod
    def load(cls, folder: Path) -> "Batch":
        """What `save` wrote."""
        with np.load(folder / _BATCH) as arrays:
            return cls(**arrays)
