"""Photos as small images to look at."""

import io

from PIL import Image


def shrunk(
    data: bytes,
    size: tuple[int, int],
    resampling: Image.Resampling = Image.Resampling.BICUBIC,
) -> Image.Image:
    """A photo in RGB, at most `size` pixels wide and high, in its own proportions.

    Args:
        data: a clean JPEG or PNG; a large JPEG is decoded at a fraction of its size.
        size: width and height.
        resampling: of Pillow.
    """
    with Image.open(io.BytesIO(data)) as image:
        image.draft("RGB", size)
        small = image.convert("RGB")
    small.thumbnail(size, resampling)
    return small
