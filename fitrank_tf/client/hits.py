"""The products of an answer, and how they are printed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np


@dataclass(frozen=True)
class Hit:
    """One product of an answer.

    Attributes:
        rank: 1 for the best.
        id: the shop's product id.
        title: its title.
        score: the model's score; higher is better, comparable within one answer only.
        reasons: what speaks most for or against it; "" where that was not asked for.
    """

    rank: int
    id: str
    title: str
    score: float
    explanations: str = ""


def read_hits(answer: Mapping[str, np.ndarray], top_k: int) -> list[Hit]:
    """The hits of one query.

    Args:
        answer: `ids`, `titles`, `scores` and perhaps `reasons`, [k] each; "" ids are
            padding.
        top_k: the most hits wanted.
    """
    texts = {
        name: [value.decode(errors="replace") for value in values]
        for name, values in answer.items()
        if name != "scores"
    }
    found = [place for place, item in enumerate(texts["ids"]) if item][:top_k]
    return [
        Hit(
            rank=rank,
            id=texts["ids"][place],
            title=texts["titles"][place],
            score=float(answer["scores"][place]),
            explanations=texts["explanations"][place] if "explanations" in texts else "",
        )
        for rank, place in enumerate(found, start=1)
    ]


def format_table(hits: Sequence[Hit]) -> str:
    """Aligned columns: rank, id, score, title, and reasons where there are any."""
    rows = [("rank", "id", "score", "title", "explanations" if _explained(hits) else "")]
    rows += [
        (str(hit.rank), hit.id, f"{hit.score:.4f}", hit.title, hit.explanations)
        for hit in hits
    ]
    width = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join(
        f"{rank:>{width[0]}}  {item:<{width[1]}}  {score:>{width[2]}}  "
        f"{title:<{width[3]}}  {explanations}".rstrip()
        for rank, item, score, title, explanations in rows
    )


def _explained(hits: Sequence[Hit]) -> bool:
    return any(hit.explanations for hit in hits)


def format_json_lines(hits: Sequence[Hit]) -> str:
    """One JSON object a hit, without reasons where there are none."""
    return "\n".join(
        json.dumps(
            {k: v for k, v in asdict(hit).items() if k != "explanations" or v},
            ensure_ascii=False,
        )
        for hit in hits
    )
