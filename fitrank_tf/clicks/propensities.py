"""How position decides whether a product is clicked, estimated from a log.

The click model is P(click | query, product, k) = b_k + (a_k - b_k) * relevance, where a_k
and b_k are the chances that a wholly relevant and an irrelevant product is clicked at
position k. Without trust bias b is 0 and a is the examination of the position-based model,
of which only the ratio to position 1 can be known: it is the propensity.
"""

import dataclasses
import logging

import numpy as np
from scipy import sparse

from fitrank_tf.clicks.counts import RANDOMISED, SWAPPED, ClickCounts
from fitrank_tf.clicks.logistic import LogisticRegression
from fitrank_tf.config.checks import require_one_of, require_positive, require_types
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.progress import Progress

logger = logging.getLogger(__name__)

EM, HARVEST, RANDOM, AUTO = "em", "harvest", "randomised", "auto"
METHODS = (AUTO, EM, HARVEST, RANDOM)
# Clicks below which interventions are not relied on by themselves.
FEWEST_CLICKS = 500
_FLOOR = 1e-9
_NEWTON_STEPS = 20


@dataclasses.dataclass(frozen=True)
class PropensityConfig:
    """How position bias is estimated.

    Attributes:
        method: "em", expectation maximisation with a regression (Wang et al., "Position
            bias estimation for unbiased learning to rank in personal search", WSDM 2018);
            "harvest", from products that a query has shown at several positions, by swaps
            (Joachims et al., WSDM 2017) or by different rankings (Agarwal et al.,
            "Estimating position bias without intrusive interventions", WSDM 2019);
            "randomised", click rates of rows whose positions were drawn; "auto", the first
            of randomised, harvest and em for which the log has `FEWEST_CLICKS`.
        trust_bias: whether b_k is estimated too, by em alone (Agarwal et al., "Addressing
            trust bias for unbiased learning-to-rank", WWW 2019): shoppers click what
            stands on top though it is not relevant.
        iterations: of em at most, above 0.
        tolerance: em ends when no propensity changes by more, above 0.
    """

    method: str = AUTO
    trust_bias: bool = False
    iterations: int = 500
    tolerance: float = 1e-4

    def __post_init__(self) -> None:
        require_types(self)
        require_one_of(self, "method", METHODS)
        require_positive(self, "iterations", "tolerance")
        if self.trust_bias and self.method not in (EM, AUTO):
            raise FitRankError(f"--trust_bias needs --method {EM}, not {self.method}")


@dataclasses.dataclass(frozen=True)
class Propensities:
    """Click chances by position.

    Attributes:
        relevant: float64 [K], a_k / a_1, 1 at the top.
        irrelevant: float64 [K], b_k / a_1, 0 without trust bias.
        method: how they were estimated.
        iterations: of em, 0 otherwise.
        converged: whether em reached its tolerance; True otherwise.
    """

    relevant: np.ndarray
    irrelevant: np.ndarray
    method: str
    iterations: int = 0
    converged: bool = True


def estimate_propensities(
    counts: ClickCounts,
    config: PropensityConfig | None = None,
    features: np.ndarray | None = None,
) -> Propensities:
    """Estimates the propensities of positions 1 to K.

    Args:
        counts: a log.
        config: method.
        features: float [P, F] of `counts.pairs()`, from which em's regression predicts
            relevance. Without them each pair has a relevance of its own, which needs
            pairs that were shown often and at several positions.

    Raises:
        FitRankError: if the log has nothing to estimate them from.
    """
    config = config or PropensityConfig()
    method = _chosen(counts, config)
    if method == EM:
        found = _expectation_maximisation(counts, config, features)
    elif method == RANDOM:
        found = Propensities(*_normalised(_of_random_rows(counts)), method)
    else:
        found = Propensities(*_normalised(_harvested(counts)), method)
    if not found.converged:
        logger.warning(
            "position bias: em has not converged after %d iterations; raise --iterations",
            found.iterations,
        )
    return found


def _chosen(counts: ClickCounts, config: PropensityConfig) -> str:
    if config.method != AUTO:
        return config.method
    if config.trust_bias:
        return EM
    if counts.clicks[counts.intervention == RANDOMISED].sum() >= FEWEST_CLICKS:
        return RANDOM
    moved = _moved(counts)
    return HARVEST if counts.clicks[moved].sum() >= FEWEST_CLICKS else EM


