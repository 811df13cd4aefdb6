"""The `boxes` group of the feature vector: positions of the product and its parts.

All functions take the detections of a whole batch, in coordinates of the photo
(`photo_square.boxes_from_square`). Box and score are zeros for a part that was not found,
which differs from a box at the left edge.

A box is [ymin, xmin, ymax, xmax] everywhere but in the feature vector, where it is
[xmin, ymin, xmax, ymax]: trained models read these columns in that order. Only
`box_features` and `stored_garment_boxes` convert between the two.
"""

import dataclasses

import numpy as np

from fitrank_tf.datasets.item import OBJECT_CLASSES, PRODUCT_CLASSES
from fitrank_tf.features.schema import FeatureSchema, FeatureSlice

GROUP = "boxes"
_GARMENT_BOX = "garment_box"

# Boxes below this score are wrong more often than not.
MIN_SCORE = 0.25

_SLEEVE = OBJECT_CLASSES.index("sleeve")
_NECKLINE = OBJECT_CLASSES.index("neckline")
# A part may stick out of its garment's box by half the garment's side.
_PART_LOW, _PART_HIGH = -0.5, 1.5


@dataclasses.dataclass(frozen=True)
class BestBoxes:
    """The highest-scored box of one kind in each photo of a batch.

    Attributes:
        boxes: float32 [B, 4], [ymin, xmin, ymax, xmax]; zeros where not found.
        scores: float32 [B], 0 where not found.
    """

    boxes: np.ndarray
    scores: np.ndarray


def box_slices() -> tuple[FeatureSlice, ...]:
    """Returns the slices of `box_features`, from index 0."""
    of_photo, of_garment = "0..1 of the photo's sides", "1 = the garment box's side"
    rows = [
        (_GARMENT_BOX, 4, "xmin, ymin, xmax, ymax of the product", of_photo, 0.0, 1.0),
        ("garment_score", 1, "the detector's trust in it", "score", 0.0, 1.0),
        *(
            (f"class_{name}", 1, f"best score of a {name} box", "score", 0.0, 1.0)
            for name in PRODUCT_CLASSES
        ),
        *(row for part in _PARTS for row in _part_rows(part, of_garment)),
    ]
    return FeatureSlice.consecutive(GROUP, rows)


_PARTS = ("left_sleeve", "right_sleeve", "neckline")


def _part_rows(part: str, unit: str) -> list[tuple[str, int, str, str, float, float]]:
    where = part.replace("_", " ") + (" as the photo shows it" if "_" in part else "")
    meaning = f"xmin, ymin, xmax, ymax of the {where}, from the garment's corner"
    return [
        (f"{part}_box", 4, meaning, unit, _PART_LOW, _PART_HIGH),
        (f"{part}_score", 1, "the detector's trust in it", "score", 0.0, 1.0),
    ]


@dataclasses.dataclass(frozen=True)
class GarmentParts:
    """The product and its parts in each photo of a batch.

    Attributes:
        garment: the best whole-product box.
        left_sleeve: the best sleeve in the left half of the garment, as the photo shows it.
        right_sleeve: the best sleeve in the right half.
        neckline: the best neckline.
    """

    garment: BestBoxes
    left_sleeve: BestBoxes
    right_sleeve: BestBoxes
    neckline: BestBoxes


def find_parts(boxes: np.ndarray, classes: np.ndarray, scores: np.ndarray) -> GarmentParts:
    """Finds the product and its parts; arguments as for `box_features`.

    Parts count as not found where the garment was not, as their boxes are relative to it.
    """
    garment = best_garment_boxes(boxes, classes, scores)
    has_garment = garment.scores[:, None] > 0
    is_sleeve = (classes == _SLEEVE) & has_garment
    is_left = _centre_x(boxes) < _centre_x(garment.boxes)[:, None]
    return GarmentParts(
        garment,
        _best(boxes, scores, is_sleeve & is_left),
        _best(boxes, scores, is_sleeve & ~is_left),
        _best(boxes, scores, (classes == _NECKLINE) & has_garment),
    )


