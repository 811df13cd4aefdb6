"""Confusion matrices: accuracy, macro-F1, and a picture."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fitrank_tf.core.packages import imports_of

with imports_of("reports"):
    from matplotlib.figure import Figure


@dataclasses.dataclass(frozen=True)
class Confusion:
    """Counts of predicted and true classes.

    Attributes:
        attribute: what was predicted.
        names: K classes.
        counts: int [K, K], products by true (rows) and predicted class (columns).
    """

    attribute: str
    names: tuple[str, ...]
    counts: np.ndarray

    @classmethod
    def of(
        cls, attribute: str, names: Sequence[str], truth: np.ndarray, predicted: np.ndarray
    ) -> "Confusion":
        """Counts; truth and predicted are int [N], indices in `names`."""
        counts = np.zeros((len(names), len(names)), np.int64)
        np.add.at(counts, (truth, predicted), 1)
        return cls(attribute, tuple(names), counts)

    @property
    def accuracy(self) -> float:
        """Share of products whose predicted class is right; NaN without products."""
        total = self.counts.sum()
        return float(np.trace(self.counts) / total) if total else float("nan")

    @property
    def macro_f1(self) -> float:
        """Mean over the classes of the harmonic mean of precision and recall.

        Classes that are neither true nor predicted of a product do not count; NaN
        without products.
        """
        right = np.diag(self.counts)
        either = self.counts.sum(axis=0) + self.counts.sum(axis=1)
        there = either > 0
        if not there.any():
            return float("nan")
        return float((2 * right[there] / either[there]).mean())

    def draw(self, path: Path) -> None:
        """Writes the matrix as a PNG, rows by true class, shares of a row as shade."""
        shares = self.counts / np.maximum(self.counts.sum(axis=1, keepdims=True), 1)
        side = 2.2 + 0.34 * len(self.names)
        figure = Figure(figsize=(side, side), layout="constrained")
        axes = figure.subplots()
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        ticks = range(len(self.names))
        axes.set_xticks(ticks, self.names, rotation=90, fontsize=8)
        axes.set_yticks(ticks, self.names, fontsize=8)
        axes.set_xlabel("predicted")
        axes.set_ylabel("true")
        axes.set_title(f"{self.attribute}: accuracy {self.accuracy:.3f}", fontsize=10)
        for row, column in np.argwhere(self.counts):
            colour = "white" if shares[row, column] > 0.5 else "black"
            text = str(self.counts[row, column])
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=7)
        figure.savefig(path, dpi=110)
