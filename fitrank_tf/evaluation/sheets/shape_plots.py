"""Plots the curves of an additive ranker."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fitrank_tf.core.files import write_atomically
from fitrank_tf.core.packages import imports_of
from fitrank_tf.rerank.gam import Shape

with imports_of("reports"):
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMNS = 4
_BINS = 40
_MARGIN = 0.05
_CAPTION = "a colour a training; shade: from lists that weigh the number little to much"


def draw_shapes(trainings: Sequence[Sequence[Shape]], path: Path) -> None:
    """Writes `shapes_figure` as a PNG.

    Args:
        trainings: as for `shapes_figure`.
        path: of the picture.

    Raises:
        FitRankError: if it cannot be written.
    """
    buffer = io.BytesIO()
    shapes_figure(trainings).savefig(buffer, format="png", dpi=110)
    write_atomically(path, buffer.getvalue())


def shapes_figure(trainings: Sequence[Sequence[Shape]]) -> Figure:
    """One panel per feature: its curves above, a histogram of its values below.

    All panels have the same scale upwards, so that a steep curve is a number that
    matters. A shade goes from the curve in lists that weigh the number little to the one
    in lists that weigh it much.

    Args:
        trainings: the shapes of one training or more, all of the same numbers and values.
    """
    numbers = list(zip(*trainings, strict=True))
    rows = -(-len(numbers) // _COLUMNS)
    figure = Figure(figsize=(3.4 * _COLUMNS, 3.2 * rows), layout="constrained")
    grid = figure.subplots(2 * rows, _COLUMNS, squeeze=False, height_ratios=[3, 1] * rows)
    for axes in grid.flat:
        axes.set_axis_off()
    limits = _limits(trainings)
    for place, curves in enumerate(numbers):
        row, column = divmod(place, _COLUMNS)
        above, below = grid[2 * row, column], grid[2 * row + 1, column]
        _draw_curves(above, curves, limits)
        _draw_seen(below, curves[0])
        below.set_xlim(above.get_xlim())
        if column == 0:
            above.set_ylabel("added to the score")
            below.set_ylabel("seen")
    figure.supxlabel(_CAPTION, fontsize="small")
    return figure


def _limits(trainings: Sequence[Sequence[Shape]]) -> tuple[float, float]:
    bands = [shape.band for shapes in trainings for shape in shapes]
    low, high = np.min(bands), np.max(bands)
    room = _MARGIN * max(high - low, 1e-6)
    return low - room, high + room


def _draw_curves(axes: Axes, curves: Sequence[Shape], limits: tuple[float, float]) -> None:
    axes.set_axis_on()
    axes.axhline(0.0, color="grey", linewidth=0.8, linestyle=":")
    for number, shape in enumerate(curves):
        colour = f"C{number}"
        axes.plot(shape.values, shape.contributions, color=colour, linewidth=1.4)
        axes.fill_between(shape.values, *shape.band, color=colour, alpha=0.15, linewidth=0)
    axes.set_ylim(limits)
    axes.tick_params(labelbottom=False)
    axes.set_title(curves[0].name, fontsize="medium")
    axes.grid(alpha=0.3)


def _draw_seen(axes: Axes, shape: Shape) -> None:
    axes.set_axis_on()
    axes.hist(shape.seen, bins=_BINS, color="grey")
    axes.set_yticks([])
