"""Photos of TFDS's own `coco_captions`, which a person may have prepared.

Its files are read from front to back, which is the only way that is fast.
"""

import functools
import logging
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf
import tensorflow_datasets as tfds
from tensorflow_datasets.core import constants

from fitrank_tf.core.errors import FitRankError, first_line
from fitrank_tf.datasets.iteration import without_autotune
from fitrank_tf.datasets.tables import Blob

logger = logging.getLogger(__name__)

_NAME = "coco_captions"
_FILE_NAME, _IMAGE = "image/filename", "image"
# Photos that are kept because others behind them were asked for first. A builder reads 64
# products ahead.
_MOST_KEPT = 128


class PreparedPhotos:
    """The photos of a prepared builder.

    Args:
        builder: a builder whose Items have `image` and `image/filename`.
    """

    def __init__(self, builder: tfds.core.DatasetBuilder):
        self._builder = builder

    def photos(self, wanted: Mapping[str, str]) -> dict[str, Blob]:
        """{file name: photo} of the wanted photos that are there, in stored order.

        All files are read for the names.

        Args:
            wanted: {file name: group}. The photos of a group are read one after the other,
                and several groups side by side.

        Raises:
            FitRankError: if a file is damaged.
        """
        photos: dict[str, Blob] = {}
        for split in self._builder.info.splits:
            readers = {
                group: PhotoReader(self._builder, split) for group in {*wanted.values()}
            }
            for position, name in enumerate(self._names(split)):
                if name in wanted:
                    read = readers[wanted[name]].read
                    photos[name] = Blob(name, functools.partial(read, position))
        return photos

    def _names(self, split: str) -> Iterator[str]:
        try:
            for item in _stored(self._builder, split, _FILE_NAME):
                yield item[_FILE_NAME].decode("utf-8", "replace")
        except tf.errors.OpError as error:
            raise FitRankError(
                f"{self._builder.data_dir}: split {split} cannot be read "
                f"({first_line(error)}); prepare {_NAME} again, or unpack the photos"
            ) from error

    def stamps(self) -> list[tuple[str, str]]:
        """(name, size) of the builder's files."""
        files = sorted(Path(self._builder.data_dir).iterdir())
        return [(f"{_NAME}/{path.name}", str(path.stat().st_size)) for path in files]


class PhotoReader:
    """Reads photos of a split by their positions, from any thread.

    It goes on from photo to photo while they are asked for nearly in stored order, and
    begins anew at a photo that is far away.
    """

    def __init__(self, builder: tfds.core.DatasetBuilder, split: str):
        self._builder, self._split = builder, split
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, bytes] = OrderedDict()
        self._close()

    def read(self, position: int) -> bytes:
        """The bytes of the photo at a position.

        Raises:
            OSError: if it cannot be read.
        """
        with self._lock:
            try:
                return self._read(position)
            except (tf.errors.OpError, StopIteration) as error:
                self._close()
                raise OSError(f"{self._split}, photo {position}: {error}") from error

    def _close(self) -> None:
        self._stream: Iterator[Any] = iter(())
        self._next = -_MOST_KEPT

    def _read(self, position: int) -> bytes:
        if position in self._kept:
            return self._kept.pop(position)
        if not 0 <= position - self._next < _MOST_KEPT:
            # Threads that wait may ask for photos shortly before.
            self._next = max(0, position - _MOST_KEPT // 2)
            rest = f"{self._split}[{self._next}:]"
            self._stream = _stored(self._builder, rest, _IMAGE)
        while self._next <= position:
            self._kept[self._next] = next(self._stream)[_IMAGE]
            self._next += 1
            if len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return self._kept.pop(position)


def find_prepared(manual_dir: str) -> PreparedPhotos | None:
    """The photos of `coco_captions` in TFDS's folder or another; None if it is not there.

    Args:
        manual_dir: the folder in which it is looked for last.
    """
    folders = (constants.get_default_data_dir(), "~/tensorflow_datasets", manual_dir)
    for folder in folders:
        # <configuration>/<version>; an incomplete one is what a killed run left.
        found = (Path(folder).expanduser() / _NAME).glob("*/[0-9]*/dataset_info.json")
        for info in sorted(found, reverse=True):
            logger.info("photos of %s", info.parent)
            return PreparedPhotos(tfds.builder_from_directory(str(info.parent)))
    return None


def _stored(builder: tfds.core.DatasetBuilder, split: str, field: str) -> Iterator[Any]:
    """One field of the Items of a split in stored order, photos as bytes."""
    images = {_IMAGE: tfds.decode.SkipDecoding()} if field == _IMAGE else None
    items = builder.as_dataset(
        split=split,
        decoders=tfds.decode.PartialDecoding({field: True}, decoders=images),
        # TFDS would cache what is small on disk in memory.
        read_config=tfds.ReadConfig(try_autocache=False, interleave_cycle_length=1),
        shuffle_files=False,
    )
    return without_autotune(items).as_numpy_iterator()
