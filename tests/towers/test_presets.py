"""Loading presets: local folders of each kind, and names on Hugging Face."""

from pathlib import Path

import huggingface_hub
import numpy as np
import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.towers.checkpoints.convert import towers_from_checkpoint
from fitrank_tf.towers.presets import towers_from_preset
from tests.towers.checkpoints.small_checkpoints import CONTEXT, FOLDER, KINDS, photos


@pytest.mark.parametrize("kind", KINDS)
def test_local_folder(kind: str) -> None:
    towers = towers_from_preset(str(FOLDER / kind), CONTEXT)
    same = towers_from_checkpoint(FOLDER / kind, CONTEXT)
    images = photos(16)
    np.testing.assert_array_equal(towers.encode_images(images), same.encode_images(images))


@pytest.mark.parametrize("kind", KINDS)
def test_name_of_the_hub_is_downloaded(kind: str, monkeypatch) -> None:
    asked = []

    def download(name: str, allow_patterns: list[str]) -> str:
        asked.append((name, allow_patterns))
        return str(FOLDER / kind)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    towers = towers_from_preset("hf://owner/name", 8)
    assert towers.image_size == 16
    assert towers.context_length == 8
    [(name, patterns)] = asked
    assert name == "owner/name"
    # Nothing that runs code when it is loaded, as .bin and .pt do.
    assert sorted(patterns) == ["*.json", "*.model", "*.safetensors", "*.txt"]


def test_hub_folder_of_keras_hub_is_left_to_keras_hub(
    towers, tmp_path, monkeypatch
) -> None:
    preset = tmp_path / "preset"
    towers.save_to_preset(preset)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *a, **k: str(preset))
    loaded = []

    def from_preset(name: str) -> None:
        loaded.append(name)
        raise OSError("no such thing here")

    monkeypatch.setattr("keras_hub.models.Backbone.from_preset", from_preset)
    with pytest.raises(FitRankError, match="no such thing here"):
        towers_from_preset("hf://owner/name", 8)
    assert loaded == ["hf://owner/name"]


def test_failed_download_is_named(monkeypatch) -> None:
    def fail(*_, **__) -> None:
        raise OSError("no route to host\nand more")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    with pytest.raises(FitRankError, match=r"'hf://owner/name'.*no route.*local folder"):
        towers_from_preset("hf://owner/name", 8)


def test_folder_of_no_kind_is_named(tmp_path: Path) -> None:
    with pytest.raises(FitRankError, match=f"{tmp_path} is no CLIP checkpoint"):
        towers_from_preset(str(tmp_path), 8)
