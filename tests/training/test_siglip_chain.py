"""The whole chain from checkpoints as the field writes them."""

import json

import pytest

from fitrank_tf.cli import train
from fitrank_tf.export.loaded_bundle import LoadedBundle
from tests.towers.checkpoints.small_checkpoints import FOLDER

PRESET = FOLDER / "open_clip_siglip2"


@pytest.mark.slow
def test_a_siglip_folder_becomes_a_bundle_that_searches(tmp_path, small_chain) -> None:
    changes = (*small_chain, f"towers.preset={PRESET}", "towers.image_size=0")
    train.main(
        [
            "--num_items=80",
            f"--output_dir={tmp_path / 'bundle'}",
            *(f"--set={change}" for change in changes),
        ]
    )
    answer = LoadedBundle(tmp_path / "bundle").answer_queries(["women blue dress", ""])
    assert answer["scores"].shape == (2, 20)
    config = json.loads((tmp_path / "bundle" / "bundle.json").read_text("utf-8"))["config"]
    assert config["towers"]["preset"] == str(PRESET)
