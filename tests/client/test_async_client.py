"""AsyncSearchClient does what SearchClient does, in an event loop."""

import asyncio
import inspect
import threading

import grpc
import pytest

from fitrank_tf.client import AsyncSearchClient, SearchClient
from fitrank_tf.core.errors import FitRankError
from tests.client.toy_shop import ONE_HIT, Scripted, fails
from tests.datasets.small_catalogues import noise_photo

_QUERIES = ["shirt", "bag"]
_CALLS = [
    ("search", (_QUERIES,), {"top_k": 2, "filters": {"gender": "Women"}, "explain": True}),
    ("search", (_QUERIES,), {}),
    ("filter_names", ("shop",), {}),
    ("versions", ("shop",), {}),
]


def _run(method: str, address: str, *args: object, **options: object) -> object:
    async def run() -> object:
        async with AsyncSearchClient(address, model="shop", timeout=30) as client:
            return await getattr(client, method)(*args, **options)

    return asyncio.run(run())


@pytest.mark.parametrize(("method", "args", "options"), _CALLS)
def test_answers_are_those_of_the_other_client(address, method, args, options) -> None:
    with SearchClient(address, model="shop", timeout=30) as client:
        wanted = getattr(client, method)(*args, **options)
    found = _run(method, address, *args, **options)
    assert found == wanted and found
    said = [getattr(answer, "understood", None) for answer in wanted]
    assert [getattr(answer, "understood", None) for answer in found] == said


def test_arrays_are_those_of_the_other_client(address) -> None:
    with SearchClient(address) as client:
        wanted = client.predict("affine", {"x": [[1, 2, 3]]}, "total")
    found = _run("predict", address, "affine", {"x": [[1, 2, 3]]}, "total")
    assert found["total"].tolist() == wanted["total"].tolist() == [6.0]


def test_methods_and_their_arguments_are_the_same() -> None:
    def public(cls: type) -> dict[str, dict]:
        return {
            name: dict(inspect.signature(method).parameters)
            for name, method in inspect.getmembers(cls, inspect.isfunction)
            if not name.startswith("_")
        }

    assert public(AsyncSearchClient) == public(SearchClient)


def test_photos_are_cleaned_before_they_are_sent(start_server) -> None:
    signatures = {"serving_default": (["image"], ("ids", "titles", "scores"))}
    servicer = Scripted(ONE_HIT, signatures=signatures)
    address = start_server(servicer)
    assert [hit.id for hit in _run("similar", address, [noise_photo(1)])[0]] == ["5"]
    [sent] = servicer.requests[-1].inputs["image"].string_val
    assert sent == noise_photo(1)
    with pytest.raises(FitRankError, match="photo: unreadable image"):
        _run("similar", address, [b"junk"])


def test_searches_run_beside_each_other(start_server) -> None:
    """The first is answered only when the second is there too."""
    both_are_there = threading.Barrier(2, timeout=30)

    def answer(context: grpc.ServicerContext) -> object:
        both_are_there.wait()
        return ONE_HIT(context)

    address = start_server(Scripted(answer))

    async def run() -> list:
        async with AsyncSearchClient(address, timeout=30) as client:
            return await asyncio.gather(*(client.search([query]) for query in _QUERIES))

    assert [[hit.id for hit in answer] for [answer] in asyncio.run(run())] == [["5"]] * 2


def test_unavailable_is_tried_again_and_failures_are_told(start_server) -> None:
    servicer = Scripted(fails(grpc.StatusCode.UNAVAILABLE), ONE_HIT)
    assert _run("search", start_server(servicer), ["bag"])
    assert servicer.calls == 2
    with pytest.raises(FitRankError, match="INTERNAL: scripted failure"):
        _run("search", start_server(Scripted(fails(grpc.StatusCode.INTERNAL))), ["bag"])


def test_the_deadline_holds_for_all_calls_of_a_search(start_server) -> None:
    release = threading.Event()

    def stall(context: grpc.ServicerContext) -> object:
        release.wait(60)
        return ONE_HIT(context)

    address = start_server(Scripted(stall))

    async def run() -> None:
        async with AsyncSearchClient(address, timeout=0.3) as client:
            await client.search(["bag"])

    try:
        with pytest.raises(FitRankError, match=f"{address} did not answer within 0.3 s"):
            asyncio.run(run())
    finally:
        release.set()
