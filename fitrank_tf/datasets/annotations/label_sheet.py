"""Sheets to label from: thirty photos each, under their product ids."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from fitrank_tf.core.photos.fitted import fitted

_COLUMNS, _ROWS = 6, 5
PER_LABEL_SHEET = _COLUMNS * _ROWS
# Pixels.
_WIDTH, _HEIGHT, _HEADING, _GAP = 180, 240, 18, 8


def draw_label_sheet(photos: Sequence[tuple[str, np.ndarray]]) -> Image.Image:
    """A picture of up to `PER_LABEL_SHEET` photos.

    Args:
        photos: (heading, photo uint8 [H, W, 3]) pairs.
    """
    cell_width, cell_height = _WIDTH + _GAP, _HEIGHT + _HEADING + _GAP
    sheet = Image.new("RGB", (_COLUMNS * cell_width, _ROWS * cell_height), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=13)
    for number, (heading, photo) in enumerate(photos[:PER_LABEL_SHEET]):
        row, column = divmod(number, _COLUMNS)
        left, top = column * cell_width, row * cell_height
        pen.text((left + 2, top + 2), heading, (20, 20, 20), font)
        sheet.paste(fitted(photo, _WIDTH, _HEIGHT), (left, top + _HEADING))
        corner = (left + cell_width - _GAP // 2, top + cell_height - _GAP // 2)
        pen.rectangle([(left - 2, top), corner], outline=(170, 170, 180))
    return sheet
