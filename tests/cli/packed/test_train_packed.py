"""Packed here, trained on JAX without TensorFlow, and loaded here again."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fitrank_tf.cli.packed import pack, train_packed
from fitrank_tf.config import override
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.inputs.packed import PackedProducts
from fitrank_tf.recipes import load_recipe
from fitrank_tf.towers.presets import towers_from_preset
from fitrank_tf.towers.tokenise import tokenise

ROOT = Path(__file__).parents[3]
SIZES = (
    "--set=towers.image_size=32",
    "--set=towers.vision_layers=1",
    "--set=towers.vision_width=24",
    "--set=towers.text_layers=1",
    "--set=towers.text_width=24",
    "--set=base.feature_weight=0",
    "--set=base.batch_size=16",
    "--set=base.epochs=2",
    "--set=base.steps_at_once=2",
    "--set=base.mixup=0.4",
)
# Stands in for a machine without it: importing it fails.
_WITHOUT_TENSORFLOW = """
import sys
sys.modules.update(dict.fromkeys(["tensorflow", "tensorflow_text", "tensorflow_datasets"]))
from fitrank_tf.cli.packed.train_packed import main
main(sys.argv[1:])
"""


@pytest.fixture(scope="module")
def packed(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("packed")
    cache = tmp_path_factory.mktemp("tfds")
    catalogue = ("--num_items=60", f"--data_dir={cache}", f"--output_dir={folder}")
    pack.main([*catalogue, *SIZES])
    return folder


def _train_without_tensorflow(packed: Path, output: Path, *options: str) -> str:
    environment = {
        **os.environ,
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": str(ROOT),
    }
    arguments = [str(packed), *SIZES, f"--output_dir={output}", *options]
    answer = subprocess.run(
        [sys.executable, "-c", _WITHOUT_TENSORFLOW, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        cwd=output.parent,
    )
    assert answer.returncode == 0, answer.stderr[-2000:]
    return answer.stdout


@pytest.mark.slow
def test_a_teacher_and_its_student_are_trained_without_tensorflow(
    packed: Path, tmp_path: Path
) -> None:
    pytest.importorskip("jax")
    teacher, student = tmp_path / "teacher", tmp_path / "student"
    said = _train_without_tensorflow(packed, teacher)
    assert f"preset    {teacher}" in said
    _train_without_tensorflow(packed, student, f"--teachers={teacher}", "--set=seed=1")
    made = [towers_from_preset(str(folder), 24) for folder in (teacher, student)]
    products = PackedProducts.load(packed)
    titles = tokenise(made[0].tokenizer, ["red shirt", ""], 24)
    assert made[0].tokenizer.vocabulary_size() == products.vocabulary_size
    embeddings = [np.asarray(towers.encode_tokens(titles)) for towers in made]
    assert np.isfinite(embeddings).all()
    assert np.abs(embeddings[0] - embeddings[1]).max() > 0.01
    assert not list(tmp_path.glob("*.unfinished"))


def test_packed_products_are_the_training_products_of_a_run(packed: Path) -> None:
    products = PackedProducts.load(packed)
    count = len(products.photos)
    assert 40 <= count < 60
    assert len(products.table.groups) == count
    assert len(products.validation_photos) == len(products.validation_titles) > 0
    assert products.table.token_ids.max() < products.vocabulary_size
    assert products.table.features is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--set=base.feature_weight=1"], "packed without"),
        (["--set=base.accumulation=2", "--set=base.mixup=0"], "in whole batches"),
        (["--teachers=no/such"], "no/such.* cannot be loaded"),
        (["--set=towers.preset=saved_models/fitrank_tiny"], "vocabulary"),
    ],
)
def test_mismatches_are_named(
    packed: Path, tmp_path: Path, monkeypatch, options: list[str], message: str
) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(FitRankError, match=message):
        train_packed.main([str(packed), *SIZES, f"--output_dir={tmp_path / 'o'}", *options])
    assert not (tmp_path / "o").exists()


def test_another_training_does_not_resume_this_ones_state(
    packed: Path, tmp_path: Path
) -> None:
    config = load_recipe("fitrank_tiny", "")
    other = override(config, ["base.learning_rate=1e-4"])
    places = [
        train_packed.backup_folder(tmp_path / "out", *made_of)
        for made_of in (
            (config, [packed]),
            (config, [packed]),
            (other, [packed]),
            (config, [packed, packed]),
        )
    ]
    assert places[0] == places[1]
    assert len(set(places)) == 3
    assert all(place.name.endswith(".unfinished") for place in places)


@pytest.mark.parametrize("quality", [0, 101])
def test_an_invalid_quality_is_refused(tmp_path: Path, quality: int) -> None:
    with pytest.raises(FitRankError, match=f"--quality {quality}"):
        pack.main([f"--output_dir={tmp_path / 'p'}", f"--quality={quality}"])
