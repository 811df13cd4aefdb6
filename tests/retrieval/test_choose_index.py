"""The choice of a catalogue's index, and its reason in the log."""

import logging
import sys

import numpy as np
import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.retrieval.choose_index import SCANN_FROM_ITEMS, build_index
from fitrank_tf.retrieval.exact_index import ExactIndex
from fitrank_tf.retrieval.scann_index import ScannIndex

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="scann exists for Linux only"
)


def embeddings(count: int) -> np.ndarray:
    """float32 [count, 8] unit rows."""
    vectors = np.random.default_rng(0).normal(size=(count, 8))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize(
    ("method", "count", "kind", "reason"),
    [
        ("auto", SCANN_FROM_ITEMS - 1, ExactIndex, "fewer than 20000 items"),
        ("auto", SCANN_FROM_ITEMS, ScannIndex, "20000 items or more"),
        ("exact", SCANN_FROM_ITEMS, ExactIndex, "as asked"),
        ("scann", 50, ScannIndex, "as asked"),
    ],
)
def test_chooses_and_logs_one_line(caplog, method, count, kind, reason):
    with caplog.at_level(logging.INFO):
        index = build_index(embeddings(count), method)
    assert type(index) is kind
    (record,) = [r for r in caplog.records if r.name.endswith("choose_index")]
    assert record.levelno == logging.INFO
    assert index.describe() in record.getMessage() and reason in record.getMessage()


@pytest.fixture
def no_scann(monkeypatch):
    """A machine where `import scann` fails, as on macOS and Windows."""
    for name in [n for n in sys.modules if n == "scann" or n.startswith("scann.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "scann", None)


def test_auto_falls_back_to_exact_without_scann(no_scann, caplog):
    with caplog.at_level(logging.INFO):
        index = build_index(embeddings(SCANN_FROM_ITEMS))
    assert type(index) is ExactIndex
    assert "scann cannot be imported" in caplog.text


def test_scann_asked_for_without_scann(no_scann):
    with pytest.raises(FitRankError, match="method=exact"):
        build_index(embeddings(50), "scann")


@pytest.mark.parametrize("method", ["auto", "exact", "scann"])
def test_an_empty_catalogue(method):
    with pytest.raises(FitRankError, match="catalogue is empty"):
        build_index(np.zeros((0, 8), np.float32), method)


def test_unknown_method():
    with pytest.raises(FitRankError, match="'faiss'; take one of auto, exact, scann"):
        build_index(embeddings(5), "faiss")
