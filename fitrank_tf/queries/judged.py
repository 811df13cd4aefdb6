"""Judged queries: texts with the products that people, or their clicks, have graded."""

import dataclasses
import hashlib
import logging
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from fitrank_tf.datasets.splits import TEST, TRAIN, VALIDATION, hash_fraction, title_key
from fitrank_tf.queries.grades import GAINS
from fitrank_tf.queries.words import plain_words

logger = logging.getLogger(__name__)


class Judgment(NamedTuple):
    """One grade.

    Attributes:
        text: of the query.
        product: id of the product.
        grade: 0 or above.
        weight: of the grade in a loss, above 0.
    """

    text: str
    product: str
    grade: float
    weight: float = 1.0


@dataclasses.dataclass(frozen=True)
class JudgedQuery:
    """A query and its P graded products.

    Attributes:
        text: as it was typed.
        products: P product ids, each once.
        grades: float32 [P], 0 or above.
        weights: float32 [P], above 0, of the grades in a loss: TF-Ranking multiplies them
            to labels, pairwise losses to the pairs in which the product is the better one.
        weight: of the query beside others.
    """

    text: str
    products: tuple[str, ...]
    grades: np.ndarray
    weights: np.ndarray
    weight: float = 1.0

    def of_products(self, known: Collection[str]) -> "JudgedQuery":
        """The query with the judgments of some products alone."""
        kept = [place for place, item in enumerate(self.products) if item in known]
        return dataclasses.replace(
            self,
            products=tuple(self.products[place] for place in kept),
            grades=self.grades[kept],
            weights=self.weights[kept],
        )


def with_products(
    queries: Sequence[JudgedQuery], ids: Iterable[str], others: str
) -> list[JudgedQuery]:
    """Queries with the judgments of some products; those without any are left out.

    Args:
        queries: of any products.
        ids: of the products whose judgments count.
        others: what other products are, for the line that counts their judgments.
    """
    known = set(ids)
    kept = [query.of_products(known) for query in queries]
    lost = [item for query in queries for item in query.products if item not in known]
    if lost:
        logger.warning("%d judgments %s: left out, %s first", len(lost), others, lost[0])
    return [query for query in kept if query.products]


class Merged(NamedTuple):
    """Judgments as queries.

    Attributes:
        queries: one for each text.
        repeated: judgments that say again what another said.
        contradicting: products of a query that have several grades.
    """

    queries: list[JudgedQuery]
    repeated: int
    contradicting: int


def merged(judgments: Iterable[Judgment]) -> Merged:
    """Brings the judgments of a text together, in the order of the texts.

    Texts that differ in case and white space alone are one. A product that was graded
    several times gets the mean of its grades, by their weights, and the mean weight.
    """
    texts: dict[str, str] = {}
    grades: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for text, product, grade, weight in judgments:
        key = title_key(text)
        texts.setdefault(key, text.strip())
        grades.setdefault(key, {}).setdefault(product, []).append((grade, weight))
    counts: Counter[str] = Counter()
    queries = []
    for key, of_products in grades.items():
        means, weights = [], []
        for given in of_products.values():
            values, of_each = np.transpose(given)
            different = len(set(values))
            counts["contradicting"] += different > 1
            counts["repeated"] += len(values) - different
            means.append(np.average(values, weights=of_each))
            weights.append(of_each.mean())
        numbers = np.array([means, weights], np.float32)
        queries.append(JudgedQuery(texts[key], tuple(of_products), *numbers))
    return Merged(queries, counts["repeated"], counts["contradicting"])


def by_split(
    queries: Sequence[JudgedQuery], validation_share: float, test_share: float
) -> dict[str, list[JudgedQuery]]:
    """Queries by split, one of `datasets.splits.SPLITS`.

    The split is of a hash of the text's words, so that texts of equal words are in one.

    Args:
        queries: of any texts.
        validation_share: share of the texts, in [0, 1).
        test_share: the same.
    """
    found: dict[str, list[JudgedQuery]] = {TRAIN: [], VALIDATION: [], TEST: []}
    for query in queries:
        fraction = hash_fraction(f"judged:{plain_words(query.text)}")
        if fraction < test_share:
            found[TEST].append(query)
        elif fraction < test_share + validation_share:
            found[VALIDATION].append(query)
        else:
            found[TRAIN].append(query)
    return found


def scaled_gains(given: Sequence[float], queries: Sequence[JudgedQuery]) -> np.ndarray:
    """Gains of grade 0, 1, 2 and so on, the last one the highest of `grades.GAINS`.

    Args:
        given: as of `JudgmentsConfig.gains`; () takes the grades of the queries.
        queries: judged.
    """
    if given:
        gains = np.array(given)
    else:
        highest = max((query.grades.max(initial=1.0) for query in queries), default=1.0)
        gains = np.arange(np.ceil(highest) + 1.0)
    return gains * (GAINS[-1] / gains[-1])


def fingerprint(queries: Sequence[JudgedQuery]) -> str:
    """SHA-256 (hex) of queries with their judgments."""
    digest = hashlib.sha256()
    for query in queries:
        digest.update(repr((query.text, query.products, query.weight)).encode())
        digest.update(query.grades.tobytes() + query.weights.tobytes())
    return digest.hexdigest()
