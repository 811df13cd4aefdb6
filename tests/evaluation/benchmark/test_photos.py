"""Photos are embedded in parts, and an interrupted run goes on."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.evaluation.benchmark import photos as module
from fitrank_tf.evaluation.benchmark.photos import EmbeddedPhotos, embed_photos
from fitrank_tf.evaluation.systems import SYSTEMS
from tests.datasets.small_catalogues import noise_photo

PHOTOS, BATCH, PART = 13, 2, 4
ROWS = [0, 1, 3, 4, 5, 6, 8, 9, 10, 11, 12]


class FakeExtractor:
    """Features that are means of the photo's pixels."""

    def __init__(self, models: object):
        self.models = SimpleNamespace(detector=SimpleNamespace(image_size=16))

    def extract_batch(self, *squares: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"features": tf.reduce_mean(tf.cast(squares[0], tf.float32), axis=[1, 2])}


class FakeBundle:
    """A bundle whose outputs are means of its inputs.

    Args:
        breaks_after: photos after which it breaks.
        seed: of the training that it stands for.
    """

    feature_models = None

    def __init__(self, breaks_after: int = PHOTOS, seed: int = 0):
        self.seen = self.tuned = 0
        self._breaks_after = breaks_after
        self.info, self.fingerprint = SimpleNamespace(image_size=8), f"of seed {seed}"

    def model(self, name: str) -> Any:
        def embed(pixels: tf.Tensor, features: tf.Tensor | None = None) -> dict:
            if features is None:
                if self.seen >= self._breaks_after:
                    raise KeyboardInterrupt
                self.seen += len(pixels)
            else:
                self.tuned += len(pixels)
            mean = tf.reduce_mean(tf.cast(pixels, tf.float32), axis=[1, 2])
            return {"embedding": mean if features is None else mean + features}

        def project(features: tf.Tensor) -> dict:
            return {"feature_projection": 2.0 * features}

        return SimpleNamespace(signatures={"pixels": embed, "feature_projection": project})

    def predict_facets(self, embeddings: np.ndarray, features: np.ndarray) -> np.ndarray:
        return embeddings - features


class FakeCatalogue:
    """Random photos, each another."""

    fingerprint = "0123456789abcdef"

    def chosen_items(self, rows: Sequence[int]) -> tf.data.Dataset:
        photos = [noise_photo(number) for number in range(PHOTOS) if number in rows]
        return tf.data.Dataset.from_tensor_slices(photos).map(
            lambda data: {"image": tf.io.decode_jpeg(data, channels=3)}
        )


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FeatureExtractor", FakeExtractor)
    monkeypatch.setattr(module, "_BATCH", BATCH)
    monkeypatch.setattr(module, "_PART", PART)


def embedded(
    bundle: FakeBundle,
    folder: Path,
    rows: Sequence[int] = ROWS,
    systems: Sequence[str] = SYSTEMS,
) -> EmbeddedPhotos:
    return embed_photos(bundle, FakeCatalogue(), rows, folder, systems)


def assert_same(first: EmbeddedPhotos, second: EmbeddedPhotos) -> None:
    for name, column in vars(first).items():
        np.testing.assert_array_equal(column, getattr(second, name), err_msg=name)


def test_photos_are_in_the_order_of_their_rows(tmp_path: Path) -> None:
    found = embedded(FakeBundle(), tmp_path)
    assert {name: column.shape for name, column in vars(found).items()} == dict.fromkeys(
        ("clip", "clip_lora", "feature_projection", "facet_probs"), (len(ROWS), 3)
    )
    for row, mean in zip(ROWS, found.clip):
        one = embedded(FakeBundle(), tmp_path, [row])
        np.testing.assert_array_equal(one.clip[0], mean)
    features = found.clip_lora - found.clip
    np.testing.assert_allclose(found.feature_projection, 2 * features, rtol=1e-5)
    np.testing.assert_allclose(found.facet_probs, found.clip, rtol=1e-5)


@pytest.mark.parametrize("breaks_after", [0, 2, 4, 6, 8])
def test_an_interrupted_run_goes_on(tmp_path: Path, breaks_after: int) -> None:
    whole = embedded(FakeBundle(), tmp_path / "whole")
    folder = tmp_path / "broken"
    with pytest.raises(KeyboardInterrupt):
        embedded(FakeBundle(breaks_after), folder)
    again = FakeBundle()
    assert_same(embedded(again, folder), whole)
    # What was broken off within a part is embedded again.
    assert again.seen == len(ROWS) - breaks_after // PART * PART
    last = FakeBundle()
    assert_same(embedded(last, folder), whole)
    assert last.seen == 0


@pytest.mark.parametrize("lost", ["00000004.base.npz", "00000004.tuned.npz"])
def test_a_part_that_was_lost_is_embedded_again(tmp_path: Path, lost: str) -> None:
    whole = embedded(FakeBundle(), tmp_path)
    [kept] = tmp_path.iterdir()
    assert [path.name for path in sorted(kept.iterdir())] == [
        f"0000000{start}.{kind}.npz" for start in (0, 4, 8) for kind in ("base", "tuned")
    ]
    (kept / lost).unlink()
    again = FakeBundle()
    assert_same(embedded(again, tmp_path), whole)
    assert again.seen == (len(ROWS) - PART if "base" in lost else 0)
    assert again.tuned == (len(ROWS) - PART if "tuned" in lost else 0)


def no_features(models: object) -> None:
    raise AssertionError("features are extracted")


@pytest.mark.parametrize(
    ("systems", "asked"),
    [
        (["clip"], ["clip"]),
        (["clip_lora"], ["clip_lora", "feature_projection", "facet_probs"]),
        (["reranked"], ["clip_lora", "feature_projection", "facet_probs"]),
    ],
)
def test_only_what_a_system_asks_for_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, systems: list[str], asked: list[str]
) -> None:
    whole = vars(embedded(FakeBundle(), tmp_path / "whole"))
    if systems == ["clip"]:
        monkeypatch.setattr(module, "FeatureExtractor", no_features)
    bundle = FakeBundle()
    found = vars(embedded(bundle, tmp_path / "part", systems=systems))
    for name, column in found.items():
        if name in asked:
            np.testing.assert_array_equal(column, whole[name], err_msg=name)
        else:
            assert column.shape == (len(ROWS), 0)
    assert bundle.seen == ("clip" in systems) * len(ROWS)
    assert bundle.tuned == ("clip" not in systems) * len(ROWS)


def test_a_run_with_more_systems_makes_what_it_lacks(tmp_path: Path) -> None:
    whole = embedded(FakeBundle(), tmp_path / "whole")
    folder = tmp_path / "both"
    embedded(FakeBundle(), folder, systems=["clip"])
    again = FakeBundle()
    assert_same(embedded(again, folder), whole)
    assert (again.seen, again.tuned) == (0, len(ROWS))


def test_other_rows_and_other_bundles_share_no_parts(tmp_path: Path) -> None:
    embedded(FakeBundle(), tmp_path)
    for bundle, rows in ((FakeBundle(seed=1), ROWS), (FakeBundle(), ROWS[:-1])):
        embedded(bundle, tmp_path, rows)
        assert bundle.seen == len(rows)
    assert len(list(tmp_path.iterdir())) == 3
