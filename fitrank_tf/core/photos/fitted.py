"""A photo at the size of its place on a sheet."""

import numpy as np
from PIL import Image


def fitted(photo: np.ndarray, width: int, height: int) -> Image.Image:
    """A photo as large as a box allows at its aspect ratio.

    Args:
        photo: uint8 [H, W, 3], RGB.
        width: of the box, in pixels.
        height: of the box, in pixels.
    """
    scale = min(width / photo.shape[1], height / photo.shape[0])
    size = (max(1, round(photo.shape[1] * scale)), max(1, round(photo.shape[0] * scale)))
    return Image.fromarray(photo).resize(size, Image.Resampling.LANCZOS)
