"""Base class of served modules: their named signatures, and how they are saved."""

import abc
import contextlib
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.files import folder_written_aside
from fitrank_tf.export.warmup import EXTRA_DIR, write_warmup

DEFAULT_SIGNATURE = "serving_default"
# With filters. A separate signature: a default for an absent input would have a
# batch of its own, which TF-Serving's batching refuses.
FILTERED_SIGNATURE = "filtered"
# With the contributions to the scores.
EXPLAINED_SIGNATURE = "explained"
# For a search, which stores its products' projected features instead of the features.
KEPT_SIGNATURE, KEPT_EXPLAINED_SIGNATURE = "kept", "kept_explained"
# With what products' titles say.
TITLED_SIGNATURE = "titled"
# The facet values that texts name, without an embedding.
READING_SIGNATURE = "reading"
# What a query was read as, in words.
UNDERSTOOD_SIGNATURE = "understood"
# Ranks candidates whose data the request carries.
RERANK_SIGNATURE, RERANK_EXPLAINED_SIGNATURE = "rerank", "rerank_explained"
# Projects products' features to those that a search stores.
PROJECTION_SIGNATURE = "feature_projection"


class ServedModule(tf.Module, abc.ABC):
    """A module that is served: weights, tables and named signatures, no training code."""

    @abc.abstractmethod
    def signatures(self) -> Mapping[str, tf.types.experimental.PolymorphicFunction]:
        """{signature name: tf.function with named, shaped inputs and a dict of outputs}.

        Every input and output has the batch as dimension 0, as TF-Serving's
        batching needs.
        """

    def examples(self) -> Mapping[str, bytes]:
        """{name of a string input: a value} to warm up with, "" where there is none."""
        return {}

    def extra_files(self) -> Mapping[str, bytes]:
        """{name: contents} of what is kept beside the model, in `assets.extra`."""
        return {}

    def save_options(self) -> tf.saved_model.SaveOptions | None:
        """Options for saving, beyond the defaults."""
        return None


def served_function(
    specs: Sequence[tf.TensorSpec],
) -> Callable[[Callable[..., Any]], tf.types.experimental.PolymorphicFunction]:
    """Makes a signature's function of a Python function of tensors with these specs.

    Without AutoGraph, for served graphs branch by `tf.cond` alone: its reading of the
    source takes longer than the tracing.
    """
    return tf.function(input_signature=list(specs), autograph=False)


def save_served(module: ServedModule, model_dir: Path, version: int) -> Path:
    """Writes `model_dir/<version>/`, the layout that TF-Serving loads, warm-up included.

    It is written aside, under a name that servers skip, and renamed when it is whole.

    Raises:
        FitRankError: if the version exists, or the saved model refuses its own examples.
    """
    target = model_dir / str(version)
    with _new_version(target) as unfinished:
        tf.saved_model.save(
            module,
            str(unfinished),
            signatures=dict(module.signatures()),
            options=module.save_options(),
        )
        write_warmup(unfinished, module.examples())
        for name, content in module.extra_files().items():
            (unfinished / EXTRA_DIR / name).write_bytes(content)
    return target


def copy_version(source: Path, target: Path) -> None:
    """Copies a version atomically.

    Raises:
        FitRankError: if the version exists.
    """
    with _new_version(target) as unfinished:
        shutil.copytree(source, unfinished, dirs_exist_ok=True)


@contextlib.contextmanager
def _new_version(target: Path) -> Iterator[Path]:
    if target.exists():
        raise FitRankError(f"{target} exists: a version is never overwritten")
    with folder_written_aside(target) as unfinished:
        yield unfinished
