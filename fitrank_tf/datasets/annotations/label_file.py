"""Labels that people gave to products: a CSV with a row for each product.

    id,split,sleeve,neckline,pattern
    10051,test,short,collar,plain

A file has `id`, `split` and one or more of `LABEL_FIELDS`. A field is empty where the
product has no such part or it is not visible. `README.md` describes how labels are decided.
"""

import csv
import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.annotations.annotation_file import (
    ANNOTATION_SPLITS,
    NECKLINES,
    SLEEVES,
)

PATTERNS: tuple[str, ...] = ("plain", "striped", "checked", "printed")
# Where a garment ends on its wearer, and how close it lies.
LENGTHS: tuple[str, ...] = ("cropped", "hip", "thigh", "knee", "calf", "ankle")
FITS: tuple[str, ...] = ("slim", "regular", "loose")
LABEL_FIELDS: Mapping[str, tuple[str, ...]] = {
    "sleeve": SLEEVES,
    "neckline": NECKLINES,
    "pattern": PATTERNS,
    "length": LENGTHS,
    "fit": FITS,
}
_ID, _SPLIT = "id", "split"


@dataclasses.dataclass(frozen=True)
class ProductLabels:
    """The labels of one product.

    Attributes:
        id: the shop's product id.
        split: "train" or "test"; test products are never trained on.
        values: {field of `LABEL_FIELDS`: one of its values, or ""}, for the fields that
            were labelled.
    """

    id: str
    split: str
    values: Mapping[str, str]


def read_labels(path: str | os.PathLike[str]) -> list[ProductLabels]:
    """Reads and checks a label file.

    Raises:
        FitRankError: if the file cannot be read or has a wrong row; names the row.
    """
    try:
        # Excel begins a file with a byte order mark.
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise FitRankError(f"{path} cannot be read ({error})") from error
    reader = csv.DictReader(text.splitlines())
    columns = tuple(reader.fieldnames or ())
    first, fields = columns[:2], columns[2:]
    if first != (_ID, _SPLIT) or not fields or not set(fields) <= set(LABEL_FIELDS):
        raise FitRankError(
            f"{path} begins with {','.join(columns)!r}; its first line must be "
            f"{_ID},{_SPLIT} and some of {','.join(LABEL_FIELDS)}"
        )
    if len(set(fields)) < len(fields):
        raise FitRankError(f"{path}: a column comes twice in {','.join(columns)!r}")
    labels: dict[str, ProductLabels] = {}
    for row in reader:
        product = _checked(row, fields, f"{path}, line {reader.line_num}")
        if product.id in labels:
            raise FitRankError(
                f"{path}, line {reader.line_num}: product {product.id!r} comes twice; "
                "keep one"
            )
        labels[product.id] = product
    return list(labels.values())


def merged_labels(files: Sequence[Sequence[ProductLabels]]) -> dict[str, ProductLabels]:
    """{product id: labels of all files}; of a field in two files the last one counts.

    Raises:
        FitRankError: if a product is for training in one file and for test in another.
    """
    merged: dict[str, ProductLabels] = {}
    for product in (product for labels in files for product in labels):
        before = merged.get(product.id, product)
        if before.split != product.split:
            raise FitRankError(
                f"product {product.id!r} is marked {before.split} in one label file and "
                f"{product.split} in another; mark it test in both"
            )
        values = {**before.values, **product.values}
        merged[product.id] = dataclasses.replace(product, values=values)
    return merged


def _checked(row: dict[str, str], fields: Sequence[str], place: str) -> ProductLabels:
    if None in row or None in row.values():
        raise FitRankError(f"{place}: not {len(fields) + 2} fields; correct it")
    if not row[_ID]:
        raise FitRankError(f"{place}: no product id; write it")
    if row[_SPLIT] not in ANNOTATION_SPLITS:
        choices = ", ".join(ANNOTATION_SPLITS)
        raise FitRankError(f"{place}: split is {row[_SPLIT]!r}; choose from {choices}")
    for field in fields:
        if row[field] not in ("", *LABEL_FIELDS[field]):
            choices = ", ".join(LABEL_FIELDS[field])
            raise FitRankError(
                f"{place}: {field} is {row[field]!r}; choose from {choices}, or leave it "
                "empty"
            )
    return ProductLabels(row[_ID], row[_SPLIT], {field: row[field] for field in fields})
