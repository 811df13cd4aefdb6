"""The files of DeepFashion-MultiModal as a `ProductSource`.

A photo is `images/WOMEN-Dresses-id_00000901-01_1_front.jpg`. `labels.json` says what the
numbers of the label files mean, and which garment in the photo is the item.
"""

import functools
import json
import logging
import posixpath
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.annotation_table import table_rows
from fitrank_tf.datasets.attributes import Attribute, Declaration
from fitrank_tf.datasets.deepfashion import GENDERS, DeepFashionSource, id_of
from fitrank_tf.datasets.product_source import ProductRow
from fitrank_tf.datasets.splits import split_of

logger = logging.getLogger(__name__)

OTHER_NAME = "file name that is not gender-category-id_number-view.jpg"

_NAME = re.compile(r"(MEN|WOMEN)-(.+)-(id_\d+)-.+\.(?i:jpe?g)")
_LABELS = Path(__file__).parent / "labels.json"


class _Caption(NamedTuple):
    """A photo's name, as the file of captions spells it without folders, and its text."""

    photo: str
    text: str


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
    def declaration_of(cls, config: str) -> Declaration:
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
                _stem(photo): tuple(values)
                for _, (photo, *values) in table_rows(
                    path, columns=1 + _labels()["columns"][name], head=0
                )
            }
            for name, path in self._tables.items()
        }
        lacking = 0
        photos = {_stem(photo) for photo in self._folder.stamps}
        absent = {caption.photo for stem, caption in captions.items() if stem not in photos}
        for photo in sorted({*self._folder.stamps, *absent}):
            stem = _stem(photo)
            named = _NAME.fullmatch(photo)
            if not named:
                yield ProductRow(id_of(photo), "", {}, problem=OTHER_NAME)
                continue
            gender, category, item = named.groups()
            text = captions[stem].text if stem in captions else ""
            lacking += not text
            seen = {name: table.get(stem, ()) for name, table in labels.items()}
            yield ProductRow(
                id=id_of(photo),
                text=text,
                attributes={
                    "item": item,
                    "gender": GENDERS[gender],
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


def _stem(photo: str) -> str:
    """A photo's name without folders and suffix, which files of annotations spell apart."""
    return posixpath.splitext(posixpath.basename(photo))[0]


def _captions(path: Path) -> dict[str, _Caption]:
    """{stem of the photo: its caption}; one that is no text is as none."""
    try:
        captions = json.loads(path.read_text(encoding="utf-8-sig"))
        return {
            _stem(photo): _Caption(
                posixpath.basename(photo), text.strip() if isinstance(text, str) else ""
            )
            for photo, text in captions.items()
        }
    except (AttributeError, OSError, RecursionError, ValueError) as error:
        raise FitRankError(
            f"{path} is no JSON object of photos with captions ({error!r}); fetch it again"
        ) from error
