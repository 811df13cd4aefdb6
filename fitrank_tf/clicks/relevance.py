"""What clicks say of a product's relevance to a query, freed of position bias or not."""

import dataclasses
from pathlib import Path

import numpy as np

from fitrank_tf.clicks.counts import ClickCounts
from fitrank_tf.clicks.propensities import Propensities
from fitrank_tf.config.checks import (
    require_not_negative,
    require_one_of,
    require_positive,
    require_share,
    require_types,
)
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.files import written_aside

IPW, BAYES, CTR, CLICKS = "ipw", "bayes", "ctr", "clicks"
ESTIMATES = (IPW, BAYES, CTR, CLICKS)
_HEADER = "query\tproduct\tgrade\tweight\n"


@dataclasses.dataclass(frozen=True)
class RelevanceConfig:
    """How clicks become grades.

    Attributes:
        estimate: "ipw", clicks weighted by the inverse of their position's propensity, over
            impressions (Joachims et al., "Unbiased learning-to-rank with biased feedback",
            WSDM 2017; with trust bias Vardasbi et al., "When inverse propensity scoring
            does not work", CIKM 2020); "bayes", clicks over the impressions that were
            looked at (Zhang and Jones, "Comparing click logs and editorial labels for
            training query rewriting", 2007), with the log's spread of relevance as prior:
            what few have looked at is taken for average; the baselines "ctr", clicks over
            impressions, and "clicks".
        clip: propensities below it count as it, in [0, 1): the inverse of a small one makes
            single clicks weigh too much. 0 clips nothing.
        fewest_impressions: pairs of query and product with fewer have no grade, above 0.
        fewest_clicks: queries with fewer have no grades, 0 or above.
    """

    estimate: str = BAYES
    clip: float = 0.05
    fewest_impressions: int = 1
    fewest_clicks: int = 1

    def __post_init__(self) -> None:
        require_types(self)
        require_one_of(self, "estimate", ESTIMATES)
        require_share(self, "clip")
        require_positive(self, "fewest_impressions")
        require_not_negative(self, "fewest_clicks")


@dataclasses.dataclass(frozen=True)
class ClickGrades:
    """Grades of P pairs of query and product.

    Attributes:
        counts: the log.
        pairs: int64 [P, 2], indices in its queries and products, rising.
        grades: float64 [P], 0 or above: the share of those who see it that click it, or how
            many do.
    """

    counts: ClickCounts
    pairs: np.ndarray
    grades: np.ndarray

    def write(self, path: Path) -> None:
        """Writes a table `query, product, grade, weight`, which training reads.

        Raises:
            FitRankError: if the path cannot be written.
        """
        queries, products = self.counts.queries, self.counts.products
        with written_aside(path) as file, file.open("w", encoding="utf-8") as lines:
            lines.write(_HEADER)
            for (query, product), grade in zip(self.pairs.tolist(), self.grades.tolist()):
                lines.write(f"{queries[query]}\t{products[product]}\t{grade:.6g}\t1\n")


def click_grades(
    counts: ClickCounts, propensities: Propensities, config: RelevanceConfig | None = None
) -> ClickGrades:
    """Grades the pairs of a log by their clicks.

    Args:
        counts: a log.
        propensities: of its positions.
        config: estimate.

    Raises:
        FitRankError: if no pair is left.
    """
    config = config or RelevanceConfig()
    pairs, pair = counts.pairs()
    shown = np.bincount(pair, counts.impressions, len(pairs))
    clicks = np.bincount(pair, counts.clicks, len(pairs))
    place = counts.position - 1
    chance, luck = propensities.relevant[place], propensities.irrelevant[place]
    earned = counts.clicks - luck * counts.impressions
    if config.estimate == IPW:
        weight = 1 / np.maximum(chance - luck, max(config.clip, 1e-9))
        grades = np.bincount(pair, earned * weight, len(pairs)) / shown
    elif config.estimate == BAYES:
        grades = _posterior_means(
            earned=np.bincount(pair, earned, len(pairs)),
            clicks=clicks,
            looked=np.bincount(pair, (chance - luck) * counts.impressions, len(pairs)),
            squared=np.bincount(
                pair, (chance - luck) ** 2 * counts.impressions, len(pairs)
            ),
        )
    else:
        grades = clicks / (shown if config.estimate == CTR else 1.0)
    of_query = np.bincount(pairs[:, 0], clicks, len(counts.queries))
    kept = (shown >= config.fewest_impressions) & (
        of_query[pairs[:, 0]] >= config.fewest_clicks
    )
    if not kept.any():
        raise FitRankError(
            "no query has clicks enough to be graded: lower --fewest_clicks or "
            "--fewest_impressions, or give a larger log"
        )
    return ClickGrades(counts, pairs[kept], np.maximum(grades[kept], 0.0))


def _posterior_means(
    earned: np.ndarray, clicks: np.ndarray, looked: np.ndarray, squared: np.ndarray
) -> np.ndarray:
    """Relevance under a gamma prior, whose mean and spread are those of all pairs.

    The method of moments, as in empirical Bayes: the products of the clicks of any two
    impressions of a pair are on average those of their propensities times the mean square
    of relevance. Single impressions tell nothing of it; without others the prior is
    exponential.

    Args:
        earned: float [P], clicks less those that trust alone explains.
        clicks: float [P].
        looked: float [P], the sum of the propensities of a pair's impressions.
        squared: float [P], the sum of their squares.
    """
    # Of pairs, not of impressions: what is shown more often is more relevant.
    mean = float((earned / np.maximum(looked, 1e-9)).mean())
    together = (looked**2 - squared).sum()
    variance = (earned**2 - clicks).sum() / max(together, 1e-9) - mean**2
    strength = mean / (variance if variance > 0 else mean**2)
    return (earned + strength * mean) / (looked + strength)