def box_features(
    boxes: np.ndarray, classes: np.ndarray, scores: np.ndarray, found: GarmentParts
) -> np.ndarray:
    """Computes the `boxes` group of a batch.

    Args:
        boxes: float32 [B, M, 4], [ymin, xmin, ymax, xmax] in 0..1 of the photo.
        classes: int [B, M], index in `OBJECT_CLASSES`, -1 for padding.
        scores: float32 [B, M], 0 for padding.
        found: `find_parts` of the same detections.

    Returns:
        float32 [B, F], laid out as in `box_slices`.
    """
    garment = found.garment
    columns = [
        _axes_swapped(garment.boxes),
        garment.scores[:, None],
        class_scores(classes, scores),
    ]
    for part in (found.left_sleeve, found.right_sleeve, found.neckline):
        columns += [_axes_swapped(_relative(part, garment)), part.scores[:, None]]
    return np.concatenate(columns, axis=1).astype(np.float32)


def stored_garment_boxes(features: np.ndarray, schema: FeatureSchema) -> np.ndarray:
    """Reads the products' boxes from feature vectors.

    Args:
        features: float32 [N, F].
        schema: layout of the features.

    Returns:
        float32 [N, 4], [ymin, xmin, ymax, xmax] in 0..1 of the photo; zeros where no
        product was found.
    """
    return _axes_swapped(features[:, schema.slice(_GARMENT_BOX)])


def best_garment_boxes(
    boxes: np.ndarray, classes: np.ndarray, scores: np.ndarray
) -> BestBoxes:
    """Returns the best whole-product box of each photo; arguments as for `box_features`."""
    is_product = (classes >= 0) & (classes < len(PRODUCT_CLASSES))
    return _best(boxes, scores, is_product)


def _best(boxes: np.ndarray, scores: np.ndarray, wanted: np.ndarray) -> BestBoxes:
    """The box of highest score, at least MIN_SCORE, where `wanted` bool [B, M] is true."""
    kept = np.where(wanted & (scores >= MIN_SCORE), scores, 0.0)
    best = kept.argmax(axis=1)[:, None]
    best_scores = np.take_along_axis(kept, best, axis=1)
    best_boxes = np.take_along_axis(boxes, best[..., None], axis=1)[:, 0]
    return BestBoxes(best_boxes * (best_scores > 0), best_scores[:, 0])


def class_scores(classes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Returns the best score of each product class, float [B, 11]; 0 if not found."""
    is_class = classes[..., None] == np.arange(len(PRODUCT_CLASSES))
    return np.where(is_class, scores[..., None], 0.0).max(axis=1)


def _centre_x(boxes: np.ndarray) -> np.ndarray:
    return (boxes[..., 1] + boxes[..., 3]) / 2


def _axes_swapped(boxes: np.ndarray) -> np.ndarray:
    """[ymin, xmin, ymax, xmax] to [xmin, ymin, xmax, ymax], or back."""
    return boxes[..., [1, 0, 3, 2]]


def box_sides(boxes: np.ndarray) -> np.ndarray:
    """Returns height and width [..., 2] of boxes, at least a millionth of the photo."""
    return np.maximum(boxes[..., 2:] - boxes[..., :2], 1e-6)


def _relative(part: BestBoxes, garment: BestBoxes) -> np.ndarray:
    """float [B, 4]: the part's box with the garment's box as the unit square."""
    origin, sides = garment.boxes[:, :2], box_sides(garment.boxes)
    corners = (part.boxes.reshape(-1, 2, 2) - origin[:, None]) / sides[:, None]
    found = part.scores[:, None] > 0
    return np.clip(corners.reshape(-1, 4), _PART_LOW, _PART_HIGH) * found
