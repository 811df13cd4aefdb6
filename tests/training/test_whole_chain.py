"""The whole chain on a very small catalogue: train, search, serve, evaluate."""

import json
import re
import shutil

import numpy as np
import pytest
import tensorflow as tf

from benchmarks import command as benchmark
from fitrank_tf.cli import evaluate, search, train
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.export.bundle import FEATURE_HEADS_DIR, FORMAT_VERSION, MODELS
from fitrank_tf.export.loaded_bundle import LoadedBundle
from tests.evaluation.run_files import read_run


def test_bundle_is_complete(bundle) -> None:
    info = json.loads((bundle / "bundle.json").read_text(encoding="utf-8"))
    assert info["dataset"] == "synthetic_catalogue"
    assert set(info["metrics"]) == {
        f"{system}/{kind}"
        for system in ("clip", "clip_lora", "reranked")
        for kind in ("title", "facet")
    }
    for name in MODELS:
        assert (bundle / name / "1" / "saved_model.pb").is_file()
    for name in ("heads.npz", "attributes.keras"):
        assert (bundle / FEATURE_HEADS_DIR / name).is_file()
    for name in (
        "contact_sheet.png",
        "contact_sheet.html",
        "changes.html",
        "table.md",
        "reranked.run",
    ):
        assert (bundle / "report" / name).stat().st_size > 0
    assert [child for child in bundle.parent.iterdir() if child.name.startswith(".")] == []


def test_the_table_agrees_with_ir_measures(bundle) -> None:
    import ir_measures
    from ir_measures import RR

    info = json.loads((bundle / "bundle.json").read_text(encoding="utf-8"))
    qrels = list(ir_measures.read_trec_qrels(str(bundle / "report" / "judgments.qrels")))
    titles = [judged for judged in qrels if judged.query_id.startswith("title-")]
    for system in ("clip", "clip_lora", "reranked"):
        run = ir_measures.read_trec_run(str(bundle / "report" / f"{system}.run"))
        value = ir_measures.calc_aggregate([RR(rel=4)], titles, run)[RR(rel=4)]
        assert info["metrics"][f"{system}/title"]["RR"] == pytest.approx(value, abs=1e-6)


def test_served_search_is_encoder_then_top_k_then_reranker(bundle) -> None:
    loaded = LoadedBundle(bundle)
    queries = ["women blue dress", ""]
    answer = loaded.answer_queries(queries)
    ranks = answer["first_stage_ranks"]
    assert answer["scores"].shape == (2, 20)
    for row in range(2):
        # Ten more at most are found by their titles.
        assert (
            len(set(ranks[row])) == 20 and ranks[row].min() >= 1 and ranks[row].max() <= 30
        )
        assert len(set(answer["ids"][row])) == 20
        assert (np.diff(answer["scores"][row]) <= 0).all()


def test_image_bytes_and_pixels_give_one_embedding(bundle) -> None:
    from fitrank_tf.inputs.images import decode_photo

    photo = np.random.default_rng(0).integers(0, 256, (40, 30, 3)).astype("uint8")
    data = tf.io.encode_png(photo)
    for name in ("clip_image_encoder", "image_encoder"):
        signatures = LoadedBundle(bundle).model(name).signatures
        features = tf.zeros([1, len(LoadedBundle(bundle).info.schema.group_mask([]))])
        extra = {} if name.startswith("clip") else {"features": features}
        by_bytes = signatures["with_features" if extra else "serving_default"]
        size = LoadedBundle(bundle).info.image_size
        pixels = decode_photo(data, size)[tf.newaxis]
        np.testing.assert_allclose(
            by_bytes(image=data[tf.newaxis], **extra)["embedding"],
            signatures["pixels"](pixels=pixels, **extra)["embedding"],
            atol=1e-5,
        )


def _evaluate(bundle, catalogue, out) -> dict[str, str]:
    """{system: its run file} of the catalogue's queries."""
    evaluate.main(
        [
            *("--bundle", str(bundle), "--dataset", "fashion_product_images"),
            *("--manual_dir", str(catalogue), "--run_dir", str(out / "runs")),
            *("--queries", str(catalogue / "q.tsv"), "--data_dir", str(out / "data")),
        ]
    )
    return {path.stem: path.read_text() for path in (out / "runs").glob("*.run")}


