"""The four benchmarks of DeepFashion."""

from collections.abc import Mapping

from fitrank_tf.core.filters import split_values
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
    attributes (top-k recall)."""
    rows = data.rows(partition="test") or range(len(data.records))
    ids = [data.records.ids[row] for row in rows]
    categories = data.records.column("category")
    types = [data.records.column(name) for name in _TYPES]
    of_category = {item: (categories[row],) for item, row in zip(ids, rows)}
    of_attributes = {
        item: tuple(value for column in types for value in split_values(column[row]))
        for item, row in zip(ids, rows)
    }
    return [
        _names("image to category", of_category, ("hit@3", "hit@5")),
        _names("image to attributes", of_attributes, ("R@3", "R@5")),
    ]


def _same_item(
    data: BenchmarkData, asking: list[int], searched: list[int], measures: tuple[str, ...]
) -> Task:
    items = data.records.column("item")
    queries = {data.records.ids[row]: items[row] for row in asking}
    documents = {data.records.ids[row]: items[row] for row in searched}
    qrels = same_value(queries, documents)
    asked = {query: query for query in qrels}
    return Task("image to image", PHOTO, PHOTO, asked, data.ids(searched), qrels, measures)


def _names(
    name: str, values: Mapping[str, tuple[str, ...]], measures: tuple[str, ...]
) -> Task:
    """Photos find names. Names have blanks, and ids of documents none."""
    known = sorted({value for of in values.values() for value in of if value})
    places = {value: f"name{number}" for number, value in enumerate(known)}
    qrels = {
        item: {places[value]: 1 for value in of if value} for item, of in values.items()
    }
    qrels = {item: of for item, of in qrels.items() if of}
    queries = {item: item for item in qrels}
    documents = {place: value for value, place in places.items()}
    return Task(name, PHOTO, TEXT, queries, documents, qrels, measures)
