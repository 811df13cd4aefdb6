"""The tables of colours against the CIELAB formula and the bounds of the cells."""

import numpy as np
import pytest

from fitrank_tf.features.colour.cells import (
    CELL_TABLE,
    CELLS,
    CHROMAS,
    GREYS,
    HUES,
    LAB_TABLE,
    LIGHTNESSES,
    SKIN_TABLE,
    cell_centres,
    cie_lab,
)
from tests.features.cielab_formula import cielab

SIDE = 64
# OpenCV's Lab has whole numbers, and of dark colours a coarser root: a colour this near
# to a bound may be beyond it.
ROUNDING = 2.3


def _code(red: int, green: int, blue: int) -> int:
    return red // 4 * SIDE * SIDE + green // 4 * SIDE + blue // 4


def _entries() -> np.ndarray:
    """int [2^18, 3]: the colour that stands for each entry of the tables."""
    # In the middle of its four values, but white is white.
    values = np.append(np.arange(SIDE - 1) * 4 + 2, 255)
    grid = np.meshgrid(values, values, values, indexing="ij")
    return np.stack(grid, axis=-1).reshape(-1, 3)


@pytest.fixture(scope="module")
def lab() -> np.ndarray:
    """CIE L, a, b of each entry by the formula."""
    return cielab(_entries())


@pytest.fixture(scope="module")
def centres() -> np.ndarray:
    return cell_centres()


def test_the_lab_table_is_the_formula(lab) -> None:
    assert LAB_TABLE.shape == (SIDE**3, 3)
    np.testing.assert_allclose(cie_lab(LAB_TABLE), lab, atol=ROUNDING)
    assert np.abs(cie_lab(LAB_TABLE) - lab).mean(axis=0).max() < 0.4


@pytest.mark.parametrize(
    ("stored", "expected"), [((0, 128, 128), (0, 0, 0)), ((255, 118, 208), (100, -10, 80))]
)
def test_eight_bit_lab_becomes_cie_lab(stored, expected) -> None:
    np.testing.assert_allclose(cie_lab(np.array(stored, np.uint8)), expected, atol=1e-4)


def _bounds_by_formula(lab: np.ndarray) -> tuple[np.ndarray, ...]:
    """Level of grey, level of lightness, chroma and hue of each colour."""
    lightness, (a, b) = lab[:, 0] / 100, lab[:, 1:].T
    chroma = (np.hypot(a, b)[:, None] >= (5, 14, 30)).sum(axis=1)
    hue = np.degrees(np.arctan2(b, a)) % 360 / 30
    return lightness * 12, lightness * 6, chroma, hue


def _is_clear(lab: np.ndarray) -> np.ndarray:
    """Whether each colour lies so far from all bounds that rounding cannot matter."""
    grey_level, level, _, hue = _bounds_by_formula(lab)
    chroma = np.hypot(lab[:, 1], lab[:, 2])
    from_hue = chroma * np.sin(np.radians(30 * np.abs(hue - np.round(hue))))
    from_chroma = np.abs(chroma[:, None] - (5, 14, 30)).min(axis=1)
    from_level = np.abs(level - np.round(level)) * 100 / 6
    from_grey_level = np.abs(grey_level - np.round(grey_level)) * 100 / 12
    nearest = np.where(chroma < 5, from_grey_level, np.minimum(from_hue, from_level))
    return np.minimum(nearest, from_chroma) > ROUNDING


def test_each_colour_is_in_the_cell_of_its_lightness_chroma_and_hue(lab) -> None:
    clear = _is_clear(lab)
    grey_level, level, chroma, hue = (part[clear] for part in _bounds_by_formula(lab))
    # Greys first, then 6 lightnesses of 3 chromas of 12 hues.
    coloured = 12 + level.astype(int) * 36 + (chroma - 1) * 12 + hue.astype(int)
    expected = np.where(chroma == 0, grey_level.astype(int), coloured)
    assert clear.mean() > 0.4
    np.testing.assert_array_equal(CELL_TABLE[clear], expected)


def test_cells_partition_the_colours() -> None:
    assert CELLS == 12 + 6 * 3 * 12 == 228
    assert CELL_TABLE.shape == (SIDE**3,)
    assert CELL_TABLE.max() < CELLS
    # All but the eleven that no screen can show.
    assert len(np.unique(CELL_TABLE)) == CELLS - 11


@pytest.mark.parametrize("grey", range(0, 256, 15))
def test_greys_are_cells_by_lightness(grey) -> None:
    # 2 stands for 0 to 3; L of the greys in between comes from the formula.
    lightness = cielab((grey // 4 * 4 + 2,) * 3)[0]
    cell = int(CELL_TABLE[_code(grey, grey, grey)])
    assert cell < GREYS
    assert abs(cell - lightness * GREYS / 100) < 1.1
    assert cell <= lightness * GREYS / 100 + 0.1


# By Y = 0.299 R + 0.587 G + 0.114 B, Cr = 128 + 0.713 (R - Y), Cb = 128 + 0.564 (B - Y).
@pytest.mark.parametrize(
    ("colour", "is_skin"),
    [
        ((200, 140, 110), True),  # Y 155, Cr 160, Cb 103
        ((240, 200, 170), True),  # Y 209, Cr 150, Cb 106
        ((120, 80, 60), True),  # Y 90, Cr 150, Cb 111
        ((60, 40, 30), False),  # Y 45: too dark
        ((200, 30, 30), False),  # Cr 214
        ((30, 60, 180), False),
        ((255, 255, 255), False),
        ((220, 200, 60), False),  # Cb 55
    ],
)
def test_skin(colour, is_skin) -> None:
    assert SKIN_TABLE[_code(*colour)] == is_skin


def test_centres_are_the_means_of_their_colours(lab, centres) -> None:
    for cell in np.unique(CELL_TABLE):
        expected = lab[np.equal(CELL_TABLE, cell)].mean(axis=0)
        np.testing.assert_allclose(centres[cell], expected, atol=1)


# Sixth of lightness, inner and outer chroma, and hue of cells that stay empty.
@pytest.mark.parametrize(
    ("cell", "level", "radius", "hue"),
    [(38, 0, 45.0, 2), (78, 1, 45.0, 6), (216, 5, 45.0, 0), (225, 5, 45.0, 9)],
)
def test_an_empty_cell_has_the_middle_of_its_bounds(
    centres, cell, level, radius, hue
) -> None:
    assert cell == GREYS + (level * CHROMAS + 2) * HUES + hue
    assert not np.isin(cell, CELL_TABLE)
    angle = np.radians(30 * hue + 15)
    expected = [
        (level + 0.5) * 100 / LIGHTNESSES,
        radius * np.cos(angle),
        radius * np.sin(angle),
    ]
    np.testing.assert_allclose(centres[cell], expected, atol=1e-3)
