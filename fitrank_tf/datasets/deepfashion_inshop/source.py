"""The files of DeepFashion's In-shop Clothes Retrieval as a `ProductSource`.

A photo is `img/WOMEN/Dresses/id_00000901/01_1_front.jpg`, where 01 is the colour variant.
"""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.annotation_table import annotation_lines, named_lines, table_rows
from fitrank_tf.datasets.attributes import CATEGORIES, Attribute, Declaration
from fitrank_tf.datasets.deepfashion import (
    GENDERS,
    MALFORMED,
    DeepFashionSource,
    TypedBox,
    id_of,
    objects_of,
    photo_of,
    positive,
    typed_boxes,
)
from fitrank_tf.datasets.product_source import ProductRow
from fitrank_tf.datasets.splits import TEST, TRAIN

logger = logging.getLogger(__name__)

_SPLIT_OF = {"train": TRAIN, "query": TEST, "gallery": TEST}
_POSES = {
    "1": "front",
    "2": "side",
    "3": "back",
    "4": "zoom-out",
    "5": "zoom-in",
    "6": "stand-alone",
}
# The side of the photos of `img.zip`, which are squares.
_SIDE = 256
_BETWEEN = " || "


class _Described(NamedTuple):
    """What the shop says of an item."""

    colour: str = ""
    text: str = ""


class DeepFashionInshopSource(DeepFashionSource):
    """Each photo of the partition, with what is known of its item.

    Raises:
        FitRankError: without `Anno`, the partition or the photos.
    """

    LANDMARKS = (
        "Anno/list_item_inshop.txt",
        "Anno/list_bbox_inshop.txt",
        "Anno/list_description_inshop.json",
    )

    def __init__(self, manual_dir: str, config: str = ""):
        super().__init__(manual_dir, config)
        self._partition = self._need("Eval/list_eval_partition.txt")
        self._boxes = self._find("boxes and poses", "Anno/list_bbox_inshop.txt")
        self._descriptions = self._find(
            "texts and colours", "Anno/list_description_inshop.json"
        )
        self._names, self._values = (
            self._find("attributes", f"Anno/attributes/{name}", f"Anno/{name}")
            for name in ("list_attr_cloth.txt", "list_attr_items.txt")
        )

    @classmethod
    def declaration_of(cls, config: str) -> Declaration:
        return Declaration(
            (
                *map(Attribute, ("item", "partition", "gender", "category", "colour")),
                Attribute("pose"),
                Attribute("attributes", CATEGORIES),
            ),
            facets=("gender", "category", "colour"),
            decisive="category",
            alone=("category", "colour"),
        )

    @property
    def has_boxes(self) -> bool:
        return True

    def rows(self) -> Iterator[ProductRow]:
        boxes = typed_boxes(self._boxes)
        within = _size_of_photos(boxes)
        described = _descriptions(self._descriptions) if self._descriptions else {}
        positives = self._positives()
        undescribed = 0
        for number, fields in annotation_lines(self._partition):
            folders = photo_of(fields[0]).split("/")
            if len(fields) != 3 or fields[2] not in _SPLIT_OF or len(folders) != 4:
                yield ProductRow(id_of(fields[0]), "", {}, problem=MALFORMED, line=number)
                continue
            path, item, partition = fields
            said = described.get(item, _Described())
            undescribed += item not in described
            box = boxes.get(photo_of(path))
            yield ProductRow(
                id=id_of(path),
                text=said.text,
                attributes={
                    "item": item,
                    "partition": partition,
                    "gender": GENDERS.get(folders[0], ""),
                    "category": folders[1],
                    "colour": said.colour,
                    "pose": _POSES.get(box.kind, "") if box else "",
                    "attributes": positives.get(item, ()),
                },
                photos=(photo_of(path),),
                objects=objects_of(box.clothes, box.corners, within) if box else (),
                split=_SPLIT_OF[partition],
                line=number,
            )
        if described and undescribed:
            logger.warning(
                "%s: %d photos are of items without a description",
                self._descriptions,
                undescribed,
            )

    def _positives(self) -> Mapping[str, Sequence[str]]:
        """{item: names of its attributes}."""
        names = named_lines(self._names)
        return {
            item: tuple(names[place] for place in positive(values))
            for _, (item, *values) in table_rows(
                self._values if names else None, columns=1 + len(names)
            )
        }


def _size_of_photos(boxes: Mapping[str, TypedBox]) -> tuple[int, int] | None:
    """The size of the photos in which the boxes were drawn; None for the photos' own.

    It is that of `img.zip` unless a box reaches beyond.
    """
    beyond = any(max(box.corners or (0,)) > _SIDE for box in boxes.values())
    return None if beyond else (_SIDE, _SIDE)


def _descriptions(path: Path) -> dict[str, _Described]:
    """{item: its description}, of an array, or of an object a line as in older copies."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        entries = (
            json.loads(text)
            if text.lstrip().startswith("[")
            # `splitlines` would also split at line ends that JSON allows within texts.
            else [json.loads(line) for line in text.split("\n") if line.strip()]
        )
        described = {entry["item"]: entry for entry in entries}
    except (KeyError, OSError, RecursionError, TypeError, ValueError) as error:
        raise FitRankError(
            f"{path} is no JSON array of items with descriptions ({error!r}); unpack it "
            "again"
        ) from error
    return {item: _described(entry, path) for item, entry in described.items()}


def _described(entry: Mapping[str, Any], path: Path) -> _Described:
    """The text is, to the blank, that of Marqo's benchmarks: without the last line."""
    colour, lines = entry.get("color") or "", entry.get("description") or []
    is_list = isinstance(lines, list) and all(isinstance(line, str) for line in lines)
    if not is_list or not isinstance(colour, str):
        wrong = "`color` is no text" if is_list else "`description` is no list of texts"
        raise FitRankError(f"{path}, item {entry['item']}: {wrong}; unpack it again")
    return _Described(colour.strip(), _BETWEEN.join(lines[:-1]))
