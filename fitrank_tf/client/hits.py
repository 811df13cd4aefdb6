"""The products of an answer, and how they are printed."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fitrank_tf.core.errors import FitRankError


@dataclass(frozen=True)
class Hit:
    """One product of an answer, of a bundle in this process or of a server.

    Attributes:
        rank: 1 for the best.
        id: the shop's product id.
        title: its title.
        score: the model's score; higher is better, comparable within one answer only.
        explanation: what adds most to its score or takes most from it; "" where that was
            not asked for.
        first_stage_rank: its place, from 1, among the candidates before they were
            re-ranked; None where a model does not give it.
    """

    rank: int
    id: str
    title: str
    score: float
    explanation: str = ""
    first_stage_rank: int | None = None


class Answer(list[Hit]):
    """The hits of one query or photo, best first.

    Args:
        hits: its items.
        understood: what the query was read as, such as "colour not Black; article type
            Tshirts"; None where that was not asked for, or a model does not give it.
    """

    def __init__(self, hits: Iterable[Hit], understood: str | None = None):
        super().__init__(hits)
        self.understood = understood


def check_top_k(top_k: int) -> None:
    """Refuses a number of hits below 1.

    Raises:
        FitRankError: if it is.
    """
    if top_k < 1:
        raise FitRankError(f"top_k {top_k}: give at least 1")


def read_hits(answer: Mapping[str, Sequence[Any]], top_k: int) -> list[Hit]:
    """The hits of one query.

    Args:
        answer: `ids`, `titles`, `scores` and perhaps `explanations` and
            `first_stage_ranks`, [k] each; texts as bytes, "" ids are padding.
        top_k: the most hits wanted.
    """
    texts = {
        name: [value.decode(errors="replace") for value in answer[name]]
        for name in ("ids", "titles", "explanations")
        if name in answer
    }
    ranks = answer.get("first_stage_ranks")
    found = [place for place, item in enumerate(texts["ids"]) if item][:top_k]
    return [
        Hit(
            rank=rank,
            id=texts["ids"][place],
            title=texts["titles"][place],
            score=float(answer["scores"][place]),
            explanation=texts["explanations"][place] if "explanations" in texts else "",
            first_stage_rank=int(ranks[place]) if ranks is not None else None,
        )
        for rank, place in enumerate(found, start=1)
    ]


def format_table(hits: Sequence[Hit]) -> str:
    """Aligned columns: rank, id, score, title, and explanations where there are any."""
    explained = any(hit.explanation for hit in hits)
    rows = [("rank", "id", "score", "title", "explanation" if explained else "")]
    rows += [
        (str(hit.rank), hit.id, f"{hit.score:.4f}", hit.title, hit.explanation)
        for hit in hits
    ]
    width = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join(
        f"{rank:>{width[0]}}  {item:<{width[1]}}  {score:>{width[2]}}  "
        f"{title:<{width[3]}}  {explanation}".rstrip()
        for rank, item, score, title, explanation in rows
    )


def format_json(answer: Answer) -> str:
    """One JSON object in one line: what was `understood` and the `hits`.

    Each has what the model gave.
    """
    hits = [
        {name: value for name, value in asdict(hit).items() if value not in ("", None)}
        | {"title": hit.title}
        for hit in answer
    ]
    understood = {} if answer.understood is None else {"understood": answer.understood}
    return json.dumps(understood | {"hits": hits}, ensure_ascii=False)
