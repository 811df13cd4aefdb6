"""Label files for tests; people write theirs in a spreadsheet."""

import csv
import dataclasses
from collections.abc import Sequence
from pathlib import Path

from fitrank_tf.datasets.annotations.label_file import ProductLabels


def write_labels(path: Path, products: Sequence[ProductLabels]) -> None:
    """Writes a label file, in the order of the products."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(field.name for field in dataclasses.fields(ProductLabels))
        writer.writerows(map(dataclasses.astuple, products))
