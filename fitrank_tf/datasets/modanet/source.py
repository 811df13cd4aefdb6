"""ModaNet's official annotation files and a folder of photos as a `ProductSource`.

The annotations are COCO JSON: `modanet2018_instances_train.json` and, optionally,
`modanet2018_instances_val.json`. The photos are Paperdoll's, `images/<file_name>`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.photos.folder import DiskImageFolder
from fitrank_tf.datasets.product_source import (
    LabelledBox,
    ProductRow,
    ProductSource,
    content_fingerprint,
)

ANNOTATION_FILES = ("modanet2018_instances_train.json", "modanet2018_instances_val.json")
IMAGES = "images"

# {ModaNet's category: the detector's class}.
CLASS_OF: Mapping[str, str] = {
    "bag": "bag",
    "belt": "belt/tie",
    "boots": "footwear",
    "footwear": "footwear",
    "outer": "outerwear",
    "dress": "one-piece",
    "sunglasses": "eyewear",
    "pants": "bottom",
    "top": "top",
    "shorts": "bottom",
    "skirt": "bottom",
    "headwear": "headwear",
    "scarf/tie": "belt/tie",
    # The spelling of the paper.
    "scarf & tie": "belt/tie",
}


class ModaNetSource(ProductSource):
    """The opened annotation files.

    Args:
        manual_dir: folder that contains `ANNOTATION_FILES` and the folder `images`.

    Raises:
        FitRankError: if the files are missing, cannot be read, or name a category that
            ModaNet does not have.
    """

    def __init__(self, manual_dir: str):
        self._root = Path(manual_dir).expanduser()
        paths = [self._root / name for name in ANNOTATION_FILES]
        self._paths = [path for path in paths if path.is_file()]
        if not manual_dir or not self._paths:
            raise FitRankError(
                f"--manual_dir {manual_dir or '(not given)'}: no {ANNOTATION_FILES[0]} in "
                "it; name the folder with ModaNet's annotations"
            )
        if not (self._root / IMAGES).is_dir():
            raise FitRankError(
                f"--manual_dir {manual_dir}: no folder {IMAGES!r} in it; put the photos "
                "there"
            )
        self._folder = DiskImageFolder(self._root / IMAGES)
        self._rows = [row for path in self._paths for row in _rows_of(path)]

    @property
    def where(self) -> str:
        return str(self._root)

    @property
    def has_boxes(self) -> bool:
        return True

    def rows(self) -> Iterator[ProductRow]:
        yield from self._rows

    def read_photo(self, photo: str) -> bytes:
        return self._folder.read(photo)

    def fingerprint(self) -> str:
        return content_fingerprint(
            [path.read_bytes() for path in self._paths],
            ((row.id, self._folder.stamp(str(*row.photos))) for row in self._rows),
        )


def _rows_of(path: Path) -> Iterator[ProductRow]:
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        names = {entry["id"]: entry["name"].strip() for entry in plain["categories"]}
        images = {entry["id"]: entry for entry in plain["images"]}
        boxes: dict[Any, list[LabelledBox]] = {image: [] for image in images}
        for entry in plain.get("annotations", ()):
            image = images[entry["image_id"]]
            boxes[entry["image_id"]].append(_box(entry, names, image, path))
        for number, image in images.items():
            yield ProductRow(
                id=str(number),
                text="",
                attributes={},
                photos=(image["file_name"],),
                objects=tuple(boxes[number]),
            )
    except (
        OSError,
        ArithmeticError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
    ) as error:
        raise FitRankError(
            f"{path} is not ModaNet's COCO JSON ({error!r}); fetch it again"
        ) from error


def _box(
    entry: Mapping[str, Any],
    names: Mapping[int, str],
    image: Mapping[str, Any],
    path: Path,
) -> LabelledBox:
    name = names[entry["category_id"]]
    if name not in CLASS_OF:
        raise FitRankError(
            f"{path}: annotation {entry['id']} has the category {name!r}; ModaNet's are "
            f"{', '.join(CLASS_OF)}"
        )
    xmin, ymin, xmax, ymax = _corners(entry)
    width, height = image["width"], image["height"]
    corners = (ymin / height, xmin / width, ymax / height, xmax / width)
    if not (ymin < ymax and xmin < xmax):
        raise ValueError(f"annotation {entry['id']} has an empty box")
    return LabelledBox(CLASS_OF[name], *(min(max(side, 0.0), 1.0) for side in corners))


def _corners(entry: Mapping[str, Any]) -> Sequence[float]:
    """xmin, ymin, xmax, ymax of the polygons' extent, or of `bbox` without polygons."""
    polygons = entry.get("segmentation") or []
    if isinstance(polygons, dict):
        # Run-length encoding, which COCO uses for crowds, has no polygons.
        polygons = []
    xs = [x for polygon in polygons for x in polygon[0::2]]
    ys = [y for polygon in polygons for y in polygon[1::2]]
    if not xs:
        x, y, width, height = entry["bbox"]
        return x, y, x + width, y + height
    return min(xs), min(ys), max(xs), max(ys)
