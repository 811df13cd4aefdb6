"""The contact sheet: frames where relevant items are, and safe, complete HTML."""

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.evaluation.sheets.contact_sheet import (
    SheetItem,
    SheetRow,
    draw_contact_sheet,
    draw_page,
)

STRONG, LIGHT = (0, 135, 60), (135, 205, 150)


def item(
    item_id: str = "1", grade: int = 0, title: str = "Shirt", size=(40, 30)
) -> SheetItem:
    """A product with an all red photo of `size` = (height, width)."""
    photo = np.zeros((*size, 3), np.uint8)
    photo[..., 0] = 200
    return SheetItem(item_id, title, photo, grade)


def drawn(tmp_path, rows: list[SheetRow]) -> tuple[np.ndarray, str]:
    """The sheet's pixels, uint8 [H, W, 3], and its page."""
    draw_contact_sheet(rows, tmp_path / "sheet.png", tmp_path / "sheet.html")
    with Image.open(tmp_path / "sheet.png") as sheet:
        pixels = np.asarray(sheet.convert("RGB"))
    return pixels, (tmp_path / "sheet.html").read_text("utf-8")


def extent(mask: np.ndarray) -> tuple[int, int, int, int]:
    """(top, bottom, left, right) of the pixels that are set, all included."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return rows[0], rows[-1], columns[0], columns[-1]


def below_legend(pixels: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Where `colour` is, bool [H, W], the legend's swatches left out."""
    mask = (pixels == colour).all(axis=2)
    mask[:50] = False
    return mask


@pytest.mark.parametrize(
    ("grade", "colour"), [(4, STRONG), (5, STRONG), (1, LIGHT), (2, LIGHT), (3, LIGHT)]
)
def test_only_the_relevant_item_is_framed(tmp_path, grade, colour):
    items = [item("1"), item("2", grade), item("3")]
    pixels, _ = drawn(tmp_path, [SheetRow("red shirt", "clip", items)])
    other = LIGHT if colour == STRONG else STRONG
    assert not below_legend(pixels, other).any()
    framed = below_legend(pixels, colour)
    top, bottom, left, right = extent(framed)
    # A closed rectangle: each side is of the colour along its whole length.
    for side in (framed[top], framed[bottom]):
        assert side[left : right + 1].all()
    for side in (framed[:, left], framed[:, right]):
        assert side[top : bottom + 1].all()
    # It surrounds the second of the three photos and no other.
    photos = np.flatnonzero((pixels == (200, 0, 0)).all(axis=2).any(axis=0))
    starts = photos[np.flatnonzero(np.diff(photos, prepend=-9) > 1)]
    assert len(starts) == 3 and starts[0] < left < starts[1] < right < starts[2]


def test_the_exact_frame_is_the_thicker_one(tmp_path):
    rows = [SheetRow("red shirt", "clip", [item("1", 4), item("2", 2)])]
    pixels, _ = drawn(tmp_path, rows)
    strong, light = below_legend(pixels, STRONG), below_legend(pixels, LIGHT)
    middle = (extent(strong)[0] + extent(strong)[1]) // 2
    assert strong[middle].sum() > light[middle].sum() > 0


def test_nothing_is_framed_where_nothing_is_relevant(tmp_path):
    pixels, page = drawn(tmp_path, [SheetRow("q", "clip", [item("1"), item("2")])])
    assert not below_legend(pixels, STRONG).any() and not below_legend(pixels, LIGHT).any()
    assert page.count('class="photo"') == 2
    assert 'class="photo exact"' not in page and 'class="photo partial"' not in page


@pytest.mark.parametrize(("height", "width"), [(40, 80), (80, 40), (7, 7), (600, 300)])
def test_a_photo_keeps_its_aspect_ratio_in_a_cell_of_one_size(tmp_path, height, width):
    pixels, _ = drawn(tmp_path, [SheetRow("q", "clip", [item(size=(height, width))])])
    top, bottom, left, right = extent((pixels == (200, 0, 0)).all(axis=2))
    # One pixel of rounding on each side.
    assert (bottom - top + 1) == pytest.approx((right - left + 1) * height / width, abs=2)
    square, _ = drawn(tmp_path, [SheetRow("q", "clip", [item(size=(50, 50))])])
    assert square.shape == pixels.shape


def test_systems_stand_side_by_side_and_queries_below_each_other(tmp_path):
    one = [SheetRow("q1", "clip", [item()])]
    two_systems = one + [SheetRow("q1", "reranked", [item()])]
    two_queries = one + [SheetRow("q2", "clip", [item()])]
    height, width, _ = drawn(tmp_path, one)[0].shape
    side, _ = drawn(tmp_path, two_systems)
    below, _ = drawn(tmp_path, two_queries)
    assert side.shape[0] == height and side.shape[1] > width
    assert below.shape[0] > height and below.shape[1] == width


