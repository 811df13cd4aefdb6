"""Which products to annotate: every kind, the common ones a little more often."""

import math
import random
from collections.abc import Sequence

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.catalogue import CatalogueRecords


def choose_products(
    records: CatalogueRecords,
    split: str,
    count: int,
    article_types: Sequence[str] = (),
    seed: int = 0,
) -> list[int]:
    """Rows of the records, drawn with the square root of an article type's share.

    Drawn evenly, nine in ten photos would be of ten article types; drawn by type,
    rare types of which a shop has two would count as much as T-shirts.

    Args:
        records: the catalogue.
        split: products of this split alone.
        count: how many.
        article_types: of these alone; all if empty.
        seed: decides which.

    Returns:
        Rising rows, fewer than `count` only if there are no more.

    Raises:
        FitRankError: for an article type that the split does not have.
    """
    rows_of: dict[str, list[int]] = {}
    for row, article in enumerate(records.attributes["article_type"]):
        if records.splits[row] == split:
            rows_of.setdefault(article, []).append(row)
    missing = [name for name in article_types if name not in rows_of]
    if missing:
        raise FitRankError(
            f"no product of article type {missing[0]!r} in the split {split!r}; "
            f"there are {', '.join(sorted(rows_of))}"
        )
    kept = {name: rows_of[name] for name in article_types or sorted(rows_of)}
    generator = random.Random(f"{seed}:{split}")
    # Exponential keys of weight w: the smallest are a weighted draw without return
    # (Efraimidis & Spirakis, 2006).
    keys = [
        (generator.expovariate(1.0) * math.sqrt(len(rows)), row)
        for rows in kept.values()
        for row in rows
    ]
    return sorted(int(row) for _, row in sorted(keys)[:count])
