"""The picture of an additive ranker: a panel a number, its curve and what was seen."""

import cv2
import numpy as np

from fitrank_tf.evaluation.sheets.shape_plots import draw_shapes, shapes_figure
from fitrank_tf.rerank.gam import Shape

NAMES = ("matches colour", "matches gender", "score", "rank", "score gap to best")


def _shapes(seed: int) -> list[Shape]:
    """Straight lines, each steeper than the one before."""
    draw = np.random.default_rng(0)
    values = np.linspace(-2.0, 3.0, 11)
    return [
        Shape(
            name,
            values,
            (place + seed) * values,
            np.stack([0.5 * (place + seed) * values, 2.0 * (place + seed) * values]),
            draw.uniform(-2.0, 3.0, 70 + place),
        )
        for place, name in enumerate(NAMES)
    ]


def _panels(figure) -> list:
    """(above, below), in the order that one reads them in."""
    axes = np.array(figure.axes).reshape(-1, 4)
    return [pair for row in range(0, len(axes), 2) for pair in zip(*axes[row : row + 2])]


def test_a_panel_is_one_numbers_curves_over_what_was_seen() -> None:
    trainings = [_shapes(1), _shapes(2)]
    panels = _panels(shapes_figure(trainings))
    shown = [pair for pair in panels if pair[0].axison]
    assert [above.get_title() for above, _ in shown] == list(NAMES)
    for place, (above, below) in enumerate(shown):
        curves = [line for line in above.lines if len(line.get_xdata()) == 11]
        for line, shapes in zip(curves, trainings, strict=True):
            np.testing.assert_array_equal(line.get_xdata(), shapes[place].values)
            np.testing.assert_array_equal(line.get_ydata(), shapes[place].contributions)
        assert sum(bar.get_height() for bar in below.patches) == 70 + place
        assert above.get_xlim() == below.get_xlim()
    assert len({above.get_ylim() for above, _ in shown}) == 1


def test_the_scale_has_room_for_what_weighs_most() -> None:
    low, high = _panels(shapes_figure([_shapes(1)]))[0][0].get_ylim()
    steepest = 2.0 * len(NAMES)
    assert low < -2.0 * steepest and 3.0 * steepest < high < 4.0 * steepest


def test_a_flat_curve_can_be_drawn(tmp_path) -> None:
    zero = np.zeros(5)
    flat = Shape("constant", np.linspace(7, 7, 5), zero, np.stack([zero, zero]), zero + 7)
    path = tmp_path / "new" / "shapes.png"
    draw_shapes([[flat]], path)
    picture = cv2.imread(str(path))
    assert picture.shape[0] > 200 and picture.std() > 1.0
