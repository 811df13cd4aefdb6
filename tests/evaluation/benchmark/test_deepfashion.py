"""The tasks of DeepFashion's four benchmarks."""

from fitrank_tf.evaluation.benchmark.deepfashion import (
    attribute_tasks,
    consumer_to_shop_tasks,
    inshop_tasks,
    multimodal_tasks,
)
from fitrank_tf.evaluation.benchmark.task import PHOTO, TEXT
from tests.evaluation.benchmark.small_data import data_of


def inshop_photo(item: str, partition: str, text: str) -> dict[str, str]:
    split = "train" if partition == "train" else "test"
    return {"item": item, "partition": partition, "text": text, "split": split}


INSHOP = {
    "t1": inshop_photo("id_1", "train", "Red shirt || Knit "),
    "t2": inshop_photo("id_1", "train", "Red shirt || Knit "),
    "q1": inshop_photo("id_2", "query", "Blue shirt"),
    "q2": inshop_photo("id_2", "query", "Blue shirt"),
    "q3": inshop_photo("id_3", "query", ""),
    "g1": inshop_photo("id_2", "gallery", "Blue shirt"),
    "g2": inshop_photo("id_2", "gallery", "Blue shirt"),
    "g4": inshop_photo("id_4", "gallery", "Tan skirt"),
}


def test_inshop_queries_search_the_gallery_alone() -> None:
    task = inshop_tasks(data_of(INSHOP))[0]
    assert (task.name, task.asks, task.finds) == ("image to image", PHOTO, PHOTO)
    # The gallery lost the item of q3, which no longer asks; then it is no full benchmark.
    assert task.queries == {"q1": "q1", "q2": "q2"}
    assert task.documents == {"g1": "g1", "g2": "g2", "g4": "g4"}
    assert task.qrels == {"q1": {"g1": 1, "g2": 1}, "q2": {"g1": 1, "g2": 1}}
    assert task.measures == ("hit@1", "hit@10", "hit@20", "hit@30")
    assert not task.excludes_query and not task.differs
    assert task.left_out == 1


def test_inshop_texts_search_all_partitions() -> None:
    task = inshop_tasks(data_of(INSHOP))[1]
    assert (task.name, task.asks, task.finds) == ("text to image", TEXT, PHOTO)
    assert set(task.documents) == set(INSHOP)
    by_text = {task.queries[query]: set(found) for query, found in task.qrels.items()}
    assert by_text == {
        "Red shirt || Knit": {"t1", "t2"},
        "Blue shirt": {"q1", "q2", "g1", "g2"},
        "Tan skirt": {"g4"},
    }
    assert "not the official ones" in task.differs


def test_consumers_photos_search_the_shops_of_validation_and_test() -> None:
    photos = {
        "train/shop": ("id_1", "shop", "train"),
        "val/consumer": ("id_2", "consumer", "val"),
        "val/shop": ("id_2", "shop", "val"),
        "test/consumer1": ("id_3", "consumer", "test"),
        "test/consumer2": ("id_3", "consumer", "test"),
        "test/shop1": ("id_3", "shop", "test"),
        "test/shop2": ("id_3", "shop", "test"),
    }
    names = ("item", "kind", "partition")
    data = data_of({photo: dict(zip(names, of)) for photo, of in photos.items()})
    [task] = consumer_to_shop_tasks(data)
    assert list(task.queries) == ["test/consumer1", "test/consumer2"]
    assert list(task.documents) == ["val/shop", "test/shop1", "test/shop2"]
    right = {"test/shop1": 1, "test/shop2": 1}
    assert task.qrels == dict.fromkeys(task.queries, right)
    assert task.measures == ("hit@1", "hit@10", "hit@20", "hit@50")


def test_multimodal_searches_photos_that_have_a_caption() -> None:
    data = data_of({"a": {"text": "A dress."}, "b": {"text": " "}, "c": {"text": "A hat."}})
    [task] = multimodal_tasks(data)
    assert list(task.documents) == ["a", "c"]
    assert sorted(task.queries.values()) == ["A dress.", "A hat."]


def test_attributes_of_test_photos_are_found_among_all_names() -> None:
    photos = {
        "1": {"category": "Tee", "texture": "striped|floral print", "split": "train"},
        "2": {"category": "Skinny Jeans", "part": "zip", "split": "validation"},
        "3": {"category": "Tee", "texture": "striped", "part": "v-neck", "split": "test"},
        "4": {"category": "Dress", "split": "test"},
        "5": {"category": "", "split": "test"},
    }
    of_category, of_attributes = attribute_tasks(data_of(photos))
    named = of_category.documents
    assert list(named.values()) == ["Dress", "Skinny Jeans", "Tee"]
    assert {
        query: [named[document] for document in found]
        for query, found in of_category.qrels.items()
    } == {"3": ["Tee"], "4": ["Dress"]}
    named = of_attributes.documents
    assert list(named.values()) == ["floral print", "striped", "v-neck", "zip"]
    assert {
        query: [named[document] for document in found]
        for query, found in of_attributes.qrels.items()
    } == {"3": ["striped", "v-neck"]}
    assert (of_category.asks, of_category.finds) == (PHOTO, TEXT)
    assert of_category.measures == ("hit@3", "hit@5")
    assert of_attributes.measures == ("R@3", "R@5")
    # Names have blanks, which split the columns of run files.
    assert all(document.split() == [document] for document in named)
