"""The files of DeepFashion's Category and Attribute Prediction as a `ProductSource`.

`attribute_values.json` says which of the 1,000 attributes mean a sleeve, neckline, length
or pattern that products are labelled with here.
"""

import functools
import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from fitrank_tf.datasets.annotation_table import (
    annotation_lines,
    log_left_out,
    named_lines,
    table_rows,
)
from fitrank_tf.datasets.attributes import CATEGORIES, Attribute, Declaration
from fitrank_tf.datasets.deepfashion import (
    CLASS_OF,
    MALFORMED,
    SPLIT_OF,
    DeepFashionSource,
    id_of,
    objects_of,
    photo_of,
    plain_boxes,
    positive,
)
from fitrank_tf.datasets.product_source import ProductRow

logger = logging.getLogger(__name__)

# {type of an attribute: the Item's attribute that holds those of the type}.
_TYPES = {"1": "texture", "2": "fabric", "3": "shape", "4": "part", "5": "style"}
_DERIVED = ("sleeve", "neckline", "length", "pattern")
_VALUES = Path(__file__).parent / "attribute_values.json"


class _Typed(NamedTuple):
    """A category or an attribute, with its type."""

    name: str
    type: str


class DeepFashionAttributesSource(DeepFashionSource):
    """Each photo of the partition, with its category and its positive attributes.

    Raises:
        FitRankError: without categories, the partition or the photos.
    """

    LANDMARKS = ("Anno_coarse/list_category_img.txt", "Anno/list_category_img.txt")
    UNPACK = (
        "unpack the benchmark's Anno_coarse (or the older Anno) and Eval, and its "
        "Img/img.zip in Img (which then has a folder img), and name the folder that holds "
        "the three with --manual_dir"
    )

    def __init__(self, manual_dir: str, config: str = ""):
        super().__init__(manual_dir, config)
        self._partition = self._need("Eval/list_eval_partition.txt")
        self._categories, self._category_of = (
            self._need(f"Anno_coarse/{name}", f"Anno/{name}")
            for name in ("list_category_cloth.txt", "list_category_img.txt")
        )
        self._names, self._values, self._boxes = (
            self._find(lacking, f"Anno_coarse/{name}", f"Anno/{name}")
            for name, lacking in (
                ("list_attr_cloth.txt", "attributes"),
                ("list_attr_img.txt", "attributes"),
                ("list_bbox.txt", "boxes"),
            )
        )

    @classmethod
    def declaration_of(cls, config: str) -> Declaration:
        return Declaration(
            (
                Attribute("category"),
                *(Attribute(name, CATEGORIES) for name in _TYPES.values()),
                *map(Attribute, _DERIVED),
            ),
            facets=("category", "pattern", "sleeve", "neckline", "length"),
            decisive="category",
            alone=("category",),
        )

    @property
    def has_boxes(self) -> bool:
        return True

    def rows(self) -> Iterator[ProductRow]:
        categories = self._category_of_photo()
        names = _typed(self._names)
        positives = {
            photo_of(photo): positive(values)
            for _, (photo, *values) in table_rows(
                self._values if names else None, columns=1 + len(names)
            )
        }
        boxes = plain_boxes(self._boxes)
        for number, fields in annotation_lines(self._partition):
            if len(fields) != 2 or fields[1] not in SPLIT_OF:
                yield ProductRow(id_of(fields[0]), "", {}, problem=MALFORMED, line=number)
                continue
            photo = photo_of(fields[0])
            category = categories.get(photo, _Typed("", ""))
            attributes = [names[place] for place in positives.get(photo, ())]
            yield ProductRow(
                id=id_of(photo),
                text="",
                attributes={
                    "category": category.name,
                    **_by_type(attributes),
                    **_derived(category, attributes),
                },
                photos=(photo,),
                objects=objects_of(category.type, boxes.get(photo)),
                split=SPLIT_OF[fields[1]],
                line=number,
            )

    def _category_of_photo(self) -> dict[str, _Typed]:
        categories = dict(enumerate(_typed(self._categories), start=1))
        found, unknown = dict[str, _Typed](), list[int]()
        for line, (photo, number) in table_rows(self._category_of, columns=2):
            # Seven digits are more than there are categories.
            place = int(number) if number.isdecimal() and len(number) < 8 else 0
            if place in categories:
                found[photo_of(photo)] = categories[place]
            else:
                unknown.append(line)
        log_left_out(self._category_of, unknown, "with a category that is none")
        return found


def _typed(path: Path | None) -> list[_Typed]:
    """The categories or attributes of a file: a name, which may have blanks, and a type."""
    typed = []
    for line in named_lines(path):
        name, _, kind = line.rpartition(" ")
        is_typed = bool(name) and kind.isdecimal()
        if not is_typed:
            logger.warning("%s: %r has no type", path, line)
        typed.append(_Typed(name, kind) if is_typed else _Typed(line, ""))
    return typed


def _by_type(attributes: Iterable[_Typed]) -> dict[str, tuple[str, ...]]:
    """{the Item's attribute: names}, for those that have any."""
    found: dict[str, tuple[str, ...]] = {}
    for name, kind in attributes:
        if kind in _TYPES:
            field = _TYPES[kind]
            found[field] = (*found.get(field, ()), name)
    return found


def _derived(category: _Typed, attributes: Iterable[_Typed]) -> dict[str, str]:
    """{field: value} of `_DERIVED`, for those on which the attributes agree."""
    said: dict[str, set[str]] = {}
    for name, _ in attributes:
        for field, value in _values().get(name, {}).items():
            said.setdefault(field, set()).add(value)
    # Cropped trousers do not end above the hip, as what has this length here does.
    if CLASS_OF.get(category.type) == "bottom":
        said.get("length", set()).discard("cropped")
    return {field: values.pop() for field, values in said.items() if len(values) == 1}


@functools.cache
def _values() -> Mapping[str, Mapping[str, str]]:
    return json.loads(_VALUES.read_text(encoding="utf-8"))
