"""Features on disk: read as written, never mixed with others, never incomplete."""

import json
from pathlib import Path

import numpy as np
import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.features.extract import PhotoFeatures, feature_schema
from fitrank_tf.features.io.saved_features import (
    ShardSummary,
    begin_features,
    finished_shard,
    read_features,
    shard_name,
    skipped_lines,
    total_skipped,
    write_shard,
)
from tests.features.hand_made_features import hand_made_features

MADE_OF = {"catalogue": "c1", "detector": "d1", "heads": "h1", "shards": "2"}


def _seen(number: int) -> PhotoFeatures:
    """Each with features of its own, and as many boxes as its number says."""
    boxes = [("top", 0.5 + k / 10, [0.1 * k, 0.2, 0.8, 0.9]) for k in range(number)]
    return hand_made_features(boxes, pattern={number % 4: 0.5}, energy={0: number})


@pytest.fixture
def folder(tmp_path) -> Path:
    """Three products in two shards."""
    begin_features(tmp_path / "features", MADE_OF)
    shards = [[("b", _seen(0)), ("a", _seen(1))], [("ü,\n", _seen(2))]]
    for number, shard in enumerate(shards):
        write_shard(tmp_path / "features" / shard_name(number, 2), shard, {})
    return tmp_path / "features"


def test_what_was_written_is_read_in_order(folder) -> None:
    products = list(read_features(folder))
    assert [item_id for item_id, _ in products] == ["b", "a", "ü,\n"]
    for number, (_, seen) in enumerate(products):
        expected = _seen(number)
        np.testing.assert_array_equal(seen.features, expected.features)
        # Without the padding.
        np.testing.assert_array_equal(seen.boxes, expected.boxes[:number])
        np.testing.assert_array_equal(seen.classes, expected.classes[:number])
        np.testing.assert_array_equal(seen.scores, expected.scores[:number])
        assert seen.boxes.shape == (number, 4)


def test_files_are_those_of_the_layout(folder) -> None:
    shards = [f"features-0000{k}-of-00002" for k in (0, 1)]
    expected = {"features.json", *(f"{name}{end}" for name in shards for end in ENDINGS)}
    assert {path.name for path in folder.iterdir()} == expected


ENDINGS = (".json", ".tfrecord")


@pytest.mark.parametrize("number", [0, 1])
def test_a_missing_shard_is_named(folder, number: int) -> None:
    (folder / shard_name(number, 2)).unlink()
    with pytest.raises(FitRankError, match=f"{shard_name(number, 2)} is missing"):
        list(read_features(folder))


@pytest.mark.parametrize("name", list(MADE_OF))
def test_features_of_other_inputs_are_not_continued(folder, name: str) -> None:
    before = (folder / "features.json").read_bytes()
    begin_features(folder, MADE_OF)
    with pytest.raises(FitRankError, match=f"of another {name} .*--output_dir"):
        begin_features(folder, MADE_OF | {name: "other"})
    assert (folder / "features.json").read_bytes() == before


def _rename(slices: list[dict]) -> None:
    slices[0]["name"] = "box"


def _widen(slices: list[dict]) -> None:
    slices[-1]["high"] += 1.0


def _lose(slices: list[dict]) -> None:
    del slices[-1]


@pytest.mark.parametrize("change", [_rename, _widen, _lose])
def test_features_of_another_schema_are_refused(folder, change) -> None:
    path = folder / "features.json"
    plain = json.loads(path.read_text(encoding="utf-8"))
    assert len(plain["schema"]) == len(feature_schema().slices)
    change(plain["schema"])
    path.write_text(json.dumps(plain), encoding="utf-8")
    with pytest.raises(FitRankError, match="another layout"):
        list(read_features(folder))
    with pytest.raises(FitRankError, match="another layout"):
        begin_features(folder, MADE_OF)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"made_of": {}, "schema": 3}'])
def test_a_damaged_description_is_named(folder, text: str) -> None:
    (folder / "features.json").write_text(text, encoding="utf-8")
    # Whichever part of it is wrong, the way out is to extract again.
    with pytest.raises(FitRankError, match="extract the features"):
        list(read_features(folder))


def test_a_folder_without_features_is_named(tmp_path) -> None:
    with pytest.raises(FitRankError, match=r"features\.json cannot be read"):
        list(read_features(tmp_path))


def test_a_shard_is_finished_when_its_records_are_there(tmp_path) -> None:
    path = tmp_path / shard_name(3, 11)
    assert path.name == "features-00003-of-00011.tfrecord"
    assert finished_shard(path) is None
    skipped = {"photo cannot be decoded": ["x", "y"]}
    assert write_shard(path, [("a", _seen(1))], skipped) == ShardSummary(1, skipped)
    assert finished_shard(path) == ShardSummary(1, skipped)
    path.unlink()
    assert path.with_suffix(".json").exists()
    assert finished_shard(path) is None


def test_a_shard_may_be_empty(tmp_path) -> None:
    begin_features(tmp_path, MADE_OF | {"shards": "1"})
    write_shard(tmp_path / shard_name(0, 1), [], {"torn": ["x"]})
    assert list(read_features(tmp_path)) == []
    assert finished_shard(tmp_path / shard_name(0, 1)) == ShardSummary(0, {"torn": ["x"]})


def test_products_left_out_are_summed_over_shards() -> None:
    summaries = [
        ShardSummary(5, {"torn": ["a"]}),
        ShardSummary(5, {}),
        ShardSummary(5, {"empty": ["b", "c"], "torn": ["d"]}),
    ]
    assert total_skipped(summaries) == {"torn": ["a", "d"], "empty": ["b", "c"]}
    lines = skipped_lines({"torn": 2, "empty": 7, "large": 1})
    assert lines == ["left out 7: empty", "left out 2: torn", "left out 1: large"]
