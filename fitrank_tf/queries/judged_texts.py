"""Judged queries as training texts of the products that they want, for the towers.

Beside its title and what its attributes say, a product gets the queries for which it was
judged relevant. Generalised contrastive learning (Zhu et al., 2024) counts a pair's loss
by its weight; here a pair is drawn so often as its weight says, which has the same mean and
needs no more steps. Products that want the same query, and products of their titles, are
no negatives of it: `towers.training.losses.matching_pairs` reads so from codes.
"""

import dataclasses
import logging
from collections.abc import Sequence

import numpy as np

from fitrank_tf.datasets.catalogue import CatalogueRecords
from fitrank_tf.queries.judged import JudgedQuery, scaled_gains
from fitrank_tf.queries.texts import TrainingText, text_groups

logger = logging.getLogger(__name__)

# Queries that share a product need columns of their own, each of which masks are made of.
_MOST_COLUMNS = 64


@dataclasses.dataclass(frozen=True)
class JudgedTexts:
    """Training texts of N products, with the judged queries among them.

    Attributes:
        texts: [N][T] texts.
        product_codes: int32 [N, C], the number of the query in a column that wants the
            product, or one of its title, 0 for none.
        text_codes: int32 [N, T, C], the number of the query that a text is, in its column,
            0 elsewhere.
    """

    texts: list[list[TrainingText]]
    product_codes: np.ndarray
    text_codes: np.ndarray


def with_judged_texts(
    texts: list[list[TrainingText]],
    records: CatalogueRecords,
    queries: Sequence[JudgedQuery],
    gains: Sequence[float],
    share: float,
) -> JudgedTexts:
    """Puts judged queries in the place of some of the texts of the products they want.

    Args:
        texts: [N][T], from `training_texts`.
        records: the same products.
        queries: judged; products without a gain, and others than these, are left out.
        gains: as of `JudgmentsConfig`.
        share: of a wanted product's texts that are judged queries, in [0, 1).
    """
    rows = {item: row for row, item in enumerate(records.ids)}
    gain_of = scaled_gains(gains, queries)
    weights: list[dict[int, float]] = [{} for _ in texts]
    for number, query in enumerate(queries, start=1):
        gained = np.interp(query.grades, np.arange(len(gain_of)), gain_of)
        for item, weight in zip(query.products, gained * query.weights * query.weight):
            if item in rows and weight > 0:
                weights[rows[item]][number] = float(weight)
    columns = _columns(weights, text_groups(records))
    width = max(columns.values(), default=-1) + 1
    product_codes = np.zeros((len(texts), width), np.int32)
    text_codes = np.zeros((len(texts), len(texts[0]), width), np.int32)
    changed = [list(of_product) for of_product in texts]
    for row, of_product in enumerate(weights):
        drawn = {number: one for number, one in of_product.items() if number in columns}
        places = _spread(round(share * len(texts[row])), len(texts[row]))
        for place, number in zip(places, _shared_out(drawn, len(places))):
            changed[row][place] = TrainingText(queries[number - 1].text)
            text_codes[row, place, columns[number]] = number
    wanted = _wanted(weights, text_groups(records))
    for number, column in columns.items():
        product_codes[wanted[number], column] = number
    return JudgedTexts(changed, product_codes, text_codes)


def _wanted(
    weights: Sequence[dict[int, float]], groups: np.ndarray
) -> dict[int, np.ndarray]:
    """{query number: rows of the products that it wants, and of those of their titles}."""
    found: dict[int, set[int]] = {}
    for group, of_product in zip(groups.tolist(), weights):
        for number in of_product:
            found.setdefault(number, set()).add(group)
    return {
        number: np.flatnonzero(np.isin(groups, list(of))) for number, of in found.items()
    }


def _columns(weights: Sequence[dict[int, float]], groups: np.ndarray) -> dict[int, int]:
    """{query number: its column}: in a column no product is wanted by two queries."""
    taken = np.zeros((_MOST_COLUMNS, len(groups)), bool)
    columns: dict[int, int] = {}
    left_out = 0
    for number, rows in _wanted(weights, groups).items():
        free = np.flatnonzero(~taken[:, rows].any(axis=1))
        if not len(free):
            left_out += 1
            continue
        columns[number] = int(free[0])
        taken[free[0], rows] = True
    if left_out:
        logger.warning(
            "%d judged queries are no training texts: their products have %d others",
            left_out,
            _MOST_COLUMNS,
        )
    return columns


def _spread(count: int, size: int) -> list[int]:
    """`count` places of `size` at even distances."""
    return [place * size // count for place in range(count)]


def _shared_out(weights: dict[int, float], count: int) -> list[int]:
    """`count` numbers, each as often as its weight says (by Sainte-Laguë)."""
    numbers: list[int] = []
    for _ in range(count if weights else 0):
        numbers.append(
            max(weights, key=lambda one: weights[one] / (2 * numbers.count(one) + 1))
        )
    return numbers
