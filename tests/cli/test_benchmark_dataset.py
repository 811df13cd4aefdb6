"""`fitrank benchmark-dataset` on miniatures of the public data sets, from end to end."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import ir_measures
import pytest
from PIL import Image

from benchmarks.miniatures.write import write_miniature
from fitrank_tf.cli import benchmark_dataset, main
from fitrank_tf.core.photos.names import MISSING_IMAGE
from fitrank_tf.evaluation.benchmark import benchmark as benchmarks
from fitrank_tf.evaluation.benchmark.benchmark import BENCHMARKS, benchmark_of
from fitrank_tf.evaluation.trec import read_qrels
from fitrank_tf.export.loaded_bundle import LoadedBundle
from tests.datasets.small_catalogues import (
    fashion_files,
    noise_photo,
    styles_row,
    write_files,
)
from tests.evaluation.benchmark.definitions import by_definition
from tests.evaluation.run_files import read_run

HOLIDAYS = "inria_holidays"
TOWERS, ALL_THREE = ["clip", "clip_lora"], ["clip", "clip_lora", "reranked"]
OF_PRODUCTS = {
    "text to image": ALL_THREE,
    "category to product": ALL_THREE,
    "sub-category to product": ALL_THREE,
    "colour to product": ALL_THREE,
}
OF_CAPTIONS = {"text to image": ALL_THREE, "image to text": TOWERS}
# {data set: (photos of the miniature, {task: systems that can do it})}.
EXPECTED = {
    "deepfashion_inshop": (40, {"image to image": TOWERS, "text to image": ALL_THREE}),
    "deepfashion_consumer_to_shop": (40, {"image to image": TOWERS}),
    "deepfashion_multimodal": (32, {"text to image": ALL_THREE}),
    "deepfashion_attributes": (
        *(60, {"image to category": TOWERS, "image to attributes": TOWERS}),
    ),
    "mscoco_karpathy": (60, OF_CAPTIONS),
    "flickr30k/karpathy": (60, OF_CAPTIONS),
    HOLIDAYS: (30, {"image to image": TOWERS}),
    "marqo_parquet/kagl": (40, OF_PRODUCTS),
    "marqo_parquet/fashion200k": (
        40,
        dict.fromkeys(list(OF_PRODUCTS)[:3], ALL_THREE),
    ),
    "marqo_parquet/atlas": (30, {"text to image": ALL_THREE}),
    "marqo_parquet/polyvore": (
        30,
        dict.fromkeys(list(OF_PRODUCTS)[:2], ALL_THREE),
    ),
    "fashion_product_images": (
        60,
        {**OF_PRODUCTS, "article type to product": ALL_THREE},
    ),
}
# {measure: that of ir_measures}.
_THEIRS = {"hit": "Success", "MRR": "RR", "MAP": "AP"}


class Ran(NamedTuple):
    """What a run left.

    Attributes:
        text: what it printed.
        folder: of its files.
        plain: its JSON.
    """

    text: str
    folder: Path
    plain: dict[str, Any]

    @property
    def tasks(self) -> dict[str, dict[str, Any]]:
        """{task: its part of the JSON}."""
        return {task["task"]: task for task in self.plain["tasks"]}


@pytest.fixture(scope="module")
def loaded(bundle: Path) -> LoadedBundle:
    """The bundle, whose models are loaded once."""
    return LoadedBundle(bundle)


@pytest.fixture
def run(
    loaded: LoadedBundle,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., Ran]:
    """Runs the command on a data set's folder."""
    monkeypatch.setattr(benchmark_dataset, "LoadedBundle", lambda path: loaded)

    def run_on(dataset: str, manual_dir: Path, *options: str) -> Ran:
        folder = tmp_path / "out"
        arguments = [
            *("benchmark-dataset", f"--dataset={dataset}", f"--manual_dir={manual_dir}"),
            *(f"--data_dir={tmp_path / 'data'}", f"--output_dir={folder}"),
        ]
        capsys.readouterr()
        main.main([*arguments, f"--bundle={loaded.path}", *options])
        plain = json.loads((folder / "benchmark.json").read_text())
        return Ran(capsys.readouterr().out, folder, plain)

    return run_on


