"""Agreement of two people's grades, against published figures and scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.evaluation.judging.agreement import grade_agreement, weighted_kappa

# Cohen (1968), table 1: proportions of 200 cases by two judges' diagnoses, and weights
# of disagreement. Kappa is given as 0.492, weighted kappa as 0.348.
COHEN = np.array([[0.44, 0.07, 0.09], [0.05, 0.20, 0.05], [0.01, 0.03, 0.06]])
COHENS_WEIGHTS = np.array([[0, 1, 3], [1, 0, 6], [3, 6, 0]])


@pytest.mark.parametrize(
    ("weights", "kappa"), [(1 - np.eye(3), 0.492), (COHENS_WEIGHTS, 0.348)]
)
def test_kappa_is_that_of_cohens_example(weights, kappa) -> None:
    assert round(weighted_kappa(COHEN, weights), 3) == kappa
    assert weighted_kappa(200 * COHEN, weights) == pytest.approx(
        weighted_kappa(COHEN, weights)
    )


def graded(grades: np.ndarray) -> dict[tuple[str, str], int]:
    return {("q", f"p{place}"): int(grade) for place, grade in enumerate(grades)}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("power", "weights"), [(1, "linear"), (2, "quadratic")])
def test_kappa_is_that_of_scikit_learn(seed, power, weights) -> None:
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 4, 60)
    second = np.clip(first + rng.integers(-1, 2, 60), 0, 3)
    agreement = grade_agreement(graded(first), graded(second))
    expected = cohen_kappa_score(first, second, weights=weights, labels=range(4))
    assert agreement.kappa(power) == pytest.approx(expected)
    assert agreement.equal == pytest.approx((first == second).mean())


def test_only_what_both_graded_counts_and_the_largest_difference_is_first() -> None:
    first = {("q", "a"): 0, ("q", "b"): 1, ("r", "a"): 3, ("r", "c"): 2, ("r", "x"): 0}
    second = {("r", "c"): 2, ("r", "a"): 0, ("q", "a"): 1, ("q", "b"): 1, ("q", "x"): 3}
    agreement = grade_agreement(first, second)
    assert agreement.counts.tolist() == [
        [0, 1, 0, 0],
        [0, 1, 0, 0],
        [0, 0, 1, 0],
        [1, 0, 0, 0],
    ]
    assert agreement.differences == (("r", "a", 3, 0), ("q", "a", 0, 1))
    printed = agreement.table()
    assert "4 products graded twice: equal 0.500" in printed
    assert printed.index("| r | a | 3 | 0 |") < printed.index("| q | a | 0 | 1 |")


@pytest.mark.parametrize(
    ("first", "second", "power", "kappa"),
    [
        ([0, 2], [0, 2], 2, 1),
        ([0, 2], [1, 1], 1, 0),
        # Mean squared distance 1/2; of chance (0 + 1 + 4 + 1) / 4.
        ([0, 2], [0, 1], 2, 2 / 3),
        ([0, 3], [3, 0], 1, -1),
    ],
)
def test_kappa_worked_by_hand(first, second, power, kappa) -> None:
    agreement = grade_agreement(graded(np.array(first)), graded(np.array(second)))
    assert agreement.kappa(power) == pytest.approx(kappa)


def test_kappa_of_a_single_grade_is_undefined() -> None:
    same = graded(np.array([2, 2]))
    assert np.isnan(grade_agreement(same, same).kappa(2))


def test_nothing_in_common_is_refused() -> None:
    with pytest.raises(FitRankError, match="graded no product in common"):
        grade_agreement({("q", "a"): 1}, {("r", "a"): 1})
