"""Sheets to annotate from: photos at a readable size with rulers in percent."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from fitrank_tf.core.photos.fitted import fitted

_COLUMNS, _ROWS = 3, 2
PER_SHEET = _COLUMNS * _ROWS
# Pixels: a photo's longest side, and room for the numbers of the ruler.
_SIDE, _MARGIN, _HEADING = 600, 34, 26
_FONT = 15
_GRID, _STRONG_GRID, _TEXT = (200, 200, 210), (120, 120, 160), (20, 20, 20)
_COLOURS = {"sleeve": (220, 40, 40), "neckline": (30, 90, 230)}
_PRODUCT_COLOUR = (0, 150, 60)


@dataclasses.dataclass(frozen=True)
class SheetPhoto:
    """One photo of a sheet.

    Attributes:
        heading: text above the photo.
        photo: uint8 [H, W, 3], RGB.
        boxes: (label, xmin, ymin, xmax, ymax), in percent of the photo's sides.
    """

    heading: str
    photo: np.ndarray
    boxes: Sequence[tuple[str, float, float, float, float]]


def draw_sheet(photos: Sequence[SheetPhoto]) -> Image.Image:
    """A picture of up to `PER_SHEET` photos, each with a ruler and its boxes."""
    cell_width, cell_height = _SIDE * 3 // 4 + _MARGIN * 2, _SIDE + _MARGIN * 2 + _HEADING
    sheet = Image.new("RGB", (_COLUMNS * cell_width, _ROWS * cell_height), "white")
    for number, photo in enumerate(photos[:PER_SHEET]):
        row, column = divmod(number, _COLUMNS)
        _draw_photo(sheet, photo, column * cell_width, row * cell_height)
    return sheet


def _draw_photo(sheet: Image.Image, photo: SheetPhoto, left: int, top: int) -> None:
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=_FONT)
    picture = fitted(photo.photo, _SIDE * 3 // 4, _SIDE)
    size = picture.size
    x, y = left + _MARGIN, top + _MARGIN + _HEADING
    pen.text((x, top + 4), photo.heading, _TEXT, font)
    sheet.paste(picture, (x, y))
    _draw_ruler(pen, font, x, y, *size)
    for label, xmin, ymin, xmax, ymax in photo.boxes:
        corners = [xmin * size[0], ymin * size[1], xmax * size[0], ymax * size[1]]
        offsets = (x, y, x, y)
        box = [corner / 100 + offset for corner, offset in zip(corners, offsets)]
        pen.rectangle(box, outline=_COLOURS.get(label, _PRODUCT_COLOUR), width=2)


def _draw_ruler(
    pen: ImageDraw.ImageDraw,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    x: int,
    y: int,
    *size: int,
) -> None:
    width, height = size
    for percent in range(0, 101, 5):
        colour = _STRONG_GRID if percent % 10 == 0 else _GRID
        across, down = x + width * percent / 100, y + height * percent / 100
        pen.line([(across, y), (across, y + height)], fill=colour)
        pen.line([(x, down), (x + width, down)], fill=colour)
        if percent % 10 == 0:
            pen.text((across, y - 12), str(percent), _TEXT, font, anchor="mm")
            pen.text((x - 16, down), str(percent), _TEXT, font, anchor="mm")
