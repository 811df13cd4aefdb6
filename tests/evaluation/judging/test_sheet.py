"""A sheet shows the request, and every photo whole, over its own number."""

import numpy as np
import pytest
from PIL import Image, ImageChops

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.evaluation.judging.sheet import PER_SHEET, PLAIN, Lettering, draw_sheet
from fitrank_tf.evaluation.trec import Request

RED, BLUE = (250, 0, 0), (0, 0, 250)
REQUEST = Request("red shirt")


def solid(colour=BLUE, height: int = 250, width: int = 190) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


def sheet_of(photos, request=REQUEST, numbers=None, titles=None) -> Image.Image:
    numbers = numbers or range(1, len(photos) + 1)
    titles = titles or [""] * len(photos)
    return draw_sheet("q1_1", request, list(zip(numbers, photos, titles)), PLAIN)


def area(sheet: Image.Image, colour) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) of a colour."""
    rows, columns = np.where((np.asarray(sheet) == colour).all(axis=-1))
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def changed(first: Image.Image, second: Image.Image) -> tuple[int, int, int, int]:
    return ImageChops.difference(first, second).getbbox()


@pytest.mark.parametrize("place", [0, 1, 5, 6, 29])
def test_photos_stand_row_by_row_over_their_numbers(place: int) -> None:
    photos = [solid()] * PER_SHEET
    photos[place] = solid(RED)
    sheet = sheet_of(photos)
    left, top, right, bottom = area(sheet, RED)
    assert (right - left, bottom - top) == (190, 250)
    row, column = divmod(place, 6)
    first = area(sheet_of([solid(RED)]), RED)
    assert left - first[0] == column * (sheet.width - 38) // 6 and right < sheet.width
    assert top == first[1] + row * (bottom - top + 46)
    # Another number changes the picture under this photo alone.
    numbers = [*range(1, PER_SHEET + 1)]
    numbers[place] = 88
    over = changed(sheet, sheet_of(photos, numbers=numbers))
    assert left <= over[0] < over[2] <= right
    assert bottom <= over[1] < over[3] <= bottom + 30


def test_a_sheet_fits_a_screen_and_grows_with_its_photos() -> None:
    assert PER_SHEET == 30
    sizes = [sheet_of([solid()] * count).size for count in (1, 6, 7, 30)]
    assert {width for width, _ in sizes} == {sizes[0][0]} and sizes[0][0] <= 1300
    heights = [height for _, height in sizes]
    assert heights[0] == heights[1] < heights[2] < heights[3]


@pytest.mark.parametrize(("height", "width"), [(500, 380), (100, 100), (60, 240)])
def test_a_photo_keeps_its_shape(height: int, width: int) -> None:
    left, top, right, bottom = area(sheet_of([solid(RED, height, width)]), RED)
    scale = min(190 / width, 250 / height)
    assert (right - left, bottom - top) == (round(width * scale), round(height * scale))


def test_the_request_what_is_wanted_and_a_title_are_drawn_where_they_belong() -> None:
    plain = sheet_of([solid(RED)])
    photo = area(plain, RED)
    other = changed(plain, sheet_of([solid(RED)], Request("blue shirt")))
    assert other[3] <= photo[1] and other[3] - other[1] >= 20
    wanting = sheet_of([solid(RED)], Request("red shirt", "a shirt that is mostly red"))
    assert wanting.height > plain.height
    titled = sheet_of([solid(RED)], titles=["Dotted shirt"])
    below = titled.crop((0, photo[3] + 30, titled.width, titled.height))
    assert len(np.unique(np.asarray(below.crop((30, 0, 210, 20))))) > 2


def test_a_long_request_is_shown_whole() -> None:
    words = [f"word{number}" for number in range(40)]
    lines = PLAIN.lines(" ".join(words), 32, 1200, 6)
    assert " ".join(lines).split() == words
    long = sheet_of([solid()], Request(" ".join(words)))
    assert long.height - sheet_of([solid()]).height == 40 * (len(lines) - 1)


@pytest.mark.parametrize(
    ("text", "lacking"), [("red shirt", ""), ("für Öfen", ""), ("红 dress 红裙", "红裙")]
)
def test_letters_that_cannot_be_drawn_are_named(text: str, lacking: str) -> None:
    assert PLAIN.lacks(text) == lacking


def test_another_font_draws_its_letters(tmp_path) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    font = f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans.ttf"
    lettering = Lettering(font)
    assert lettering.lines("für Жар", 32, 900, 1) == ["für Жар"]
    assert PLAIN.lines("für", 32, 900, 1) == ["fur"]
    assert lettering.lacks("Жар 红") == "红" and PLAIN.lacks("Жар") == "Жар"


def test_a_file_that_is_no_font_is_refused(tmp_path) -> None:
    path = tmp_path / "font.ttf"
    path.write_bytes(b"no font")
    with pytest.raises(FitRankError, match=r"--font \S+font.ttf: .*; give a .ttf or .otf"):
        Lettering(str(path))
