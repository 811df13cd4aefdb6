"""`fitrank judge` from runs to qrels."""

import subprocess
import sys
from pathlib import Path

import pytest

from fitrank_tf.cli import judge
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.catalogue import CatalogueSource, open_catalogue
from fitrank_tf.datasets.splits import ALL
from fitrank_tf.evaluation.judging.grades_file import read_shown
from fitrank_tf.evaluation.trec import read_qrels, read_queries, write_qrels, write_run


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def ids(data) -> list[str]:
    """Of forty drawn products."""
    catalogue = open_catalogue(CatalogueSource(num_items=40), str(data))
    return list(catalogue.records(ALL).ids)


@pytest.fixture
def options(data, ids, tmp_path) -> list[str]:
    """Two queries, the second with what is wanted; two runs with results in common."""
    queries = tmp_path / "q.tsv"
    queries.write_text("q1\tred shirt\nq2\tsomething dry\tproof against rain\n")
    for name, first in (("clip", 0), ("bm25", 5)):
        found = [(item, -rank) for rank, item in enumerate(ids[first : first + 20])]
        write_run(tmp_path / f"{name}.run", {"q1": found, "q2": found[::-1]}, name)
    runs = f"{tmp_path / 'clip.run'},{tmp_path / 'bm25.run'}"
    catalogue = ["--num_items=40", f"--data_dir={data}"]
    return [*catalogue, f"--queries={queries}", f"--runs={runs}"]


def shown(folder: Path) -> dict[str, list[str]]:
    """{query id: its products in the order of their numbers}."""
    products: dict[str, list[str]] = {}
    for each in read_shown(folder / "grades.csv").values():
        products.setdefault(each.query_id, []).append(each.product_id)
    return products


def test_from_runs_to_qrels_and_agreement(options, ids, tmp_path, capsys) -> None:
    folder, output = tmp_path / "sheets", tmp_path / "judged"
    judge.main([*options, f"--output_dir={folder}", "--depth=10"])
    products = shown(folder)
    assert {query: set(found) for query, found in products.items()} == {
        "q1": set(ids[:15]),
        "q2": set(ids[10:25]),
    }
    assert "proof against rain" in (folder / "grades.csv").read_text()
    (folder / "grades.txt").write_text("q1_1\t01230 12301 23012\n")
    second = tmp_path / "second.txt"
    second.write_text("q1_1\t01230 12301 23010\nq2_1\t00000 00000 00000\n")
    judge.main([f"--collect={folder}", f"--second={second}", f"--output_dir={output}"])
    grades = map(int, "012301230123012")
    assert read_qrels(output / "judgments.qrels") == {
        "q1": dict(zip(products["q1"], grades))
    }
    assert read_queries(output / "queries.tsv") == {"q1": "red shirt"}
    printed = capsys.readouterr().out
    assert "15 products of 1 queries: 4 of grade 0, 4 of grade 1, 4 of" in printed
    assert "15 products have no grade yet" in printed
    assert "15 products graded twice: equal 0.933" in printed
    assert f"| q1 | {products['q1'][14]} | 2 | 0 |" in printed


def test_what_is_judged_is_left_out(options, ids, tmp_path) -> None:
    judged = tmp_path / "old.qrels"
    write_qrels(judged, {"q1": dict.fromkeys(ids[:14], 0), "q2": {ids[0]: 1}})
    folder = tmp_path / "sheets"
    judge.main([*options, f"--output_dir={folder}", f"--qrels={judged}"])
    assert shown(folder)["q1"] == [ids[14]] and len(shown(folder)["q2"]) == 15


def test_nothing_that_is_written_tells_of_the_systems(options, tmp_path) -> None:
    """Other names, ranks and scores of the same products: the same bytes."""
    folders = [tmp_path / "sheets", tmp_path / "other"]
    judge.main([*options, f"--output_dir={folders[0]}", "--depth=20"])
    pooled = shown(folders[0])
    for name, keep in (("x", slice(20)), ("y", slice(-20, None))):
        run = {
            query: [(item, -rank) for rank, item in enumerate(sorted(found)[keep])]
            for query, found in pooled.items()
        }
        write_run(tmp_path / f"{name}.run", run, name)
    runs = f"--runs={tmp_path / 'x.run'},{tmp_path / 'y.run'}"
    judge.main([*options, runs, f"--output_dir={folders[1]}", "--depth=20"])
    first, second = (
        {path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders
    )
    assert first == second and len(first) == 3


def test_grades_are_collected_without_tensorflow(options, tmp_path) -> None:
    folder = tmp_path / "sheets"
    judge.main([*options, f"--output_dir={folder}"])
    (folder / "grades.txt").write_text("q1_1\t01230 12301 23012\n")
    command = [sys.executable, "-X", "importtime", "-m", "fitrank_tf", "judge"]
    run = subprocess.run(
        [*command, f"--collect={folder}", f"--output_dir={tmp_path / 'judged'}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "15 products of 1 queries" in run.stdout
    imported = {line.split("|")[-1].strip() for line in run.stderr.splitlines()}
    assert "fitrank_tf.evaluation.judging.collect" in imported
    assert not imported & {"tensorflow", "keras", "tensorflow_datasets"}


def test_letters_that_cannot_be_drawn_are_reported(options, tmp_path, caplog) -> None:
    (tmp_path / "q.tsv").write_text("q1\t红 dress\n")
    judge.main([*options, f"--output_dir={tmp_path / 'sheets'}"])
    assert "1 requests have letters that the font lacks, as '红' in q1" in caplog.text


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--output_dir=o"], "give --queries FILE to draw sheets or --collect DIR"),
        (["--queries=q", "--collect=d", "--output_dir=o"], "give --queries FILE to draw"),
        (["--queries=q", "--runs=r"], "--output_dir is missing: name the folder"),
        (["--queries=q", "--output_dir=o"], "--queries needs --runs: the results to"),
        (["--queries=q", "--runs=r", "--depth=0", "--output_dir=o"], "--depth 0: give 1"),
        (["--queries=q", "--second=s", "--output_dir=o"], "--second needs --collect"),
        (["--queries=none.tsv", "--runs=r", "--output_dir=o"], "cannot read none.tsv"),
        (["--collect=none", "--output_dir=o"], r"cannot read none.grades.csv: No such"),
    ],
)
def test_wrong_options_are_named(given, message, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FitRankError, match=message):
        judge.main(given)
    assert list(tmp_path.iterdir()) == []


def test_a_run_of_another_split_is_refused(options, tmp_path) -> None:
    folder = tmp_path / "sheets"
    with pytest.raises(FitRankError, match=r"clip.run: product .* give the catalogue and"):
        judge.main([*options, f"--output_dir={folder}", "--split=test"])
    assert not folder.exists()
