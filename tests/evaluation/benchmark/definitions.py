"""The measures from their definitions, in plain Python."""

from collections.abc import Sequence


def by_definition(name: str, ranking: Sequence[str], relevant: set[str]) -> float:
    """The measure of one query; see `benchmark.measures`."""
    kind, _, cut = name.partition("@")
    first = ranking[: int(cut)] if cut else ranking
    hits = [document in relevant for document in first]
    if kind == "R":
        return sum(hits) / len(relevant)
    if kind == "hit":
        return float(any(hits))
    if kind == "P":
        return sum(hits) / int(cut)
    if kind == "MRR":
        return next((1 / rank for rank, hit in enumerate(hits, 1) if hit), 0.0)
    if kind == "MAP":
        precisions = [sum(hits[:rank]) / rank for rank, hit in enumerate(hits, 1) if hit]
        return sum(precisions) / len(relevant)
    if kind in ("AvgR", "AvgP"):
        ends = [by_definition(f"{kind[-1]}@{k}", ranking, relevant) for k in (1, 10)]
        return sum(ends) / 2
    # INRIA's program, its variables renamed.
    area, found = 0.0, 0
    for rank, hit in enumerate(hits):
        if hit:
            before = 1.0 if rank == 0 else found / rank
            after = (found + 1) / (rank + 1)
            area += (before + after) / 2 / len(relevant)
            found += 1
    return area
