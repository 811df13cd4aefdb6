"""The models that ship with the repository are found and can be used."""

from pathlib import Path

import numpy as np
import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.shipped import find_shipped, folder_fingerprint, folder_here_or_shipped
from fitrank_tf.features.extract import FeatureExtractor, feature_schema
from fitrank_tf.features.feature_models import FeatureModels
from fitrank_tf.recipes import load_recipe
from fitrank_tf.towers.presets import towers_from_preset
from fitrank_tf.towers.tokenise import tokenise

SHIPPED = ("saved_models/detector", "saved_models/features")
TOWERS = "saved_models/fitrank_tiny"


@pytest.mark.parametrize("folder", [*SHIPPED, TOWERS])
def test_shipped_models_are_found_from_anywhere(folder, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    repository = Path(__file__).resolve().parents[2]
    assert find_shipped(folder).resolve() == repository / folder


def test_a_folder_of_ones_own_comes_first(tmp_path, monkeypatch) -> None:
    (tmp_path / "saved_models" / "detector").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    found = find_shipped("saved_models/detector")
    assert found.resolve() == tmp_path / "saved_models" / "detector"
    absolute = str(tmp_path / "saved_models")
    assert find_shipped(absolute) == Path(absolute)


@pytest.mark.parametrize("folder", ["no/such", "saved_models/README.md", "setup.py", ""])
def test_a_missing_folder_is_named(folder: str) -> None:
    with pytest.raises(FitRankError, match=f"there is no folder '{folder}'"):
        find_shipped(folder)


@pytest.mark.parametrize("name", ["features", "fitrank_tiny", "tiny", "vit_b32"])
def test_recipes_name_folders_that_ship(name: str) -> None:
    config = load_recipe(name, "fashion_product_images")
    assert find_shipped(config.feature_heads).is_dir()
    if config.detector.preset:
        assert find_shipped(config.detector.preset).is_dir()
    if name == "tiny":
        assert find_shipped(config.towers.preset).is_dir()


def _folder(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_a_fingerprint_is_of_names_and_contents(tmp_path) -> None:
    files = {"config": "1", "sub__weights": "2"}
    one = folder_fingerprint(_folder(tmp_path / "one", **files))
    same = _folder(tmp_path / "same", **files)
    assert folder_fingerprint(same) == one
    (same / "README.md").write_text("a card changes nothing")
    assert folder_fingerprint(same) == one
    for number, other in enumerate(
        ({**files, "config": "3"}, {"config": "1", "weights": "2"}, {**files, "more": ""})
    ):
        assert folder_fingerprint(_folder(tmp_path / str(number), **other)) != one


def test_a_name_is_no_folder() -> None:
    assert folder_here_or_shipped("clip_vit_base_patch32") is None
    assert folder_here_or_shipped("") is None


def test_the_shipped_towers_are_small_and_embed() -> None:
    folder = find_shipped(TOWERS)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert size < 25e6
    towers = towers_from_preset(str(folder), context_length=24)
    photos = np.full((2, towers.image_size, towers.image_size, 3), 255, np.uint8)
    photos[1, 20:100, 30:90] = (200, 20, 20)
    texts = tokenise(towers.tokenizer, ["red shirt", "black shoes"], towers.context_length)
    image, text = towers.encode_images(photos), towers.encode_tokens(texts)
    for embedded in (np.asarray(image), np.asarray(text)):
        assert embedded.shape == (2, towers.embedding_dim)
        np.testing.assert_allclose(np.linalg.norm(embedded, axis=1), 1.0, rtol=1e-5)


def test_shipped_models_extract_features() -> None:
    models = FeatureModels.load(*(find_shipped(folder) for folder in SHIPPED))
    photos = [
        np.full((60, 40, 3), 255, np.uint8),
        np.full((9, 90, 3), (9, 90, 200), np.uint8),
    ]
    low, high = feature_schema().bounds()
    for seen in FeatureExtractor(models).extract_photos(photos):
        assert (seen.features >= low - 1e-5).all() and (seen.features <= high + 1e-5).all()
        for name in ("colour_names", "pattern", "sleeve", "neckline"):
            told = seen.features[feature_schema().slice(name)]
            assert told.sum() == pytest.approx(1.0, abs=1e-4)
