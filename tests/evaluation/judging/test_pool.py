"""A pool is the union of the runs' first products, in an order that tells nothing."""

import numpy as np
import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.evaluation.judging.pool import check_runs, pool


def run(*products: str) -> dict[str, list[tuple[str, float]]]:
    return {"q": [(product, -float(rank)) for rank, product in enumerate(products)]}


FIRST, SECOND = run("a", "b", "c", "d"), run("c", "x", "y", "a")


@pytest.mark.parametrize(
    ("depth", "judged", "products"),
    [
        (1, {}, {"a", "c"}),
        (2, {}, {"a", "b", "c", "x"}),
        (9, {}, {"a", "b", "c", "d", "x", "y"}),
        (2, {"q": {"a": 0, "x": 3, "d": 1}, "other": {"b": 1}}, {"b", "c"}),
        (1, {"q": {"a": 1, "c": 0}}, set()),
    ],
)
def test_the_first_of_each_run_without_what_is_judged(depth, judged, products) -> None:
    pooled = pool([FIRST, SECOND], ["q"], depth, 0, judged)["q"]
    assert len(pooled) == len(products) and set(pooled) == products


def test_a_query_of_no_run_has_an_empty_pool_and_others_are_left_out() -> None:
    assert pool([{"z": [("a", 1.0)]}, FIRST], ["none"], 5, 0, {}) == {"none": []}


def test_the_order_does_not_depend_on_systems_ranks_and_scores() -> None:
    rng = np.random.default_rng(0)
    products = [f"p{number}" for number in range(30)]
    orders = set()
    for _ in range(8):
        mixed = list(rng.permutation(products))
        runs = [run(*map(str, mixed[:20])), run(*map(str, mixed[10:]))]
        orders.add(tuple(pool(runs, ["q"], 20, 4, {})["q"]))
    assert len(orders) == 1 and orders != {tuple(products)}


def test_a_products_place_tells_nothing_of_its_rank() -> None:
    """Over many queries, the mean place of every rank is that of chance."""
    products = [f"p{number}" for number in range(10)]
    ids = [f"q{number}" for number in range(3000)]
    runs = [{query: run(*products)["q"] for query in ids}]
    places = np.array([np.argsort(order) for order in pool(runs, ids, 10, 0, {}).values()])
    # The order's inverse: the standard error of a mean place is 2.87 / sqrt(3000) = 0.052.
    np.testing.assert_allclose(places.mean(axis=0), 4.5, atol=5 * 0.053)


def test_seed_and_query_change_the_order() -> None:
    products = run(*(f"p{number}" for number in range(20)))["q"]
    runs = [{"q": products, "r": products}]
    orders = {
        tuple(order)
        for seed in (0, 1)
        for order in pool(runs, ["q", "r"], 20, seed, {}).values()
    }
    assert len(orders) == 4


def test_sound_runs_pass() -> None:
    check_runs({"a.run": FIRST | {"z": [("none", 1.0)]}}, ["q", "r"], "abcd")


@pytest.mark.parametrize(
    ("queries", "message"),
    [
        (["r"], r"b\.run: none of its queries is in --queries, as 'q' is not"),
        (["q"], r"b\.run: product 'x' of query 'q' is not in the catalogue"),
    ],
)
def test_runs_of_other_queries_or_products_are_refused(queries, message) -> None:
    with pytest.raises(FitRankError, match=message):
        check_runs({"b.run": SECOND}, queries, "abcd")
