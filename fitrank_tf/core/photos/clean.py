"""Cleans photos: one function for catalogues and queries.

A clean photo is a JPEG or PNG that `tf.io.decode_image` decodes to the three channels that
a person sees. TensorFlow alone ignores orientation, colour profile and transparency, and
knows neither HEIC nor TIFF.
"""

import functools
import io
import threading
import warnings

import numpy as np
from PIL import Image, ImageCms, ImageOps

from fitrank_tf.core.packages import install_command

# A full Kaggle archive is 15 GB of photos of 1080x1440 and larger. No model here reads more
# than 512 pixels a side; at that size the same archive is 1.5 GB.
DEFAULT_MAX_SIDE = 512

# At 90 without chroma subsampling the colours of small prints survive.
_JPEG_QUALITY, _JPEG_SUBSAMPLING = 90, 0
# Pillow reads photos without their end, TensorFlow refuses them.
_JPEG_END, _PNG_END = b"\xff\xd9", b"IEND\xaeB`\x82"
_PNG_BIT_DEPTH_OFFSET = 24
_EXIF_ORIENTATION = 0x0112
_WHITE = (255, 255, 255, 255)
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
# {colour space of an ICC profile: the Pillow mode that it describes}.
_MODE_OF_SPACE = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}
# A profile that moves no colour further, of 255, is taken for sRGB.
_SAME_COLOUR = 3

EMPTY = "empty image file"
TRUNCATED = "truncated image"
TOO_LARGE = "image with too many pixels"
UNREADABLE = "unreadable image"
NEEDS_HEIC = f"HEIC photo, which needs `{install_command('heic')}`"

# Filters of warnings are the process's own, so that threads take turns.
_opening = threading.Lock()


class UnreadablePhoto(ValueError):  # noqa: N818 (not an error of the run: it is counted)
    """A photo that cannot be used. The message is the reason, such as `TRUNCATED`."""


def clean_photo(data: bytes, max_side: int = DEFAULT_MAX_SIDE) -> bytes:
    """Checks the bytes of a photo, and converts it only where necessary.

    JPEG and 8-bit PNG are kept unchanged if they are grey or RGB, upright, in sRGB, not
    animated and within `max_side`. Everything else becomes an RGB JPEG of the first frame:
    converted from its ICC profile to sRGB, rotated by its EXIF orientation, blended with
    white where transparent, shrunk to `max_side`.

    Args:
        data: an image file in any format that Pillow reads, or HEIC with pillow-heif.
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
        with _open(data) as image:
            return _checked(image, data, max_side)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise UnreadablePhoto(TOO_LARGE) from error
    except UnreadablePhoto:
        raise
    except Exception as error:
        # Pillow's readers raise whatever the damage leads them to: OSError,
        # SyntaxError, struct.error, zlib.error, IndexError, ...
        reason = TRUNCATED if "truncated" in str(error) else UNREADABLE
        raise UnreadablePhoto(reason) from error


def is_photo(data: bytes) -> bool:
    """Whether the first bytes of a file look like those of a photo."""
    try:
        _open(data).close()
    except UnreadablePhoto as error:
        return str(error) == NEEDS_HEIC
    except Exception as error:
        return isinstance(
            error, Image.DecompressionBombWarning | Image.DecompressionBombError
        )
    return True


def photo_size(data: bytes) -> tuple[int, int]:
    """(width, height) in pixels of a photo that `clean_photo` takes, before it is shrunk.

    Only the file's header is read.
    """
    with _open(data) as image:
        return image.size


def photo_orientation(data: bytes) -> int:
    """The EXIF orientation of a photo that `clean_photo` takes, 1 to 8; 1 is upright."""
    with _open(data) as image:
        return _orientation(image)


def upright_box(
    box: tuple[float, float, float, float], orientation: int
) -> tuple[float, float, float, float]:
    """A box of the stored photo in the photo as `clean_photo` turns and mirrors it.

    Args:
        box: ymin, xmin, ymax, xmax in 0..1 of the photo.
        orientation: 1 to 8 (Exif 2.3, tag 274).

    Returns:
        ymin, xmin, ymax, xmax in 0..1 of the turned photo.
    """
    ymin, xmin, ymax, xmax = box
    if orientation in (5, 6, 7, 8):
        ymin, xmin, ymax, xmax = xmin, ymin, xmax, ymax
    if orientation in (2, 3, 6, 7):
        xmin, xmax = 1 - xmax, 1 - xmin
    if orientation in (3, 4, 7, 8):
        ymin, ymax = 1 - ymax, 1 - ymin
    return ymin, xmin, ymax, xmax


def _open(data: bytes) -> Image.Image:
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS:
        _register_heic()
    with _opening, warnings.catch_warnings():
        # Readers also warn of harmless tags.
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        return Image.open(io.BytesIO(data))


@functools.cache
def _register_heic() -> None:
    try:
        import pillow_heif
    except ModuleNotFoundError as error:
        raise UnreadablePhoto(NEEDS_HEIC) from error
    pillow_heif.register_heif_opener()


def _checked(image: Image.Image, data: bytes, max_side: int) -> bytes:
    orientation = _orientation(image)
    too_large = max(image.size) > max_side
    keep = not too_large and orientation == 1 and _is_plain(image, data)
    if too_large:
        # Decodes a JPEG at a half, quarter or eighth: the whole file is still read.
        image.draft(None, (max_side, max_side))
    image.load()
    if keep:
        return data
    upright = image if orientation == 1 else ImageOps.exif_transpose(image)
    photo = _on_white(_to_8_bit(upright), image.info.get("icc_profile", b""))
    photo.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    encoded = io.BytesIO()
    photo.save(encoded, "JPEG", quality=_JPEG_QUALITY, subsampling=_JPEG_SUBSAMPLING)
    return encoded.getvalue()


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 where only the tags are damaged."""
    try:
        orientation = image.getexif().get(_EXIF_ORIENTATION, 1)
    except Exception:  # whatever the damage leads Pillow to
        return 1
    return orientation if orientation in range(1, 9) else 1


