"""Labels that people gave to products: a CSV with a row for each product.

    id,split,sleeve,neckline,pattern
    10051,test,short,collar,plain

A field is empty where the product has no such part or it is not visible. `README.md`
describes how labels are decided.
"""

import csv
import dataclasses
import os
from pathlib import Path

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.annotations.annotation_file import (
    ANNOTATION_SPLITS,
    NECKLINES,
    SLEEVES,
)

PATTERNS: tuple[str, ...] = ("plain", "striped", "checked", "printed")
LABEL_FIELDS: tuple[str, ...] = ("sleeve", "neckline", "pattern")
_VALUES = {
    "split": ANNOTATION_SPLITS,
    "sleeve": ("", *SLEEVES),
    "neckline": ("", *NECKLINES),
    "pattern": ("", *PATTERNS),
}


@dataclasses.dataclass(frozen=True)
class ProductLabels:
    """The labels of one product.

    Attributes:
        id: the shop's product id.
        split: "train" or "test"; test products are never trained on.
        sleeve: one of `SLEEVES`, or "".
        neckline: one of `NECKLINES`, or "".
        pattern: one of `PATTERNS`, or "".
    """

    id: str
    split: str
    sleeve: str
    neckline: str
    pattern: str


_COLUMNS = [field.name for field in dataclasses.fields(ProductLabels)]


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
    if reader.fieldnames != _COLUMNS:
        raise FitRankError(
            f"{path} begins with {reader.fieldnames}; its first line must be "
            f"{','.join(_COLUMNS)}"
        )
    labels: dict[str, ProductLabels] = {}
    for row in reader:
        product = _checked(row, f"{path}, line {reader.line_num}")
        if product.id in labels:
            raise FitRankError(
                f"{path}, line {reader.line_num}: product {product.id!r} comes twice; "
                "keep one"
            )
        labels[product.id] = product
    return list(labels.values())


def _checked(row: dict[str, str], place: str) -> ProductLabels:
    if None in row or None in row.values():
        raise FitRankError(f"{place}: not {len(_COLUMNS)} fields; correct it")
    if not row["id"]:
        raise FitRankError(f"{place}: no product id; write it")
    for field, known in _VALUES.items():
        if row[field] not in known:
            choices = ", ".join(filter(None, known)) + (
                ", or leave it empty" * ("" in known)
            )
            raise FitRankError(f"{place}: {field} is {row[field]!r}; choose from {choices}")
    return ProductLabels(**row)
