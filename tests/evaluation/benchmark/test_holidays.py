"""The first photo of a scene asks for the scene's others."""

from fitrank_tf.evaluation.benchmark.holidays import holidays_tasks
from fitrank_tf.evaluation.benchmark.task import PHOTO
from tests.evaluation.benchmark.small_data import data_of


def test_the_query_is_no_answer_to_itself() -> None:
    photos = ["100000", "100001", "100002", "100100", "100201", "100300", "100301"]
    data = data_of({photo: {"scene": photo[:4]} for photo in photos})
    [task] = holidays_tasks(data)
    assert (task.asks, task.finds, task.excludes_query) == (PHOTO, PHOTO, True)
    # Scene 1001 has no other photo, and of scene 1002 there is no query.
    assert task.queries == {"100000": "100000", "100300": "100300"}
    assert task.qrels == {"100000": {"100001": 1, "100002": 1}, "100300": {"100301": 1}}
    assert list(task.documents) == photos
    assert (task.measures, task.depth) == (("mAP",), len(photos))
