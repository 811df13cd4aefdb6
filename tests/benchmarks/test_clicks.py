"""The simulated population of the guide, from its rows to its propensities."""

import csv
from collections import defaultdict

import numpy as np

from benchmarks.clicks.shoppers import CASCADE, Shoppers
from benchmarks.clicks.simulate_log import _COLUMNS, in_fashion, liked, sessions
from fitrank_tf.clicks.propensities import estimate_propensities
from fitrank_tf.clicks.read_log import read_click_log
from fitrank_tf.datasets.catalogue import CatalogueSource, open_catalogue
from fitrank_tf.datasets.splits import ALL


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


def test_half_of_the_products_are_in_fashion_by_their_attributes(tmp_path):
    records = open_catalogue(CatalogueSource(num_items=60), str(tmp_path)).records(ALL)
    fashionable = in_fashion(records, seed=0)
    assert 30 <= fashionable.sum() < 40
    alike = defaultdict(set)
    for row, values in enumerate(zip(*records.facet_values.values())):
        alike[values].add(bool(fashionable[row]))
    assert all(len(answers) == 1 for answers in alike.values())
    assert (in_fashion(records, seed=1) != fashionable).any()


def test_products_out_of_fashion_lose_grades_but_never_fall_below_zero():
    grades, fashionable = np.array([4, 4, 1, 1, 0]), np.array([1, 0, 1, 0, 0], bool)
    np.testing.assert_array_equal(liked(grades, fashionable), [4, 2, 1, 0, 0])
