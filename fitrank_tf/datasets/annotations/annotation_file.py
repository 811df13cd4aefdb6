"""Annotations as COCO JSON: product ids, boxes and labels, no pixels.

An entry of `images` is a product: `file_name` is `<product id>.jpg`, and besides COCO's
fields it has `split`, `sleeve` and `neckline` ("" where the product has none). An entry of
`annotations` is a box. COCO tools can open the file.
"""

import dataclasses
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.files import write_atomically
from fitrank_tf.datasets.item import OBJECT_CLASSES, PART_CLASSES, PRODUCT_CLASSES
from fitrank_tf.datasets.splits import TEST, TRAIN

SLEEVES: tuple[str, ...] = ("sleeveless", "short", "three-quarter", "long")
NECKLINES: tuple[str, ...] = ("round", "v", "collar", "hood", "other")
ANNOTATION_SPLITS: tuple[str, ...] = (TRAIN, TEST)

# COCO counts categories from 1.
_CATEGORY_IDS = {name: number for number, name in enumerate(OBJECT_CLASSES, start=1)}
# Pixels that a box may exceed the photo by, because of rounding.
_EDGE = 0.5


@dataclasses.dataclass(frozen=True)
class Box:
    """A labelled box in a photo.

    Attributes:
        label: one of `OBJECT_CLASSES`.
        xmin, ymin, xmax, ymax: in pixels from the photo's top left corner.
    """

    label: str
    xmin: float
    ymin: float
    xmax: float
    ymax: float


@dataclasses.dataclass(frozen=True)
class AnnotatedProduct:
    """One photo's annotations.

    Attributes:
        id: the shop's product id.
        width, height: size of the photo, in pixels.
        split: "train" or "test"; test photos are never trained on.
        boxes: one box of a product class, up to two sleeves, and at most one neckline.
        sleeve: one of `SLEEVES`, "" where the product has none or it is not visible.
        neckline: one of `NECKLINES`, "" where the product has none or it is not visible.

    Raises:
        FitRankError: for any other value; the message names the product.
    """

    id: str
    width: int
    height: int
    split: str
    boxes: tuple[Box, ...]
    sleeve: str = ""
    neckline: str = ""

    def __post_init__(self) -> None:
        self._require(self.width > 0 and self.height > 0, "has a photo without pixels")
        for field, value, known in (
            ("split", self.split, ANNOTATION_SPLITS),
            ("sleeve", self.sleeve, ("", *SLEEVES)),
            ("neckline", self.neckline, ("", *NECKLINES)),
        ):
            self._require(
                value in known, f"has the {field} {value!r}: choose from {', '.join(known)}"
            )
        self._check_labels()
        for box in self.boxes:
            self._check_box(box)

    def _check_labels(self) -> None:
        counts = Counter(box.label for box in self.boxes)
        unknown = [label for label in counts if label not in OBJECT_CLASSES]
        self._require(
            not unknown, f"has a box {unknown}: choose from {', '.join(OBJECT_CLASSES)}"
        )
        products = sum(counts[name] for name in PRODUCT_CLASSES)
        self._require(products == 1, f"has {products} product boxes: give it one")
        sleeve, neckline = PART_CLASSES
        self._require(counts[sleeve] <= 2, "has more than two sleeves: remove one")
        self._require(counts[neckline] <= 1, "has two necklines: remove one")

    def _check_box(self, box: Box) -> None:
        inside = (
            -_EDGE <= box.xmin < box.xmax <= self.width + _EDGE
            and -_EDGE <= box.ymin < box.ymax <= self.height + _EDGE
        )
        corners = (box.xmin, box.ymin, box.xmax, box.ymax)
        self._require(
            inside,
            f"has a {box.label} box {corners} that is empty or beyond its photo of "
            f"{self.width} x {self.height}: correct it",
        )

    def _require(self, holds: bool, problem: str) -> None:
        if not holds:
            raise FitRankError(f"product {self.id!r} {problem}")


