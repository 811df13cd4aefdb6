"""Query-bank normalisation against the inverted softmax written out."""

import numpy as np
import pytest
from scipy.special import logsumexp

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.retrieval.choose_index import build_index
from fitrank_tf.retrieval.query_bank import BankedIndex, hubness


def _units(count: int, seed: int) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(count, 8)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


PRODUCTS, BANK, QUERIES = _units(3000, 0), _units(40, 1), _units(5, 2)


@pytest.mark.parametrize("beta", [0.5, 10.0, 200.0])
def test_products_are_ordered_by_the_inverted_softmax(beta: float) -> None:
    """exp(beta q.i) / sum_j exp(beta q_j.i), as Smith et al. write it."""
    found = BankedIndex(PRODUCTS, BANK, beta, build_index).search(QUERIES, 20)
    exact = PRODUCTS.astype(np.float64)
    logs = beta * QUERIES @ exact.T - logsumexp(beta * exact @ BANK.T, axis=1)
    np.testing.assert_array_equal(found.positions, np.argsort(-logs, axis=1)[:, :20])
    wanted = (np.take_along_axis(logs, found.positions, 1) + np.log(len(BANK))) / beta
    np.testing.assert_allclose(found.scores, wanted, atol=1e-5)


def test_a_product_near_to_everything_steps_back() -> None:
    centre = BANK.mean(axis=0)
    hub = (centre / np.linalg.norm(centre))[np.newaxis]
    products = np.concatenate([PRODUCTS[:50], hub])
    plain = build_index(products).search(BANK, 1).positions
    banked = BankedIndex(products, BANK, 20.0, build_index).search(BANK, 1).positions
    assert (banked == 50).sum() < (plain == 50).sum()


def test_of_one_query_beta_changes_nothing() -> None:
    for beta in (0.1, 50.0):
        np.testing.assert_allclose(
            hubness(PRODUCTS, BANK[:1], beta), PRODUCTS @ BANK[0], atol=1e-5
        )


@pytest.mark.parametrize("beta", [0.0, -1.0, float("nan"), float("inf")])
def test_a_beta_that_is_none_is_refused(beta: float) -> None:
    with pytest.raises(FitRankError, match="beta"):
        hubness(PRODUCTS, BANK, beta)


def test_an_empty_bank_is_refused() -> None:
    with pytest.raises(FitRankError, match="empty"):
        hubness(PRODUCTS, BANK[:0], 1.0)
