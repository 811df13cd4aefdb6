"""Draws photos with their features: boxes, palette, pattern, sleeve, neckline."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from fitrank_tf.features.attributes.columns import UNKNOWN
from fitrank_tf.features.colour.names import Prototypes
from fitrank_tf.features.extract import PhotoFeatures
from fitrank_tf.features.garment.boxes import MIN_SCORE
from fitrank_tf.features.io.merchandise_csv import ProductWords, in_words

_COLUMNS = 6
# Pixels.
_WIDTH, _HEIGHT, _SWATCH, _LINE, _GAP = 200, 266, 18, 16, 10
_LINES = 5
_INK, _QUIET = (25, 25, 25), (110, 110, 110)
_COLOURS = {"sleeve": (220, 40, 40), "neckline": (30, 90, 230)}
_PRODUCT_COLOUR = (0, 150, 60)


def draw_preview(
    photos: Sequence[np.ndarray],
    ids: Sequence[str],
    seen: Sequence[PhotoFeatures],
    prototypes: Prototypes,
) -> Image.Image:
    """Draws a sheet of photos, each with its features.

    Args:
        photos: uint8 [H, W, 3] each.
        ids: of the products.
        seen: features and detections of the photos.
        prototypes: name the colours.
    """
    rows = -(-len(photos) // _COLUMNS)
    cell_width = _WIDTH + _GAP
    cell_height = _HEIGHT + _SWATCH + _LINES * _LINE + 2 * _GAP
    sheet = Image.new(
        "RGB", (_COLUMNS * cell_width + _GAP, rows * cell_height + _GAP), "white"
    )
    for number, (photo, item_id, found) in enumerate(zip(photos, ids, seen)):
        row, column = divmod(number, _COLUMNS)
        left, top = column * cell_width + _GAP, row * cell_height + _GAP
        words = in_words(found, prototypes)
        _draw_photo(sheet, photo, words, left, top)
        _draw_palette(sheet, words, left, top + _HEIGHT)
        _draw_words(sheet, item_id, words, left, top + _HEIGHT + _SWATCH + 2)
    return sheet


def _draw_photo(
    sheet: Image.Image, photo: np.ndarray, words: ProductWords, left: int, top: int
) -> None:
    height, width = photo.shape[:2]
    scale = min(_WIDTH / width, _HEIGHT / height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    picture = Image.fromarray(photo).resize(size, Image.Resampling.LANCZOS)
    left += (_WIDTH - size[0]) // 2
    sheet.paste(picture, (left, top))
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=11)
    for label, score, (x1, y1, x2, y2) in words.objects:
        if score < MIN_SCORE:
            continue
        colour = _COLOURS.get(label, _PRODUCT_COLOUR)
        corner = (left + x1 * size[0], top + y1 * size[1])
        pen.rectangle(
            [*corner, left + x2 * size[0], top + y2 * size[1]], outline=colour, width=2
        )
        pen.text((corner[0] + 3, corner[1] + 1), f"{label} {score:.2f}", colour, font)


def _draw_palette(sheet: Image.Image, words: ProductWords, left: int, top: int) -> None:
    """The dominant colours, each as wide as its share."""
    pen, at = ImageDraw.Draw(sheet), float(left)
    for _, share, colour in words.palette:
        pen.rectangle([at, top, at + share * _WIDTH, top + _SWATCH - 3], fill=colour)
        at += share * _WIDTH
    pen.rectangle([left, top, left + _WIDTH, top + _SWATCH - 3], outline=_QUIET)


def _draw_words(
    sheet: Image.Image, item_id: str, words: ProductWords, left: int, top: int
) -> None:
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=12)
    shares: dict[str, float] = {}
    for name, share, _ in words.palette:
        shares[name] = shares.get(name, 0.0) + share
    colours = ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
    labels = {"sleeve": words.sleeve, "neck": words.neckline}
    known = [
        f"{part} {label} {confidence:.0%}"
        for part, (label, confidence) in labels.items()
        if label != UNKNOWN
    ]
    lines = [
        (item_id, _QUIET),
        (words.colours[0][0], _INK),
        (colours, _QUIET),
        ("{} {:.0%}".format(*words.pattern), _INK),
        (", ".join(known) or "no sleeve, no neck seen", _INK if known else _QUIET),
    ]
    for number, (text, colour) in enumerate(lines):
        while text and pen.textlength(text, font) > _WIDTH + _GAP - 2:
            text = text[:-1]
        pen.text((left, top + number * _LINE), text, colour, font)
