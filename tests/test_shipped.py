"""The models that ship with the repository are found and can be used."""

from pathlib import Path

import numpy as np
import pytest

from fitrank_tf.errors import FitRankError
from fitrank_tf.features.extract import FeatureExtractor, feature_schema
from fitrank_tf.features.feature_models import FeatureModels
from fitrank_tf.recipes import load_recipe
from fitrank_tf.shipped import find_shipped

SHIPPED = ("saved_models/detector", "saved_models/features")


@pytest.mark.parametrize("folder", SHIPPED)
def test_shipped_models_are_found_from_anywhere(folder, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    repository = Path(__file__).resolve().parent.parent
    assert find_shipped(folder).resolve() == repository / folder


def test_a_folder_of_ones_own_comes_first(tmp_path, monkeypatch) -> None:
    (tmp_path / "saved_models" / "detector").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    found = find_shipped("saved_models/detector")
    assert found.resolve() == tmp_path / "saved_models" / "detector"
    absolute = str(tmp_path / "saved_models")
    assert find_shipped(absolute) == Path(absolute)


@pytest.mark.parametrize("folder", ["no/such", "saved_models/README.md", "setup.py", ""])
def test_what_is_no_folder_is_named(folder: str) -> None:
    with pytest.raises(FitRankError, match=f"there is no folder '{folder}'"):
        find_shipped(folder)


@pytest.mark.parametrize("name", ["features", "tiny", "vit_b32"])
def test_recipes_name_folders_that_ship(name: str) -> None:
    config = load_recipe(name, "fashion_product_images")
    assert find_shipped(config.feature_heads).is_dir()
    if config.detector.preset:
        assert find_shipped(config.detector.preset).is_dir()


def test_shipped_models_see_photos() -> None:
    models = FeatureModels.load(*(find_shipped(folder) for folder in SHIPPED))
    photos = [
        np.full((60, 40, 3), 255, np.uint8),
        np.full((9, 90, 3), (9, 90, 200), np.uint8),
    ]
    low, high = feature_schema().bounds()
    for seen in FeatureExtractor(models).describe(photos):
        assert (seen.features >= low - 1e-5).all() and (seen.features <= high + 1e-5).all()
        for name in ("colour_names", "pattern", "sleeve", "neckline"):
            told = seen.features[feature_schema().slice(name)]
            assert told.sum() == pytest.approx(1.0, abs=1e-4)
