"""Annotations as people write them from a sheet: JSON Lines, boxes in percent.

    {"id": "12345", "product": "top", "box": [12, 5, 88, 97],
     "sleeves": [[5, 20, 20, 45], [80, 20, 95, 45]], "neckline_box": [40, 5, 60, 14],
     "sleeve": "short", "neckline": "round"}

Boxes are [xmin, ymin, xmax, ymax] in percent of the photo's width and height, as on the
rulers of the sheets of `fitrank annotate`. All fields but id, product and box are optional.
"""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.annotations.annotation_file import AnnotatedProduct, Box

_FIELDS = {"id", "product", "box", "sleeves", "neckline_box", "sleeve", "neckline"}


def read_lines(
    path: str | os.PathLike[str],
    sizes: Mapping[str, tuple[int, int]],
    splits: Mapping[str, str],
) -> list[AnnotatedProduct]:
    """Reads the annotations of one file.

    Args:
        path: path of the JSON Lines file.
        sizes: {product id: (width, height)} of the photos, in pixels.
        splits: {product id: "train" or "test"}.

    Raises:
        FitRankError: for a line that is not an annotation; names the file and the line.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FitRankError(f"{path} cannot be read ({error})") from error
    products = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            products.append(_product(json.loads(line), sizes, splits))
        except FitRankError as error:
            raise FitRankError(f"{path}, line {number}: {error}") from None
        except (KeyError, TypeError, ValueError) as error:
            raise FitRankError(
                f"{path}, line {number}: not an annotation ({error!r}); write it as "
                'the sheets say: {"id": ..., "product": ..., "box": [...]}'
            ) from error
    return products


def _product(
    plain: dict[str, Any],
    sizes: Mapping[str, tuple[int, int]],
    splits: Mapping[str, str],
) -> AnnotatedProduct:
    unknown = sorted(set(plain) - _FIELDS)
    if unknown:
        raise FitRankError(f"unknown field {unknown[0]!r}; known: {sorted(_FIELDS)}")
    item = str(plain["id"])
    if item not in sizes:
        raise FitRankError(f"product {item!r} is not in the catalogue; correct its id")
    width, height = sizes[item]
    labelled = [(plain["product"], plain["box"])]
    labelled += [("sleeve", corners) for corners in plain.get("sleeves") or ()]
    if plain.get("neckline_box"):
        labelled.append(("neckline", plain["neckline_box"]))
    return AnnotatedProduct(
        id=item,
        width=width,
        height=height,
        split=splits[item],
        boxes=tuple(_box(label, corners, width, height) for label, corners in labelled),
        sleeve=plain.get("sleeve") or "",
        neckline=plain.get("neckline") or "",
    )


def _box(label: str, percent: Sequence[float], width: int, height: int) -> Box:
    xmin, ymin, xmax, ymax = (float(value) / 100 for value in percent)
    return Box(label, xmin * width, ymin * height, xmax * width, ymax * height)
