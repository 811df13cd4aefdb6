"""Annotating a catalogue: sheets, lines, the file and its check."""

import json

import pytest
from PIL import Image

from fitrank_tf.cli import annotate
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.annotations import read_annotations
from fitrank_tf.datasets.annotations.label_file import ProductLabels
from fitrank_tf.datasets.splits import TRAIN
from tests.datasets.label_files import write_labels


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory) -> list[str]:
    """The options of a catalogue of forty drawn products."""
    data = tmp_path_factory.mktemp("data")
    return ["--dataset=synthetic_catalogue", "--num_items=40", f"--data_dir={data}"]


@pytest.fixture(scope="module")
def sheets(catalogue, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sheets")
    annotate.main([*catalogue, f"--sheets={folder}", "--count=8"])
    return folder


@pytest.fixture(scope="module")
def lines(sheets, tmp_path_factory):
    """Annotations that a person might write for these products."""
    path = tmp_path_factory.mktemp("lines") / "mine.jsonl"
    ids = (sheets / "ids.txt").read_text(encoding="utf-8").split()
    written = [
        {"id": item, "product": "top", "box": [10, 10, 90, 90], "sleeve": "long"}
        for item in ids
    ]
    path.write_text("\n".join(map(json.dumps, written)), encoding="utf-8")
    return path


def test_sheets_hold_six_photos_each(sheets) -> None:
    assert sorted(path.name for path in sheets.glob("*.png")) == [
        "sheet_000.png",
        "sheet_001.png",
    ]
    assert len((sheets / "ids.txt").read_text(encoding="utf-8").split()) == 8
    colours = Image.open(sheets / "sheet_001.png").convert("RGB").getcolors(maxcolors=10**6)
    assert len(colours) > 100


def test_lines_become_a_file_that_is_checked_and_drawn(
    catalogue, lines, tmp_path, capsys
) -> None:
    path, drawn = tmp_path / "mine.json", tmp_path / "drawn"
    annotate.main([*catalogue, "--lines", str(lines), f"--file={path}"])
    products = read_annotations(path)
    assert len(products) == 8
    assert {product.split for product in products} == {TRAIN}
    assert (products[0].width, products[0].height) == (168, 224)
    assert "train: 8 products" in capsys.readouterr().out
    annotate.main([*catalogue, f"--file={path}", f"--compare={path}", f"--sheets={drawn}"])
    assert "| product | 8 | 1.000 | 1.000 |" in capsys.readouterr().out
    assert len(list(drawn.glob("*.png"))) == 2


def _labels(sheets, path, changed: int = 0, split: str = TRAIN):
    """A label file of the sheets' products; the first few are striped, the rest plain."""
    ids = (sheets / "ids.txt").read_text(encoding="utf-8").split()
    patterns = ["striped"] * changed + ["plain"] * (len(ids) - changed)
    write_labels(
        path,
        [
            ProductLabels(item, split, {"sleeve": "long", "neckline": "v", "pattern": of})
            for item, of in zip(ids, patterns)
        ],
    )
    return path


def test_labels_are_checked_counted_and_compared(
    catalogue, sheets, tmp_path, capsys
) -> None:
    mine = _labels(sheets, tmp_path / "mine.csv")
    theirs = _labels(sheets, tmp_path / "theirs.csv", changed=2)
    annotate.main([*catalogue, f"--labels={mine}", f"--compare_labels={theirs}"])
    printed = capsys.readouterr().out
    assert "train: 8 products" in printed and "plain 8" in printed
    assert "| sleeve | 8 | 1.000 |" in printed
    assert "| pattern | 8 | 0.750 |" in printed


def test_label_sheets_hold_thirty_photos_each(catalogue, tmp_path) -> None:
    folder = tmp_path / "labels"
    annotate.main([*catalogue, f"--label_sheets={folder}", "--count=31"])
    drawn = len((folder / "ids.txt").read_text(encoding="utf-8").split())
    assert len(list(folder.glob("*.png"))) == -(-drawn // 30) > 0


def test_labels_of_another_catalogue_are_refused(catalogue, sheets, tmp_path) -> None:
    mine = _labels(sheets, tmp_path / "mine.csv")
    with pytest.raises(FitRankError, match="is not in this catalogue"):
        annotate.main([*catalogue, "--data_seed=5", "--num_items=1", f"--labels={mine}"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "give --sheets DIR, --label_sheets DIR, --file FILE or --labels FILE"),
        (["--file=a.json", "--compare_labels=b.csv"], "--compare_labels needs --labels"),
        (["--labels=none.csv"], "none.csv cannot be read"),
        (["--sheets=s", "--lines", "a.jsonl"], "--lines and --compare need --file"),
        (["--file=none.json"], "none.json cannot be read"),
        (["--sheets=s", "--article_types=Kilts"], "no product of article type 'Kilts'"),
    ],
)
def test_wrong_options_are_named(
    catalogue, options, message, tmp_path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FitRankError, match=message):
        annotate.main([*catalogue, *options])
    assert list(tmp_path.iterdir()) == []


def test_annotations_of_another_catalogue_are_refused(catalogue, lines, tmp_path) -> None:
    path = tmp_path / "mine.json"
    annotate.main([*catalogue, "--lines", str(lines), f"--file={path}"])
    with pytest.raises(FitRankError, match="is not in this catalogue"):
        annotate.main([*catalogue, "--data_seed=5", "--num_items=1", f"--file={path}"])
