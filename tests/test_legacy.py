"""Legacy Keras has one door: fitrank_tf/_legacy/__init__.py."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from fitrank_tf import _legacy

REPOSITORY = Path(__file__).resolve().parent.parent
LEGACY = {"tf_keras", "keras_cv", "tensorflow_ranking", "keras_core"}
FLAG = "TF_USE_LEGACY_KERAS"


def _sources() -> list[Path]:
    folders = ("fitrank_tf", "pipelines", "serving", "benchmarks")
    files = [path for folder in folders for path in (REPOSITORY / folder).rglob("*.py")]
    return [path for path in files if path.parent.name != "_legacy"]


def legacy_uses(source: str) -> list[str]:
    """Imports of legacy packages and uses of `tf.keras` in Python source."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Attribute) and node.attr == "keras":
            names = ["tensorflow.keras"] if ast.unparse(node.value) == "tf" else []
        else:
            continue
        found += [
            name
            for name in names
            if name.split(".")[0] in LEGACY or name.startswith("tensorflow.keras")
        ]
    return found


@pytest.mark.parametrize(
    ("source", "caught"),
    [
        ("import tf_keras", True),
        ("from tensorflow_ranking.keras import losses", True),
        ("import keras_cv.models as m", True),
        ("from tensorflow import keras", True),
        ("import tensorflow as tf\ntf.keras.layers.Dense(1)", True),
        ("from fitrank_tf._legacy import tf_keras", False),
        ("import keras\nkeras.layers.Dense(1)", False),
    ],
)
def test_the_check_catches_what_it_should(source: str, caught: bool) -> None:
    assert bool(legacy_uses(source)) == caught


@pytest.mark.parametrize("path", _sources(), ids=lambda p: str(p.relative_to(REPOSITORY)))
def test_nothing_else_touches_legacy_keras(path: Path) -> None:
    assert legacy_uses(path.read_text(encoding="utf-8")) == []


def test_both_kerases_live_in_one_process() -> None:
    import keras

    assert keras.__version__.startswith("3.")
    assert _legacy.tf_keras.__version__.startswith("2.")
    old = _legacy.tf_keras.layers.Dense(1)
    assert isinstance(old, _legacy.tf_keras.layers.Layer)
    assert not isinstance(old, keras.layers.Layer)
    assert _legacy.keras_cv.models.YOLOV8Detector.__mro__[-1] is object
    assert issubclass(_legacy.keras_cv.models.YOLOV8Detector, _legacy.tf_keras.Model)


def test_tf_ranking_losses_work() -> None:
    import numpy as np

    loss = _legacy.tfr.keras.losses.SoftmaxLoss()
    scores = np.array([[1.0, 2.0, 0.5]], np.float32)
    labels = np.array([[0.0, 1.0, 0.0]], np.float32)
    expected = -(2.0 - np.log(np.exp(scores).sum()))
    assert float(loss(labels, scores)) == pytest.approx(expected, rel=1e-5)


def test_importing_too_late_is_refused() -> None:
    program = (
        "import tensorflow\n"
        "try:\n    import fitrank_tf._legacy\n"
        "except ImportError as error:\n    print(error)\n"
    )
    import os

    environment = {k: v for k, v in os.environ.items() if k != FLAG}
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        env=environment,
        check=False,
    )
    assert FLAG in done.stdout
