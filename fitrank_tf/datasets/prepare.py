"""Prepares a catalogue with TFDS in its own folder, once and atomically."""

import contextlib
import io
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import tensorflow_datasets as tfds

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.files import CACHE_VARIABLE, locked

logger = logging.getLogger(__name__)


def prepare(
    make_builder: Callable[[str], tfds.core.DatasetBuilder], folder: Path
) -> tfds.core.DatasetBuilder:
    """The builder of `folder`, which is prepared first unless it is already.

    TFDS writes to a temporary folder and renames it, so a folder of the final name is
    complete. The remains of killed runs are removed here. A second process that needs the
    same catalogue waits for the first.

    Args:
        make_builder: takes a `data_dir` and returns a builder.
        folder: the folder of this catalogue alone.

    Raises:
        FitRankError: if the folder cannot be made, or no product is usable.
    """
    with _locked(folder):
        builder = make_builder(str(folder))
        if builder.data_path.exists():
            logger.info("reusing the prepared catalogue in %s", folder)
            return builder
        logger.info("preparing the catalogue in %s", folder)
        shutil.rmtree(folder, ignore_errors=True)
        try:
            _write(builder)
        except BaseException:  # interrupts as well must leave nothing incomplete
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return builder


def _write(builder: tfds.core.DatasetBuilder) -> None:
    # TFDS prints "Downloading ..." to stdout, which belongs to the commands' results;
    # nothing is downloaded here. The builders show their progress themselves: TFDS draws
    # one bar over another.
    tfds.disable_progress_bar()
    with contextlib.redirect_stdout(io.StringIO()):
        builder.download_and_prepare(
            download_config=tfds.download.DownloadConfig(try_download_gcs=False)
        )


def _locked(folder: Path) -> BinaryIO:
    """Locks `<folder>.lock`, a file beside the folder, which can so be removed."""
    lock = folder.with_name(folder.name + ".lock")
    try:
        return locked(lock)
    except OSError as error:
        raise FitRankError(
            f"{lock.parent}: cannot be written ({error.strerror}); "
            f"set {CACHE_VARIABLE} to a folder that can"
        ) from error
