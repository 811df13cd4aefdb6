"""The page's search on a trained bundle, and its command."""

import asyncio
import shutil
import threading

import numpy as np
import pytest
import uvicorn

from fitrank_tf.cli import demo
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.demo.search import Want
from fitrank_tf.export.loaded_bundle import LoadedBundle


@pytest.fixture(scope="module")
def loaded(bundle) -> LoadedBundle:
    return LoadedBundle(bundle)


@pytest.fixture(scope="module")
def search_and_photos(bundle, loaded):
    options = demo.parse([f"--bundle={bundle}", "--num_items=160"])
    return demo.load(loaded, options)


@pytest.fixture(scope="module")
def search(search_and_photos):
    return search_and_photos[0]


def _run(coroutine):
    return asyncio.run(coroutine)


def test_photos_come_from_the_catalogue_of_the_training(search_and_photos, loaded) -> None:
    search, photos = search_and_photos
    described = _run(search.describe())
    assert described.products == len(photos.photos) == 160
    assert [system.name for system in described.systems] == [
        "reranked",
        "clip_lora",
        "clip",
    ]
    assert described.filters == loaded.filters
    assert described.examples


def test_the_served_search_answers(search, loaded) -> None:
    filters = {"gender": "Women"}
    hits = _run(search.search("red dress", filters, 5, "reranked"))
    assert hits == loaded.search("red dress", 5, filters)


@pytest.mark.parametrize("system", ["clip", "clip_lora"])
def test_a_tower_ranks_by_cosine_similarity(search, loaded, system: str) -> None:
    hits = _run(search.search("red dress", {}, 160, system))
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True) and len({hit.id for hit in hits}) == 160
    women = _run(search.search("red dress", {"gender": "Women"}, 160, system))
    assert len(women) == _run(search.count({"gender": "Women"})).admitted < 160
    assert [hit.id for hit in women] == [
        hit.id for hit in hits if hit.id in {one.id for one in women}
    ]


def test_clip_embeds_photos_as_an_evaluation_does(
    search, search_and_photos, loaded
) -> None:
    text = loaded.encode_queries(["red dress"], baseline=True)["embedding"][0]
    encode = loaded.model("clip_image_encoder").signatures["serving_default"]
    [hit, *_] = _run(search.search("red dress", {}, 1, "clip"))
    photo = np.array([search_and_photos[1].photos[hit.id]], object)
    embedding = encode(image=photo)["embedding"].numpy()[0]
    assert hit.score == pytest.approx(float(embedding @ text), abs=1e-5)


def test_photos_are_searched_by(search, search_and_photos, loaded) -> None:
    _product, photo = next(iter(search_and_photos[1].photos.items()))
    hits = _run(search.similar(photo, "in blue", {"gender": "Women"}, 4))
    assert hits == loaded.search_by_photo(photo, "in blue", 4, {"gender": "Women"})


def test_a_request_is_read_and_changed(search) -> None:
    text = "navy blue dress, not red, year under 2012"
    read = _run(search.understand(text))
    assert Want("colour", ("Red",), True) in read
    assert Want("colour", ("Navy Blue",)) in read
    assert Want("year", ("<2012",)) in read
    for want in read:
        left = _run(search.without(text, want))
        assert _run(search.understand(left)) == [one for one in read if one != want]


def test_without_a_text_products_come_in_the_catalogues_order(search) -> None:
    hits = _run(search.search(" ", {"gender": "Women"}, 3, "reranked"))
    assert [hit.rank for hit in hits] == [1, 2, 3]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("x", {}, 0, "clip"), "top_k 0"),
        (("x", {}, 5, "bm25"), "system 'bm25'"),
        (("x", {"size": "M"}, 5, "reranked"), "filter 'size"),
        (("x", {"size": "M"}, 5, "clip"), "filter 'size"),
    ],
)
def test_what_cannot_be_searched_is_named(search, asked, message: str) -> None:
    with pytest.raises(FitRankError, match=message):
        _run(search.search(*asked))


def test_a_call_that_is_cancelled_before_its_turn_never_runs(search) -> None:
    ran, holding = [], threading.Event()

    async def calls() -> None:
        first = asyncio.ensure_future(search._run(lambda: holding.wait(10)))
        stale = asyncio.ensure_future(search._run(lambda: ran.append("stale")))
        fresh = asyncio.ensure_future(search._run(lambda: ran.append("fresh")))
        await asyncio.sleep(0.05)
        stale.cancel()
        await asyncio.sleep(0.05)
        holding.set()
        await asyncio.gather(first, fresh)

    _run(calls())
    assert ran == ["fresh"]


def test_without_a_catalogue_the_page_has_no_photos(bundle, tmp_path, caplog) -> None:
    other = shutil.copytree(bundle, tmp_path / "bundle")
    info = (
        (other / "bundle.json").read_text().replace("synthetic_catalogue", "csv_catalogue")
    )
    (other / "bundle.json").write_text(info)
    options = demo.parse([f"--bundle={other}"])
    search, photos = demo.load(LoadedBundle(other), options)
    assert photos.photos == {}
    assert "clip" not in {system.name for system in _run(search.describe()).systems}
    assert "name the catalogue, as --table p.csv" in caplog.text
    with pytest.raises(FitRankError, match="--table"):
        demo.load(LoadedBundle(other), demo.parse(["--dataset=csv_catalogue"]))


def test_the_command_serves_the_page_locally(bundle, monkeypatch, capsys, tmp_path) -> None:
    served = {}
    monkeypatch.setattr(uvicorn, "run", lambda app, **of: served.update(app=app, **of))
    arguments = [f"--bundle={bundle}", "--num_items=160", f"--judgments={tmp_path}"]
    demo.main([*arguments, "--port=8601", "--allow_host=demo.example"])
    assert (served["host"], served["port"]) == ("127.0.0.1", 8601)
    assert "http://localhost:8601" in capsys.readouterr().out
    with pytest.raises(FitRankError, match="--allow_origin"):
        demo.main([*arguments, "--allow_origin=*"])
