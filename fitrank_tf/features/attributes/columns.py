"""The `attributes` group: sleeve length, neckline, and the ratios of `fit.py`.

"unknown" is one of the answers, for products without arms or neck and for photos
that do not show them.
"""

from fitrank_tf.datasets.annotations.annotation_file import NECKLINES, SLEEVES
from fitrank_tf.features.garment.shape import fit_slices
from fitrank_tf.features.schema import FeatureSlice

GROUP = "attributes"
UNKNOWN = "unknown"
SLEEVE_ANSWERS: tuple[str, ...] = (UNKNOWN, *SLEEVES)
NECKLINE_ANSWERS: tuple[str, ...] = (UNKNOWN, *NECKLINES)


def attribute_slices() -> tuple[FeatureSlice, ...]:
    """Sleeve and neckline as `AttributeNetwork` tells them, then the ratios."""
    rows = [
        (name, len(answers), ", ".join(answers), "probability", 0.0, 1.0)
        for name, answers in (("sleeve", SLEEVE_ANSWERS), ("neckline", NECKLINE_ANSWERS))
    ]
    told = FeatureSlice.consecutive(GROUP, rows)
    return (*told, *(part.moved_to(part.start + told[-1].stop) for part in fit_slices()))
