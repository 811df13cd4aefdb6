"""A search around an engine against the search in one graph, on the same products."""

import contextlib
import dataclasses
import socket
import time

import numpy as np
import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.filters import Range
from fitrank_tf.export.loaded_bundle import LoadedBundle
from tests.export.engine.toy_engine import engine_server, model_server, wait_until
from tests.serving.toy_http import free_port

pytest.importorskip("milvus_lite", reason="the extra milvus is not installed")
from fitrank_tf.client.engine.engine_client import (
    CANDIDATES,
    READING,
    RERANKING,
    EngineSearchClient,
    PartError,
)
from fitrank_tf.client.engine.milvus import Deadline, Milvus, MilvusClient
from fitrank_tf.export.engine.load import bundle_catalogue, load_engine, open_engine

QUERIES = [
    "0.3",
    "1.2 shirt",
    "0.7 blue bag",
    "0.5 the red shirts not été",
    "1.0 no first",
    "0.2 no first kurta white",
    "0.9 heel height above 90",
    "0.4 bag heel height between 30 and 40",
    "1.4 heel height above 500",
    "0.1 no first heel height under 12 shirt",
    "",
    "0.6 unheard-of",
]
FILTERS = [
    {},
    {"gender": "Women"},
    {"gender": ['Wo"men', "O'Neill", "50%_off"]},
    {"heel_height": Range(30, 60), "materials": ["S|M", "silk"]},
    {"höhe": "über", "gender": r"S\|M|men"},
    {"gender": "nobody"},
]


@pytest.fixture(scope="module")
def clients(loaded):
    bundle, engine, address = loaded
    with EngineSearchClient(engine, address, timeout=60) as client:
        yield LoadedBundle(bundle), client


def assert_same(answer, expected) -> None:
    """Ids and scores; the order too, but of scores that are equal up to rounding."""
    assert len(answer) == len(expected)
    scores = {hit.id: hit.score for hit in expected}
    assert {hit.id for hit in answer} == set(scores)
    for hit, other in zip(answer, expected):
        assert hit.score == pytest.approx(scores[hit.id], abs=1e-4)
        assert hit.score == pytest.approx(other.score, abs=1e-4)
        if hit.id == other.id:
            assert hit == dataclasses.replace(other, score=hit.score)


@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_answers_are_those_of_the_search_in_one_graph(clients, filters) -> None:
    bundle, client = clients
    expected = bundle.search(QUERIES, 20, filters)
    answers = client.search(QUERIES, 20, filters, explain=True)
    read = bundle.answer_queries(QUERIES)["understood"]
    assert [a.understood for a in answers] == [text.decode() for text in read]
    assert any(expected) == (filters != {"gender": "nobody"})
    for query, answer, hits in zip(QUERIES, answers, expected):
        assert_same(answer, hits)
        # Alone a query has the same answer as among others.
        [alone] = client.search([query], 7, filters)
        assert [hit.id for hit in alone] == [hit.id for hit in answer[:7]]


def test_the_client_says_what_it_cannot_do(clients) -> None:
    _, client = clients
    assert client.filter_names() == {"gender", "materials", "heel_height", "hohe"}
    assert client.search([]) == []
    with pytest.raises(FitRankError, match=r"filter 'colour': the engine at .* filters by"):
        client.search(["0.1"], filters={"colour": "red"})
    with pytest.raises(FitRankError, match="write a number as"):
        client.search(["0.1"], filters={"heel_height": "high"})
    with pytest.raises(FitRankError, match="give a list"):
        client.search("0.1")


def test_a_model_server_that_is_down_is_told_apart(loaded) -> None:
    _, engine, _ = loaded
    with (
        EngineSearchClient(engine, f"localhost:{free_port()}", timeout=5.0) as client,
        pytest.raises(PartError, match="reading the query: no server") as error,
    ):
        client.search(["0.1"])
    assert error.value.part == READING


def test_a_model_server_that_dies_before_the_reranking_is_told_apart(
    loaded, monkeypatch
) -> None:
    bundle, engine, _ = loaded
    with contextlib.ExitStack() as server:
        address = server.enter_context(model_server(bundle))
        with EngineSearchClient(engine, address, timeout=5.0) as client:
            search = client._engine.search

            def stop_and_search(*arguments):
                server.close()
                return search(*arguments)

            monkeypatch.setattr(client._engine, "search", stop_and_search)
            with pytest.raises(PartError, match=f"^{RERANKING}: ") as error:
                client.search(["0.1"])
    assert error.value.part == RERANKING