def miniature(dataset: str, folder: Path, count: int) -> Path:
    """The folder of a miniature, or of a small shop in Kaggle's layout."""
    if dataset == "fashion_product_images":
        names = [str(number) for number in range(1000, 1000 + count)]
        lines = [styles_row(name, f"Shirt {name}") for name in names]
        photos = {name: noise_photo(int(name)) for name in names}
        return write_files(folder / "set", fashion_files(lines, photos))
    write_miniature(dataset, folder / "set", count)
    return folder / "set"


def publish_counts(
    monkeypatch: pytest.MonkeyPatch, dataset: str, **counts: tuple[int, int]
) -> None:
    """Lets the published figures of tasks be of other queries and documents."""
    plain = json.loads(benchmarks._PUBLISHED.read_text(encoding="utf-8"))
    for name, task in plain["benchmarks"][dataset]["tasks"].items():
        task["queries"], task["documents"] = counts[name.replace(" ", "_")]
    monkeypatch.setattr(benchmarks, "_published", lambda: plain)


def check_files(ran: Ran) -> None:
    """The run files hold what the table and the JSON say."""
    for name, task in ran.tasks.items():
        stem = "_".join(name.split())
        qrels = read_qrels(ran.folder / f"{stem}.qrels")
        assert len(qrels) == task["queries"]
        for system, values in task["measures"].items():
            path = ran.folder / f"{stem}.{system}.run"
            found = {
                query: [document for document, _ in ranking]
                for query, ranking in read_run(path).items()
            }
            expected = {
                measure: sum(
                    by_definition(measure, found.get(query, []), set(relevant))
                    for query, relevant in qrels.items()
                )
                / len(qrels)
                for measure in values
            }
            assert values == pytest.approx(expected, abs=1e-9), (name, system)
            theirs = _of_ir_measures(path, ran.folder / f"{stem}.qrels", list(values))
            assert theirs == pytest.approx({of: values[of] for of in theirs}), name
            cells = [system, *(f"{value:.4f}" for value in values.values())]
            assert cells in [
                [cell.strip() for cell in line.split("|")[1:-1]][: len(cells)]
                for line in ran.text.splitlines()
            ]


def _of_ir_measures(run: Path, qrels: Path, names: list[str]) -> dict[str, float]:
    """{measure: its value by another reader}, of those that ir_measures has."""
    measures = {
        name: ir_measures.parse_measure("@".join([_THEIRS.get(kind, kind), cut]))
        for name, kind, cut in ((name, *name.split("@")) for name in names if "@" in name)
    }
    if not measures:
        return {}
    found = ir_measures.calc_aggregate(
        list(measures.values()),
        list(ir_measures.read_trec_qrels(str(qrels))),
        list(ir_measures.read_trec_run(str(run))),
    )
    return {name: found[measure] for name, measure in measures.items()}