def test_a_system_without_an_answer_keeps_its_column(tmp_path):
    rows = [SheetRow("q", "clip", []), SheetRow("q", "reranked", [item("1", 4)])]
    pixels, page = drawn(tmp_path, rows)
    assert extent(below_legend(pixels, STRONG))[2] > pixels.shape[1] // 2
    assert page.index("<h3>clip</h3>") < page.index("<h3>reranked</h3>")


class _Page(HTMLParser):
    """Collects images, tags left open, text, and what would load or run."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.images: list[dict[str, str]] = []
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag == "img":
            self.images.append(dict(attrs))
        elif tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_html_escapes_titles_ids_queries_and_systems(tmp_path):
    bad = '<script>alert("1")</script>'
    rows = [SheetRow(bad, bad, [item(bad, 4, title=bad)])]
    page = _Page(drawn(tmp_path, rows)[1])
    assert "script" not in page.tags and not page.open
    assert page.text.count(bad) == 4
    assert page.images[0]["alt"] == bad


def test_html_holds_its_photos_and_captions(tmp_path):
    items = [item("A-17", 4, "Blue & white Shirt", size=(400, 300)), item("B-18", 0, "Hat")]
    content = drawn(tmp_path, [SheetRow("blue shirt", "clip", items)])[1]
    page = _Page(content)
    assert not re.search(r'(src|href)="(?!data:image/jpeg;base64,)', content)
    assert [image["alt"] for image in page.images] == ["Blue & white Shirt", "Hat"]
    for text in ("blue shirt", "Blue & white Shirt", "A-17 · grade 4", "B-18 · grade 0"):
        assert text in page.text
    encoded = page.images[0]["src"].removeprefix("data:image/jpeg;base64,")
    photo = Image.open(io.BytesIO(base64.b64decode(encoded)))
    assert photo.size == (240, 320)
    assert np.abs(np.asarray(photo).astype(int) - (200, 0, 0)).max() < 8


def test_a_long_title_stays_in_its_cell(tmp_path):
    # The first cell's text may not reach the second photo's column.
    title = "Extraordinarily" * 20 + " Long Title " * 20
    long, _ = drawn(tmp_path, [SheetRow("q", "clip", [item(title=title), item(title="")])])
    short, _ = drawn(tmp_path, [SheetRow("q", "clip", [item(title="A"), item(title="")])])
    assert long.shape == short.shape
    columns = np.flatnonzero((long != short).any(axis=(0, 2)))
    photos = np.flatnonzero((short == (200, 0, 0)).all(axis=2).any(axis=0))
    second_start = photos[np.flatnonzero(np.diff(photos) > 1)[0] + 1]
    assert columns.size and columns[-1] < second_start - 10


def test_refuses_a_sheet_of_nothing_and_two_answers(tmp_path):
    with pytest.raises(ValueError, match="at least one row"):
        drawn(tmp_path, [])
    with pytest.raises(ValueError, match="two rows for one query"):
        drawn(tmp_path, [SheetRow("q", "clip", [item()])] * 2)
    assert list(tmp_path.iterdir()) == []


def test_a_path_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FitRankError, match="cannot write"):
        draw_contact_sheet(
            [SheetRow("q", "clip", [item()])],
            tmp_path / "file" / "a.png",
            tmp_path / "b.html",
        )
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((4, 4, 3), np.float32), "got float32"),
        (np.zeros((4, 4), np.uint8), r"got uint8 \[4, 4\]"),
        (np.zeros((4, 4, 4), np.uint8), r"\[4, 4, 4\]"),
        (np.zeros((0, 4, 3), np.uint8), r"\[0, 4, 3\]"),
    ],
)
def test_refuses_what_is_no_photo(image, message):
    with pytest.raises(ValueError, match=message):
        SheetItem("7", "Shirt", image, 0)


def test_refuses_a_grade_below_0():
    with pytest.raises(ValueError, match="'7' is -1"):
        SheetItem("7", "Shirt", np.zeros((4, 4, 3), np.uint8), -1)


def test_the_page_alone_shows_the_notes(tmp_path):
    noted = SheetItem("1", "Shirt", item().image, 4, note="up 3: colour <b>")
    draw_page([SheetRow("q", "clip", [noted, item("2")], note="0.5")], tmp_path / "p.html")
    page = (tmp_path / "p.html").read_text("utf-8")
    assert "up 3: colour &lt;b&gt;" in page and "clip &middot; 0.5" in page
    # Id and grade of two products, and one note.
    assert page.count('class="note"') == 3
    assert [path.name for path in tmp_path.iterdir()] == ["p.html"]
