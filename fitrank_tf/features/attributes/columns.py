"""The `attributes` group: sleeve length, neckline, the ratios of `garment/shape.py`, and
length and fit of the garment.

"unknown" is one of the labels, for products without arms, neck or hem and for photos
that do not show them.
"""

from collections.abc import Mapping, Sequence

from fitrank_tf.datasets.annotations.annotation_file import NECKLINES, SLEEVES
from fitrank_tf.datasets.annotations.label_file import FITS, LENGTHS, PATTERNS
from fitrank_tf.features.garment.shape import fit_slices
from fitrank_tf.features.schema import FeatureSchema, FeatureSlice

GROUP = "attributes"
UNKNOWN = "unknown"
SLEEVE_LABELS: tuple[str, ...] = (UNKNOWN, *SLEEVES)
NECKLINE_LABELS: tuple[str, ...] = (UNKNOWN, *NECKLINES)
CUT_LABELS: Mapping[str, tuple[str, ...]] = {
    "length": (UNKNOWN, *LENGTHS),
    "fit": (UNKNOWN, *FITS),
}
# {slice of the feature vector: its classes}, of all that people label by eye.
SEEN_LABELS: Mapping[str, tuple[str, ...]] = {
    "pattern": PATTERNS,
    "sleeve": SLEEVE_LABELS,
    "neckline": NECKLINE_LABELS,
    **CUT_LABELS,
}


def attribute_slices() -> tuple[FeatureSlice, ...]:
    """Returns the slices: sleeve and neckline, the garment ratios, length and fit."""
    return FeatureSchema.joined(
        _probabilities({"sleeve": SLEEVE_LABELS, "neckline": NECKLINE_LABELS}),
        fit_slices(),
        _probabilities(CUT_LABELS),
    ).slices


def _probabilities(labels: Mapping[str, Sequence[str]]) -> tuple[FeatureSlice, ...]:
    rows = [
        (name, len(of), ", ".join(of), "probability", 0.0, 1.0)
        for name, of in labels.items()
    ]
    return FeatureSlice.consecutive(GROUP, rows)
