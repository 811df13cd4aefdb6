"""The four benchmarks of DeepFashion."""

from collections.abc import Sequence

from fitrank_tf.core.filters import split_values
from fitrank_tf.datasets.splits import TEST
from fitrank_tf.evaluation.benchmark.products import text_to_image
from fitrank_tf.evaluation.benchmark.task import (
    PHOTO,
    TEXT,
    BenchmarkData,
    Task,
    same_value,
)

# Attribute Prediction's types of attributes.
_TYPES = ("texture", "fabric", "shape", "part", "style")


def inshop_tasks(data: BenchmarkData) -> list[Task]:
    """Query photos find gallery photos of their item; texts find photos of all three
    partitions (Marqo's protocol)."""
    return [
        _same_item(
            data,
            data.rows(partition="query"),
            data.rows(partition="gallery"),
            ("hit@1", "hit@10", "hit@20", "hit@30"),
        ),
        text_to_image(data, range(len(data.records)), "DeepFashion-InShop"),
    ]


def consumer_to_shop_tasks(data: BenchmarkData) -> list[Task]:
    """Consumers' test photos find the shop's photos of their item, among those of
    validation and test."""
    return [
        _same_item(
            data,
            data.rows(partition="test", kind="consumer"),
            data.rows(partition=("val", "test"), kind="shop"),
            ("hit@1", "hit@10", "hit@20", "hit@50"),
        )
    ]


def multimodal_tasks(data: BenchmarkData) -> list[Task]:
    """Captions find photos, among those that have one (Marqo's protocol)."""
    captioned = [row for row, text in enumerate(data.records.texts) if text.strip()]
    return [text_to_image(data, captioned, "DeepFashion-Multimodal")]


def attribute_tasks(data: BenchmarkData) -> list[Task]:
    """Test photos find the names of their category (top-k accuracy) and of their
    attributes (top-k recall), among those of all photos."""
    categories = [(value,) for value in data.records.column("category")]
    columns = [data.records.column(name) for name in _TYPES]
    attributes = [
        tuple(value for text in texts for value in split_values(text))
        for texts in zip(*columns)
    ]
    return [
        _names(data, "image to category", categories, ("hit@3", "hit@5")),
        _names(data, "image to attributes", attributes, ("R@3", "R@5")),
    ]


def _same_item(
    data: BenchmarkData, asking: list[int], searched: list[int], measures: tuple[str, ...]
) -> Task:
    items = data.records.column("item")
    queries = {data.records.ids[row]: items[row] for row in asking}
    documents = {data.records.ids[row]: items[row] for row in searched}
    qrels = same_value(queries, documents)
    return Task(
        name="image to image",
        asks=PHOTO,
        finds=PHOTO,
        queries={query: query for query in qrels},
        documents=data.ids(searched),
        qrels=qrels,
        measures=measures,
        left_out=len(queries) - len(qrels),
    )


def _names(
    data: BenchmarkData,
    task: str,
    values: Sequence[tuple[str, ...]],
    measures: tuple[str, ...],
) -> Task:
    """Test photos find names. Names have blanks, and ids of documents none.

    Args:
        data: of the data set.
        task: name of the task.
        values: names that are right for each photo.
        measures: of the task.
    """
    known = sorted({value for of in values for value in of if value})
    places = {value: f"name{number}" for number, value in enumerate(known)}
    qrels = {
        item: {places[value]: 1 for value in of if value}
        for item, split, of in zip(data.records.ids, data.records.splits, values)
        if split == TEST and any(of)
    }
    queries = {item: item for item in qrels}
    documents = {place: value for value, place in places.items()}
    return Task(task, PHOTO, TEXT, queries, documents, qrels, measures)
