"""The preview sheet shows the boxes, palette and labels of hand-made features."""

from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image

from fitrank_tf.features.extract import PhotoFeatures
from fitrank_tf.features.io.preview_sheet import draw_preview
from tests.features.hand_made_features import hand_made_features
from tests.small_feature_models import BLUE_LAB, RED_LAB, small_prototypes

PHOTO = (40, 30)  # height, width
# Nothing else on the sheet has these colours.
CYAN, RED, BLUE = (0, 255, 255), (255, 0, 0), (0, 0, 255)
PRODUCT_OUTLINE = (0, 150, 60)


def _sheet(seen: Sequence[PhotoFeatures], shape: tuple[int, int] = PHOTO) -> Image.Image:
    photos = [np.full((*shape, 3), CYAN, np.uint8) for _ in seen]
    ids = [f"p{number}" for number in range(len(seen))]
    return draw_preview(photos, ids, seen, small_prototypes())


def _count(sheet: Image.Image, colour: tuple[int, int, int], off: int = 3) -> int:
    """Pixels of a colour, or very near it."""
    distance = np.abs(np.asarray(sheet).astype(int) - colour).max(axis=-1)
    return int((distance <= off).sum())


def test_six_photos_are_a_row() -> None:
    sizes = {n: _sheet([hand_made_features()] * n).size for n in (1, 6, 7, 12, 13)}
    assert len({width for width, _ in sizes.values()}) == 1
    heights = {n: height for n, (_, height) in sizes.items()}
    assert heights[1] == heights[6]
    row = heights[7] - heights[6]
    assert heights[12] == heights[7] and heights[13] - heights[12] == row > 0


@pytest.mark.parametrize("count", [1, 8])
def test_every_photo_is_drawn_whole(count: int) -> None:
    top, left, bottom, right = _extent(_sheet([hand_made_features()]), CYAN)
    height, width = bottom - top, right - left
    assert width / height == pytest.approx(PHOTO[1] / PHOTO[0], abs=0.02)
    assert _count(_sheet([hand_made_features()] * count), CYAN) == count * height * width


@pytest.mark.parametrize(("red", "blue"), [(0.6, 0.3), (0.25, 0.75), (1.0, 0.0)])
def test_the_palette_is_drawn_by_its_shares(red: float, blue: float) -> None:
    sheet = _sheet([hand_made_features(palette=[(RED_LAB, red), (BLUE_LAB, blue)])])
    whole = _count(_sheet([hand_made_features(palette=[(RED_LAB, 1.0)])]), RED)
    assert whole > 1000
    assert _count(sheet, RED) / whole == pytest.approx(red, abs=0.03)
    assert _count(sheet, BLUE) / whole == pytest.approx(blue, abs=0.03)


def _extent(sheet: Image.Image, colour: tuple[int, int, int]) -> np.ndarray:
    """Top, left, bottom, right of the pixels of a colour."""
    places = np.argwhere((np.asarray(sheet) == colour).all(axis=-1))
    return np.concatenate([places.min(axis=0), places.max(axis=0) + 1])


@pytest.mark.parametrize("score", [0.9, 0.26])
def test_sure_boxes_are_drawn_where_they_are(score: float) -> None:
    # The lower half, the right quarter.
    sheet = _sheet([hand_made_features([("top", score, [0.5, 0.75, 1.0, 1.0])])])
    top, left, bottom, right = _extent(_sheet([hand_made_features()]), CYAN)
    middle, quarter = (top + bottom) / 2, right - (right - left) / 4
    expected = [middle, quarter, bottom, right]
    np.testing.assert_allclose(_extent(sheet, PRODUCT_OUTLINE), expected, atol=2)


def test_unsure_boxes_are_not_drawn() -> None:
    sheet = _sheet([hand_made_features([("top", 0.2, [0.5, 0.75, 1.0, 1.0])])])
    assert _count(sheet, PRODUCT_OUTLINE) == 0
    assert _count(sheet, CYAN) == _count(_sheet([hand_made_features()]), CYAN)


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (900, 700)])
def test_odd_photos_fit_their_cell(shape) -> None:
    seen = hand_made_features([("top", 0.9, [0.0, 0.0, 1.0, 1.0])], [(RED_LAB, 1.0)])
    sheet = _sheet([seen], shape)
    assert sheet.size == _sheet([hand_made_features()]).size
    assert _count(sheet, RED) > 1000  # the photo covers no palette
    assert (np.asarray(sheet)[:, 230:] == 255).all()  # nor a second cell


def test_the_words_are_written() -> None:
    one, two = (
        np.asarray(_sheet([hand_made_features(pattern={answer: 1.0})])) for answer in (0, 2)
    )
    changed_rows = np.flatnonzero((one != two).any(axis=(1, 2)))
    assert len(changed_rows) > 0
    assert np.ptp(changed_rows) < 20  # one line