def test_holidays(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole command on its smallest data set."""
    publish_counts(monkeypatch, HOLIDAYS, image_to_image=(8, 24))
    ran = run(HOLIDAYS, miniature(HOLIDAYS, tmp_path, 24), "--baseline=clip")
    lines = ran.text.splitlines()
    assert lines[0] == "- inria_holidays: 24 photos (test 24)"
    assert lines[1].startswith("- photos: median 168 x 224 pixels (width x height;")
    assert lines[2].startswith("- bundle: trained on synthetic_catalogue, towers read 32")
    assert lines[3] == "- contamination: none is known"
    assert lines[4].startswith("- terms: Copyright of the photos: their authors, INRIA")
    [task] = ran.plain["tasks"]
    assert (task["queries"], task["documents"]) == (8, 24)
    assert "**image to image**: 8 queries, 24 documents, the query taken out" in lines
    assert list(task["measures"]) == TOWERS
    # Another photo of the scene is found, which a random order does with 0.15.
    assert all(values["mAP"] > 0.3 for values in task["measures"].values())
    assert "p of mAP against clip" in ran.text
    assert any("ResNet-152 GeM" in line and "ICCV 2019" in line for line in lines)
    check_files(ran)
    with Image.open(ran.folder / "sheet.png") as sheet:
        assert min(sheet.size) > 100
    assert f"contact sheet       {ran.folder / 'sheet.png'} (and .html)" in lines


@pytest.mark.slow
def test_without_one_photo_no_published_figures_are_printed(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_counts(
        monkeypatch, "deepfashion_inshop", image_to_image=(12, 8), text_to_image=(8, 40)
    )
    folder = miniature("deepfashion_inshop", tmp_path, 40)
    whole = run("deepfashion_inshop", folder)
    assert {name: len(task["published"]) for name, task in whole.tasks.items()} == {
        "image to image": 2,
        "text to image": 8,
    }
    for name, task in benchmark_of("deepfashion_inshop").published.items():
        systems = [row["system"] for row in whole.tasks[name]["published"]]
        assert systems == [row.system for row in task.rows]
    assert all(not task["no_published_figures"] for task in whole.tasks.values())
    assert "Marqo-FashionSigLIP" in whole.text and "UNICOM ViT-B/32" in whole.text
    gallery = [
        line.split()[0]
        for line in (folder / "Eval/list_eval_partition.txt").read_text().splitlines()
        if line.split()[-1] == "gallery"
    ]
    (folder / "Img" / gallery[0]).unlink()
    lacking = run("deepfashion_inshop", folder)
    assert lacking.plain["header"][0].endswith(f"left out: {MISSING_IMAGE}: 1")
    reasons = {name: task["no_published_figures"] for name, task in lacking.tasks.items()}
    assert reasons == {
        "image to image": "7 documents where the published have 8",
        "text to image": "1 of 40 documents of the official judgments are not here; "
        "39 documents where the published have 40",
    }
    assert all(not task["published"] for task in lacking.tasks.values())
    for reason in reasons.values():
        assert f"No published figures stand beside these: {reason}." in lacking.text
    assert "FashionSigLIP" not in lacking.text and "UNICOM" not in lacking.text


def test_every_benchmark_is_run() -> None:
    assert set(EXPECTED) == set(BENCHMARKS)


@pytest.mark.slow
@pytest.mark.parametrize("dataset", EXPECTED)
def test_every_benchmark_on_its_miniature(dataset: str, run, tmp_path: Path) -> None:
    count, tasks = EXPECTED[dataset]
    ran = run(dataset, miniature(dataset, tmp_path, count))
    assert {name: list(task["measures"]) for name, task in ran.tasks.items()} == tasks
    assert ran.plain["header"][0].startswith(f"{dataset}: {count} photos (")
    terms = [line for line in ran.plain["header"] if line.startswith("terms: ")]
    assert bool(terms) == (dataset != "fashion_product_images")
    assert all(not task["published"] for task in ran.tasks.values())
    check_files(ran)
    finds_photos = any("image to" not in name or "to image" in name for name in tasks)
    assert (ran.folder / "sheet.png").is_file() == finds_photos
    assert ("contact sheet" in ran.text) == finds_photos


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--manual_dir=/no/such/folder"], "no such folder; unpack jpg1.tar.gz"),
        (["--manual_dir={tmp}"], "no jpg or .*; unpack jpg1.tar.gz"),
        (["--dataset=modanet"], "--dataset modanet: there is no benchmark of it; choose"),
        (["--systems=bm25"], "--systems bm25: choose from clip,clip_lora,reranked"),
        (["--baseline=reranked", "--systems=clip"], "--baseline reranked: choose one of"),
        (["--bundle={tmp}"], "no bundle in"),
    ],
)
def test_a_wrong_command_is_one_line(
    options: list[str], said: str, bundle: Path, tmp_path: Path, capsys
) -> None:
    given = [option.format(tmp=tmp_path) for option in options]
    arguments = [f"--dataset={HOLIDAYS}", f"--bundle={bundle}", *given]
    with pytest.raises(SystemExit) as ended:
        main.main(["benchmark-dataset", *arguments])
    assert ended.value.code == 2
    printed = capsys.readouterr()
    [line] = [line for line in printed.err.splitlines() if "error: " in line]
    assert printed.err.splitlines()[-1] == line and printed.out == ""
    assert re.search(said, line)


def test_systems_that_can_do_nothing_are_said_before_photos_are_embedded(
    bundle: Path, tmp_path: Path, capsys
) -> None:
    folder = miniature(HOLIDAYS, tmp_path, 24)
    arguments = [
        *(f"--dataset={HOLIDAYS}", f"--bundle={bundle}", f"--manual_dir={folder}"),
        *(f"--data_dir={tmp_path / 'data'}", f"--output_dir={tmp_path / 'out'}"),
    ]
    with pytest.raises(SystemExit) as ended:
        main.main(["benchmark-dataset", *arguments, "--systems=reranked"])
    assert ended.value.code == 2
    assert "none of them can do a task of inria_holidays" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
