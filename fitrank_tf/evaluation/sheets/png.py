"""A contact sheet as one PNG, drawn with Pillow and its built-in font.

That font has Latin letters without accents; letters of other scripts come as
boxes here, while the HTML sheet shows every letter.
"""

import dataclasses
import io
from collections.abc import Sequence

from PIL import Image, ImageDraw

from fitrank_tf.core.photos.fitted import fitted
from fitrank_tf.evaluation.sheets.lettering import (
    built_in_font,
    clipped,
    without_accents,
    wrapped,
)
from fitrank_tf.evaluation.sheets.rows import FRAMES, Band, SheetItem, frame_of

_PAGE, _PHOTO_GROUND = (244, 244, 242), (255, 255, 255)
_TEXT, _QUIET = (30, 30, 30), (105, 105, 105)

# Pixels. Shops take portrait photos, mostly 3:4, so a photo's box is 3:4 too.
_MARGIN = 24
_PHOTO_WIDTH, _PHOTO_HEIGHT = 120, 160
# Kept free of the photo, so that no frame covers any of it.
_PHOTO_INSET = max(frame.width for frame in FRAMES)
_CELL_GAP, _SYSTEM_GAP, _BAND_GAP = 10, 36, 26
_LEGEND_HEIGHT, _QUERY_HEIGHT, _SYSTEM_HEIGHT = 34, 32, 24
_TITLE_LINE, _TITLE_LINES = 16, 2
_CELL_HEIGHT = _PHOTO_HEIGHT + 6 + _TITLE_LINE * _TITLE_LINES

_QUERY_SIZE, _SYSTEM_SIZE, _TITLE_SIZE = 20, 14, 12


@dataclasses.dataclass(frozen=True)
class _Layout:
    """Where things stand, in pixels of the sheet."""

    num_bands: int
    num_systems: int
    num_items: int

    @property
    def system_width(self) -> int:
        return self.num_items * (_PHOTO_WIDTH + _CELL_GAP) - _CELL_GAP

    @property
    def band_height(self) -> int:
        return _QUERY_HEIGHT + _SYSTEM_HEIGHT + _CELL_HEIGHT + _BAND_GAP

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the sheet."""
        systems = self.num_systems * (self.system_width + _SYSTEM_GAP) - _SYSTEM_GAP
        bands = self.num_bands * self.band_height - _BAND_GAP
        return 2 * _MARGIN + systems, 2 * _MARGIN + _LEGEND_HEIGHT + bands

    def band_top(self, band: int) -> int:
        return _MARGIN + _LEGEND_HEIGHT + band * self.band_height

    def system_left(self, system: int) -> int:
        return _MARGIN + system * (self.system_width + _SYSTEM_GAP)

    def photo_box(self, band: int, system: int, rank: int) -> tuple[int, int, int, int]:
        """(left, top, right, bottom), right and bottom not included; rank from 0."""
        left = self.system_left(system) + rank * (_PHOTO_WIDTH + _CELL_GAP)
        top = self.band_top(band) + _QUERY_HEIGHT + _SYSTEM_HEIGHT
        return left, top, left + _PHOTO_WIDTH, top + _PHOTO_HEIGHT


def draw_png(bands: Sequence[Band]) -> bytes:
    """The sheet as an encoded PNG.

    Args:
        bands: at least one, all with the same systems.
    """
    layout = _layout_of(bands)
    sheet = Image.new("RGB", layout.size, _PAGE)
    pen = ImageDraw.Draw(sheet)
    _draw_legend(pen)
    for band_number, band in enumerate(bands):
        _draw_headings(pen, layout, band_number, band)
        for system_number, row in enumerate(band.rows):
            for rank, item in enumerate(row.items):
                box = layout.photo_box(band_number, system_number, rank)
                _draw_item(sheet, pen, box, rank + 1, item)
    encoded = io.BytesIO()
    sheet.save(encoded, format="PNG", optimize=True)
    return encoded.getvalue()


def _layout_of(bands: Sequence[Band]) -> _Layout:
    """The layout that holds the most results; an empty sheet keeps one place."""
    longest = max(len(row.items) for band in bands for row in band.rows)
    return _Layout(len(bands), len(bands[0].rows), max(1, longest))


def _draw_legend(pen: ImageDraw.ImageDraw) -> None:
    """What the frames mean, in the sheet's top left corner."""
    left, swatch = _MARGIN, 16
    font = built_in_font(_TITLE_SIZE)
    for frame in FRAMES:
        box = (left, _MARGIN - 8, left + swatch, _MARGIN - 8 + swatch)
        _draw_frame(pen, box, frame.colour, frame.width)
        pen.text((left + swatch + 6, _MARGIN - 8), frame.meaning, _QUIET, font)
        left += swatch + 24 + round(font.getlength(frame.meaning))


def _draw_headings(
    pen: ImageDraw.ImageDraw, layout: _Layout, band_number: int, band: Band
) -> None:
    """The query above the band, each system's name above its photos."""
    top = layout.band_top(band_number)
    font = built_in_font(_QUERY_SIZE)
    query = clipped(without_accents(band.query), font, layout.size[0] - 2 * _MARGIN)
    pen.text((_MARGIN, top), query, _TEXT, font)
    font = built_in_font(_SYSTEM_SIZE)
    for number, row in enumerate(band.rows):
        name = clipped(without_accents(row.system), font, layout.system_width)
        pen.text((layout.system_left(number), top + _QUERY_HEIGHT), name, _QUIET, font)


def _draw_item(
    sheet: Image.Image,
    pen: ImageDraw.ImageDraw,
    box: tuple[int, int, int, int],
    rank: int,
    item: SheetItem,
) -> None:
    """The photo in its box, its frame, its rank and its title."""
    left, top, right, bottom = box
    pen.rectangle((left, top, right - 1, bottom - 1), fill=_PHOTO_GROUND)
    photo = fitted(
        item.image, _PHOTO_WIDTH - 2 * _PHOTO_INSET, _PHOTO_HEIGHT - 2 * _PHOTO_INSET
    )
    place = (
        left + (_PHOTO_WIDTH - photo.width) // 2,
        top + (_PHOTO_HEIGHT - photo.height) // 2,
    )
    sheet.paste(photo, place)
    frame = frame_of(item.grade)
    if frame:
        _draw_frame(pen, box, frame.colour, frame.width)
    _draw_rank(pen, box, rank)
    font = built_in_font(_TITLE_SIZE)
    title = wrapped(without_accents(item.title), font, _PHOTO_WIDTH, _TITLE_LINES)
    for number, line in enumerate(title):
        pen.text((left, bottom + 6 + number * _TITLE_LINE), line, _TEXT, font)


def _draw_frame(
    pen: ImageDraw.ImageDraw,
    box: tuple[int, int, int, int],
    colour: tuple[int, int, int],
    width: int,
) -> None:
    """A frame on the inside of a box."""
    left, top, right, bottom = box
    pen.rectangle((left, top, right - 1, bottom - 1), outline=colour, width=width)


def _draw_rank(pen: ImageDraw.ImageDraw, box: tuple[int, int, int, int], rank: int) -> None:
    """The rank, white on a dark tab in the photo's lower right corner."""
    font = built_in_font(_TITLE_SIZE)
    right, bottom = box[2] - _PHOTO_INSET, box[3] - _PHOTO_INSET
    width = round(font.getlength(str(rank))) + 8
    pen.rectangle((right - width, bottom - 17, right - 1, bottom - 1), fill=_TEXT)
    pen.text((right - width / 2, bottom - 9), str(rank), _PHOTO_GROUND, font, anchor="mm")
