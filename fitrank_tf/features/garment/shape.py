"""Fit of a garment: ratios of its boxes, each with a confidence.

A ratio that cannot be measured is 0 with confidence 0.
"""

import numpy as np

from fitrank_tf.features.garment.boxes import BestBoxes, GarmentParts, box_sides
from fitrank_tf.features.garment.crop import GarmentCrop
from fitrank_tf.features.schema import FeatureSlice

# log2 of width / height: beyond 8 to 1 the box is wrong.
_ASPECT_LIMIT = 3.0
_LENGTH_LIMIT = 2.0
# Figure drawing's canon: the hip lies four heads below the crown, and a collar begins
# about a sixth of a head below the chin (Loomis, "Figure Drawing for All It's Worth",
# 1943). If less than this share of the photo's height lies above the collar, the head is
# not in the photo.
_HIP_HEADS, _COLLAR_HEADS = 4.0, 1.15
_LEAST_HEAD = 0.06
_HEM_LIMIT = 4.0

RATIOS = ("sleeve_to_garment", "width_to_height", "hem_to_hip")


def fit_slices() -> tuple[FeatureSlice, ...]:
    """Returns the slices of `fit_features`, from index 0."""
    low = {"width_to_height": -_ASPECT_LIMIT, "hem_to_hip": -_HEM_LIMIT}
    high = {
        "sleeve_to_garment": _LENGTH_LIMIT,
        "width_to_height": _ASPECT_LIMIT,
        "hem_to_hip": _HEM_LIMIT,
    }
    meaning = {
        "sleeve_to_garment": "mean diagonal of the sleeve boxes over the product's height",
        "width_to_height": "width over height of the product",
        "hem_to_hip": "how far below the wearer's hip the product ends",
    }
    unit = {
        "sleeve_to_garment": "pixels / pixels",
        "width_to_height": "log2 of pixels / pixels",
        "hem_to_hip": "heads of the wearer",
    }
    rows = []
    for name in RATIOS:
        rows.append((name, 1, meaning[name], unit[name], low.get(name, 0.0), high[name]))
        trust = (f"{name}_confidence", 1, f"trust in {name}", "score", 0.0, 1.0)
        rows.append(trust)
    return FeatureSlice.consecutive("attributes", rows)


def fit_features(
    found: GarmentParts, crops: list[GarmentCrop], sizes: np.ndarray
) -> np.ndarray:
    """Computes the fit ratios of a batch.

    Args:
        found: the product and its parts in B photos.
        crops: the products cut out of the same photos.
        sizes: int [B, 2], height and width of the photos in pixels.

    Returns:
        float32 [B, 6], laid out as in `fit_slices`.
    """
    columns = [
        *_sleeve_to_garment(found, sizes),
        *_width_to_height(found.garment, sizes),
        *_hem_to_hip(found, crops),
    ]
    return np.stack(columns, axis=1).astype(np.float32)


def _sleeve_to_garment(
    found: GarmentParts, sizes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """By the diagonals of the sleeves, which hang or spread in any direction."""
    parts = (found.left_sleeve, found.right_sleeve)
    boxes = np.stack([part.boxes for part in parts], axis=1)
    scores = np.stack([part.scores for part in parts], axis=1)
    there = scores > 0
    count = np.maximum(there.sum(axis=1), 1)
    diagonals = np.linalg.norm(box_sides(boxes) * sizes[:, None], axis=-1) * there
    height = box_sides(found.garment.boxes)[:, 0] * sizes[:, 0]
    ratio = diagonals.sum(axis=1) / count / height
    return np.clip(ratio, 0.0, _LENGTH_LIMIT), scores.sum(axis=1) / count


def _width_to_height(
    garment: BestBoxes, sizes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    pixels = box_sides(garment.boxes) * sizes
    aspect = np.log2(pixels[:, 1] / pixels[:, 0]) * (garment.scores > 0)
    return np.clip(aspect, -_ASPECT_LIMIT, _ASPECT_LIMIT), garment.scores


def _hem_to_hip(
    found: GarmentParts, crops: list[GarmentCrop]
) -> tuple[np.ndarray, np.ndarray]:
    crown = np.array([crop.figure_top for crop in crops])
    worn = np.array([crop.is_worn for crop in crops])
    above_collar = found.neckline.boxes[:, 0] - crown
    known = worn & (found.neckline.scores > 0) & (above_collar >= _LEAST_HEAD)
    head = np.where(known, above_collar, 1.0) / _COLLAR_HEADS
    hip = crown + _HIP_HEADS * head
    below = (found.garment.boxes[:, 2] - hip) / head
    trust = np.minimum(found.neckline.scores, found.garment.scores)
    return np.clip(below, -_HEM_LIMIT, _HEM_LIMIT) * known, trust * known
