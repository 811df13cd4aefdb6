"""One ranking of several: reciprocal rank fusion."""

from collections.abc import Mapping

from fitrank_tf.evaluation.trec import Run

# Of the paper; results change little between 20 and 100.
_K = 60


def reciprocal_rank_fusion(
    runs: Mapping[str, Run], k: int = _K
) -> dict[str, list[tuple[str, float]]]:
    """Fuses runs by ranks alone, so that scores need no common scale.

    A product's score is the sum of 1 / (k + rank) over the systems that rank it, with ranks
    from 1 (Cormack, Clarke and Buettcher, SIGIR 2009).

    Args:
        runs: {system: run}.
        k: 0 or more; the larger, the less the first ranks count.

    Returns:
        The ranking of each query that some system ranks. Equal scores stand in the order of
        the systems, then of their ranks.
    """
    fused: dict[str, dict[str, float]] = {}
    for run in runs.values():
        for query, ranking in run.items():
            scores = fused.setdefault(query, {})
            for rank, (item, _) in enumerate(ranking, start=1):
                scores[item] = scores.get(item, 0.0) + 1.0 / (k + rank)
    return {
        query: sorted(scores.items(), key=lambda scored: -scored[1])
        for query, scores in fused.items()
    }
