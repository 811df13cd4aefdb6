"""The whole chain from checkpoints as the field writes them."""

import json

import pytest

from fitrank_tf.cli import train
from fitrank_tf.export.loaded_bundle import LoadedBundle
from tests.towers.checkpoints.small_checkpoints import FOLDER


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["siglip", "open_clip_siglip2"])
def test_a_siglip_folder_becomes_a_bundle_that_searches(
    kind: str, tmp_path, small_chain
) -> None:
    changes = (*small_chain, f"towers.preset={FOLDER / kind}", "towers.image_size=0")
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
    assert config["towers"]["preset"] == str(FOLDER / kind)
