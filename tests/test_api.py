"""The public names: lazy, all there, and what they do on a small bundle."""

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fitrank_tf as fr

REPOSITORY = Path(__file__).resolve().parent.parent
_CHECKS = """
import os, sys
before, loaded = dict(os.environ), set(sys.modules)
import fitrank_tf as fr
for name in {names}:
    getattr(fr, name)
assert os.environ == before, set(os.environ) ^ set(before)
print(*sorted(set(sys.modules) - loaded))
"""


def _imported(*names: str) -> set[str]:
    """What a new process imports with some of the names."""
    program = _CHECKS.format(names=names)
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        check=True,
    )
    return set(ran.stdout.split())


def test_the_import_loads_nothing_and_changes_no_variable() -> None:
    imported = _imported()
    assert {name for name in imported if name.startswith("fitrank_tf")} == {"fitrank_tf"}
    assert not imported & {"tensorflow", "keras", "numpy", "argparse", "logging"}


def test_names_without_models_need_no_tensorflow() -> None:
    names = [name for of in fr._WITHOUT_TENSORFLOW.values() for name in of]
    imported = _imported(*names)
    assert "fitrank_tf.config" in {name[:17] for name in imported}
    assert not imported & {"tensorflow", "keras"}


def test_every_name_is_there_and_listed() -> None:
    assert sorted(fr.__all__) == fr.__all__ == sorted(fr._HOMES)
    assert set(fr.__all__) <= set(dir(fr))
    assert all(getattr(fr, name) is not None for name in fr.__all__)
    assert isinstance(fr.Bundle, type)


def test_other_names_are_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'serach'"):
        _ = fr.serach


@pytest.fixture(scope="module")
def loaded(bundle):
    return fr.load_bundle(str(bundle))


@pytest.fixture(scope="module")
def catalogue():
    """What the bundle was trained on."""
    return fr.open_catalogue(num_items=160)


def test_a_search_gives_hits_of_what_the_model_answers(loaded) -> None:
    queries = ["women blue dress", "red shirt"]
    first, second = loaded.search(queries, top_k=3)
    # A batch of another size sums in another order.
    for alone, hit in zip(loaded.search(queries[0], top_k=3), first, strict=True):
        assert alone.score == pytest.approx(hit.score, rel=1e-5)
        assert dataclasses.replace(alone, score=hit.score) == hit
    answer = loaded.answer_queries(queries)
    for row, hits in enumerate((first, second)):
        assert [hit.rank for hit in hits] == [1, 2, 3]
        for name, values in (
            ("ids", [hit.id for hit in hits]),
            ("titles", [hit.title for hit in hits]),
            ("explanations", [hit.explanation for hit in hits]),
        ):
            assert values == [value.decode() for value in answer[name][row][:3]]
        assert [hit.score for hit in hits] == answer["scores"][row][:3].tolist()
    assert loaded.search([]) == []


def test_a_filtered_search_gives_only_what_passes(loaded, catalogue) -> None:
    records = catalogue.records("all")
    gender = dict(zip(records.ids, records.attributes["gender"]))
    hits = loaded.search("shirt", top_k=50, filters={"gender": "Men"})
    assert hits and {gender[hit.id] for hit in hits} == {"Men"}
    assert loaded.search("shirt", filters={"gender": "Nobody"}) == []


def test_a_photo_is_a_file_or_pixels(loaded, tmp_path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 30, 3)).astype(np.uint8)
    path = tmp_path / "photo.png"
    Image.fromarray(pixels).save(path)
    plain = loaded.search_by_photo(pixels, top_k=5)
    similar = loaded.model("similar").signatures
    answer = similar["serving_default"](image=np.array([path.read_bytes()], object))
    assert [hit.id.encode() for hit in plain] == answer["ids"].numpy()[0][:5].tolist()
    assert loaded.search_by_photo(path, top_k=5) == plain
    changed = loaded.search_by_photo(str(path), "in red", top_k=5)
    assert changed == loaded.search_by_photo(pixels, "in red", top_k=5) != plain


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (lambda bundle: bundle.search("x", top_k=0), "top_k 0"),
        (lambda bundle: bundle.search("x", filters={"size": "M"}), "filter 'size=M'"),
        (lambda bundle: bundle.search_by_photo("no/such.jpg"), "photo no/such.jpg"),
        (
            lambda bundle: bundle.search_by_photo(np.zeros((4, 4), np.uint8)),
            r"photo: is uint8 \[4, 4\]",
        ),
        (
            lambda bundle: bundle.search_by_photo(np.zeros((4, 4, 3))),
            r"photo: is float64 \[4, 4, 3\]",
        ),
    ],
)
def test_what_cannot_be_searched_is_named(loaded, refused, message: str) -> None:
    with pytest.raises(fr.FitRankError, match=message):
        refused(loaded)


def test_an_evaluation_gives_the_table_of_training(bundle, loaded, catalogue) -> None:
    table = fr.evaluate(loaded, catalogue).table()
    trained = (bundle / "report" / "table.md").read_text(encoding="utf-8")
    assert table.strip() == trained.partition("\n\nCheck")[0].strip()


def test_an_evaluation_takes_some_systems_alone(loaded, catalogue) -> None:
    rows = fr.evaluate(loaded, catalogue, systems=["clip"]).rows()
    assert {row.system for row in rows} == {"clip"}


def test_a_catalogue_is_opened_by_keywords(tmp_path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.new("RGB", (20, 30), "red").save(photos / "a.jpg")
    table = tmp_path / "p.csv"
    table.write_text("sku,name,file\n7,Red Shirt,a.jpg\n")
    catalogue = fr.open_catalogue(
        "csv_catalogue",
        table=table,
        images=photos,
        columns={"id": "sku", "text": "name", "image": "file"},
        data_dir=tmp_path / "data",
    )
    assert catalogue.records("all").ids == ("7",)


def test_an_unknown_dataset_or_recipe_is_named(catalogue, tmp_path) -> None:
    with pytest.raises(fr.FitRankError, match="unknown; choose one of csv_catalogue"):
        fr.open_catalogue("fashion")
    with pytest.raises(fr.FitRankError, match="--recipe huge: unknown"):
        fr.train(catalogue, "huge", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_training_passes_what_it_is_given(catalogue, bundle, tmp_path, monkeypatch) -> None:
    from fitrank_tf.queries.judged import JudgedQuery
    from fitrank_tf.training import export, run

    made = {}

    class Recorded:
        def __init__(self, config, catalogue, work, strategy, judged, start):
            made.update(config=config, catalogue=catalogue, root=work.folder("x", "0" * 64))
            made.update(judged=judged, start=start)

        def make(self, stages):
            made["stages"] = stages

    monkeypatch.setattr(run, "Run", Recorded)
    monkeypatch.setattr(
        export, "write_measured_bundle", lambda run, output: made.update(output=output)
    )
    one = np.ones(1, np.float32)
    judged, start = [JudgedQuery("red shirt", ("7",), one, one)], fr.load_bundle(bundle)
    trained = fr.train(
        catalogue,
        "tiny",
        bundle,
        overrides=["seed=7"],
        work_dir=tmp_path / "work",
        judged=judged,
        start=start,
    )
    expected = fr.override(fr.load_recipe("tiny", "synthetic_catalogue"), ["seed=7"])
    assert made["config"] == expected and made["catalogue"] is catalogue
    assert made["output"] == bundle == trained.path
    assert made["judged"] == judged and made["start"] is start
    assert made["root"].parent == tmp_path / "work"
    assert re.match("base", made["stages"][0])
