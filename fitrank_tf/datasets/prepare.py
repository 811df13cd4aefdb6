"""Prepares a catalogue with TFDS in a folder of its own, once, whole or not at all."""

import contextlib
import fcntl
import io
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import tensorflow_datasets as tfds

from fitrank_tf.core.errors import FitRankError

logger = logging.getLogger(__name__)

CACHE_VARIABLE = "FITRANK_CACHE"


def cache_dir() -> Path:
    """`$FITRANK_CACHE`, or `~/.cache/fitrank_tf`."""
    return Path(os.environ.get(CACHE_VARIABLE) or "~/.cache/fitrank_tf").expanduser()


def prepare(
    make_builder: Callable[[str], tfds.core.DatasetBuilder], folder: Path
) -> tfds.core.DatasetBuilder:
    """The builder in `folder`, prepared there unless it is already.

    TFDS writes to a temporary folder and renames it, so what bears the final name
    is whole. What a killed run left behind is removed here. A second process that
    wants the same catalogue waits for the first.

    Args:
        make_builder: takes the `data_dir` of a builder and returns the builder.
        folder: holds this catalogue and nothing else.

    Raises:
        FitRankError: if the folder cannot be made, or the builder finds no product.
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
        except BaseException:  # an interrupt too must leave nothing half written
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


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Holds `<folder>.lock`, beside the folder so that the folder can be removed."""
    lock = folder.with_name(folder.name + ".lock")
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        file = lock.open("w")
    except OSError as error:
        raise FitRankError(
            f"{lock.parent}: cannot be written ({error.strerror}); "
            f"set {CACHE_VARIABLE} to a folder that can"
        ) from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
