"""Towers on tasks: exact search, without the query itself, and of products."""

from types import SimpleNamespace

import numpy as np
import pytest

from fitrank_tf.evaluation.benchmark.photos import EmbeddedPhotos
from fitrank_tf.evaluation.benchmark.systems import BenchmarkSystems, able
from fitrank_tf.evaluation.benchmark.task import PHOTO, PRODUCT, TEXT, Task
from fitrank_tf.evaluation.systems import SYSTEMS

IDS = ("a", "b", "c", "d")


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


PHOTOS = {
    name: unit(np.random.default_rng(seed).normal(size=(len(IDS), 8)))
    for seed, name in enumerate(("clip", "clip_lora"))
}
NONE = np.zeros((len(IDS), 0), np.float32)


def encoded(texts: list[str], baseline: bool) -> dict[str, np.ndarray]:
    """Another vector for each text and each tower."""
    seeds = [[int(baseline), *text.encode()] for text in texts]
    rows = [np.random.default_rng(seed).normal(size=8) for seed in seeds]
    return {"embedding": unit(np.array(rows))}


@pytest.fixture
def systems() -> BenchmarkSystems:
    bundle = SimpleNamespace(encode_queries=encoded)
    photos = EmbeddedPhotos(PHOTOS["clip"], PHOTOS["clip_lora"], NONE, NONE)
    texts = ["red", "blue", "green", "tan"]
    return BenchmarkSystems(bundle, photos, IDS, texts)


def task_of(asks: str, finds: str, **more: object) -> Task:
    queries = {"a": "a", "c": "c"} if asks == PHOTO else {"q0": "a red hat", "q1": "bag"}
    documents = (
        {"n0": "hat", "n1": "bag", "n2": "shoe"} if finds == TEXT else dict(zip(IDS, IDS))
    )
    qrels = {query: {next(iter(documents)): 1} for query in queries}
    return Task("a task", asks, finds, queries, documents, qrels, ("mAP",), **more)


def ranked(queries: np.ndarray, documents: np.ndarray, names: list[str]) -> list[list[str]]:
    order = np.argsort(-(queries @ documents.T), axis=1)
    return [[names[place] for place in row] for row in order]


@pytest.mark.parametrize("system", ["clip", "clip_lora"])
@pytest.mark.parametrize("asks, finds", [(TEXT, PHOTO), (PHOTO, PHOTO), (PHOTO, TEXT)])
def test_towers_rank_by_cosine(systems, system: str, asks: str, finds: str) -> None:
    task = task_of(asks, finds)
    run = systems.run(task, [system])[system]
    photos, baseline = PHOTOS[system], system == "clip"
    texts = {
        kind: encoded(list(of.values()), baseline)["embedding"]
        for kind, of in (("queries", task.queries), ("documents", task.documents))
    }
    queries = photos[[0, 2]] if asks == PHOTO else texts["queries"]
    documents = photos if finds == PHOTO else texts["documents"]
    found = [[document for document, _ in ranking] for ranking in run.values()]
    assert found == ranked(queries, documents, list(task.documents))
    assert list(run) == list(task.queries)


def test_the_query_is_taken_out_and_all_others_are_ranked(systems) -> None:
    run = systems.run(task_of(PHOTO, PHOTO, excludes_query=True), ["clip"])["clip"]
    whole = systems.run(task_of(PHOTO, PHOTO), ["clip"])["clip"]
    for query in ("a", "c"):
        assert whole[query][0][0] == query
        assert run[query] == whole[query][1:]


def test_a_product_is_its_photo_and_a_tenth_of_its_text(systems) -> None:
    task = task_of(TEXT, PRODUCT)
    run = systems.run(task, ["clip"])["clip"]
    texts = encoded(["red", "blue", "green", "tan"], baseline=True)["embedding"]
    products = unit(0.9 * PHOTOS["clip"] + 0.1 * texts)
    queries = encoded(list(task.queries.values()), baseline=True)["embedding"]
    for query, scores in zip(task.queries, queries @ products.T):
        found = dict(run[query])
        np.testing.assert_allclose([found[item] for item in IDS], scores, rtol=1e-5)


def test_the_reranker_orders_photos_for_texts_alone() -> None:
    towers = ["clip", "clip_lora"]
    assert able(task_of(TEXT, PHOTO), SYSTEMS) == [*towers, "reranked"]
    assert able(task_of(TEXT, PRODUCT), ["reranked"]) == ["reranked"]
    for task in (task_of(PHOTO, PHOTO), task_of(PHOTO, TEXT)):
        assert able(task, SYSTEMS) == towers and able(task, ["reranked"]) == []
