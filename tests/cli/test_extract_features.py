"""Features by command: shards, CSV and preview of a folder of odd photos."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fitrank_tf.cli import extract_features
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.features.extract import feature_schema
from fitrank_tf.features.io import beam_extraction
from fitrank_tf.features.io.saved_features import read_features

GOOD = {"animated", "cmyk", "grey", "large", "pixel", "plain", "transparent"}
BAD = {"empty", "text", "torn"}


def _write_odd_photos(folder: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (60, 45, 3), np.uint8)
    plain = Image.fromarray(noise)
    plain.save(folder / "plain.jpg")
    Image.new("RGB", (1, 1), "red").save(folder / "pixel.png")
    plain.convert("L").save(folder / "grey.png")
    plain.convert("CMYK").save(folder / "cmyk.jpg")
    Image.new("RGBA", (30, 40), (0, 0, 255, 0)).save(folder / "transparent.png")
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    frames[0].save(folder / "animated.webp", save_all=True, append_images=frames[1:])
    Image.new("RGB", (2500, 1600), "green").save(folder / "large.jpg")
    whole = (folder / "plain.jpg").read_bytes()
    (folder / "torn.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "text.jpg").write_bytes(b"no photo")
    (folder / "empty.png").write_bytes(b"")


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    _write_odd_photos(folder)
    assert {path.stem for path in folder.iterdir()} == GOOD | BAD
    return folder


@pytest.fixture(scope="module")
def options(photos, model_folders, tmp_path_factory) -> list[str]:
    """The catalogue, and models that need not be trained."""
    detector, heads = model_folders
    return [
        "--dataset=photo_folder",
        f"--images={photos}",
        f"--data_dir={tmp_path_factory.mktemp('data')}",
        f"--set=detector.preset={detector}",
        f"--set=feature_heads={heads}",
    ]


@pytest.fixture(scope="module")
def written(options, tmp_path_factory) -> Path:
    """All that the command writes."""
    out = tmp_path_factory.mktemp("out")
    extract_features.main(
        [
            *(*options, f"--output_dir={out / 'features'}", "--shard_size=3"),
            *(f"--csv={out / 'words.csv'}", f"--preview={out / 'new' / 'sheet.png'}"),
        ]
    )
    return out


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_each_photo_is_a_row_or_counted(written) -> None:
    rows = _rows(written / "words.csv")
    assert sorted(row["id"] for row in rows) == sorted(GOOD)
    ids = [item_id for item_id, _ in read_features(written / "features")]
    assert [row["id"] for row in rows] == ids
    summary = json.loads((written / "features" / "summary.json").read_text())
    assert summary["products"] == len(GOOD)
    reasons = summary["left_out"]
    assert sum(reasons.values()) == len(BAD)
    assert reasons == {"empty image file": 1, "truncated image": 1, "unreadable image": 1}


@pytest.mark.parametrize(
    ("item_id", "lab"),
    [
        # Of any table of colours; the transparent photo lies on white.
        ("pixel", (53.2, 80.1, 67.2)),
        ("animated", (53.2, 80.1, 67.2)),
        ("large", (46.2, -51.7, 49.9)),
        ("transparent", (100.0, 0.0, 0.0)),
    ],
)
def test_unusual_photos_have_the_perceived_colour(written, item_id, lab) -> None:
    seen = dict(read_features(written / "features"))[item_id]
    dominant = seen.features[feature_schema().slice("palette")][:3] * [100, 128, 128]
    np.testing.assert_allclose(dominant, lab, atol=4.0)


def test_the_preview_is_a_picture(written) -> None:
    with Image.open(written / "new" / "sheet.png") as sheet:
        assert sheet.format == "PNG"
        assert len(sheet.convert("RGB").getcolors(maxcolors=10**6)) > 100


def test_a_preview_alone_extracts_nothing(options, tmp_path, capsys) -> None:
    sheet = tmp_path / "sheet.png"
    extract_features.main([*options, f"--preview={sheet}", "--preview_count=2"])
    assert list(tmp_path.iterdir()) == [sheet]
    assert capsys.readouterr().out == f"preview   {sheet}: 2 photos\n"


def test_a_second_run_uses_the_cached_shards(
    options, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.setenv("FITRANK_CACHE", str(tmp_path / "cache"))
    first, second = tmp_path / "one.csv", tmp_path / "two.csv"
    extract_features.main([*options, f"--csv={first}"])
    shards = list((tmp_path / "cache").rglob("*.tfrecord"))
    stamps = [path.stat().st_mtime_ns for path in shards]
    assert shards
    extract_features.main([*options, f"--csv={second}"])
    assert [path.stat().st_mtime_ns for path in shards] == stamps
    assert second.read_bytes() == first.read_bytes()
    assert f"csv       {second}: {len(GOOD)} products" in capsys.readouterr().out


def test_features_of_other_photos_are_not_mixed_in(options, written, tmp_path) -> None:
    Image.new("RGB", (9, 9)).save(tmp_path / "another.png")
    arguments = [*options, f"--images={tmp_path}", f"--data_dir={tmp_path / 'data'}"]
    with pytest.raises(FitRankError, match="of another catalogue"):
        extract_features.main(
            [*arguments, f"--output_dir={written / 'features'}", "--shard_size=3"]
        )
    assert len(list(read_features(written / "features"))) == len(GOOD)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("--set=feature_heads=no/such", "there is no folder 'no/such'"),
        ("--set=detector.preset=no/such", "there is no folder 'no/such'"),
        ("--set=feature_heads={tmp}", "train-features"),
        ("--set=detector.preset={tmp}", "no readable detector"),
        ("--shard_size=0", "--shard_size is 0; it must be above 0"),
        ("--shard_size=-3", "--shard_size is -3; it must be above 0"),
        ("--preview_count=0", "--preview_count is 0; it must be above 0"),
        ("--recipe=nothing", "--recipe nothing: unknown"),
        ("output", "'output' is neither"),
        ("--cvs=out.csv", "neither an option of this command nor of Apache Beam"),
        ("--images=no/such", "name a folder that holds photos"),
    ],
)
def test_wrong_options_are_named(
    options, wrong, message, tmp_path_factory, tmp_path
) -> None:
    empty, out = tmp_path_factory.mktemp("empty"), tmp_path / "out"
    with pytest.raises(FitRankError, match=message):
        extract_features.main([*options, f"--output_dir={out}", wrong.format(tmp=empty)])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["sheet.xyz", ""])
def test_a_preview_that_cannot_be_written_is_named(options, tmp_path, name: str) -> None:
    with pytest.raises(FitRankError):
        extract_features.main([*options, f"--preview={tmp_path / name}"])


def test_beam_options_are_passed_through(options, tmp_path, monkeypatch) -> None:
    given = []

    def stop(plan, made_of, beam_options):
        given.extend(beam_options)
        raise FitRankError("far enough")

    monkeypatch.setattr(beam_extraction, "run_extraction", stop)
    beams = ["--runner=FlinkRunner", "--direct_num_workers=2", "--parallelism=4"]
    with pytest.raises(FitRankError, match="far enough"):
        extract_features.main([*options, f"--output_dir={tmp_path}", *beams])
    assert given == beams


def test_the_runner_of_the_options_runs(options, tmp_path) -> None:
    with pytest.raises(ValueError, match="NoSuchRunner"):
        extract_features.main(
            [*options, f"--output_dir={tmp_path}", "--runner=NoSuchRunner"]
        )
