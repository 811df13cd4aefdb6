"""A sheet to judge by: the request on top, and numbered photos."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.photos.fitted import fitted
from fitrank_tf.evaluation.sheets.lettering import (
    Font,
    built_in_font,
    without_accents,
    wrapped,
)
from fitrank_tf.evaluation.trec import Request

_COLUMNS, _ROWS = 6, 5
PER_SHEET = _COLUMNS * _ROWS
# Pixels.
_MARGIN, _GAP, _INSET = 24, 10, 4
_PHOTO_WIDTH, _PHOTO_HEIGHT = 190, 250
_CELL_WIDTH = _PHOTO_WIDTH + 2 * _INSET
_WIDTH = 2 * _MARGIN + _COLUMNS * (_CELL_WIDTH + _GAP) - _GAP
_NAME_SIZE, _REQUEST_SIZE, _WANT_SIZE, _NUMBER_SIZE, _TITLE_SIZE = 15, 32, 18, 24, 12
_NUMBER_HEIGHT, _TITLE_HEIGHT = 28, 15
_REQUEST_LINES, _WANT_LINES, _TITLE_LINES = 6, 5, 2
# Of a line's height to the size of its letters.
_SPACING = 1.25
_TEXT, _QUIET, _LINE = (20, 20, 20), (90, 90, 90), (190, 190, 195)


@dataclasses.dataclass(frozen=True)
class Lettering:
    """The font of requests and titles.

    Attributes:
        file: a TrueType or OpenType file; "" takes Pillow's own font, which has Latin
            letters, and draws them without accents.

    Raises:
        FitRankError: if the file is no font.
    """

    file: str = ""

    def __post_init__(self) -> None:
        self.font(_TITLE_SIZE)

    def font(self, size: int) -> Font:
        """The font at a size in pixels."""
        if not self.file:
            return built_in_font(size)
        try:
            return ImageFont.truetype(self.file, size)
        except OSError as error:
            raise FitRankError(
                f"--font {self.file}: {error}; give a .ttf or .otf file"
            ) from error

    def lines(self, text: str, size: int, width: int, most: int) -> list[str]:
        """A text in at most `most` lines of `width` pixels, as it is drawn."""
        return wrapped(self._drawn(text), self.font(size), width, most)

    def lacks(self, text: str) -> str:
        """The letters of a text that the font cannot draw, each once."""
        font = self.font(_REQUEST_SIZE)
        # No font has this one: it draws the sign of a missing letter.
        missing = bytes(font.getmask("\uffff"))
        return "".join(
            letter
            for letter in dict.fromkeys(self._drawn(text))
            if not letter.isspace() and bytes(font.getmask(letter)) == missing
        )

    def _drawn(self, text: str) -> str:
        return text if self.file else without_accents(text)


PLAIN = Lettering()


def draw_sheet(
    name: str,
    request: Request,
    photos: Sequence[tuple[int, np.ndarray, str]],
    lettering: Lettering,
) -> Image.Image:
    """A picture of a request and of up to `PER_SHEET` photos.

    Args:
        name: of the sheet, small on top.
        request: in large type, and what is wanted in smaller type under it.
        photos: (number, photo uint8 [H, W, 3], title or "") of each.
        lettering: the font of the texts.
    """
    paragraphs = (
        (name, _NAME_SIZE, _QUIET, 1),
        (request.text, _REQUEST_SIZE, _TEXT, _REQUEST_LINES),
        (request.want, _WANT_SIZE, _QUIET, _WANT_LINES),
    )
    lines = [
        (line, lettering.font(size), colour, round(_SPACING * size))
        for text, size, colour, most in paragraphs
        for line in lettering.lines(text, size, _WIDTH - 2 * _MARGIN, most)
    ]
    top = 2 * _GAP + sum(height for *_, height in lines)
    cell_height = _PHOTO_HEIGHT + 2 * _INSET + _NUMBER_HEIGHT
    if any(title for *_, title in photos):
        cell_height += _TITLE_LINES * _TITLE_HEIGHT
    rows = -(-len(photos) // _COLUMNS)
    height = top + rows * (cell_height + _GAP) + _GAP
    sheet = Image.new("RGB", (_WIDTH, height), "white")
    pen, y = ImageDraw.Draw(sheet), _GAP
    for line, font, colour, line_height in lines:
        pen.text((_MARGIN, y), line, colour, font)
        y += line_height
    for place, cell in enumerate(photos):
        row, column = divmod(place, _COLUMNS)
        left, above = (
            _MARGIN + column * (_CELL_WIDTH + _GAP),
            top + row * (cell_height + _GAP),
        )
        frame = (left, above, left + _CELL_WIDTH - 1, above + cell_height - 1)
        pen.rectangle(frame, outline=_LINE)
        _draw_cell(sheet, pen, left, above, cell, lettering)
    return sheet


def _draw_cell(
    sheet: Image.Image,
    pen: ImageDraw.ImageDraw,
    left: int,
    top: int,
    cell: tuple[int, np.ndarray, str],
    lettering: Lettering,
) -> None:
    """A photo, its number under it, and its title under that."""
    number, photo, title = cell
    picture = fitted(photo, _PHOTO_WIDTH, _PHOTO_HEIGHT)
    x = left + (_CELL_WIDTH - picture.width) // 2
    sheet.paste(picture, (x, top + _INSET + (_PHOTO_HEIGHT - picture.height) // 2))
    below = top + 2 * _INSET + _PHOTO_HEIGHT
    middle = (left + _CELL_WIDTH // 2, below + _NUMBER_HEIGHT // 2 - 2)
    pen.text(middle, str(number), _TEXT, built_in_font(_NUMBER_SIZE), anchor="mm")
    font = lettering.font(_TITLE_SIZE)
    lines = lettering.lines(title, _TITLE_SIZE, _PHOTO_WIDTH, _TITLE_LINES)
    for place, line in enumerate(lines):
        y = below + _NUMBER_HEIGHT - 2 + place * _TITLE_HEIGHT
        pen.text((left + _INSET, y), line, _TEXT, font)
