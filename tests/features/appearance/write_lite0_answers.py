"""Writes `lite0_answers.npz`: the original network's outputs for two drawn photos.

`python tests/features/appearance/write_lite0_answers.py CHECKPOINT.pth`, where the packages
efficientnet-lite-pytorch and torch are installed.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from efficientnet_lite_pytorch import EfficientNet

SIDE = 224


def drawn_photos() -> np.ndarray:
    """uint8 [2, 224, 224, 3]: a striped square on white, rings of three colours."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    square = np.full((SIDE, SIDE, 3), 255, np.uint8)
    inside = (abs(rows - 112) < 80) & (abs(columns - 112) < 60)
    square[inside] = np.where((rows // 9 % 2)[..., None], (180, 30, 40), (20, 30, 90))[
        inside
    ]
    radius = np.hypot(rows - 112, columns - 100)
    rings = np.stack([127 + 120 * np.sin(radius / (7 + 4 * c)) for c in range(3)], axis=-1)
    return np.stack([square, rings.astype(np.uint8)])


if __name__ == "__main__":
    photos = drawn_photos()
    network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=sys.argv[1])
    pixels = torch.from_numpy((photos.astype(np.float32) - 127) / 128).permute(0, 3, 1, 2)
    with torch.inference_mode():
        answers = network.eval().extract_features(pixels).mean((2, 3)).numpy()
    path = Path(__file__).with_name("lite0_answers.npz")
    np.savez_compressed(path, photos=photos, answers=answers)
    print(f"wrote {path}")
