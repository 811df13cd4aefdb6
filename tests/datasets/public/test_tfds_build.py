"""`tfds build` on the dummy data of each public data set, as a person calls it."""

import subprocess
import sys
from pathlib import Path

import pytest

from fitrank_tf.datasets.public import PUBLIC, TEXT_ONLY

DATASETS = Path(__file__).parents[3] / "fitrank_tf" / "datasets"


@pytest.mark.slow
@pytest.mark.parametrize("name", [*PUBLIC, *TEXT_ONLY])
def test_tfds_builds_it(tmp_path: Path, name: str) -> None:
    dataset, _, config = name.partition("/")
    folder = DATASETS / dataset
    options = ["--manual_dir", str(folder / "dummy_data"), "--data_dir", str(tmp_path)]
    build = subprocess.run(
        [Path(sys.executable).with_name("tfds"), "build", str(folder), *options]
        + (["--config", config] if config else []),
        capture_output=True,
        text=True,
    )
    assert build.returncode == 0, build.stderr
    written = tmp_path / dataset / config
    assert list(written.glob("*/dataset_info.json")), list(written.rglob("*"))
