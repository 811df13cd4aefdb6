"""The simulated population of the guide, from its rows to its propensities."""

import csv

import numpy as np

from benchmarks.clicks.shoppers import CASCADE, Shoppers
from benchmarks.clicks.simulate_log import _COLUMNS, sessions
from fitrank_tf.clicks.propensities import estimate_propensities
from fitrank_tf.clicks.read_log import read_click_log


def test_swaps_of_the_log_give_its_propensities(tmp_path):
    rng = np.random.default_rng(0)
    grades = [rng.integers(0, 5, 4) for _ in range(30)]
    hits = [[f"q{q}p{k}" for k in range(4)] for q in range(30)]
    texts, shoppers = [f"query {q}" for q in range(30)], Shoppers(1.0)
    rows = sessions(hits, grades, texts, shoppers, 4000, 0.5, seed=1)
    path = tmp_path / "clicks.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([_COLUMNS, *rows])
    log = read_click_log([str(path)])
    assert log.counts.impressions.sum() > 0.95 * len(rows)
    found = estimate_propensities(log.counts)
    assert found.method == "harvest"
    np.testing.assert_allclose(found.relevant, shoppers.examination(4), rtol=0.1)


def test_cascade_shoppers_click_once_from_the_top():
    clicks = Shoppers(1.0, model=CASCADE).click(
        np.full((5000, 4), 4), np.random.default_rng(0)
    )
    assert clicks.sum(axis=1).max() == 1
    assert (np.diff(clicks.mean(axis=0)) <= 0).all()
