"""Photos that a person searches by, cleaned as those of a catalogue are."""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.photos.clean import NEEDS_HEIC, UnreadablePhoto, clean_photo
from fitrank_tf.core.photos.folder import read_named

Photo = str | Path | bytes | np.ndarray


def clean_queries(photos: Sequence[Photo]) -> list[bytes]:
    """The bytes that a model takes, a JPEG or PNG for each photo.

    Args:
        photos: each a path or an address, the bytes of an image file, or RGB pixels, uint8
            [H, W, 3].

    Raises:
        FitRankError: says which photo cannot be read, and why.
    """
    if isinstance(photos, str | bytes | Path):
        raise FitRankError("photos: give a list of photos, not one photo")
    return list(_cleaned(photos))


def _cleaned(photos: Sequence[Photo]) -> Iterator[bytes]:
    for place, photo in enumerate(photos, start=1):
        name = "photo" if len(photos) == 1 else f"photo {place} of {len(photos)}"
        if isinstance(photo, str | Path):
            name = f"{name}, {photo}" if len(photos) > 1 else f"photo {photo}"
        try:
            yield clean_photo(_bytes_of(photo))
        except UnreadablePhoto as error:
            mend = "" if str(error) == NEEDS_HEIC else "; give an image file that opens"
            raise FitRankError(f"{name}: {error}{mend}") from error


def _bytes_of(photo: Photo) -> bytes:
    if isinstance(photo, str | Path):
        return read_named(str(photo))
    if not isinstance(photo, np.ndarray):
        return bytes(photo)
    if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3 or not photo.size:
        raise UnreadablePhoto(
            f"is {photo.dtype} {list(photo.shape)}, not RGB pixels, uint8 [H, W, 3]"
        )
    encoded = io.BytesIO()
    Image.fromarray(photo).save(encoded, "PNG", compress_level=1)
    return encoded.getvalue()