def test_products_of_other_models_are_never_asked(loaded, tmp_path) -> None:
    _, _, address = loaded
    with (
        EngineSearchClient(str(tmp_path / "empty.db"), address) as client,
        pytest.raises(PartError, match="no products 'products' of the models") as error,
    ):
        client.search(["0.1"])
    assert error.value.part == CANDIDATES


def test_a_file_that_another_process_has_open_is_named(loaded, tmp_path) -> None:
    _, _, address = loaded
    with (
        engine_server(tmp_path / "toy.db", port := free_port()),
        EngineSearchClient(str(tmp_path / "toy.db"), address, timeout=5.0) as client,
    ):
        other = Milvus(f"http://127.0.0.1:{port}")
        wait_until(lambda: [other.call(MilvusClient.list_collections, Deadline(1.0))])
        with pytest.raises(PartError, match="no other process has the file open"):
            client.search(["0.1"])


def test_an_engine_that_hangs_is_an_error_within_the_deadline(loaded) -> None:
    _, _, address = loaded
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        with (
            EngineSearchClient(uri, address, timeout=2.0) as client,
            pytest.raises(PartError, match="did not answer within 2 s") as error,
        ):
            client.search(["0.1"])
        assert time.monotonic() - began < 10.0
        assert error.value.part == CANDIDATES


@pytest.mark.slow
def test_an_engine_that_was_killed_is_back_without_a_restart(loaded, tmp_path) -> None:
    bundle, _, address = loaded
    expected = LoadedBundle(bundle).search("0.3 shirt", 5)
    port = free_port()
    uri = f"http://127.0.0.1:{port}"
    with EngineSearchClient(uri, address, timeout=5.0) as client:
        with engine_server(tmp_path, port) as process:
            engine = Milvus(uri)
            wait_until(lambda: load_engine(bundle, engine))
            assert_same(client.search(["0.3 shirt"], 5, explain=True)[0], expected)
            process.kill()
            process.wait()
            began = time.monotonic()
            with pytest.raises(PartError, match="finding candidates: the engine at"):
                client.search(["0.3 shirt"], 5)
            assert time.monotonic() - began < 10.0
        with engine_server(tmp_path, port):
            wait_until(lambda: client.search(["0.3 shirt"], 5))
            assert_same(client.search(["0.3 shirt"], 5, explain=True)[0], expected)


def test_changed_products_are_found_as_they_are_now(loaded, tmp_path) -> None:
    bundle, _, address = loaded
    engine = Milvus(str(tmp_path / "toy.db"))
    load_engine(bundle, engine)
    catalogue = open_engine(bundle, engine)
    products = bundle_catalogue(bundle)
    with EngineSearchClient(engine.uri, address, timeout=60) as client:
        [before] = client.search(["0.3"], 20)
        removed, moved = before[0].id, before[1].id
        catalogue.delete([removed, "never there"])
        changed = products.select([products.ids.index(moved)])
        tables = dataclasses.replace(changed.tables, embeddings=-changed.tables.embeddings)
        catalogue.upsert(dataclasses.replace(changed, tables=tables))
        [after] = client.search(["0.3"], 20)
        assert not {removed, moved} & {hit.id for hit in after}
        catalogue.upsert(
            products.select([products.ids.index(item) for item in (removed, moved)])
        )
        assert client.search(["0.3"], 20) == [before]


def test_served_lists_are_batched(loaded) -> None:
    """Lists of several clients have one length, so a server can join them."""
    bundle, engine, _ = loaded
    with model_server(bundle) as address, EngineSearchClient(engine, address) as client:
        one = client.search(["0.3 shirt"], 20)
        both = client.search(["0.3 shirt", "1.1 bag heel height above 90"], 20)
    assert [hit.id for hit in both[0]] == [hit.id for hit in one[0]]
    np.testing.assert_allclose(
        [hit.score for hit in both[0]], [hit.score for hit in one[0]], rtol=1e-5
    )
