"""Legacy Keras has one door: fitrank_tf/_legacy/__init__.py."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fitrank_tf import _legacy
from fitrank_tf.core.errors import FitRankError

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
    loss = _legacy.tfr.keras.losses.SoftmaxLoss()
    scores = np.array([[1.0, 2.0, 0.5]], np.float32)
    labels = np.array([[0.0, 1.0, 0.0]], np.float32)
    expected = -(2.0 - np.log(np.exp(scores).sum()))
    assert float(loss(labels, scores)) == pytest.approx(expected, rel=1e-5)


_LATE = """
import tensorflow as tf
tf.keras.layers.Dense(1)
from fitrank_tf._legacy import keras_cv, tf_keras, tfr
from tensorflow.keras import layers
import keras

assert keras.__version__.startswith("3.")
assert tf.keras.Model is tf_keras.Model and layers.Layer is tf_keras.layers.Layer
assert issubclass(keras_cv.models.YOLOV8Detector, tf_keras.Model)
print(float(tfr.keras.losses.SoftmaxLoss()([[0.0, 1.0, 0.0]], [[1.0, 2.0, 0.5]])))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flag", "warnings"), [("", 1), ("1", 0)], ids=["without the flag", "with it"]
)
def test_tensorflow_may_be_imported_before(flag: str, warnings: int) -> None:
    """Where the flag came too late, `tf.keras` is changed by hand, with a warning."""
    done = subprocess.run(
        [sys.executable, "-c", _LATE],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        env={**os.environ, FLAG: flag},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    expected = -(2.0 - np.log(np.exp([1.0, 2.0, 0.5]).sum()))
    assert float(done.stdout) == pytest.approx(expected, rel=1e-5)
    assert done.stderr.count("from now on `tf.keras` is Keras 2") == warnings


def test_without_tf_ranking_the_command_that_installs_it_is_named(monkeypatch) -> None:
    monkeypatch.delitem(vars(_legacy), "tfr", raising=False)
    monkeypatch.setitem(sys.modules, "tensorflow_ranking", None)
    with pytest.raises(FitRankError, match="pip install --no-deps tensorflow-ranking=="):
        _ = _legacy.tfr


def test_other_names_are_not_there() -> None:
    with pytest.raises(AttributeError, match="'numpy'"):
        _ = _legacy.numpy