def _is_plain(image: Image.Image, data: bytes) -> bool:
    if image.mode not in ("L", "RGB") or image.has_transparency_data:
        return False
    if _to_srgb(image.info.get("icc_profile", b""), image.mode) is not None:
        return False
    if image.format == "JPEG":
        return data.endswith(_JPEG_END)
    if image.format == "PNG":
        is_still = getattr(image, "n_frames", 1) == 1
        return data[_PNG_BIT_DEPTH_OFFSET] == 8 and is_still and _PNG_END in data
    return False


def _to_8_bit(image: Image.Image) -> Image.Image:
    """Takes the high byte of 16-bit grey; Pillow's own conversion would clip at 255."""
    if image.mode == "F":
        raise UnreadablePhoto(UNREADABLE)  # floats have no agreed white
    if not image.mode.startswith("I"):
        return image
    high_byte = np.clip(np.asarray(image), 0, 65535).astype(np.uint16) >> 8
    return Image.fromarray(high_byte.astype(np.uint8))


def _on_white(image: Image.Image, profile: bytes) -> Image.Image:
    if not image.has_transparency_data:
        return _colours(image, profile)
    layer = image.convert("RGBA")
    if profile:
        alpha, layer = layer.getchannel("A"), _colours(image, profile)
        layer.putalpha(alpha)
    white = Image.new("RGBA", layer.size, _WHITE)
    return Image.alpha_composite(white, layer).convert("RGB")


def _colours(image: Image.Image, profile: bytes) -> Image.Image:
    """The image in sRGB, without its transparency."""
    bare = image
    if profile and image.mode not in _MODE_OF_SPACE.values():
        bare = image.convert("L" if image.mode in ("1", "LA", "La") else "RGB")
    transform = _to_srgb(profile, bare.mode)
    if transform is None:
        return image.convert("RGB")
    converted = ImageCms.applyTransform(bare, transform)
    assert converted is not None  # it is, unless it is done in place
    return converted


@functools.lru_cache(maxsize=16)
def _to_srgb(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """What converts from a profile to sRGB; None where that changes nothing.

    A damaged profile, or one of another colour space than the image's, counts as none, as
    in browsers.
    """
    if not profile:
        return None
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if _MODE_OF_SPACE.get(opened.profile.xcolor_space) != mode:
            return None
        srgb = ImageCms.createProfile("sRGB")
        transform = ImageCms.buildTransform(opened, srgb, mode, "RGB")
    except (OSError, ValueError, ImageCms.PyCMSError):
        return None
    if mode == "CMYK":
        return transform
    # Every 17th level of each channel.
    levels = np.arange(0, 256, 17, dtype=np.uint8)
    grid = np.stack(np.meshgrid(*[levels] * len(mode), indexing="ij"), axis=-1)
    before = Image.fromarray(
        grid.reshape(1, -1, len(mode)).squeeze(-1 if mode == "L" else ())
    )
    after = np.asarray(ImageCms.applyTransform(before, transform), int)
    moved = np.abs(after - np.asarray(before.convert("RGB"), int)).max()
    return transform if moved > _SAME_COLOUR else None
