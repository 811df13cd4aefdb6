"""Agreement of two annotators of the same photos."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.annotations import AnnotatedProduct
from fitrank_tf.datasets.annotations.label_file import LABEL_FIELDS, ProductLabels
from fitrank_tf.datasets.item import PART_CLASSES
from fitrank_tf.evaluation.detection import intersection_over_union

PRODUCT = "product"
_LABELS = ("class", "sleeve", "neckline")


@dataclasses.dataclass(frozen=True)
class Agreement:
    """Two annotations of the same photos, compared.

    Attributes:
        num_photos: photos that both have.
        overlaps: "product", "sleeve" or "neckline" -> intersection over union of
            each pair of boxes, in 0..1; 0 for a box that only one of the two has.
        labels: "class", "sleeve" or "neckline" -> share of photos with equal labels.
    """

    num_photos: int
    overlaps: dict[str, np.ndarray]
    labels: dict[str, float]

    def table(self) -> str:
        """Returns Markdown: one row per kind of box, and a line about labels."""
        lines = ["| box | pairs | mean IoU | IoU >= 0.5 |", "| --- | ---: | ---: | ---: |"]
        lines += [
            f"| {kind} | {len(ious)} | {ious.mean():.3f} | {(ious >= 0.5).mean():.3f} |"
            for kind, ious in self.overlaps.items()
            if len(ious)
        ]
        shares = ", ".join(f"{name} {share:.3f}" for name, share in self.labels.items())
        return "\n".join([*lines, "", f"Equal labels, {self.num_photos} photos: {shares}"])


def compare_annotations(
    first: Sequence[AnnotatedProduct], second: Sequence[AnnotatedProduct]
) -> Agreement:
    """Compares the photos annotated by both.

    Sleeves are paired from left to right, so a sleeve that only one saw counts
    as one pair without overlap.

    Raises:
        FitRankError: if they have no photo in common.
    """
    others = {product.id: product for product in second}
    pairs = [(product, others[product.id]) for product in first if product.id in others]
    if not pairs:
        raise FitRankError("the two annotations have no product in common")
    overlaps = {
        kind: np.array([iou for pair in pairs for iou in _overlaps(*pair, kind)])
        for kind in (PRODUCT, *PART_CLASSES)
    }
    equal = np.array([np.equal(_labels(a), _labels(b)) for a, b in pairs])
    return Agreement(len(pairs), overlaps, dict(zip(_LABELS, equal.mean(axis=0).tolist())))


def _overlaps(first: AnnotatedProduct, second: AnnotatedProduct, kind: str) -> list[float]:
    ours, theirs = _boxes(first, kind), _boxes(second, kind)
    shared = min(len(ours), len(theirs))
    ious = intersection_over_union(ours, theirs)
    if len(ours) != len(theirs) and shared:
        # One saw a sleeve more: the other's stands for the one it overlaps most.
        found = [float(ious.max())]
    else:
        found = [float(ious[place, place]) for place in range(shared)]
    return found + [0.0] * (max(len(ours), len(theirs)) - shared)


def _boxes(product: AnnotatedProduct, kind: str) -> np.ndarray:
    """float [N, 4], [ymin, xmin, ymax, xmax], from left to right."""
    chosen = [
        (box.ymin, box.xmin, box.ymax, box.xmax)
        for box in product.boxes
        if (box.label == kind) or (kind == PRODUCT and box.label not in PART_CLASSES)
    ]
    return np.array(sorted(chosen, key=lambda box: box[1]), float).reshape(-1, 4)


def _labels(product: AnnotatedProduct) -> list[str]:
    [label] = [box.label for box in product.boxes if box.label not in PART_CLASSES]
    return [label, product.sleeve, product.neckline]


def label_agreement(left: Sequence[ProductLabels], right: Sequence[ProductLabels]) -> str:
    """How often two people gave the same labels: Markdown, a row a label.

    Raises:
        FitRankError: if they labelled no product in common.
    """
    theirs = {product.id: product for product in right}
    pairs = [(mine, theirs[mine.id]) for mine in left if mine.id in theirs]
    if not pairs:
        raise FitRankError("the two label files have no product in common")
    lines = ["| label | products | equal |", "| --- | ---: | ---: |"]
    for field in LABEL_FIELDS:
        values = [(a.values, b.values) for a, b in pairs]
        equal = [a[field] == b[field] for a, b in values if field in a and field in b]
        if equal:
            lines.append(f"| {field} | {len(equal)} | {np.mean(equal):.3f} |")
    return "\n".join(lines)
