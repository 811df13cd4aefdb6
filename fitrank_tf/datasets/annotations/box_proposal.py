"""Proposes the product's box, for a person to correct."""

import cv2
import numpy as np

# CIELAB distance from the backdrop above which a pixel belongs to the product: more than
# JPEG noise, less than the shading of white cloth.
_BACKDROP_DISTANCE = 6.0
# Connected parts smaller than this share of the photo are ignored.
_LEAST_PART = 0.002


def propose_box(photo: np.ndarray) -> tuple[float, float, float, float]:
    """The bounding box of everything that differs from the backdrop.

    Args:
        photo: uint8 [H, W, 3], RGB.

    Returns:
        (xmin, ymin, xmax, ymax) in percent of the photo's sides; the whole photo if
        nothing differs. The box includes a person who wears the product.
    """
    height, width = photo.shape[:2]
    lab = cv2.cvtColor(photo.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    edge = np.concatenate([lab[0], lab[-1], lab[:, 0], lab[:, -1]])
    distance = np.linalg.norm(lab - np.median(edge, axis=0), axis=-1)
    mask = (distance > _BACKDROP_DISTANCE).astype(np.uint8)
    _, _, parts, _ = cv2.connectedComponentsWithStats(mask)
    large = parts[1:][parts[1:, cv2.CC_STAT_AREA] >= _LEAST_PART * height * width]
    if not len(large):
        return 0.0, 0.0, 100.0, 100.0
    left, top = large[:, :2].min(axis=0)
    right, bottom = (large[:, :2] + large[:, 2:4]).max(axis=0)
    return (
        100.0 * left / width,
        100.0 * top / height,
        100.0 * right / width,
        100.0 * bottom / height,
    )
