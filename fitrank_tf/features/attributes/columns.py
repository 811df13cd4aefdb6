"""The `attributes` group: sleeve length, neckline, and the ratios of `garment/shape.py`.

"unknown" is one of the labels, for products without arms or neck and for photos
that do not show them.
"""

from fitrank_tf.datasets.annotations.annotation_file import NECKLINES, SLEEVES
from fitrank_tf.features.garment.shape import fit_slices
from fitrank_tf.features.schema import FeatureSlice

GROUP = "attributes"
UNKNOWN = "unknown"
SLEEVE_LABELS: tuple[str, ...] = (UNKNOWN, *SLEEVES)
NECKLINE_LABELS: tuple[str, ...] = (UNKNOWN, *NECKLINES)


def attribute_slices() -> tuple[FeatureSlice, ...]:
    """Returns the slices: probabilities of sleeve and neckline, then the garment ratios."""
    rows = [
        (name, len(labels), ", ".join(labels), "probability", 0.0, 1.0)
        for name, labels in (("sleeve", SLEEVE_LABELS), ("neckline", NECKLINE_LABELS))
    ]
    slices = FeatureSlice.consecutive(GROUP, rows)
    end = slices[-1].stop
    return (*slices, *(part.moved_to(part.start + end) for part in fit_slices()))
