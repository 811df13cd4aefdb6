"""The files of DeepFashion's Consumer-to-shop Clothes Retrieval as a `ProductSource`.

A line of the partition is a pair: a consumer's photo and a shop's of one item. A photo may
stand in several lines, but is one row.
"""

from collections.abc import Iterator
from pathlib import PurePosixPath

from fitrank_tf.datasets.annotation_table import annotation_lines
from fitrank_tf.datasets.attributes import Attribute, Declaration
from fitrank_tf.datasets.deepfashion import (
    MALFORMED,
    SPLIT_OF,
    DeepFashionSource,
    TypedBox,
    id_of,
    objects_of,
    photo_of,
    typed_boxes,
)
from fitrank_tf.datasets.product_source import ProductRow

OTHER_ITEM = "photo that an earlier line of the partition has with another item or part"

_SHOP, _CONSUMER = "shop", "consumer"
_KIND_OF = {"1": _SHOP, "2": _CONSUMER}


class DeepFashionConsumerToShopSource(DeepFashionSource):
    """Each photo of the partition once, with its item.

    Raises:
        FitRankError: without `Anno`, the partition or the photos.
    """

    LANDMARKS = ("Anno/list_item_consumer2shop.txt", "Anno/list_bbox_consumer2shop.txt")

    def __init__(self, manual_dir: str, config: str = ""):
        super().__init__(manual_dir, config)
        self._partition = self._need("Eval/list_eval_partition.txt")
        self._boxes = self._find("boxes", "Anno/list_bbox_consumer2shop.txt")

    @classmethod
    def declaration_of(cls, config: str) -> Declaration:
        return Declaration(tuple(map(Attribute, ("item", "kind", "partition"))))

    @property
    def has_boxes(self) -> bool:
        return True

    def rows(self) -> Iterator[ProductRow]:
        boxes = typed_boxes(self._boxes)
        seen: dict[str, tuple[str, str]] = {}
        for number, fields in annotation_lines(self._partition):
            if len(fields) != 4 or fields[3] not in SPLIT_OF:
                yield ProductRow(id_of(fields[0]), "", {}, problem=MALFORMED, line=number)
                continue
            *pair, item, partition = fields
            for photo in map(photo_of, pair):
                is_new = photo not in seen
                agrees = seen.setdefault(photo, (item, partition)) == (item, partition)
                if not is_new and agrees:
                    continue
                box = boxes.get(photo)
                yield ProductRow(
                    id=id_of(photo),
                    text="",
                    attributes={
                        "item": item,
                        "kind": _kind(photo, box),
                        "partition": partition,
                    },
                    photos=(photo,),
                    objects=objects_of(box.clothes, box.corners) if box else (),
                    split=SPLIT_OF[partition],
                    problem="" if agrees else OTHER_ITEM,
                    line=number,
                )


def _kind(photo: str, box: TypedBox | None) -> str:
    """Whose photo it is: as the file of boxes says, or else the file's name.

    Consumers' files are named `comsumer_01.jpg`, with this spelling.
    """
    if box and box.kind in _KIND_OF:
        return _KIND_OF[box.kind]
    return _SHOP if PurePosixPath(photo).name.startswith(_SHOP) else _CONSUMER
