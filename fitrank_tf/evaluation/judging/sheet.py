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
_CELL_WIDTH, _CELL_HEIGHT = _PHOTO_WIDTH + 2 * _INSET, _PHOTO_HEIGHT + 2 * _INSET + 28
_WIDTH = 2 * _MARGIN + _COLUMNS * (_CELL_WIDTH + _GAP) - _GAP
_NAME_SIZE, _REQUEST_SIZE, _WANT_SIZE, _NUMBER_SIZE, _TITLE_SIZE = 15, 32, 18, 24, 12
_REQUEST_LINES, _WANT_LINES, _TITLE_LINES = 6, 5, 2
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

    def drawn(self, text: str) -> str:
        """The text as it is drawn."""
        return text if self.file else without_accents(text)

    def lacks(self, text: str) -> str:
        """The letters of a text that the font cannot draw, each once."""
        font = self.font(_REQUEST_SIZE)
        # No font has this one: it draws the sign of a missing letter.
        missing = bytes(font.getmask("\uffff"))
        letters = dict.fromkeys(self.drawn(text))
        return "".join(
            letter
            for letter in letters
            if not letter.isspace() and bytes(font.getmask(letter)) == missing
        )


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
        (line, lettering.font(size), colour, round(1.25 * size))
        for text, size, colour, most in paragraphs
        for line in wrapped(
            lettering.drawn(text), lettering.font(size), _WIDTH - 2 * _MARGIN, most
        )
    ]
    top = _GAP + sum(height for *_, height in lines) + _GAP
    cell_height = _CELL_HEIGHT
    if any(title for *_, title in photos):
        cell_height += _TITLE_LINES * round(1.25 * _TITLE_SIZE)
    rows = -(-len(photos) // _COLUMNS)
    height = top + rows * (cell_height + _GAP) + _GAP
    sheet = Image.new("RGB", (_WIDTH, height), "white")
    pen, y = ImageDraw.Draw(sheet), _GAP
    for line, font, colour, line_height in lines:
        pen.text((_MARGIN, y), line, colour, font)
        y += line_height
    for place, (number, photo, title) in enumerate(photos):
        row, column = divmod(place, _COLUMNS)
        left, above = (
            _MARGIN + column * (_CELL_WIDTH + _GAP),
            top + row * (cell_height + _GAP),
        )
        pen.rectangle(
            (left, above, left + _CELL_WIDTH - 1, above + cell_height - 1), outline=_LINE
        )
        picture = fitted(photo, _PHOTO_WIDTH, _PHOTO_HEIGHT)
        x = left + (_CELL_WIDTH - picture.width) // 2
        sheet.paste(picture, (x, above + _INSET + (_PHOTO_HEIGHT - picture.height) // 2))
        below, middle = above + 2 * _INSET + _PHOTO_HEIGHT, left + _CELL_WIDTH // 2
        font = built_in_font(_NUMBER_SIZE)
        pen.text((middle, below + 12), str(number), _TEXT, font, anchor="mm")
        font = lettering.font(_TITLE_SIZE)
        for at, line in enumerate(
            wrapped(lettering.drawn(title), font, _PHOTO_WIDTH, _TITLE_LINES)
        ):
            pen.text((left + _INSET, below + 26 + 15 * at), line, _TEXT, font)
    return sheet
