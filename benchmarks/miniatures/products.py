"""Drawn products for the miniatures, with several photos of one product."""

import dataclasses
import io
import itertools
from collections.abc import Iterator, Mapping
from typing import TypeVar

import numpy as np
from PIL import Image

from fitrank_tf.datasets.synthetic_catalogue.product import (
    Box,
    Listing,
    Product,
    draw_product,
    write_listing,
)

_JPEG_QUALITY = 80
# Pixels at each side that a view may show beyond the photo, which repeat its edge.
_MARGIN = 0.1
# {class of the detector: DeepFashion's type of clothes}.
CLOTHES: Mapping[str, int] = {"top": 1, "outerwear": 1, "bottom": 2, "one-piece": 3}
# {article type: folder of In-shop's photos}.
FOLDERS: Mapping[str, str] = {
    "Tshirts": "Tees_Tanks",
    "Shirts": "Blouses_Shirts",
    "Kurtas": "Blouses_Shirts",
    "Sweatshirts": "Sweatshirts_Hoodies",
    "Jackets": "Jackets_Coats",
    "Dresses": "Dresses",
    "Jeans": "Denim",
    "Trousers": "Pants",
    "Shorts": "Shorts",
    "Skirts": "Skirts",
}
_Part = TypeVar("_Part")


@dataclasses.dataclass(frozen=True)
class View:
    """A photo of a product.

    Attributes:
        image: uint8 [H, W, 3], RGB.
        boxes: of the product, then of its parts.
    """

    image: np.ndarray
    boxes: tuple[Box, ...]

    def jpeg(self) -> bytes:
        """The bytes of its file."""
        file = io.BytesIO()
        Image.fromarray(self.image).save(file, "JPEG", quality=_JPEG_QUALITY)
        return file.getvalue()

    def corners(self, box: Box) -> tuple[int, int, int, int]:
        """xmin, ymin, xmax, ymax of a box in pixels."""
        height, width = self.image.shape[:2]
        return (
            round(box.xmin * width),
            round(box.ymin * height),
            round(box.xmax * width),
            round(box.ymax * height),
        )

    def on_square(self, side: int) -> "View":
        """The view in the middle of a white square of so many pixels, in which it fits."""
        height, width = self.image.shape[:2]
        top, left = (side - height) // 2, (side - width) // 2
        image = np.full((side, side, 3), 255, np.uint8)
        image[top : top + height, left : left + width] = self.image
        boxes = tuple(
            Box(
                box.label,
                (box.ymin * height + top) / side,
                (box.xmin * width + left) / side,
                (box.ymax * height + top) / side,
                (box.xmax * width + left) / side,
            )
            for box in self.boxes
        )
        return View(image, boxes)


@dataclasses.dataclass(frozen=True)
class _Change:
    """How a view differs from the product's photo.

    Attributes:
        flipped: left for right.
        brightness: factor of the pixels.
        window: ymin, xmin, ymax, xmax of what is seen, in shares of the photo, up to
            `_MARGIN` beyond it.
    """

    flipped: bool = False
    brightness: float = 1.0
    window: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)


# The photo; flipped; brighter; from nearer; shifted; flipped, darker and from farther.
_CHANGES = (
    _Change(),
    _Change(flipped=True),
    _Change(brightness=1.2),
    _Change(window=(0.06, 0.06, 0.94, 0.94)),
    _Change(window=(-0.08, 0.08, 0.92, 1.08)),
    _Change(True, 0.85, (-0.06, -0.06, 1.06, 1.06)),
)


def views(product: Product, count: int) -> list[View]:
    """Up to six photos of one product, the first its own."""
    photo = View(product.image, product.boxes)
    return [_changed(photo, change) for change in _CHANGES[:count]]


def products(seed: int, worn: bool = False) -> Iterator[Product]:
    """The drawn products of a seed without end; clothes alone, if these are asked for."""

    def wanted(listing: Listing) -> bool:
        return not worn or listing.facets.article.product_class in CLOTHES

    return (
        draw_product(seed, index)
        for index in itertools.count()
        if wanted(write_listing(seed, index))
    )


def described(product: Product) -> str:
    """What a photo shows: "a striped red shirts with long sleeves"."""
    of = product.attributes
    words = [of["pattern"], of["colour"].lower(), of["article_type"].lower()]
    cut = [f"{of[part]} {part}" for part in ("sleeve", "neckline") if of[part]]
    return " ".join(["a", *words]) + (f" with {' and '.join(cut)}" if cut else "")


def in_parts(total: int, official: Mapping[_Part, int]) -> list[_Part]:
    """So many names of parts as there are things, in the official proportions.

    Each part has at least one where there are enough things.

    Args:
        total: number of things.
        official: {part: its number of things in the whole data set}.
    """
    exact = {part: total * of / sum(official.values()) for part, of in official.items()}
    counts = {part: max(1, int(share)) for part, share in exact.items()}
    while sum(counts.values()) < total:
        counts[max(exact, key=lambda part: exact[part] - counts[part])] += 1
    while sum(counts.values()) > total:
        counts[max(counts, key=lambda part: counts[part])] -= 1
    return [part for part, count in counts.items() for _ in range(count)]


def grouped(total: int, of_each: int) -> list[int]:
    """Sizes of groups of photos of one thing: `of_each`, and the rest spread over them."""
    groups = max(1, total // of_each)
    return [total // groups + (number < total % groups) for number in range(groups)]


def _changed(photo: View, change: _Change) -> View:
    image, boxes = photo.image, photo.boxes
    if change.flipped:
        image = image[:, ::-1]
        boxes = tuple(
            dataclasses.replace(box, xmin=1 - box.xmax, xmax=1 - box.xmin) for box in boxes
        )
    bright = np.clip(image * change.brightness, 0, 255).astype(np.uint8)
    height, width = bright.shape[:2]
    margins = round(height * _MARGIN), round(width * _MARGIN)
    padded = np.pad(bright, [*((side, side) for side in margins), (0, 0)], "edge")
    ymin, xmin, ymax, xmax = change.window
    rows = slice(*(margins[0] + round(height * edge) for edge in (ymin, ymax)))
    columns = slice(*(margins[1] + round(width * edge) for edge in (xmin, xmax)))

    def seen(box: Box) -> Box:
        edges = (
            (box.ymin - ymin) / (ymax - ymin),
            (box.xmin - xmin) / (xmax - xmin),
            (box.ymax - ymin) / (ymax - ymin),
            (box.xmax - xmin) / (xmax - xmin),
        )
        return Box(box.label, *(min(max(edge, 0.0), 1.0) for edge in edges))

    return View(np.ascontiguousarray(padded[rows, columns]), tuple(map(seen, boxes)))
