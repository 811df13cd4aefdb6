"""Plots of speed against recall, one for each catalogue size and number of neighbours."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from benchmarks.index.benchmark import RECALL, IndexSpeed, Trial
from fitrank_tf.core.files import write_atomically

# A search that finds less than half of the neighbours is useless, however fast.
_MIN_PLOTTED_RECALL = 0.5


def draw_recalls(speeds: Sequence[IndexSpeed], queries: int, path: Path) -> None:
    """Writes a PNG of recall against queries per second of whole batches.

    Args:
        speeds: speeds for any catalogue sizes and numbers of neighbours.
        queries: number of queries per batch.
        path: file to write.

    Raises:
        FitRankError: if the file cannot be written.
    """
    sizes = sorted({speed.num_items for speed in speeds})
    neighbours = sorted({speed.k for speed in speeds})
    figure = Figure(figsize=(5 * len(neighbours), 3.6 * len(sizes)), layout="constrained")
    grid = figure.subplots(len(sizes), len(neighbours), squeeze=False)
    for row, num_items in zip(grid, sizes):
        for axes, k in zip(row, neighbours):
            here = [s for s in speeds if (s.num_items, s.k) == (num_items, k)]
            _draw_one(axes, here, queries)
            axes.set_title(f"{num_items:,} vectors, {k} neighbours", fontsize="medium")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    write_atomically(path, buffer.getvalue())


def _draw_one(axes: Any, speeds: Sequence[IndexSpeed], queries: int) -> None:
    for speed in speeds:
        best = fastest_by_recall(speed.trials)
        axes.plot(
            [trial.recall for trial in best],
            [queries / trial.seconds for trial in best],
            marker="s" if speed.system.is_exact else "o",
            markersize=4,
            label=speed.system.name,
        )
    axes.axvline(RECALL, color="grey", linewidth=0.8, linestyle=":")
    axes.set_xlim(_MIN_PLOTTED_RECALL, 1.005)
    axes.set_yscale("log")
    axes.set_xlabel("recall")
    axes.set_ylabel("queries/s, one batch")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")


def fastest_by_recall(trials: Sequence[Trial]) -> list[Trial]:
    """The Pareto front of the trials in speed and recall, by increasing recall."""
    best: list[Trial] = []
    for trial in sorted(trials, key=lambda trial: (-trial.recall, trial.seconds)):
        if not best or trial.seconds < best[-1].seconds:
            best.append(trial)
    return best[::-1]