@pytest.mark.slow
def test_attributes_of_the_catalogue_change_no_score(
    bundle, other_catalogue, tmp_path
) -> None:
    """Every product has another one's attributes; scores depend on pixels and query."""
    shuffled = tmp_path / "shuffled"
    shutil.copytree(other_catalogue, shuffled)
    header, *rows = (shuffled / "styles.csv").read_text().splitlines()
    cells = [row.split(",") for row in rows]
    moved = [
        [own[0], *other[1:4], own[4]] for own, other in zip(cells, cells[2:] + cells[:2])
    ]
    for row in moved:
        row[2] = "Handbags" if row[0] in ("101", "104") else row[2]
    assert [row[3] for row in moved] != [row[3] for row in cells]
    lines = [header, *(",".join(row) for row in moved)]
    (shuffled / "styles.csv").write_text("\n".join(lines) + "\n")
    runs = _evaluate(bundle, other_catalogue, tmp_path / "as_it_is")
    assert set(runs) == {"clip", "clip_lora", "reranked"}
    assert _evaluate(bundle, shuffled, tmp_path / "with_others") == runs


def test_the_rerank_suite_times_every_length(bundle, capsys) -> None:
    benchmark.main(["--suite=rerank", f"--bundle={bundle}", "--rounds=2"])
    lines = capsys.readouterr().out.splitlines()
    cells = [line.split("|")[1:-1] for line in lines if line.startswith("| ")][2:]
    assert [row[0].strip() for row in cells] == [
        "encoding its text",
        *(f"scoring {length} candidates" for length in (10, 100, 300, 1000)),
    ]
    encoding = float(cells[0][1])
    for row in cells[1:]:
        ratio = float(row[1]) / encoding
        assert float(row[2].strip(" x")) == pytest.approx(ratio, rel=0.05, abs=0.02)


@pytest.mark.parametrize(
    "bank",
    ["", pytest.param("red shirt\n\nblue kurta for women\n", marks=pytest.mark.slow)],
)
def test_evaluate_on_a_catalogue_and_queries_never_seen(
    bundle, other_catalogue, tmp_path, capsys, bank: str
) -> None:
    (tmp_path / "bank.txt").write_text(bank, encoding="utf-8")
    evaluate.main(
        [
            *(["--query_bank", str(tmp_path / "bank.txt")] if bank else []),
            *("--bundle", str(bundle), "--dataset", "fashion_product_images"),
            *("--manual_dir", str(other_catalogue), "--run_dir", str(tmp_path / "out")),
            *("--queries", str(other_catalogue / "q.tsv")),
            *("--qrels", str(other_catalogue / "q.qrels")),
            *("--data_dir", str(tmp_path / "data")),
        ]
    )
    for system in ("clip", "clip_lora", "reranked"):
        run = read_run(tmp_path / "out" / f"{system}.run")
        assert set(run) == {"q1", "q2"}
        for ranking in run.values():
            assert {item for item, _ in ranking} == {str(100 + n) for n in range(6)}
    assert re.search(r"given +\| reranked", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("main", "arguments", "message"),
    [
        (train, ["--dataset=nothing"], "--dataset nothing: unknown"),
        (train, ["--recipe=nothing"], "--recipe nothing: unknown"),
        (train, ["--stages=nothing"], "--stages nothing: unknown"),
        (train, ["--set=base.epochs=-1"], "must be 0 or above"),
        (train, ["--dataset=csv_catalogue", "--columns=id"], "--columns id: write it as"),
        (train, ["--dataset=fashion_product_images"], "--manual_dir"),
        (evaluate, ["--bundle=no/such"], "no bundle in no/such"),
        (evaluate, ["--qrels=x"], "--qrels needs --queries"),
        (evaluate, ["--systems=clap"], "--systems: unknown clap"),
        (evaluate, ["--query_bank=x"], "--query_bank x: cannot be read"),
        (search, ["--bundle=no/such", "x"], "fitrank train"),
    ],
)
def test_wrong_options_are_named(main, arguments, message, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FitRankError, match=re.escape(message)):
        main.main(arguments)
    assert list(tmp_path.iterdir()) == []


def test_bundle_of_another_version_is_refused(bundle, tmp_path) -> None:
    other = tmp_path / "bundle"
    other.mkdir()
    plain = json.loads((bundle / "bundle.json").read_text(encoding="utf-8"))
    (other / "bundle.json").write_text(json.dumps({**plain, "format_version": 99}))
    message = f"format version 99, this program reads {FORMAT_VERSION}"
    with pytest.raises(FitRankError, match=message):
        LoadedBundle(other)


def test_a_folder_other_than_a_bundle_is_unchanged(tmp_path) -> None:
    (tmp_path / "mine.txt").write_text("keep me", encoding="utf-8")
    with pytest.raises(FitRankError, match="is no bundle"):
        train.main([f"--output_dir={tmp_path}"])
    assert [child.name for child in tmp_path.iterdir()] == ["mine.txt"]
