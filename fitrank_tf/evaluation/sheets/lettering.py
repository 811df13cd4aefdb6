"""Text on sheets that Pillow draws."""

import unicodedata

from PIL import ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
_ELLIPSIS = "…"


def built_in_font(size: int) -> Font:
    """Pillow's built-in font, which needs no font file.

    It has Latin letters without accents (see `without_accents`) and no other script's.
    """
    return ImageFont.load_default(size=size)


def without_accents(text: str) -> str:
    """The text with each accented letter as its bare letter."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def clipped(text: str, font: Font, width: int) -> str:
    """The text, or as much of it as fits `width` pixels and an ellipsis."""
    text = " ".join(text.split())
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + _ELLIPSIS) > width:
        text = text[:-1]
    return text.rstrip() + _ELLIPSIS


def wrapped(text: str, font: Font, width: int, most_lines: int) -> list[str]:
    """The text in at most `most_lines` lines of `width` pixels, the last one clipped."""
    words = text.split()
    lines: list[str] = []
    while words and len(lines) < most_lines - 1:
        count = 1
        while count < len(words) and font.getlength(" ".join(words[: count + 1])) <= width:
            count += 1
        lines.append(clipped(" ".join(words[:count]), font, width))
        words = words[count:]
    return lines + ([clipped(" ".join(words), font, width)] if words else [])
