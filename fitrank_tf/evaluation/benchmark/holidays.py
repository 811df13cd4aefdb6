"""INRIA Holidays: one photo of each scene finds the others."""

from fitrank_tf.evaluation.benchmark.task import PHOTO, BenchmarkData, Task, same_value

# The last two digits of a photo's number.
_QUERY = "00"


def holidays_tasks(data: BenchmarkData) -> list[Task]:
    """Image to image; the query itself is taken out of its results."""
    scenes = dict(zip(data.records.ids, data.records.column("scene")))
    asking = {photo: scene for photo, scene in scenes.items() if photo.endswith(_QUERY)}
    qrels = {
        query: {photo: 1 for photo in relevant if photo != query}
        for query, relevant in same_value(asking, scenes).items()
    }
    qrels = {query: relevant for query, relevant in qrels.items() if relevant}
    return [
        Task(
            name="image to image",
            asks=PHOTO,
            finds=PHOTO,
            queries={query: query for query in qrels},
            documents=data.ids(range(len(data.records))),
            qrels=qrels,
            measures=("mAP",),
            excludes_query=True,
            left_out=len(asking) - len(qrels),
        )
    ]
