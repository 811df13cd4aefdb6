"""Marqo's tasks, with official queries and without."""

import json
from pathlib import Path

import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.evaluation.benchmark.products import category_tasks, text_to_image
from fitrank_tf.evaluation.benchmark.task import PHOTO, PRODUCT, TEXT, BenchmarkData, Task
from tests.evaluation.benchmark.small_data import NOWHERE, data_of

_ITEMS = {
    "1": {"text": "Red shirt", "kind": "Shirts", "colour": "Red"},
    "2": {"text": "Red shirt ", "kind": "Shirts", "colour": ""},
    "3": {"text": "Tan bag", "kind": "Bags", "colour": "Tan"},
    "4": {"text": "", "kind": "Bags", "colour": "Red"},
}
_COLUMNS = {
    "category to product": ("kind", "category1"),
    "colour to product": ("colour", "baseColour"),
}
_TEXTS, _CATEGORIES = "ground_truth_text-image.json", "ground_truth_category1-{}.json"


def small(manual_dir: Path = NOWHERE) -> BenchmarkData:
    return data_of(_ITEMS, manual_dir=manual_dir)


def write_queries(folder: Path, name: str, queries: object) -> Path:
    path = folder / "gt_query_doc" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(queries))
    return path


def asked(task: Task) -> dict[str, list[str]]:
    return {task.queries[query]: list(found) for query, found in task.qrels.items()}


def test_queries_are_made_of_the_items_where_there_are_no_official_ones() -> None:
    task = text_to_image(small(), range(4), "KAGL")
    assert (task.name, task.asks, task.finds) == ("text to image", TEXT, PHOTO)
    assert asked(task) == {"Red shirt": ["1", "2"], "Tan bag": ["3"]}
    assert list(task.documents) == ["1", "2", "3", "4"]
    assert task.differs == "queries are made from the Items, not the official ones"
    assert task.measures == ("R@1", "R@10", "AvgR", "MRR@10", "MAP@10")


def test_at_most_2000_texts_ask_and_they_are_the_same_everywhere() -> None:
    items = {str(number): {"text": f"Shirt {number}"} for number in range(2100)}
    task = text_to_image(data_of(items), range(2100), "KAGL")
    again = text_to_image(data_of(dict(reversed(items.items()))), range(2100), "KAGL")
    assert len(task.queries) == 2000 == len(task.qrels)
    assert asked(task) == asked(again)
    assert all(len(found) == 1 for found in task.qrels.values())


def test_values_of_columns_ask_for_products() -> None:
    categories, colours = category_tasks(small(), range(4), "KAGL", _COLUMNS)
    assert asked(categories) == {"Bags": ["3", "4"], "Shirts": ["1", "2"]}
    assert asked(colours) == {"Red": ["1", "4"], "Tan": ["3"]}
    assert (categories.asks, categories.finds) == (TEXT, PRODUCT)
    assert categories.measures == ("P@1", "P@10", "AvgP", "MRR@10")
    assert all(task.differs for task in (categories, colours))
    [some, _] = category_tasks(small(), [0, 2], "KAGL", _COLUMNS)
    assert list(some.documents) == ["1", "3"]
    assert asked(some) == {"Bags": ["3"], "Shirts": ["1"]}


@pytest.mark.parametrize(
    "place",
    ["", "KAGL", "data/KAGL", "marqo-FashionCLIP/data/KAGL", "data/kagl", "unpacked/kagl1"],
)
def test_official_queries_are_found_in_each_of_their_places(
    tmp_path: Path, place: str
) -> None:
    # Queries of another data set, in the same repository, come first by name.
    write_queries(tmp_path / "data/Atlas", _TEXTS, {"a saree": {"9": 1}})
    write_queries(tmp_path / place, _TEXTS, {"scarlet": {"1": 1, "4": 1}, "bag": {"3": 1}})
    write_queries(tmp_path / place, _CATEGORIES.format("image+text"), {"Tops": {"2": 1}})
    # Another document than the product; read for no task.
    write_queries(tmp_path / place, _CATEGORIES.format("image"), {"Other": {"2": 1}})
    task = text_to_image(small(tmp_path), range(4), "KAGL")
    assert asked(task) == {"scarlet": ["1", "4"], "bag": ["3"]}
    assert task.differs == "" and list(task.documents) == ["1", "2", "3", "4"]
    categories, colours = category_tasks(small(tmp_path), range(4), "KAGL", _COLUMNS)
    assert asked(categories) == {"Tops": ["2"]} and not categories.differs
    assert set(asked(colours)) == {"Red", "Tan"} and colours.differs


def test_queries_of_another_data_set_are_not_asked(tmp_path: Path) -> None:
    write_queries(tmp_path / "data/Atlas", _TEXTS, {"a saree": {"1": 1}})
    task = text_to_image(small(tmp_path), range(4), "KAGL")
    assert "a saree" not in asked(task) and task.differs


def test_judged_documents_that_are_not_there_are_said(tmp_path: Path) -> None:
    official = {"scarlet": {"1": 1, "77": 1}, "gone": {"78": 1}, "bag": {"3": 1}}
    write_queries(tmp_path, _TEXTS, official)
    task = text_to_image(small(tmp_path), range(4), "KAGL")
    assert task.differs == "2 of 4 documents of the official judgments are not here"
    # What nothing can find is not asked.
    assert asked(task) == {"scarlet": ["1"], "bag": ["3"]}
    assert task.qrels.keys() == task.queries.keys()


def test_a_grade_of_0_is_none(tmp_path: Path) -> None:
    write_queries(tmp_path, _TEXTS, {"scarlet": {"1": 1, "3": 0}, "bag": {"3": 0}})
    task = text_to_image(small(tmp_path), range(4), "KAGL")
    assert asked(task) == {"scarlet": ["1"]}


def test_an_id_that_no_run_file_can_hold_is_said_at_once() -> None:
    task = text_to_image(data_of({"p 1": {"text": "Red shirt"}}), range(1), "KAGL")
    with pytest.raises(FitRankError, match="'p 1' holds white space"):
        task.check_ids()
    text_to_image(small(), range(4), "KAGL").check_ids()


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "[" * 99999,
        '{"q": ["1"]}',
        '{"q": {"1": Infinity}}',
        '{"q": {"1": "yes"}}',
        "\xff",
    ],
)
def test_a_broken_file_is_one_line(tmp_path: Path, text: str) -> None:
    path = write_queries(tmp_path, _TEXTS, {})
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(FitRankError, match=r"ground_truth_text-image.json is not `.*again"):
        text_to_image(small(tmp_path), range(4), "KAGL")
    with pytest.raises(FitRankError) as error:
        category_tasks(small(tmp_path), range(4), "KAGL", _COLUMNS)
    assert "\n" not in str(error.value)
