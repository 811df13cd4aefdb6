"""What another ranking would have earned, estimated from a log of clicks.

Under the position-based model the clicks of a page are, in expectation, the sum of
propensity times relevance of its products. A ranking pi that puts product d at position
pi(d) of query q changes the examination of d from what the log gave it, on average
sum_k propensity_k P(d at k | q), to propensity_pi(d). The ratio is the weight of each
logged click (Li et al., "Offline evaluation of ranking policies with click models", KDD
2018). IPS sums weighted clicks; SNIPS divides by the sum of the weighted examinations
(Swaminathan and Joachims, "The self-normalized estimator for counterfactual learning",
NeurIPS 2015), and so also stands for the products that the log has never shown.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from fitrank_tf.clicks.counts import ClickCounts
from fitrank_tf.clicks.propensities import Propensities
from fitrank_tf.core.errors import FitRankError

# Of the effective sample size: below, an estimate comes with a warning.
FEWEST_EFFECTIVE = 1000.0
_ROUNDS, _LEVEL = 1000, (0.025, 0.975)


@dataclasses.dataclass(frozen=True)
class PolicyValue:
    """Estimated clicks a page of one ranking.

    Attributes:
        ips: by inverse propensity scores.
        snips: self-normalised.
        interval: 95 % interval of `snips`, by bootstrap over the queries.
        effective: Kish's effective sample size, in impressions: (sum w)^2 / sum w^2.
        covered: share of the ranking's examination that falls on products which the log
            has shown for the query.
        queries: queries of the log that are ranked.
    """

    ips: float
    snips: float
    interval: tuple[float, float]
    effective: float
    covered: float
    queries: int

    @property
    def warning(self) -> str:
        """Why the estimate should not be trusted; "" if nothing speaks against it."""
        if self.effective < FEWEST_EFFECTIVE:
            return (
                f"effective sample of {self.effective:.0f} impressions, below "
                f"{FEWEST_EFFECTIVE:.0f}: give a larger log, or rankings nearer to it"
            )
        if self.covered < 0.5:
            return (
                f"the log has shown {self.covered:.0%} of what this ranking puts on its "
                "pages: collect clicks on more of it, by interleaving for example"
            )
        return ""


def policy_value(
    counts: ClickCounts,
    propensities: Propensities,
    rankings: Mapping[str, Sequence[str]],
    most_weight: float = 100.0,
) -> PolicyValue:
    """Estimates the clicks a page of a ranking.

    Args:
        counts: the log.
        propensities: of its positions.
        rankings: {text of a query: ids of its products, best first}; queries of the log
            that are missing do not count.
        most_weight: larger weights count as it.

    Raises:
        FitRankError: if no query of the log is ranked.
    """
    ranked = np.array([text in rankings for text in counts.queries])
    log = counts.select(ranked[counts.query])
    if not len(log):
        raise FitRankError(
            "no query of the log is ranked; give a run of the queries that the log has"
        )
    chance = propensities.relevant
    length = min(counts.num_positions, len(chance))
    pairs, pair = log.pairs()
    wanted = _examination(pairs, log, rankings, chance[:length])
    # Examination that the log gave to a pair, summed over its impressions.
    given = np.bincount(pair, log.impressions * chance[log.position - 1], len(pairs))
    top = log.position == 1
    of_query = np.bincount(log.query[top], log.impressions[top], len(counts.queries))
    pages = np.maximum(of_query[pairs[:, 0]], 1)
    weight = np.minimum(wanted * pages / given, most_weight)
    shown = np.bincount(pair, log.impressions, len(pairs))
    clicks = np.bincount(pair, log.clicks, len(pairs))
    queries = np.flatnonzero(np.bincount(pairs[:, 0], minlength=len(counts.queries)))
    earned, looked = (
        np.bincount(pairs[:, 0], weight * values, len(counts.queries))[queries]
        for values in (clicks, given)
    )
    number, whole = of_query[queries].sum(), float(chance[:length].sum())
    if not looked.sum() > 0:
        raise FitRankError(
            "the log has shown nothing of what is ranked: are the product ids the same?"
        )
    rng = np.random.default_rng(0)
    drawn = rng.integers(len(queries), size=(_ROUNDS, len(queries)))
    means = earned[drawn].sum(axis=1) / np.maximum(looked[drawn].sum(axis=1), 1e-9) * whole
    low, high = np.quantile(means, _LEVEL)
    return PolicyValue(
        ips=float(earned.sum() / number),
        snips=float(earned.sum() / looked.sum() * whole),
        interval=(float(low), float(high)),
        effective=float((weight * shown).sum() ** 2 / (weight**2 * shown).sum()),
        covered=float(looked.sum() / (whole * number)),
        queries=len(queries),
    )


def _examination(
    pairs: np.ndarray,
    counts: ClickCounts,
    rankings: Mapping[str, Sequence[str]],
    chance: np.ndarray,
) -> np.ndarray:
    """float64 [P]: the propensity of the position at which a ranking puts each pair."""
    found = np.zeros(len(pairs))
    starts = np.flatnonzero(np.diff(pairs[:, 0])) + 1
    for rows in np.split(np.arange(len(pairs)), starts):
        text = counts.queries[pairs[rows[0], 0]]
        places = {item: k for k, item in enumerate(rankings[text][: len(chance)])}
        for row in rows.tolist():
            place = places.get(counts.products[pairs[row, 1]])
            if place is not None:
                found[row] = chance[place]
    return found
