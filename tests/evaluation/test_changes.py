"""The queries that re-ranking changes most, on runs whose nDCG is known by hand."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from fitrank_tf.evaluation.changes import Gain, most_changed, ndcg_gains, with_notes
from fitrank_tf.evaluation.sheets.rows import SheetItem, SheetRow
from fitrank_tf.evaluation.systems import CLIP_LORA, RERANKED, SystemRuns

FIRST, SECOND = 1.0, 1.0 / math.log2(3)
PHOTO = np.zeros((4, 4, 3), np.uint8)


def _ranking(order: str) -> list[tuple[str, float]]:
    return [(item, float(-place)) for place, item in enumerate(order)]


RUNS = SystemRuns(
    {
        CLIP_LORA: {"q1": _ranking("xa"), "q2": _ranking("ax"), "q3": _ranking("ax")},
        RERANKED: {"q1": _ranking("ax"), "q2": _ranking("xa"), "q3": _ranking("ax")},
    },
    {
        query: {"a": np.array([0.1, -1.5, 0.0]), "x": np.array([0.2, 0.0, 0.3])}
        for query in ("q1", "q2", "q3")
    },
)
JUDGED = SimpleNamespace(qrels={q: {"a": 4} for q in ("q1", "q2", "q3")}, binary_grade=4)


def test_gains_are_ndcg_after_and_before() -> None:
    gains = ndcg_gains(JUDGED, RUNS.rankings)
    told = {query: gain.of_reranking for query, gain in gains.items()}
    wanted = {"q1": FIRST - SECOND, "q2": SECOND - FIRST, "q3": 0.0}
    assert told == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("count", "wanted"), [(2, ["b", "d"]), (3, ["b", "a", "d"]), (9, ["b", "a", "d", "e"])]
)
def test_most_changed_are_helped_first_then_hurt(count: int, wanted: list[str]) -> None:
    gains = {"a": 0.2, "b": 0.5, "c": 0.0, "d": -0.4, "e": -0.1}
    told = {
        query: Gain({CLIP_LORA: 0.5, RERANKED: 0.5 + gain}) for query, gain in gains.items()
    }
    assert most_changed(told, count) == wanted


def _row(system: str, order: str) -> SheetRow:
    items = tuple(SheetItem(item, item, PHOTO, 0) for item in order)
    return SheetRow("words", system, items)


def test_products_show_their_move_and_its_explanation() -> None:
    gain = ndcg_gains(JUDGED, RUNS.rankings)["q1"]
    row = with_notes(_row(RERANKED, "ax"), "q1", RUNS, gain, ["colour"])
    assert [item.note for item in row.items] == [
        "up 1: colour -1.50, similarity +0.10",
        "down 1: photo +0.30, similarity +0.20",
    ]
    assert row.note == f"nDCG@10 1.000 ({FIRST - SECOND:+.3f} by re-ranking)"


def test_the_first_stage_says_its_value_alone() -> None:
    gain = ndcg_gains(JUDGED, RUNS.rankings)["q1"]
    row = with_notes(_row(CLIP_LORA, "xa"), "q1", RUNS, gain, ["colour"])
    assert row.note == f"nDCG@10 {SECOND:.3f}"
    assert [item.note for item in row.items] == ["", ""]