def _normalised(chances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if not chances[0] > 0:
        raise FitRankError(
            "position bias cannot be estimated: nothing at position 1 was clicked; give a "
            "larger log, or --first_position 0 if positions are counted from 0"
        )
    return chances / chances[0], np.zeros_like(chances)


def _of_random_rows(counts: ClickCounts) -> np.ndarray:
    """Click rates by position of the rows whose positions were drawn."""
    drawn = counts.select(counts.intervention == RANDOMISED)
    if not len(drawn):
        raise FitRankError(
            "--method randomised: no row is marked so; name the column that marks rows "
            "whose positions were drawn with --columns randomised=NAME"
        )
    impressions, clicks = drawn.by_position()
    lacking = np.flatnonzero(impressions == 0)
    if len(lacking):
        raise FitRankError(
            f"--method randomised: no drawn row is at position {lacking[0] + 1}; draw all "
            f"positions, or read fewer with --most_positions {lacking[0]}"
        )
    return clicks / impressions


def _moved(counts: ClickCounts) -> np.ndarray:
    """bool [N]: rows of the pairs that were shown at several positions.

    Where the log marks swaps, only pairs that were swapped count.
    """
    pairs, pair = counts.pairs()
    keys = np.unique(pair.astype(np.int64) << 32 | counts.position)
    several = np.bincount(keys >> 32, minlength=len(pairs)) > 1
    swapped = counts.intervention == SWAPPED
    if swapped.any():
        several &= np.bincount(pair[swapped], minlength=len(pairs)) > 0
    return several[pair]


def _harvested(counts: ClickCounts) -> np.ndarray:
    """Intervention harvesting (Agarwal et al., WSDM 2019), of all positions at once.

    A pair that was shown n_k times at each position k has n_k p_k r clicks there, in
    expectation. Given all its clicks, those at k have the share n_k p_k / sum_l n_l p_l,
    whatever its relevance r: the Poisson model with fixed effects (Hausman, Hall and
    Griliches, 1984). Its likelihood is concave in log p and maximised by Newton's method.
    """
    moved = counts.select(_moved(counts))
    length, (pairs, pair) = counts.num_positions, moved.pairs()
    total = np.bincount(pair, moved.clicks, len(pairs))
    shown = sparse.csr_matrix(
        (moved.impressions.astype(np.float64), (pair, moved.position - 1)),
        (len(pairs), length),
    )[total > 0]
    reached = _reached((shown.T @ shown).toarray() > 0)
    if not reached.all():
        lacking = int(np.argmin(reached)) + 1
        raise FitRankError(
            f"--method harvest: no clicked product of position {lacking} was shown at "
            "others too; give a larger log or one of more rankings, read fewer positions "
            "with --most_positions, or --method em"
        )
    clicks = np.bincount(moved.position - 1, moved.clicks, length)
    logs = np.zeros(length)
    for _ in range(_NEWTON_STEPS):
        share = shown @ sparse.diags(np.exp(logs))
        share = sparse.diags(1 / share.sum(axis=1).A1) @ share
        expected = sparse.diags(total[total > 0]) @ share
        mean = expected.sum(axis=0).A1
        curvature = np.diag(mean) - (share.T @ expected).toarray()
        # Position 1 stays at 0.
        step = np.linalg.lstsq(curvature[1:, 1:], (clicks - mean)[1:])[0]
        logs[1:] += np.clip(step, -1, 1)
    return np.exp(logs)


def _reached(joined: np.ndarray) -> np.ndarray:
    """bool [K]: positions that are joined to the first, by others too."""
    reached = np.arange(len(joined)) == 0
    for _ in joined:
        reached |= joined[reached].any(axis=0)
    return reached


def _expectation_maximisation(
    counts: ClickCounts, config: PropensityConfig, features: np.ndarray | None
) -> Propensities:
    pairs, pair = counts.pairs()
    place, length = counts.position - 1, counts.num_positions
    clicks = counts.clicks.astype(np.float64)
    unclicked = counts.impressions - clicks
    shown = np.bincount(pair, counts.impressions, len(pairs))
    regression = None if features is None else LogisticRegression(features)
    impressions, by_position = counts.by_position()
    high = np.clip(2 * by_position / np.maximum(impressions, 1), 0.01, 0.99)
    low = high / 10 if config.trust_bias else np.zeros(length)
    relevance = np.full(len(pairs), 0.5)
    change = np.inf
    with Progress("position bias", None, "iterations") as progress:
        for step in range(config.iterations):
            gamma, a, b = relevance[pair], high[place], low[place]
            of_clicked = a * gamma / np.maximum(a * gamma + b * (1 - gamma), _FLOOR)
            missed = (1 - a) * gamma
            of_unclicked = missed / np.maximum(missed + (1 - b) * (1 - gamma), _FLOOR)
            liked, passed = clicks * of_clicked, unclicked * of_unclicked
            relevant = liked + passed
            new_high, new_low = (
                np.bincount(place, good, length)
                / np.maximum(np.bincount(place, of_all, length), _FLOOR)
                for good, of_all in (
                    (liked, relevant),
                    (clicks - liked, counts.impressions - relevant),
                )
            )
            target = np.bincount(pair, relevant, len(pairs)) / shown
            relevance = target if regression is None else regression.fit(target, shown)
            old, high, low = high / max(high[0], _FLOOR), new_high, new_low
            # The first step changes relevance alone, as `high` begins at the click rates.
            change = np.abs(high / max(high[0], _FLOOR) - old).max() if step else np.inf
            progress.add()
            if change < config.tolerance:
                break
    top, converged = _normalised(high)[0], bool(change < config.tolerance)
    return Propensities(top, low / high[0], EM, int(progress.done), converged)
