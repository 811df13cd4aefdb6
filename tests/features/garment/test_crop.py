"""The product cut out, and the measurements around it, on photos drawn by hand.

Above the box all sides are multiples of 6 pixels: it does not matter whether each pixel
is looked at or each second or third.
"""

import numpy as np
import pytest

from fitrank_tf.features.garment.crop import CANVAS, cut_out

EVERYWHERE = np.zeros(4, np.float32)
# By the YCrCb formula: Y 155, Cr 160, Cb 103.
SKIN = (200, 140, 110)
# Rows 24 to 48 and columns 12 to 36 of a photo of 48 x 48.
LOWER = np.array([0.5, 0.25, 1.0, 0.75], np.float32)


def _photo(*patches, side: int = 48, background=(255, 255, 255)) -> np.ndarray:
    """A photo with patches of (rows, columns, colour)."""
    photo = np.full((side, side, 3), background, np.uint8)
    for rows, columns, colour in patches:
        photo[slice(*rows), slice(*columns)] = colour
    return photo


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 2), (3, 3), (40, 23)])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_backdrop_is_the_median_of_the_rim(shape, seed) -> None:
    photo = np.random.default_rng(seed).integers(0, 256, (*shape, 3)).astype(np.uint8)
    # Of the sides every second pixel is looked at.
    rim = np.concatenate([photo[0], photo[-1], photo[::2, 0], photo[::2, -1]])
    # Of an even number of pixels the lower of the two in the middle.
    expected = np.sort(rim, axis=0)[len(rim) // 2 - 1]
    np.testing.assert_array_equal(cut_out(photo, EVERYWHERE).backdrop, expected)


def test_a_product_that_touches_the_rim_is_not_backdrop() -> None:
    photo = _photo(((5, 40), (5, 35), (200, 30, 30)), background=(90, 140, 91))
    assert cut_out(photo, EVERYWHERE).backdrop.tolist() == [90, 140, 91]


# Each pixel of the photo of 10 x 10 tells its row and column.
@pytest.mark.parametrize(
    ("box", "first", "last"),
    [
        ([0.0, 0.0, 0.0, 0.0], (0, 0), (9, 9)),
        ([0.0, 0.0, 1.0, 1.0], (0, 0), (9, 9)),
        ([0.2, 0.3, 0.5, 0.9], (2, 3), (4, 8)),
        ([0.25, 0.35, 0.55, 0.85], (2, 3), (5, 8)),
        ([0.45, 0.45, 0.45, 0.45], (4, 4), (4, 4)),
        ([1.0, 1.0, 1.0, 1.0], (9, 9), (9, 9)),
    ],
    ids=["not found", "whole", "on pixels", "between pixels", "no size", "corner"],
)
def test_the_window_is_the_box_in_whole_pixels(box, first, last) -> None:
    down, across = np.mgrid[:10, :10] * 20
    photo = np.stack([down, across, 0 * down], axis=-1).astype(np.uint8)
    pixels = cut_out(photo, np.array(box, np.float32)).pixels
    assert pixels.shape == (last[0] - first[0] + 1, last[1] - first[1] + 1, 3)
    assert pixels[0, 0].tolist() == [20 * first[0], 20 * first[1], 0]
    assert pixels[-1, -1].tolist() == [20 * last[0], 20 * last[1], 0]


def test_a_canvas_has_one_size_and_the_crops_corners() -> None:
    photo = _photo(((0, 24), (0, 24), (9, 9, 9)), ((24, 48), (24, 48), (70, 70, 70)))
    canvas = cut_out(photo, EVERYWHERE).canvas()
    assert (canvas.shape, canvas.dtype) == ((CANVAS, CANVAS, 3), np.uint8)
    corners = [canvas[y, x, 0] for y, x in ((0, 0), (0, -1), (-1, 0), (-1, -1))]
    assert corners == [9, 255, 255, 70]


def test_the_canvas_of_a_large_photo_is_averaged() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (384, 288, 3)).astype(np.uint8)
    expected = photo.reshape(96, 4, 96, 3, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(cut_out(photo, EVERYWHERE).canvas(), expected, atol=1)


@pytest.mark.parametrize(
    ("patches", "share"),
    [
        ([], 0.0),
        ([((0, 24), (12, 36), SKIN)], 1.0),
        ([((0, 12), (12, 36), SKIN)], 0.5),
        ([((6, 18), (12, 24), SKIN)], 0.25),
        ([((0, 48), (0, 12), SKIN), ((0, 48), (36, 48), SKIN)], 0.0),
        ([((24, 48), (12, 36), SKIN)], 0.0),
        ([((0, 24), (12, 36), (30, 60, 180))], 0.0),
    ],
    ids=["none", "all", "half", "quarter", "beside", "in the box", "blue"],
)
def test_skin_is_counted_above_the_box(patches, share) -> None:
    crop = cut_out(_photo(*patches), LOWER)
    assert crop.skin_above == pytest.approx(share)
    assert crop.is_worn == (share > 0)


# Above the box are 60 x 60 pixels: 12 x 12 of them are 0.04.
@pytest.mark.parametrize(("rows", "worn"), [(12, False), (18, True)])
def test_a_face_is_more_than_four_hundredths(rows, worn) -> None:
    photo = _photo(((6, 6 + rows), (30, 42), SKIN), side=120)
    crop = cut_out(photo, LOWER)
    assert crop.skin_above == pytest.approx(rows * 12 / 3600)
    assert crop.is_worn is worn


def test_nothing_is_above_a_box_at_the_top() -> None:
    photo = np.full((40, 40, 3), SKIN, np.uint8)
    crop = cut_out(photo, EVERYWHERE)
    assert (crop.skin_above, crop.figure_top) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("patches", "top"),
    [
        ([], 0.5),
        ([((12, 24), (18, 24), (0, 0, 0))], 0.25),
        ([((6, 24), (0, 12), (0, 0, 0))], 0.5),
        ([((6, 7), (18, 19), (0, 0, 0)), ((18, 24), (18, 30), (0, 0, 0))], 0.375),
        ([((12, 24), (18, 24), (235, 235, 235))], 0.5),
        ([((12, 24), (18, 24), (234, 235, 235))], 0.25),
    ],
    ids=["none", "figure", "beside", "dot above", "noise", "faint"],
)
def test_where_the_figure_begins(patches, top) -> None:
    assert cut_out(_photo(*patches), LOWER).figure_top == pytest.approx(top)


def test_a_figure_is_found_darker_or_brighter_than_the_backdrop() -> None:
    photo = _photo(((12, 24), (18, 24), (255, 255, 255)), background=(0, 0, 0))
    assert cut_out(photo, LOWER).figure_top == pytest.approx(0.25)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1)])
@pytest.mark.parametrize("box", [EVERYWHERE, LOWER, np.ones(4, np.float32)])
def test_photos_of_one_pixel_are_cut_out(shape, box) -> None:
    crop = cut_out(np.full((*shape, 3), (10, 20, 30), np.uint8), box)
    assert (crop.pixels == (10, 20, 30)).all()
    assert crop.backdrop.tolist() == [10, 20, 30]
    assert crop.skin_above == 0.0
    assert 0.0 <= crop.figure_top < 1.0
