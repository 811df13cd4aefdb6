"""Chooses products to annotate: all article types, common ones moderately more often."""

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
    """Products drawn by the square root of the share of their article type.

    Drawn uniformly, nine in ten products would be of ten article types; drawn by article
    type, types with two products would count as much as T-shirts.

    Args:
        records: the catalogue's products.
        split: the split to choose from.
        count: how many products.
        article_types: the article types to choose from; all if empty.
        seed: of the random draw.

    Returns:
        Ascending rows of `records`, fewer than `count` only if there are no more.

    Raises:
        FitRankError: for an article type without products in the split.
    """
    rows_of: dict[str, list[int]] = {}
    for row, article in enumerate(records.column("article_type")):
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
    # The smallest of exponential keys are a weighted draw without replacement
    # (Efraimidis & Spirakis, 2006).
    keys = [
        (generator.expovariate(1.0) * math.sqrt(len(rows)), row)
        for rows in kept.values()
        for row in rows
    ]
    return sorted(int(row) for _, row in sorted(keys)[:count])
