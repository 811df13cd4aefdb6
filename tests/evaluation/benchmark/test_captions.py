"""Both directions of the captions of Karpathy's test photos."""

import pytest

from fitrank_tf.evaluation.benchmark.captions import caption_tasks
from fitrank_tf.evaluation.benchmark.task import PHOTO, TEXT
from tests.evaluation.benchmark.small_data import data_of

_ITEMS = {
    "1": {"partition": "train", "split": "train"},
    "2": {"partition": "test"},
    "3": {"partition": "test"},
    "4": {"partition": "restval", "split": "train"},
    "5": {"partition": "test"},
}
_CAPTIONS = {"1": ["Other."], "2": ["A cat.", "A dog."], "3": ["A cat."]}


@pytest.fixture
def tasks() -> dict:
    return {task.name: task for task in caption_tasks(data_of(_ITEMS, _CAPTIONS))}


def test_captions_ask_for_test_photos(tasks: dict) -> None:
    task = tasks["text to image"]
    assert (task.asks, task.finds) == (TEXT, PHOTO)
    # A photo without captions can be found, but is never right.
    assert task.documents == {"2": "2", "3": "3", "5": "5"}
    assert task.queries == {"2#0": "A cat.", "2#1": "A dog.", "3#0": "A cat."}
    # Two photos have one caption: each counts for its own photo alone.
    assert task.qrels == {"2#0": {"2": 1}, "2#1": {"2": 1}, "3#0": {"3": 1}}
    assert task.measures == ("hit@1", "hit@5", "hit@10") and not task.differs


def test_photos_ask_for_all_their_captions(tasks: dict) -> None:
    task = tasks["image to text"]
    assert (task.asks, task.finds) == (PHOTO, TEXT)
    assert task.documents == tasks["text to image"].queries
    assert task.queries == {"2": "2", "3": "3"}
    assert task.qrels == {"2": {"2#0": 1, "2#1": 1}, "3": {"3#0": 1}}
    assert not task.excludes_query and task.depth == 3


def test_without_test_photos_nothing_is_asked() -> None:
    data = data_of({"1": {"partition": "train"}}, {"1": ["A cat."]})
    assert [task.queries for task in caption_tasks(data)] == [{}, {}]
