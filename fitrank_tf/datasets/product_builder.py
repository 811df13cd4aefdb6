"""The base class of the TFDS builders of real catalogues.

Products whose photos or row cannot be used are left out and counted by reason. The counts
are stored in the prepared dataset's metadata, so that they are also available when the
dataset is reused.
"""

import collections
import dataclasses
import itertools
import logging
import operator
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import tensorflow_datasets as tfds

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.photos.clean import (
    UnreadablePhoto,
    clean_photo,
    photo_orientation,
    photo_size,
)
from fitrank_tf.core.photos.folder import CORRUPT_ENTRY
from fitrank_tf.core.photos.names import MISSING_IMAGE
from fitrank_tf.core.progress import tracked
from fitrank_tf.datasets.item import item_features
from fitrank_tf.datasets.product_source import (
    LabelledBox,
    PixelBox,
    ProductRow,
    ProductSource,
)
from fitrank_tf.datasets.splits import SPLITS, split_of
from fitrank_tf.datasets.tables import Blob
from fitrank_tf.datasets.tables.cells import without_lone_surrogates

logger = logging.getLogger(__name__)

EMPTY_ID = "empty id"
DUPLICATE_ID = "duplicate id"
TURNED_PHOTO = "of a photo that its EXIF data turns"
NOT_IN_PHOTO = "outside the photo, or of photos of another size"

_SKIPPED = "skipped"
# Photos of products that are kept, because another of their photos can be used.
_PASSED_OVER, _FURTHER = "photos_passed_over", "further_photos"
_BOXES_LEFT_OUT = "boxes_left_out"
_NUM_NAMED_IDS = 5
# Fields of a row that are written or logged.
_WITH_TEXTS = ("id", "text", "problem", "attributes", "more")

# Products whose photos are read ahead. The threads wait for disks and hosts most of the
# time, and Pillow decodes beside Python.
_AHEAD = 64
_READERS = min(16, 4 * (os.cpu_count() or 1))


class ReadPhoto(NamedTuple):
    """What was read of a row.

    Attributes:
        image: an encoded JPEG or PNG as the catalogue keeps it; None if there is none.
        reasons: why each photo before it cannot be used.
        objects: the row's boxes that can be used.
        boxes_left_out: why others cannot; "" without any.
        more: the row's further values, as they are in this photo.
    """

    image: bytes | None
    reasons: list[str]
    objects: Sequence[LabelledBox] = ()
    boxes_left_out: str = ""
    more: Mapping[str, Any] = {}


