"""The only door to legacy Keras: TF-Ranking and KerasCV, both on `tf_keras`.

TF-Ranking 0.5.5 needs `TF_USE_LEGACY_KERAS=1` before TensorFlow is imported, and
the estimator names that TensorFlow dropped in 2.16. KerasCV 0.9 follows
`tf.keras`, so the same flag puts it on `tf_keras`. KerasHub uses Keras 3 and is
not affected: both live in one process.

Nothing else in the project imports `tf_keras`, `tensorflow_ranking` or
`keras_cv`; `tests/test_legacy.py` holds it to that.
"""

import contextlib
import importlib
import os
import sys
import types

_FLAG = "TF_USE_LEGACY_KERAS"
os.environ[_FLAG] = "1"


def _refuse_if_too_late() -> None:
    """TensorFlow reads the flag once; after that tf.keras is Keras 3 for good."""
    if "_tf_keras" in str(importlib.import_module("tensorflow.keras").__file__):
        raise ImportError(
            "TensorFlow was imported without legacy Keras before fitrank_tf; "
            f"import fitrank_tf before tensorflow, or set {_FLAG}=1"
        )


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


_refuse_if_too_late()
_stand_in_for_estimator()

# KerasCV announces its backend on stdout, which is for the commands' answers.
with contextlib.redirect_stdout(sys.stderr):
    import keras_cv
import tensorflow_ranking as tfr
import tf_keras

__all__ = ["keras_cv", "tf_keras", "tfr"]
