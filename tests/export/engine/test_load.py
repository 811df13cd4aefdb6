"""Collections are filled whole or not at all, and exchanged with their models."""

import dataclasses
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.export.bundle import model_path, model_versions
from fitrank_tf.export.live_catalogue import change_catalogue
from fitrank_tf.export.loaded_bundle import LoadedBundle
from fitrank_tf.export.signatures import copy_version
from tests.export.engine.toy_engine import drawn_catalogue, model_server, wait_until
from tests.export.toy_bundle import write_toy_bundle

pytest.importorskip("milvus_lite", reason="the extra milvus is not installed")
from fitrank_tf.client.engine.engine_client import EngineSearchClient
from fitrank_tf.client.engine.layout import ENGINE_MODEL
from fitrank_tf.client.engine.milvus import Deadline, Milvus
from fitrank_tf.export.engine.load import (
    EngineProducts,
    bundle_catalogue,
    load_engine,
    open_engine,
)

QUERIES = [f"{angle / 10} {words}" for angle in range(14) for words in ("", "blue shirt")]


@pytest.fixture(scope="module")
def pristine(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("toy") / "bundle"
    return write_toy_bundle(folder, drawn_catalogue(200), 20, ["search"])


@pytest.fixture
def bundle(pristine, tmp_path) -> Path:
    return shutil.copytree(pristine, tmp_path / "bundle")


@pytest.fixture
def engine(tmp_path):
    engine = Milvus(str(tmp_path / "toy.db"))
    yield engine
    engine.close()


def _names(engine: Milvus) -> list[str]:
    return engine.call(lambda client: client.list_collections(), Deadline(20.0))


def test_a_second_load_takes_the_place_of_the_first(bundle, engine) -> None:
    first = load_engine(bundle, engine)
    assert first.products == 200 and first.version == 2
    [old] = _names(engine)
    again = load_engine(bundle, engine)
    [new] = _names(engine)
    # The same models and titles: no new version of the model.
    assert (again.alias, again.version, again.removed) == (first.alias, 2, [])
    assert new != old and new.startswith(first.alias)


def test_what_cannot_be_loaded_leaves_the_old_products(bundle, engine) -> None:
    load_engine(bundle, engine)
    before = _names(engine)
    catalogue = bundle_catalogue(bundle)
    long = dataclasses.replace(
        catalogue, titles=(*catalogue.titles[:-1], catalogue.titles[-1] + " " * 70_000)
    )
    with pytest.raises(FitRankError, match="product 'p199': title is longer"):
        load_engine(bundle, engine, EngineProducts.of(long))
    with pytest.raises(FitRankError, match="SCANN: the embedded engine has none"):
        load_engine(bundle, engine, index_type="SCANN")
    empty = EngineProducts([], catalogue.filters, 2, 0)
    with pytest.raises(FitRankError, match="the catalogue is empty"):
        load_engine(bundle, engine, empty)
    assert _names(engine) == before
    assert model_versions(bundle, ENGINE_MODEL) == [2]


@pytest.mark.slow
def test_collections_of_older_models_go_but_for_the_last(bundle, engine) -> None:
    loads = [load_engine(bundle, engine)]
    for _ in range(2):
        change_catalogue(bundle, lambda old: old.without([old.ids[0]]), models=())
        loads.append(load_engine(bundle, engine))
    assert len({load.alias for load in loads}) == 3
    assert [load.products for load in loads] == [200, 199, 198]
    assert [len(load.removed) for load in loads] == [0, 0, 1]
    assert all(name.startswith(loads[0].alias) for name in loads[2].removed)
    assert len(_names(engine)) == 2


def test_products_are_changed_only_where_some_were_loaded(bundle, engine) -> None:
    with pytest.raises(FitRankError, match="has no model 'engine_search'"):
        open_engine(bundle, engine)
    load_engine(bundle, engine)
    with pytest.raises(FitRankError, match="write letters, digits and _"):
        open_engine(bundle, engine, "my shop")


class Searching:
    """Threads that search all the time, and what they got."""

    def __init__(self, client: EngineSearchClient, queries, threads: int = 3):
        self._client, self._queries = client, queries
        self._stop = threading.Event()
        self.answers: list[tuple[str, list]] = []
        self.failures: list[Exception] = []
        self._threads = [
            threading.Thread(target=self._run, args=(number,)) for number in range(threads)
        ]

    def _run(self, number: int) -> None:
        while not self._stop.is_set():
            query = self._queries[number % len(self._queries)]
            number += 1
            try:
                self.answers.append((query, self._client.search([query], 10)[0]))
            except FitRankError as error:
                self.failures.append(error)

    def __enter__(self) -> "Searching":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def _others(old):
    """Other embeddings, titles and ids: every answer tells whose products it has."""
    new = drawn_catalogue(200, seed=7)
    return dataclasses.replace(new, ids=tuple(f"n{item}" for item in new.ids))


@pytest.mark.slow
def test_versions_are_exchanged_under_load_without_a_wrong_answer(bundle, engine) -> None:
    load_engine(bundle, engine)
    expected = [_expected(bundle)]
    with (
        model_server(bundle, poll_seconds=0.2) as address,
        EngineSearchClient(engine.uri, address, timeout=60) as client,
        Searching(client, QUERIES) as searching,
    ):
        wait_until(lambda: len(searching.answers) > 30)
        for number in range(2):
            change_catalogue(bundle, _others if number == 0 else _back, models=())
            expected.append(_expected(bundle))
            version = load_engine(bundle, engine).version
            wait_until(lambda: _answers_as(client, expected[-1]))
            assert client.versions(ENGINE_MODEL)[version] == "AVAILABLE"
    assert searching.failures == []
    seen = [0] * len(expected)
    for query, answer in searching.answers:
        agrees = [_agrees(answer, of[query]) for of in expected]
        assert any(agrees), f"{query}: an answer of no version"
        seen[agrees.index(True)] += 1
    assert all(seen[:2])


def _back(old):
    catalogue = drawn_catalogue(200)
    return dataclasses.replace(catalogue, titles=catalogue.titles[::-1])


def _expected(bundle: Path) -> dict[str, list]:
    return dict(zip(QUERIES, LoadedBundle(bundle).search(QUERIES, 10)))


def _agrees(answer, expected) -> bool:
    return [hit.id for hit in answer] == [hit.id for hit in expected] and all(
        abs(hit.score - other.score) < 1e-3 for hit, other in zip(answer, expected)
    )


def _answers_as(client, expected) -> bool:
    return _agrees(client.search([QUERIES[3]], 10)[0], expected[QUERIES[3]])


@pytest.mark.slow
def test_changes_during_searches_give_no_wrong_answer(bundle, engine) -> None:
    """Products that are written again never go missing; one that comes and goes is in an
    answer as a whole or not at all, and is seen at once."""
    load_engine(bundle, engine)
    catalogue, products = open_engine(bundle, engine), bundle_catalogue(bundle)
    queries = [query for query in QUERIES if " blue" not in query]
    extra = dataclasses.replace(products.select([3]), ids=("extra",))
    traits = np.full_like(extra.tables.feature_projection, 9.0)
    tables = dataclasses.replace(extra.tables, feature_projection=traits)
    extra = dataclasses.replace(extra, tables=tables)
    expected = [_expected(bundle)]
    change_catalogue(bundle, lambda old: old.with_products(extra), models=())
    expected.append(_expected(bundle))
    [near] = [q for q in queries if "extra" in [hit.id for hit in expected[1][q]]][:1]
    with (
        model_server(bundle) as address,
        EngineSearchClient(engine.uri, address, timeout=60) as client,
        Searching(client, queries) as searching,
    ):
        for number in range(25):
            catalogue.upsert(extra)
            assert client.search([near], 1)[0][0].id == "extra"
            catalogue.upsert(products.select([number, 50 + number, 100 + number]))
            catalogue.delete(["extra"])
            assert "extra" not in [hit.id for hit in client.search([near], 10)[0]]
    assert searching.failures == [] and len(searching.answers) > 20
    for query, answer in searching.answers:
        assert any(_agrees(answer, of[query]) for of in expected), query


def test_a_repository_gets_the_model_with_what_belongs_to_it(bundle, engine, tmp_path):
    version = load_engine(bundle, engine).version
    source = model_path(bundle, ENGINE_MODEL)
    copy_version(source, tmp_path / "repository" / ENGINE_MODEL / str(version))
    extra = tmp_path / "repository" / ENGINE_MODEL / str(version) / "assets.extra"
    assert {path.name for path in extra.iterdir()} == {
        "fingerprint.txt",
        "title_terms.json",
        "tf_serving_warmup_requests",
    }
