"""The only door to legacy Keras: TF-Ranking and KerasCV, both on `tf_keras`.

TF-Ranking 0.5.5 needs `tf.keras` to be `tf_keras`, which `TF_USE_LEGACY_KERAS=1` before
TensorFlow's import does, and the estimator names that TensorFlow dropped in 2.16. KerasCV
0.9 follows `tf.keras`, so the same flag puts it on `tf_keras`. KerasHub uses Keras 3 and is
not affected: both live in one process.

`keras_cv`, `tf_keras` and `tfr` (TF-Ranking) are imported when they are first asked for.
Nothing else in the project imports them; `tests/test_legacy.py` holds it to that.
"""

import contextlib
import importlib
import io
import logging
import os
import sys
import types
from typing import TYPE_CHECKING, Any

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.tensorflow_setup import LEGACY_KERAS

if TYPE_CHECKING:
    import keras_cv
    import tensorflow_ranking as tfr
    import tf_keras

__all__ = ["keras_cv", "tf_keras", "tfr"]

_PACKAGES = {
    "keras_cv": "keras_cv",
    "tf_keras": "tf_keras",
    "tfr": "tensorflow_ranking",
}
# Without its dependencies, of which it declares tensorflow<2.16; the others are there.
_INSTALL_RANKING = "pip install --no-deps tensorflow-ranking==0.5.5"

logger = logging.getLogger(__name__)


def __getattr__(name: str) -> Any:
    if name not in _PACKAGES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    _put_tf_keras_on_legacy_keras()
    _stand_in_for_estimator()
    try:
        # KerasCV announces its backend on stdout, which is for the commands' answers.
        with contextlib.redirect_stdout(io.StringIO()):
            module = importlib.import_module(_PACKAGES[name])
    except ModuleNotFoundError as error:
        if error.name != "tensorflow_ranking":
            raise
        raise FitRankError(
            f"TF-Ranking is not installed; `{_INSTALL_RANKING}` (it declares "
            "tensorflow<2.16, so no resolver takes it as a dependency)"
        ) from None
    globals()[name] = module
    return module


def _put_tf_keras_on_legacy_keras() -> None:
    """By the flag, or by hand where TensorFlow was imported without it."""
    os.environ[LEGACY_KERAS] = "1"
    tensorflow = importlib.import_module("tensorflow")
    legacy = importlib.import_module("tf_keras.api._v2.keras")
    if importlib.import_module("tensorflow.keras").Model is legacy.Model:
        return
    logger.warning(
        "TensorFlow was imported without %s=1: from now on `tf.keras` is Keras 2 in this "
        "process, as TF-Ranking and KerasCV need it; `import keras` stays Keras 3",
        LEGACY_KERAS,
    )
    for old in [module for module in sys.modules if _is_tf_keras(module)]:
        del sys.modules[old]
    # The first folder that has a `keras` gives `tensorflow.keras`.
    tensorflow.__path__.insert(0, legacy.__path__[0].removesuffix("/keras"))
    tensorflow.keras = legacy  # type: ignore[attr-defined]
    tensorflow.compat.v2.keras = legacy


def _is_tf_keras(module: str) -> bool:
    return f"{module}.".startswith("tensorflow.keras.")


def _stand_in_for_estimator() -> None:
    """Gives TF-Ranking the `tf.estimator` names that it imports and we never use."""

    class Estimator(types.ModuleType):
        class ModeKeys:
            TRAIN = "train"
            EVAL = "eval"
            PREDICT = "infer"

    estimator = Estimator("tensorflow.estimator")
    sys.modules.setdefault("tensorflow.estimator", estimator)
    sys.modules.setdefault("tensorflow.compat.v1.estimator", estimator)