class ProductBuilder(
    tfds.core.GeneratorBasedBuilder,
    skip_registration=True,  # type: ignore[call-arg]  # TFDS has no types
):
    """Writes the products of a `ProductSource` as Items, split by `splits.split_of`."""

    VERSION = tfds.core.Version("1.0.0")
    DESCRIPTION = ""

    def __init__(self, source: ProductSource, data_dir: str | None = None, **kwargs: Any):
        """
        Args:
            source: an opened source.
            data_dir: folder in which TFDS stores this catalogue. TFDS recognises a prepared
                dataset by its name alone, so every catalogue needs its own folder, which
                `catalogue.open_catalogue` provides.
            **kwargs: passed on to TFDS.
        """
        self._source = source
        super().__init__(data_dir=data_dir, **kwargs)

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description=self.DESCRIPTION,
            features=item_features(
                self._source.declaration.names, self._source.more_features
            ),
            metadata=self._counters(),
        )

    def _counters(self) -> tfds.core.MetadataDict:
        """What is stored of products and photos that are left out."""
        reasons: dict[str, Any] = {_SKIPPED: {}, _PASSED_OVER: {}, _BOXES_LEFT_OUT: {}}
        return tfds.core.MetadataDict({**reasons, _FURTHER: 0})

    def _split_generators(
        self, dl_manager: tfds.download.DownloadManager
    ) -> dict[str, Iterator[tuple[str, dict[str, Any]]]]:
        del dl_manager  # nothing is downloaded
        rows = self._rows_by_split()
        generators: dict[str, Iterator[tuple[str, dict[str, Any]]]] = {}
        for split in SPLITS:
            # TFDS cannot write a split without examples, so a split is passed on only if a
            # first product of it can be read.
            examples = self._generate_examples(rows[split])
            first = next(examples, None)
            if first is not None:
                generators[split] = tracked(
                    itertools.chain([first], examples),
                    f"preparing {split}",
                    "products",
                    len(rows[split]),
                )
        if not generators:
            raise FitRankError(
                f"{self._source.where}: no product can be used "
                f"({_counts(skipped_products(self)) or 'the table has no rows'}); "
                "check the table and its images"
            )
        return generators

    def _generate_examples(
        self, rows: Sequence[ProductRow]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        for row, read in self._read_ahead(rows):
            if read.image is None:
                self._skip(row, read.reasons[0])
                continue
            for reason in read.reasons:
                self._count(_PASSED_OVER, row, reason)
            self.info.metadata[_FURTHER] += len(row.photos) - len(read.reasons) - 1
            if read.boxes_left_out:
                self._count(_BOXES_LEFT_OUT, row, read.boxes_left_out)
            item = {
                "id": row.id,
                "image": read.image,
                "text": row.text,
                "objects": list(map(_object, read.objects)),
                **read.more,
            }
            attributes = self._source.declaration.cells(row.attributes)
            yield row.id, {**item, **({"attributes": attributes} if attributes else {})}

    def _read_ahead(
        self, rows: Sequence[ProductRow]
    ) -> Iterator[tuple[ProductRow, ReadPhoto]]:
        """The rows in order, each with what `first_usable_photo` returns for it."""
        waiting: collections.deque[tuple[ProductRow, Future[ReadPhoto]]]
        waiting = collections.deque()
        remaining = iter(rows)
        with ThreadPoolExecutor(_READERS) as readers:
            try:
                while True:
                    for row in itertools.islice(remaining, _AHEAD - len(waiting)):
                        read = readers.submit(first_usable_photo, self._source, row)
                        waiting.append((row, read))
                    if not waiting:
                        return
                    row, read = waiting.popleft()
                    yield row, read.result()
            finally:
                readers.shutdown(cancel_futures=True)

    def _rows_by_split(self) -> dict[str, list[ProductRow]]:
        rows: dict[str, list[ProductRow]] = {split: [] for split in SPLITS}
        for row, problem in checked_rows(self._source):
            if problem:
                self._skip(row, problem)
            else:
                rows[row.split or split_of(row.id, row.text)].append(row)
        return rows

    def _skip(self, row: ProductRow, reason: str) -> None:
        self._count(_SKIPPED, row, reason)

    def _count(self, what: str, row: ProductRow, reason: str) -> None:
        entry = self.info.metadata[what].setdefault(reason, {"count": 0, "ids": []})
        entry["count"] += 1
        if len(entry["ids"]) < _NUM_NAMED_IDS:
            where = [row.id, f"in line {row.line}" if row.line else ""]
            entry["ids"].append(" ".join(filter(None, where)))


def _object(box: LabelledBox) -> dict[str, Any]:
    corners = (box.ymin, box.xmin, box.ymax, box.xmax)
    return {"bbox": tfds.features.BBox(*corners), "label": box.label}


def checked_rows(source: ProductSource) -> Iterator[tuple[ProductRow, str]]:
    """(row, why it cannot be used) of all rows of a source; "" for a good row.

    Photos are not read. Of rows with one id the first good one is used.

    Args:
        source: an opened source.
    """
    seen: set[str] = set()
    for row in map(_writable, source.rows()):
        problem = row.problem
        if not problem and not row.id.strip():
            problem = EMPTY_ID
        if not problem and row.id in seen:
            problem = DUPLICATE_ID
        if not problem:
            seen.add(row.id)
        yield row, problem


def _writable(row: ProductRow) -> ProductRow:
    """A row whose texts can be written and logged; the names of its photos stay."""
    texts = {name: getattr(row, name) for name in _WITH_TEXTS}
    changed = {
        name: writable
        for name, value in texts.items()
        if (writable := _writable_texts(value)) is not value
    }
    return dataclasses.replace(row, **changed) if changed else row


def _writable_texts(value: Any) -> Any:
    """A value without lone surrogates in its texts; itself if it has none."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return without_lone_surrogates(value)
        return value
    if isinstance(value, Mapping):
        texts = dict(zip(value, _writable_texts(list(value.values()))))
        return texts if any(texts[name] is not value[name] for name in value) else value
    if type(value) in (list, tuple):
        each = list(map(_writable_texts, value))
        is_same = all(map(operator.is_, each, value))
        return value if is_same else type(value)(each)
    return value


def first_usable_photo(source: ProductSource, row: ProductRow) -> ReadPhoto:
    """Reads the photos of a row until one can be used.

    Args:
        source: the source of the row.
        row: a row without a problem.

    Returns:
        A photo, or at least one reason.
    """
    reasons: list[str] = []
    for photo in row.photos:
        try:
            data = _bytes_of(source, photo)
            clean, more = clean_photo(data), source.more_in(row, data)
            return ReadPhoto(clean, reasons, *_boxes_in(row, data), more)
        except UnreadablePhoto as error:
            reasons.append(str(error))
    return ReadPhoto(None, reasons or [MISSING_IMAGE])


def _boxes_in(row: ProductRow, photo: bytes) -> tuple[list[LabelledBox], str]:
    """(the row's boxes in shares of its photo, why others are left out or "").

    Size and orientation of the photo are read from the file's header.
    """
    if row.objects and photo_orientation(photo) != 1:
        # The tools that boxes were drawn with do not agree on whether they turn photos.
        return [], TURNED_PHOTO
    found = (
        box.in_photo(photo_size(photo)) if isinstance(box, PixelBox) else box
        for box in row.objects
    )
    boxes = [box for box in found if box is not None]
    return boxes, NOT_IN_PHOTO if len(boxes) < len(row.objects) else ""


def _bytes_of(source: ProductSource, photo: str | Blob) -> bytes:
    if not isinstance(photo, Blob):
        return source.read_photo(photo)
    try:
        return photo.read()
    except OSError as error:
        raise UnreadablePhoto(CORRUPT_ENTRY) from error


def usable_photo(source: ProductSource, row: ProductRow) -> bytes:
    """The photo of a row as the catalogue keeps it, an encoded JPEG or PNG.

    Args:
        source: the source of the row.
        row: a row without a problem.

    Raises:
        UnreadablePhoto: if it has none that can be used; the message is the reason.
    """
    read = first_usable_photo(source, row)
    if read.image is None:
        raise UnreadablePhoto(read.reasons[0])
    return read.image


def skipped_products(builder: tfds.core.DatasetBuilder) -> dict[str, int]:
    """{reason: number of products left out} of a prepared dataset."""
    return _numbers(builder, _SKIPPED)


def passed_over_photos(builder: tfds.core.DatasetBuilder) -> dict[str, int]:
    """{reason: number of photos} that cannot be used, of products with others that can."""
    return _numbers(builder, _PASSED_OVER)


def report_skipped(builder: tfds.core.DatasetBuilder) -> None:
    """Logs a warning for each reason, with the count, the first ids and their lines."""
    for what, text in (
        (_SKIPPED, "products left out"),
        (_PASSED_OVER, "photos passed over for others of their products"),
        (_BOXES_LEFT_OUT, "photos with boxes left out"),
    ):
        for reason, entry in _entries(builder, what).items():
            ids = ", ".join(entry["ids"])
            dots = ", ..." if entry["count"] > len(entry["ids"]) else ""
            logger.warning(
                "%s: %d %s: %s (ids: %s%s)",
                builder.name,
                entry["count"],
                text,
                reason,
                ids,
                dots,
            )
    if further := (builder.info.metadata or {}).get(_FURTHER):
        logger.info(
            "%s: %d further photos are not read: a product shows its first that can be",
            builder.name,
            further,
        )


def _numbers(builder: tfds.core.DatasetBuilder, what: str) -> dict[str, int]:
    return {reason: entry["count"] for reason, entry in _entries(builder, what).items()}


def _entries(builder: tfds.core.DatasetBuilder, what: str) -> Mapping[str, dict[str, Any]]:
    return (builder.info.metadata or {}).get(what, {})


def _counts(skipped: Mapping[str, int]) -> str:
    return ", ".join(f"{reason}: {count}" for reason, count in skipped.items())
