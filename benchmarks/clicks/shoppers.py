"""Simulated shoppers, of whom it is known what they look at and what they like.

Position-based shoppers look at position k with probability (1/k)^eta (Joachims et al.,
WSDM 2017). Cascade shoppers go down the page and stop at the first click, or at each
position with the chance that makes the same share of them get there (Craswell et al., WSDM
2008). A product that is looked at is clicked with probability
noise + (1 - noise) * (2^grade - 1) / 15 (Chapelle et al., CIKM 2009).
"""

import dataclasses

import numpy as np

from fitrank_tf.clicks.counts import RANKED, ClickCounts, CountSum
from fitrank_tf.queries.grades import EXACT

POSITION, CASCADE = "position", "cascade"


@dataclasses.dataclass(frozen=True)
class Shoppers:
    """A population.

    Attributes:
        eta: how steeply attention falls with the position, 0 or above.
        noise: chance that an irrelevant product is clicked once it is looked at.
        model: `POSITION` or `CASCADE`.
        trust: added to the noise at the top; below, times the examination.
    """

    eta: float = 1.0
    noise: float = 0.1
    model: str = POSITION
    trust: float = 0.0

    def examination(self, length: int) -> np.ndarray:
        """float64 [K]: the share of shoppers that position k is looked at by."""
        return np.arange(1, length + 1) ** -self.eta

    def attraction(self, grades: np.ndarray) -> np.ndarray:
        """Chance of a click on what is looked at, float64 [..., K] of grades there."""
        gain = (2.0**grades - 1) / (2.0**EXACT - 1)
        noise = self.noise + self.trust * self.examination(grades.shape[-1])
        return noise + (1 - noise) * gain

    def click(self, grades: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """bool [M, K]: what M shoppers click on pages of products with these grades."""
        seen = self.examination(grades.shape[1])
        liked = rng.random(grades.shape) < self.attraction(grades)
        if self.model == POSITION:
            return liked & (rng.random(grades.shape) < seen)
        # One draw a shopper: who gets to position k has been at those above.
        reached = rng.random((len(grades), 1)) < seen
        clicked = liked & reached
        return clicked & (np.cumsum(clicked, axis=1) == 1)


@dataclasses.dataclass(frozen=True)
class Pages:
    """M pages of results.

    Attributes:
        query: int [M], the list that the page is of.
        products: int [M, K], columns of the list, best first.
        clicks: bool [M, K].
    """

    query: np.ndarray
    products: np.ndarray
    clicks: np.ndarray

    def counts(self, num_queries: int, num_products: int) -> ClickCounts:
        """The pages as a log; query and product i have the name str(i)."""
        total, (pages, length) = CountSum(), self.products.shape
        total.add(
            query=np.repeat(self.query, length).astype(np.int32),
            product=self.products.ravel().astype(np.int32),
            position=np.tile(np.arange(1, length + 1, dtype=np.int32), pages),
            intervention=np.full(self.products.size, RANKED, np.int8),
            impressions=np.ones(self.products.size, np.int64),
            clicks=self.clicks.ravel().astype(np.int64),
        )
        return total.counts(
            tuple(map(str, range(num_queries))), tuple(map(str, range(num_products)))
        )


def browse(
    shoppers: Shoppers,
    rankings: np.ndarray,
    grades: np.ndarray,
    num_pages: int,
    seed: int,
) -> Pages:
    """Lets shoppers look at pages of a shop that has used several rankings.

    Args:
        shoppers: the population.
        rankings: int [R, Q, K], columns of `grades` that ranking r shows for a query.
        grades: float [Q, L].
        num_pages: M; their queries and rankings are drawn evenly.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    query = rng.integers(rankings.shape[1], size=num_pages)
    shown = rankings[rng.integers(len(rankings), size=num_pages), query]
    of_page = np.take_along_axis(grades[query], shown, axis=1)
    return Pages(query, shown, shoppers.click(of_page, rng))


def shop_rankings(
    scores: np.ndarray, count: int, length: int, change: float, seed: int
) -> np.ndarray:
    """The first products by rankings that a shop has used over the months.

    Args:
        scores: float [Q, L], of its search; equal lists of all rankings but for `change`.
        count: R.
        length: K.
        change: standard deviation of what is added, in those of the list's scores.
        seed: of the changes.

    Returns:
        int [R, Q, K].
    """
    rng = np.random.default_rng(seed)
    spread = change * scores.std(axis=1, keepdims=True)
    changed = scores + spread * rng.standard_normal((count, *scores.shape))
    return np.argsort(-changed, axis=-1, kind="stable")[..., :length]
