"""Marqo's protocol for fashion catalogues: texts and categories find products.

The official queries are files of the repository marqo-ai/marqo-FashionCLIP (Apache-2.0),
`data/<NAME>/gt_query_doc/ground_truth_<column>-<image|image+text>.json`, each `{query text:
{document id: 1}}`. They are asked where a folder `gt_query_doc` lies in the data set's
folder, or the whole repository does. Else queries of the same kind are made from the Items,
and no published figures stand beside the results.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.evaluation.benchmark.task import (
    PHOTO,
    PRODUCT,
    TEXT,
    BenchmarkData,
    Task,
    same_value,
    sample,
)

_OFFICIAL = re.compile(r"ground_truth_(.+)-(image|image\+text)\.json")
_FOLDER = "gt_query_doc"
# A data set may lie a few folders deeper, and the repository beside it.
_PLACES = tuple("*/" * depth + _FOLDER for depth in range(4))
# Names of data sets in the repository, in lower case.
_NAMES = frozenset(
    ("kagl", "deepfashion-inshop", "deepfashion-multimodal", "fashion200k", "atlas")
    + ("polyvore", "imaterialist")
)
_TEXT_COLUMN, _MOST_QUERIES = "text", 2000
_OF_TEXTS = ("R@1", "R@10", "AvgR", "MRR@10", "MAP@10")
_OF_CATEGORIES = ("P@1", "P@10", "AvgP", "MRR@10")
_OWN = "queries are made from the Items, not the official ones"


def text_to_image(data: BenchmarkData, rows: Sequence[int], name: str) -> Task:
    """Texts of products find their photos.

    Products of one text are all right for it.

    Args:
        data: of the data set.
        rows: of the products that are searched.
        name: of the data set in the repository of the official queries.
    """
    official = _official(data.manual_dir, name).get((_TEXT_COLUMN, "image"))
    documents = data.ids(rows)
    if official is not None:
        return _official_task("text to image", official, documents, PHOTO, _OF_TEXTS)
    texts = {data.records.ids[row]: data.records.texts[row].strip() for row in rows}
    asked = sample(filter(None, texts.values()), _MOST_QUERIES)
    queries = {f"q{number}": text for number, text in enumerate(asked)}
    qrels = same_value(queries, texts)
    return Task(
        "text to image",
        *(TEXT, PHOTO, queries, documents, qrels, _OF_TEXTS),
        differs=_OWN,
    )


def category_tasks(
    data: BenchmarkData,
    rows: Sequence[int],
    name: str,
    columns: Mapping[str, tuple[str, str]],
) -> list[Task]:
    """The values of columns find products.

    Args:
        data: of the data set.
        rows: of the products that are searched.
        name: as of `text_to_image`.
        columns: {task: (attribute, the official file's column)}.
    """
    documents = data.ids(rows)
    official = _official(data.manual_dir, name)
    tasks = []
    for task, (attribute, official_column) in columns.items():
        given = official.get((official_column, "image+text"))
        if given is not None:
            tasks.append(_official_task(task, given, documents, PRODUCT, _OF_CATEGORIES))
            continue
        column = data.records.column(attribute)
        values = {data.records.ids[row]: column[row] for row in rows}
        asked = sorted({value for value in values.values() if value})
        queries = {f"{attribute}{number}": value for number, value in enumerate(asked)}
        qrels = same_value(queries, values)
        tasks.append(
            Task(
                task,
                *(TEXT, PRODUCT, queries, documents, qrels, _OF_CATEGORIES),
                differs=_OWN,
            )
        )
    return tasks


def _official(
    folder: Path, name: str
) -> dict[tuple[str, str], Mapping[str, Mapping[str, int]]]:
    """{(column, "image" or "image+text"): {query: {document: 1}}} of the official files."""
    own = name.casefold()
    places = [path for place in _PLACES for path in sorted(folder.glob(place))]
    # A folder of another data set's name holds its queries, that of another name ours.
    ours = [path for path in places if path.parent.name.casefold() == own]
    other = [path for path in places if path.parent.name.casefold() not in _NAMES]
    found: dict[tuple[str, str], Mapping[str, Mapping[str, int]]] = {}
    for path in (path for place in (*ours, *other) for path in sorted(place.glob("*"))):
        official = _OFFICIAL.fullmatch(path.name)
        if official:
            column, finds = official.groups()
            found.setdefault((column, finds), _read(path))
    return found


def _read(path: Path) -> Mapping[str, Mapping[str, int]]:
    try:
        plain: Any = json.loads(path.read_text(encoding="utf-8-sig"))
        return {
            str(query): {str(document): int(grade) for document, grade in of.items()}
            for query, of in plain.items()
        }
    except (
        ArithmeticError,
        AttributeError,
        OSError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        raise FitRankError(
            f"{path} is not `{{query: {{document id: 1}}}}` ({error!r}); fetch it again"
        ) from error


def _official_task(
    name: str,
    official: Mapping[str, Mapping[str, int]],
    documents: Mapping[str, str],
    finds: str,
    measures: tuple[str, ...],
) -> Task:
    """A task of official queries.

    Judged documents that are not there are left out, and so are queries that are left
    without any; the task then says that it differs.
    """
    judged = {document for of in official.values() for document in of}
    missing = len(judged - documents.keys())
    queries, qrels = {}, {}
    for number, (text, of) in enumerate(official.items()):
        there = {
            document: grade
            for document, grade in of.items()
            if document in documents and grade > 0
        }
        if there:
            queries[f"q{number}"], qrels[f"q{number}"] = text, there
    differs = (
        f"{missing:,} of {len(judged):,} documents of the official judgments are not here"
    )
    return Task(
        name,
        *(TEXT, finds, queries, documents, qrels, measures),
        differs=differs if missing else "",
    )
