"""Trained heads on disk: loaded as they were saved, or refused with a reason."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from fitrank_tf.core.arrays import load_arrays, save_arrays
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.features.attributes.network import attribute_probabilities
from fitrank_tf.features.colour.names import ColourNamer
from fitrank_tf.features.feature_models import (
    APPEARANCE_DIR,
    APPEARANCE_FILES,
    ATTRIBUTES_FILE,
    HEADS_FILE,
    FeatureModels,
    LearnedHeads,
    heads_fingerprint,
    load_heads,
    models_fingerprint,
)
from tests.small_feature_models import save_small_models, small_appearance, small_heads

FILES = (HEADS_FILE, ATTRIBUTES_FILE)


def _saved(heads: LearnedHeads, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    heads.save(folder)
    return folder


@pytest.fixture
def folder(model_folders, tmp_path) -> Path:
    """Saved heads that a test may damage."""
    return Path(shutil.copytree(model_folders[1], tmp_path / "heads"))


def test_saved_heads_predict_the_same(tmp_path) -> None:
    heads = small_heads(seed=3)
    loaded = load_heads(_saved(heads, tmp_path / "heads"))
    written = sorted(path.name for path in (tmp_path / "heads").iterdir())
    assert written == sorted((*FILES, APPEARANCE_DIR))
    one, other = heads.namer.arrays(), loaded.namer.arrays()
    assert one.keys() == other.keys()
    for name, array in one.items():
        np.testing.assert_array_equal(other[name], array)
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(4, len(heads.pattern.mean))).astype(np.float32)
    np.testing.assert_array_equal(
        loaded.pattern.probabilities(inputs), heads.pattern.probabilities(inputs)
    )
    photos = generator.integers(0, 256, (2, 224, 224, 3), np.uint8)
    # Half precision in the file: three digits.
    np.testing.assert_allclose(
        loaded.appearance(photos), heads.appearance(photos), atol=2e-3
    )
    canvases = generator.integers(0, 256, (2, 96, 96, 3), np.uint8)
    np.testing.assert_allclose(
        attribute_probabilities(loaded.attributes, canvases),
        attribute_probabilities(heads.attributes, canvases),
        atol=1e-6,
    )


@pytest.mark.parametrize("name", [*FILES, APPEARANCE_DIR])
def test_a_missing_file_is_named(folder, name: str) -> None:
    path = folder / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(FitRankError, match=name):
        load_heads(folder)


DAMAGES = {
    "empty": lambda data: b"",
    "text": lambda data: b"no model at all",
    "half": lambda data: data[: len(data) // 2],
    "without its end": lambda data: data[:-10],
    "overwritten": lambda data: (
        data[: len(data) // 2] + bytes(300) + data[len(data) // 2 + 300 :]
    ),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("name", [*FILES, *APPEARANCE_FILES])
def test_a_damaged_file_is_named(folder, name: str, damage) -> None:
    path = folder / name
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(FitRankError, match=str(folder)):
        load_heads(folder)


@pytest.mark.parametrize(
    "lost", ["prototypes/names", "colour/mean", "colour/labels", "pattern/kernel_1"]
)
def test_heads_without_a_part_are_refused(folder, lost: str) -> None:
    arrays = load_arrays(folder / HEADS_FILE, "make")
    del arrays[lost]
    save_arrays(folder / HEADS_FILE, arrays)
    with pytest.raises(FitRankError, match="train them with"):
        load_heads(folder)


@pytest.mark.parametrize("name", ["prototypes/names", "colour/labels"])
def test_heads_of_other_colour_names_are_refused(folder, name: str) -> None:
    arrays = load_arrays(folder / HEADS_FILE, "make")
    arrays[name] = np.array(["Bleu", *arrays[name][1:]])
    save_arrays(folder / HEADS_FILE, arrays)
    with pytest.raises(FitRankError, match="train them with"):
        load_heads(folder)


def test_a_folder_without_detector_is_refused(folder, tmp_path) -> None:
    with pytest.raises(FitRankError, match="no readable detector in"):
        FeatureModels.load(tmp_path / "none", folder)


def _with_other_attributes(heads: LearnedHeads) -> LearnedHeads:
    weights = heads.attributes.get_weights()
    weights[0] = weights[0] + np.float32(1e-3)
    heads.attributes.set_weights(weights)
    return heads


def _with_other_pattern(heads: LearnedHeads) -> LearnedHeads:
    kernels = (heads.pattern.kernels[0] * np.float32(1.001), heads.pattern.kernels[1])
    return dataclasses.replace(
        heads, pattern=dataclasses.replace(heads.pattern, kernels=kernels)
    )


def _with_other_prototype(heads: LearnedHeads) -> LearnedHeads:
    prototypes = heads.namer.prototypes
    moved = dataclasses.replace(prototypes, lab=prototypes.lab + np.float32([0, 0, 1]))
    return dataclasses.replace(heads, namer=ColourNamer(moved, heads.namer.head))


def _with_other_namer(heads: LearnedHeads) -> LearnedHeads:
    head = heads.namer.head
    other = dataclasses.replace(head, scale=head.scale * np.float32(2))
    namer = ColourNamer(heads.namer.prototypes, other)
    return dataclasses.replace(heads, namer=namer)


def _with_another_appearance(heads: LearnedHeads) -> LearnedHeads:
    return dataclasses.replace(heads, appearance=small_appearance(seed=9))


CHANGES = [
    _with_other_attributes,
    _with_another_appearance,
    _with_other_pattern,
    _with_other_prototype,
    _with_other_namer,
]


@pytest.mark.parametrize("change", CHANGES)
def test_the_fingerprint_follows_each_weight(tmp_path, change) -> None:
    before = heads_fingerprint(_saved(small_heads(), tmp_path / "before"))
    after = heads_fingerprint(_saved(change(small_heads()), tmp_path / "after"))
    assert len(before) == 64
    assert after != before


def test_the_fingerprint_survives_loading_and_saving(tmp_path) -> None:
    first = _saved(small_heads(), tmp_path / "first")
    again = _saved(load_heads(first), tmp_path / "again")
    assert heads_fingerprint(again) == heads_fingerprint(first)


@pytest.mark.parametrize("change", CHANGES)
def test_heads_trained_anew_in_their_place_are_read_anew(tmp_path, change) -> None:
    folder = _saved(small_heads(), tmp_path / "heads")
    before = heads_fingerprint(folder)
    _saved(change(small_heads()), folder)
    after = heads_fingerprint(folder)
    assert after != before
    # As in another process, whose cache is empty.
    moved = folder.rename(tmp_path / "moved")
    assert after == heads_fingerprint(moved)


def test_features_depend_on_detector_and_heads(model_folders, tmp_path) -> None:
    detector, heads = model_folders
    other = save_small_models(tmp_path, seed=1)[1]
    one, changed = models_fingerprint(detector, heads), models_fingerprint(detector, other)
    assert one.keys() == {"detector", "heads"}
    assert one["detector"] == changed["detector"]
    assert one["heads"] != changed["heads"]
