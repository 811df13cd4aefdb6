"""The files of DeepFashion-MultiModal as a `ProductSource`.

A photo is `images/WOMEN-Dresses-id_00000901-01_1_front.jpg`. `labels.json` says what the
numbers of the label files mean, and which garment in the photo is the item.
"""

import functools
import json
import logging
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.attributes import Attribute, Declaration
from fitrank_tf.datasets.deepfashion import DeepFashionSource, table_rows
from fitrank_tf.datasets.manual_dir import flat_id
from fitrank_tf.datasets.product_source import ProductRow
from fitrank_tf.datasets.splits import split_of

logger = logging.getLogger(__name__)

OTHER_NAME = "file name that is not gender-category-id_number-view.jpg"

_NAME = re.compile(r"(MEN|WOMEN)-(.+)-(id_\d+)-.+\.jpe?g")
_GENDERS = {"MEN": "Men", "WOMEN": "Women"}
_LABELS = Path(__file__).parent / "labels.json"


class DeepFashionMultimodalSource(DeepFashionSource):
    """Each photo that is there or has a caption.

    Raises:
        FitRankError: without captions and labels, or without photos.
    """

    LANDMARKS = ("captions.json", "labels")
    UNPACK = (
        "unpack images.zip and labels.zip into one folder beside captions.json, and name "
        "it with --manual_dir"
    )
    PHOTOS = ("images/images", "images")

    def __init__(self, manual_dir: str, config: str = ""):
        super().__init__(manual_dir, config)
        self._captions = self._find("captions", "captions.json")
        self._tables = {
            name: self._find(
                "labels of it", f"labels/{name}", f"labels/labels/{name}", name
            )
            for name in _labels()["columns"]
        }

    @classmethod
    def declares(cls, config: str) -> Declaration:
        names = ("item", "gender", "category", *_labels()["attributes"])
        return Declaration(
            tuple(map(Attribute, names)),
            facets=("gender", "category", "pattern", "sleeve", "neckline"),
            decisive="category",
            alone=("category",),
        )

    def rows(self) -> Iterator[ProductRow]:
        captions = _captions(self._captions) if self._captions else {}
        labels = {
            name: {
                photo: tuple(values)
                for _, (photo, *values) in table_rows(
                    path, columns=1 + _labels()["columns"][name], head=0
                )
            }
            for name, path in self._tables.items()
        }
        lacking = 0
        for photo in sorted({*self._folder.stamps, *captions}):
            named = _NAME.fullmatch(photo)
            if not named:
                yield ProductRow(flat_id(photo), "", {}, problem=OTHER_NAME)
                continue
            gender, category, item = named.groups()
            lacking += photo not in captions
            seen = {name: table.get(photo, ()) for name, table in labels.items()}
            yield ProductRow(
                id=flat_id(photo),
                text=captions.get(photo, ""),
                attributes={
                    "item": item,
                    "gender": _GENDERS[gender],
                    "category": category,
                    **{
                        attribute: _value(of, _parts(category), seen[of["file"]])
                        for attribute, of in _labels()["attributes"].items()
                    },
                },
                photos=(photo,),
                # All photos of an item are in one split.
                split=split_of(item, ""),
            )
        if captions and lacking:
            logger.warning("%s: %d photos have no caption", self._captions, lacking)


@functools.cache
def _labels() -> Mapping[str, Any]:
    return json.loads(_LABELS.read_text(encoding="utf-8"))


def _parts(category: str) -> tuple[str, ...]:
    """The garments in a photo that are the item, the one whose labels count first."""
    return tuple(_labels()["parts"].get(category, ("upper",)))


def _value(of: Mapping[str, Any], parts: tuple[str, ...], seen: tuple[str, ...]) -> str:
    """An attribute's value.

    Args:
        of: what `labels.json` says of the attribute.
        parts: from `_parts`.
        seen: the numbers of the photo's line; () without one.
    """
    numbers = (seen[of["column"][part]] for part in parts if seen and part in of["column"])
    return next(filter(None, (of["values"].get(number, "") for number in numbers)), "")


def _captions(path: Path) -> dict[str, str]:
    try:
        captions = json.loads(path.read_text(encoding="utf-8-sig"))
        return {str(photo): caption.strip() for photo, caption in captions.items()}
    except (AttributeError, OSError, ValueError) as error:
        raise FitRankError(
            f"{path} is no JSON object of photos with captions ({error!r}); fetch it again"
        ) from error
