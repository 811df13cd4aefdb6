"""Checks that product photos decode, and converts them to plain JPEG or PNG.

The result decodes with `tf.io.decode_image` to three channels, which is stricter than
Pillow: TensorFlow refuses CMYK, WebP, and a JPEG whose end marker is missing, and it would
drop an alpha channel instead of blending it with white.
"""

import io
import warnings

import numpy as np
from PIL import Image, ImageOps

# A full Kaggle archive is 15 GB of photos of 1080x1440 and larger. No model here reads more
# than 512 pixels a side; at that size the same archive is 1.5 GB.
DEFAULT_MAX_SIDE = 512

# At 90 without chroma subsampling the colours of small prints survive.
_JPEG_QUALITY, _JPEG_SUBSAMPLING = 90, 0
_JPEG_END = b"\xff\xd9"
_PNG_BIT_DEPTH_OFFSET = 24
_EXIF_ORIENTATION = 0x0112
_WHITE = (255, 255, 255, 255)

EMPTY = "empty image file"
TRUNCATED = "truncated image"
TOO_LARGE = "image with too many pixels"
UNREADABLE = "unreadable image"


class UnreadablePhoto(ValueError):  # noqa: N818 (not an error of the run: it is counted)
    """A photo that cannot be used. The message is the reason, such as `TRUNCATED`."""


def read_photo(data: bytes, max_side: int = DEFAULT_MAX_SIDE) -> bytes:
    """Checks the bytes of a photo, and converts it only where necessary.

    JPEG and 8-bit PNG are kept unchanged if they are grey or RGB, upright, not animated
    and within `max_side`. Everything else becomes an RGB JPEG of the first frame, rotated
    by its EXIF orientation, blended with white where transparent, shrunk to `max_side`.

    Args:
        data: an image file in any format that Pillow reads.
        max_side: the longest side allowed, in pixels.

    Returns:
        An encoded JPEG or PNG.

    Raises:
        UnreadablePhoto: if it does not decode to its last byte, or has more pixels
            than Pillow deems safe to decode (89 million).
    """
    if not data:
        raise UnreadablePhoto(EMPTY)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data)) as image:
                return _checked(image, data, max_side)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise UnreadablePhoto(TOO_LARGE) from error
    except Exception as error:
        # Pillow's readers raise whatever the damage leads them to: OSError,
        # SyntaxError, struct.error, zlib.error, IndexError, ...
        reason = TRUNCATED if "truncated" in str(error) else UNREADABLE
        raise UnreadablePhoto(reason) from error


def _checked(image: Image.Image, data: bytes, max_side: int) -> bytes:
    too_large = max(image.size) > max_side
    keep = not too_large and _is_plain(image, data)
    if too_large:
        # Decodes a JPEG at a half, quarter or eighth: the whole file is still read.
        image.draft(None, (max_side, max_side))
    image.load()
    if keep:
        return data
    photo = _on_white(_to_8_bit(ImageOps.exif_transpose(image)))
    photo.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    encoded = io.BytesIO()
    photo.save(encoded, "JPEG", quality=_JPEG_QUALITY, subsampling=_JPEG_SUBSAMPLING)
    return encoded.getvalue()


def _is_plain(image: Image.Image, data: bytes) -> bool:
    upright = image.getexif().get(_EXIF_ORIENTATION, 1) == 1
    if image.mode not in ("L", "RGB") or image.has_transparency_data or not upright:
        return False
    if image.format == "JPEG":
        return data.endswith(_JPEG_END)
    if image.format == "PNG":
        return data[_PNG_BIT_DEPTH_OFFSET] == 8 and getattr(image, "n_frames", 1) == 1
    return False


def _to_8_bit(image: Image.Image) -> Image.Image:
    """Takes the high byte of 16-bit grey; Pillow's own conversion would clip at 255."""
    if image.mode == "F":
        raise UnreadablePhoto(UNREADABLE)  # floats have no agreed white
    if not image.mode.startswith("I"):
        return image
    high_byte = np.clip(np.asarray(image), 0, 65535).astype(np.uint16) >> 8
    return Image.fromarray(high_byte.astype(np.uint8))


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    white = Image.new("RGBA", layer.size, _WHITE)
    return Image.alpha_composite(white, layer).convert("RGB")
