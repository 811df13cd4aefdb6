"""A first guess at the product's box, for a person to correct."""

import cv2
import numpy as np

# Lab units that a pixel must differ from the backdrop by; white cloth's shading
# passes, JPEG noise does not.
_BACKDROP_DISTANCE = 6.0
# Specks smaller than this share of the photo are no part of a product.
_LEAST_PART = 0.002


def propose_box(photo: np.ndarray) -> tuple[float, float, float, float]:
    """The extent of all that is not backdrop.

    Args:
        photo: uint8 [H, W, 3], RGB.

    Returns:
        (xmin, ymin, xmax, ymax) in percent of the photo; all of it if nothing
        stands out. A person who wears the product is inside the box.
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
