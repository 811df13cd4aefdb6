"""Finds photos that come twice: the same bytes, or the same picture written again.

The print of a picture is its difference hash (Krawetz, 2013, "Kind of Like That"): whether
each pixel of a small grey version is darker than its right neighbour. Products on white
have many alike, so that of photos with like hashes small versions are compared too.
"""

import dataclasses
import hashlib
import io
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from PIL import Image

_SIDE = 16
# Of 256 bits and of 255: the same picture at another size or JPEG quality differs by fewer.
_MOST_BITS, _MOST_COLOUR = 10, 32
_SMALL_SIDE = 24
# A white background is not quite even in a JPEG.
_LEAST_STEP = 3
_ROWS_AT_ONCE = 128


@dataclasses.dataclass(frozen=True)
class PhotoPrint:
    """What a photo is recognised by.

    Attributes:
        digest: SHA-256 (hex) of the file.
        bits: uint64 [4], the difference hash.
        small: uint8 [24, 24, 3], RGB, the photo stretched to a square.
    """

    digest: str
    bits: np.ndarray
    small: np.ndarray


def photo_print(data: bytes) -> PhotoPrint:
    """The print of a photo.

    Args:
        data: JPEG or PNG, as the catalogue keeps it.
    """
    with Image.open(io.BytesIO(data)) as image:
        image.draft("RGB", (8 * _SIDE, 8 * _SIDE))
        photo = image.convert("RGB")
    small = photo.resize((_SMALL_SIDE, _SMALL_SIDE), Image.Resampling.BOX)
    steps = photo.resize((_SIDE + 1, _SIDE), Image.Resampling.BOX)
    grey = np.asarray(steps.convert("L"), np.int16)
    bits = np.packbits(grey[:, 1:] > grey[:, :-1] + _LEAST_STEP).view(np.uint64)
    return PhotoPrint(hashlib.sha256(data).hexdigest(), bits, np.asarray(small))


def same_files(prints: Sequence[PhotoPrint]) -> list[list[int]]:
    """Groups of positions of photos with equal bytes, each of two or more, ascending."""
    groups: dict[str, list[int]] = defaultdict(list)
    for position, each in enumerate(prints):
        groups[each.digest].append(position)
    return [group for group in groups.values() if len(group) > 1]


def same_pictures(prints: Sequence[PhotoPrint]) -> list[list[int]]:
    """Groups of positions of photos with nearly equal prints, each of two or more.

    Of photos with equal bytes only the first counts.

    Args:
        prints: of N photos; takes time in N^2, a few seconds for 10,000.
    """
    first_of = {each.digest: n for n, each in reversed(list(enumerate(prints)))}
    kept = sorted(first_of.values())
    if not kept:
        return []
    bits = np.stack([prints[n].bits for n in kept])
    small = [prints[n].small.astype(np.int16) for n in kept]
    parent = list(range(len(kept)))

    def root(n: int) -> int:
        while parent[n] != n:
            parent[n] = n = parent[parent[n]]
        return n

    for start in range(0, len(kept), _ROWS_AT_ONCE):
        rows = bits[start : start + _ROWS_AT_ONCE]
        apart = np.bitwise_count(rows[:, None] ^ bits[None, start:]).sum(-1)
        for row, other in np.argwhere(apart <= _MOST_BITS) + start:
            if row < other and np.abs(small[row] - small[other]).max() <= _MOST_COLOUR:
                parent[root(other)] = root(row)
    groups: dict[int, list[int]] = defaultdict(list)
    for n, position in enumerate(kept):
        groups[root(n)].append(position)
    return [group for group in groups.values() if len(group) > 1]
