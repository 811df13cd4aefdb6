"""Photos that come twice."""

import io

import numpy as np
from PIL import Image, ImageDraw

from fitrank_tf.datasets.check.photo_prints import photo_print, same_files, same_pictures
from tests.datasets.small_catalogues import encode


def drawn(colour: str, shift: int = 0, size: tuple[int, int] = (240, 320)) -> Image.Image:
    """A garment of a colour on white, with two buttons."""
    image = Image.new("RGB", (240, 320), "white")
    pen = ImageDraw.Draw(image)
    pen.polygon([(60 + shift, 40), (180, 40), (200, 290), (40, 290 - shift)], fill=colour)
    pen.ellipse((110, 90, 130, 110), fill="black")
    pen.ellipse((110, 160 + shift, 130, 180 + shift), fill="black")
    return image.resize(size)


def test_copies_at_another_size_and_quality_are_the_same_picture() -> None:
    photos = [
        encode(drawn("red")),
        encode(drawn("blue")),
        encode(drawn("red", size=(120, 160)), quality=70),
        encode(drawn("red", shift=12)),
        encode(drawn("red")),
        encode(drawn("red"), "PNG"),
    ]
    prints = [photo_print(data) for data in photos]
    assert same_files(prints) == [[0, 4]]
    assert same_pictures(prints) == [[0, 2, 5]]


def test_other_pictures_are_not() -> None:
    rng = np.random.default_rng(0)
    prints = [
        photo_print(encode(Image.fromarray(rng.integers(0, 256, (64, 48, 3), np.uint8))))
        for _ in range(300)
    ]
    assert same_files(prints) == same_pictures(prints) == []


def test_groups_join_across_blocks_of_rows() -> None:
    rng = np.random.default_rng(1)
    noise = [rng.integers(0, 256, (40, 30, 3), np.uint8) for _ in range(140)]
    noise[135] = noise[3]
    files = [encode(Image.fromarray(each), quality=95) for each in noise]
    image = Image.open(io.BytesIO(files[3]))
    files[135] = encode(image, "PNG")
    assert same_pictures([photo_print(data) for data in files]) == [[3, 135]]
    assert same_pictures([]) == []
