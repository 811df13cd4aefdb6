"""Thirty photos a sheet, each whole, in its place and under its heading."""

import numpy as np
import pytest

from fitrank_tf.datasets.annotations.label_sheet import PER_LABEL_SHEET, draw_label_sheet

RED = (250, 0, 0)


def solid(colour: tuple[int, int, int], height: int = 240, width: int = 180) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


def red_sides(photos: list[tuple[str, np.ndarray]]) -> tuple[int, int, int, int]:
    """Top, left, height and width of the red area of the sheet."""
    sheet = np.asarray(draw_label_sheet(photos)).astype(int)
    rows, columns = np.where(np.abs(sheet - RED).sum(axis=-1) < 30)
    top, left = rows.min(), columns.min()
    return top, left, rows.max() - top + 1, columns.max() - left + 1


def test_a_sheet_has_thirty_cells() -> None:
    assert PER_LABEL_SHEET == 30
    width, height = draw_label_sheet([]).size
    # Six columns and five rows of a photo of 180 x 240 each, with room between.
    assert width >= 6 * 180 and height >= 5 * 240


@pytest.mark.parametrize("number", [0, 1, 5, 6, 29])
def test_photos_go_row_by_row(number: int) -> None:
    photos = [("", solid((0, 0, 250)))] * number + [("", solid(RED))]
    sheet = draw_label_sheet(photos)
    top, left, height, width = red_sides(photos)
    row, column = number // 6, number % 6
    assert row * sheet.height / 5 <= top < (row + 1) * sheet.height / 5 - height
    assert column * sheet.width / 6 <= left < (column + 1) * sheet.width / 6 - width
    assert (height, width) == (240, 180)


@pytest.mark.parametrize(
    ("height", "width", "drawn"),
    [
        (480, 360, (240, 180)),
        (100, 100, (180, 180)),
        (1000, 100, (240, 24)),
        (60, 240, (45, 180)),
        (1000, 1, (240, 1)),
    ],
)
def test_a_photo_keeps_its_shape(height: int, width: int, drawn: tuple[int, int]) -> None:
    assert red_sides([("", solid(RED, height, width))])[2:] == drawn


def test_the_thirty_first_photo_is_for_the_next_sheet() -> None:
    photos = [("", solid(RED))] * 30
    whole = np.asarray(draw_label_sheet(photos))
    more = np.asarray(draw_label_sheet([*photos, ("31", solid((0, 0, 250)))]))
    np.testing.assert_array_equal(more, whole)


def test_the_heading_stands_above_its_photo() -> None:
    plain, named = (
        np.asarray(draw_label_sheet([(text, solid(RED))])) for text in ("", "10051")
    )
    rows, columns = np.where((plain != named).any(axis=-1))
    assert rows.max() < red_sides([("", solid(RED))])[0]
    assert columns.max() < 180