def write_annotations(
    path: str | os.PathLike[str], products: Sequence[AnnotatedProduct]
) -> None:
    """Writes COCO JSON with one entry in a line, sorted by product for readable diffs.

    Args:
        path: the file to write.
        products: annotated products, each id once.

    Raises:
        FitRankError: if a product occurs twice, or the path cannot be written.
    """
    ordered = sorted(products, key=lambda product: (len(product.id), product.id))
    _check_unique(path, [product.id for product in ordered])
    images = [_image(number, product) for number, product in enumerate(ordered, start=1)]
    pairs = [
        (number, box)
        for number, product in enumerate(ordered, start=1)
        for box in product.boxes
    ]
    sections = {
        "images": images,
        "annotations": [
            _annotation(number, image, box)
            for number, (image, box) in enumerate(pairs, start=1)
        ],
        "categories": [
            {"id": number, "name": name} for name, number in _CATEGORY_IDS.items()
        ],
    }
    parts = [
        f'"{name}": [\n' + ",\n".join(map(json.dumps, entries)) + "\n]"
        for name, entries in sections.items()
    ]
    write_atomically(path, ("{\n" + ",\n".join(parts) + "\n}\n").encode())


def read_annotations(path: str | os.PathLike[str]) -> list[AnnotatedProduct]:
    """Reads and checks annotations that `write_annotations` or a COCO tool wrote.

    Raises:
        FitRankError: if the file does not contain such annotations.
    """
    try:
        plain = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FitRankError(f"{path} cannot be read as JSON ({error})") from error
    try:
        products = _products(plain)
    except (KeyError, TypeError, ValueError) as error:
        raise FitRankError(
            f"{path} is not COCO JSON as this project writes it ({error!r}); export it "
            "with images, annotations and categories"
        ) from error
    except FitRankError as error:
        raise FitRankError(f"{path}: {error}") from None
    _check_unique(path, [product.id for product in products])
    return products


def _products(plain: Mapping[str, Any]) -> list[AnnotatedProduct]:
    names = {entry["id"]: entry["name"] for entry in plain["categories"]}
    boxes: dict[int, list[Box]] = {entry["id"]: [] for entry in plain["images"]}
    for entry in plain["annotations"]:
        if entry["image_id"] not in boxes:
            raise FitRankError(
                f"annotation {entry['id']} is of image {entry['image_id']}, which is not "
                "among the images: remove it"
            )
        x, y, width, height = entry["bbox"]
        box = Box(names[entry["category_id"]], x, y, x + width, y + height)
        boxes[entry["image_id"]].append(box)
    return [
        AnnotatedProduct(
            id=Path(entry["file_name"]).stem,
            width=entry["width"],
            height=entry["height"],
            split=entry["split"],
            boxes=tuple(boxes[entry["id"]]),
            sleeve=entry.get("sleeve", ""),
            neckline=entry.get("neckline", ""),
        )
        for entry in plain["images"]
    ]


def _image(number: int, product: AnnotatedProduct) -> dict[str, Any]:
    return {
        "id": number,
        "file_name": f"{product.id}.jpg",
        "width": product.width,
        "height": product.height,
        "split": product.split,
        "sleeve": product.sleeve,
        "neckline": product.neckline,
    }


def _annotation(number: int, image: int, box: Box) -> dict[str, Any]:
    width, height = box.xmax - box.xmin, box.ymax - box.ymin
    return {
        "id": number,
        "image_id": image,
        "category_id": _CATEGORY_IDS[box.label],
        "bbox": [round(value, 1) for value in (box.xmin, box.ymin, width, height)],
        "area": round(width * height, 1),
        "iscrowd": 0,
    }


def _check_unique(path: str | os.PathLike[str], ids: Sequence[str]) -> None:
    twice = [item for item, count in Counter(ids).items() if count > 1]
    if twice:
        raise FitRankError(f"{path}: product {twice[0]!r} comes twice; keep one")
