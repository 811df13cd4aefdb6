"""Pools of results to judge: what several systems returned, in an order that tells nothing.

Pooling is TREC's way to judgments (Sparck Jones and van Rijsbergen, 1975): a product that
none of the pooled systems ranks among its first ones counts as not relevant.
"""

import random
from collections.abc import Iterable, Mapping

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.evaluation.trec import Qrels, Run


def pool(
    runs: Iterable[Run], query_ids: Iterable[str], depth: int, seed: int, judged: Qrels
) -> dict[str, list[str]]:
    """The products to judge of each query, in an order drawn at random.

    The order depends on the seed, the query and which products they are; not on the
    systems that returned them, nor on rank or score.

    Args:
        runs: of the systems.
        query_ids: of the queries to judge; others of the runs are left out.
        depth: how many of a run's first products are pooled, at least 1.
        seed: another one draws another order.
        judged: products that are left out, because they have a grade.

    Returns:
        {query id: product ids}, [] for a query without results.
    """
    runs = list(runs)
    pools = {}
    for query_id in query_ids:
        first = {item for run in runs for item, _ in run.get(query_id, ())[:depth]}
        products = sorted(first - judged.get(query_id, {}).keys())
        random.Random(f"{seed} {query_id}").shuffle(products)
        pools[query_id] = products
    return pools


def check_runs(
    runs: Mapping[str, Run], query_ids: Iterable[str], product_ids: Iterable[str]
) -> None:
    """Checks that runs are of these queries and of this catalogue.

    Args:
        runs: {path: run}.
        query_ids: of the queries to judge.
        product_ids: of the products that were searched.

    Raises:
        FitRankError: if a run has none of the queries, or another product.
    """
    query_ids, known = set(query_ids), set(product_ids)
    for path, run in runs.items():
        if query_ids.isdisjoint(run):
            raise FitRankError(
                f"{path}: none of its queries is in --queries, as {next(iter(run))!r} is "
                "not; give the run of these queries"
            )
        for query_id in query_ids.intersection(run):
            for product_id, _ in run[query_id]:
                if product_id not in known:
                    raise FitRankError(
                        f"{path}: product {product_id!r} of query {query_id!r} is not in "
                        "the catalogue; give the catalogue and --split that it searched"
                    )
