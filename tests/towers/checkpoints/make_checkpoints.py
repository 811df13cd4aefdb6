"""Writes `checkpoints/`: run in this folder with the `bench` extra installed.

python make_checkpoints.py
"""

import shutil

import numpy as np
import torch

import tests.towers.checkpoints.reference_checkpoints as reference
import tests.towers.checkpoints.reference_siglip as reference_siglip
from tests.towers.checkpoints import small_siglip
from tests.towers.checkpoints.small_checkpoints import FOLDER, KINDS, TEXTS, photos


def make_checkpoints() -> None:
    """One checkpoint a layout and family, with the numbers of the library that wrote it."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    reference.write_huggingface(FOLDER / "huggingface")
    reference.write_open_clip(FOLDER / "open_clip", dtype=torch.float16)
    for kind, write in reference_siglip.WRITE.items():
        # Without the normaliser, whose table is four times as large as all the rest.
        write(FOLDER / kind, gemma=kind.endswith("2"), rule="identity", dtype=torch.float16)
    run = {**reference.RUN, **reference_siglip.RUN}
    texts = {**TEXTS, **small_siglip.TEXTS}
    for kind in (*KINDS, *small_siglip.KINDS):
        seen, read, ids = run[kind](FOLDER / kind, photos(16), texts[kind])
        np.savez_compressed(
            FOLDER / f"{kind}.npz",
            image_embeddings=seen.astype(np.float32),
            text_embeddings=read.astype(np.float32),
            token_ids=ids.astype(np.int16),
        )


if __name__ == "__main__":
    make_checkpoints()
