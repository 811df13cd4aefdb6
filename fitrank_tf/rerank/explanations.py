"""What adds up to a re-ranker's score, in words."""

from collections.abc import Sequence

import numpy as np

# Below this a part says nothing that anyone would read.
LEAST_REASON = 0.005
MOST_REASONS = 3


def score_contributions(facets: Sequence[str]) -> tuple[str, ...]:
    """Names of the parts, in the order of `Reranker.explain`."""
    return ("similarity", *facets, "photo")


def explanations(contributions: np.ndarray, facets: Sequence[str]) -> str:
    """What speaks most for or against a candidate, the strongest first.

    The served search says the same in its graph (`export.search`).

    Args:
        contributions: float32 [1 + facets + 1], of one candidate.
        facets: names of the re-ranker's facets.

    Returns:
        Such as "colour +1.20, similarity -0.31".
    """
    names = score_contributions(facets)
    strongest = np.argsort(-np.abs(contributions), kind="stable")[:MOST_REASONS]
    return ", ".join(
        f"{names[part]} {contributions[part]:+.2f}"
        for part in strongest
        if abs(contributions[part]) >= LEAST_REASON
    )
