"""The Beam pipeline: the numbers of tf.data, shard by shard, and each shard once."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.progress import Progress
from fitrank_tf.datasets.catalogue import Catalogue, CatalogueSource, open_catalogue
from fitrank_tf.datasets.splits import ALL, SPLITS
from fitrank_tf.features.extract import FeatureExtractor
from fitrank_tf.features.feature_models import FeatureModels
from fitrank_tf.features.io import beam_shards
from fitrank_tf.features.io.beam_extraction import (
    UNREADABLE,
    ExtractionPlan,
    plan_extraction,
    run_extraction,
)
from fitrank_tf.features.io.saved_features import read_features, write_summary

COUNT, SHARD = 40, 9
MADE_OF = {"catalogue": "c1"}


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory) -> Catalogue:
    """Forty drawn products in three splits."""
    source = CatalogueSource("synthetic_catalogue", num_items=COUNT)
    return open_catalogue(source, str(tmp_path_factory.mktemp("data")))


@pytest.fixture(scope="module")
def plan(catalogue, model_folders, tmp_path_factory) -> ExtractionPlan:
    output = tmp_path_factory.mktemp("features")
    return plan_extraction(catalogue, *model_folders, output, SHARD)


@pytest.fixture(scope="module")
def summaries(plan):
    return run_extraction(plan, MADE_OF, [])


def _stamps(plan: ExtractionPlan) -> dict[str, int]:
    folder = Path(plan.output)
    return {shard.file: (folder / shard.file).stat().st_mtime_ns for shard in plan.shards}


def test_shards_cover_each_split_in_order(plan, catalogue) -> None:
    rows = {split: [] for split in SPLITS}
    for number, shard in enumerate(plan.shards):
        assert shard.number == number
        assert 0 < shard.end - shard.begin <= SHARD
        rows[shard.split] += range(shard.begin, shard.end)
    assert rows == {split: [*range(catalogue.num_items(split))] for split in SPLITS}
    splits = [shard.split for shard in plan.shards]
    assert splits == sorted(splits, key=SPLITS.index)
    assert len({shard.file for shard in plan.shards}) == len(plan.shards) > 3


def test_beam_extracts_the_features_of_tf_data(
    plan, summaries, catalogue, model_folders
) -> None:
    extractor = FeatureExtractor(FeatureModels.load(*model_folders))
    expected = extractor.extract(catalogue.items(ALL), COUNT)
    products = list(read_features(Path(plan.output)))
    assert tuple(item_id for item_id, _ in products) == catalogue.records(ALL).ids
    np.testing.assert_allclose([p.features for _, p in products], expected, atol=1e-4)
    attached = extractor.attach(catalogue.items(ALL)).as_numpy_iterator()
    for (_, seen), item in zip(products, attached, strict=True):
        np.testing.assert_allclose(seen.boxes, item["detected"]["boxes"], atol=1e-4)
        np.testing.assert_array_equal(seen.classes, item["detected"]["classes"])
    sizes = [shard.end - shard.begin for shard in plan.shards]
    assert [summary.written for summary in summaries] == sizes
    assert all(not summary.skipped for summary in summaries)


def test_only_what_is_missing_is_made_again(plan, summaries) -> None:
    before = _stamps(plan)
    lost = plan.shards[1].file
    content = (Path(plan.output) / lost).read_bytes()
    (Path(plan.output) / lost).unlink()
    assert run_extraction(plan, MADE_OF, []) == summaries
    after = _stamps(plan)
    assert after.pop(lost) > before.pop(lost)
    assert after == before
    made = tf.data.TFRecordDataset(str(Path(plan.output) / lost))
    assert len(list(made)) == plan.shards[1].end - plan.shards[1].begin
    assert len((Path(plan.output) / lost).read_bytes()) == len(content)


@pytest.mark.parametrize("options", [[], ["--direct_num_workers=2"]])
def test_progress_is_counted_while_the_pipeline_runs(
    catalogue, plan, summaries, tmp_path, monkeypatch, options
) -> None:
    counted = []

    class Counting(Progress):
        def move_to(self, done, values=None) -> None:
            counted.append(done)

    monkeypatch.setattr(beam_shards, "Progress", Counting)
    monkeypatch.setattr(beam_shards, "_SECONDS_BETWEEN_LOOKS", 0.01)
    models = (Path(plan.detector), Path(plan.heads))
    run_extraction(plan_extraction(catalogue, *models, tmp_path, SHARD), MADE_OF, options)
    assert counted == sorted(counted)
    assert counted[0] == 0 and counted[-1] == COUNT
    assert len(set(counted)) > 2


def test_features_of_another_catalogue_are_refused(plan, summaries) -> None:
    before = _stamps(plan)
    with pytest.raises(FitRankError, match="of another catalogue"):
        run_extraction(plan, {"catalogue": "c2"}, [])
    assert _stamps(plan) == before


def test_beam_options_reach_beam(plan, summaries) -> None:
    with pytest.raises(ValueError, match="NoSuchRunner"):
        run_extraction(plan, MADE_OF, ["--runner=NoSuchRunner"])


@pytest.mark.parametrize("options", [["--direct_num_workers=2"], ["--runner=DirectRunner"]])
def test_runners_make_the_same_shards(
    catalogue, plan, summaries, tmp_path, options
) -> None:
    other = plan_extraction(
        catalogue, Path(plan.detector), Path(plan.heads), tmp_path, SHARD
    )
    assert run_extraction(other, MADE_OF, options) == summaries
    for one, two in zip(read_features(Path(plan.output)), read_features(tmp_path)):
        assert one[0] == two[0]
        np.testing.assert_allclose(two[1].features, one[1].features, atol=1e-4)


@pytest.fixture
def torn(tmp_path, monkeypatch) -> Catalogue:
    """Eight photos of a folder; two were torn after they had been checked."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(8):
        data = tf.io.encode_png(np.full((12, 9, 3), 30 * number, np.uint8)).numpy()
        (folder / f"p{number}.png").write_bytes(data[:40] if number in (2, 5) else data)
    monkeypatch.setattr(
        "fitrank_tf.datasets.product_builder.clean_photo", lambda data: data
    )
    source = CatalogueSource("photo_folder", images=str(folder))
    return open_catalogue(source, str(tmp_path / "data"))


def test_photos_that_cannot_be_decoded_are_left_out_and_counted(
    torn, model_folders, tmp_path
) -> None:
    plan = plan_extraction(torn, *model_folders, tmp_path / "out", 3)
    summaries = run_extraction(plan, MADE_OF, [])
    skipped = [item for one in summaries for item in one.skipped.get(UNREADABLE, [])]
    assert sorted(skipped) == ["p2", "p5"]
    kept = [item_id for item_id, _ in read_features(tmp_path / "out")]
    assert kept == [name for name in torn.records(ALL).ids if name not in ("p2", "p5")]
    assert sum(summary.written for summary in summaries) == 6


def test_the_summary_counts_products_and_reasons(summaries, tmp_path) -> None:
    path = write_summary(tmp_path, summaries, {"torn": 2})
    assert path == tmp_path / "summary.json"
    text = '{\n "products": 40,\n "left_out": {\n  "torn": 2\n }\n}\n'
    assert path.read_text(encoding="utf-8") == text
