"""Label files for tests; people write theirs in a spreadsheet."""

import csv
from collections.abc import Sequence
from pathlib import Path

from fitrank_tf.datasets.annotations.label_file import ProductLabels


def write_labels(path: Path, products: Sequence[ProductLabels]) -> None:
    """Writes a label file, in the order of the products, all labelled in equal fields."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "split", *products[0].values])
        writer.writerows([of.id, of.split, *of.values.values()] for of in products)
