"""Writes `checkpoints/`: run in this folder with the `bench` extra installed.

python make_checkpoints.py
"""

import shutil

import numpy as np
import torch

import tests.towers.checkpoints.reference_checkpoints as reference
from tests.towers.checkpoints.small_checkpoints import FOLDER, KINDS, TEXTS, photos


def make_checkpoints() -> None:
    """One checkpoint a layout, with the numbers of the library that wrote it."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    reference.write_huggingface(FOLDER / "huggingface")
    reference.write_open_clip(FOLDER / "open_clip", dtype=torch.float16)
    for kind in KINDS:
        images = photos(16)
        seen, read, ids = reference.RUN[kind](FOLDER / kind, images, TEXTS[kind])
        np.savez_compressed(
            FOLDER / f"{kind}.npz",
            image_embeddings=seen.astype(np.float32),
            text_embeddings=read.astype(np.float32),
            token_ids=ids.astype(np.int16),
        )


if __name__ == "__main__":
    make_checkpoints()
