"""Opens any catalogue by the name of its dataset, and reads its Items."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from fitrank_tf.core.code import code_fingerprint
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.files import cache_dir
from fitrank_tf.datasets.attributes import Attribute, Declaration
from fitrank_tf.datasets.csv_catalogue import CsvCatalogue, CsvCatalogueOptions, CsvSource
from fitrank_tf.datasets.fashion_product_images import FashionProductImages, open_archive
from fitrank_tf.datasets.item import OBJECT_CLASSES, item_features
from fitrank_tf.datasets.iteration import chosen_rows, without_autotune
from fitrank_tf.datasets.modanet import ModaNet, ModaNetSource
from fitrank_tf.datasets.photo_folder import PhotoFolder, PhotoFolderSource
from fitrank_tf.datasets.prepare import prepare
from fitrank_tf.datasets.product_builder import (
    ProductBuilder,
    report_skipped,
    skipped_products,
)
from fitrank_tf.datasets.product_source import ProductSource, content_fingerprint
from fitrank_tf.datasets.public import PUBLIC, TEXT_ONLY, OpenPublic
from fitrank_tf.datasets.splits import ALL, SPLITS, TRAIN

_RECORDS_BATCH = 1024
# TFDS decoders that leave photos as JPEG or PNG bytes.
ENCODED = {"image": tfds.decode.SkipDecoding()}
_FINGERPRINT_CHARS = 16


@dataclasses.dataclass(frozen=True)
class CatalogueSource:
    """The options of the command line that name a catalogue.

    Attributes:
        dataset: one of `DATASETS`; the default needs no files.
        manual_dir: fashion_product_images, modanet and the public data sets: the folder
            that holds the archive.
        table: csv_catalogue: path of a CSV, JSON Lines, Parquet, Arrow or Excel file.
        images: csv_catalogue: the folder of photos, "" for the folder of the table;
            photo_folder: the folder of photos.
        columns: csv_catalogue: (field, column) pairs, as in `CsvCatalogueOptions`;
            with () each field is read from the column of the same name.
        attributes: csv_catalogue: (column, kind) pairs, as in `CsvCatalogueOptions`; with
            () every column that is no field is an attribute.
        encoding: csv_catalogue: as in `CsvCatalogueOptions`, and so are the next two.
        delimiter: csv_catalogue: the character between cells.
        separator: csv_catalogue: what stands between several values in a cell.
        num_items: synthetic_catalogue: number of products, above 0. `make train` takes
            three minutes with the default.
        seed: synthetic_catalogue: seed of the random products, 0 or above.

    Raises:
        FitRankError: for an unknown dataset.
    """

    dataset: str = "synthetic_catalogue"
    manual_dir: str = ""
    table: str = ""
    images: str = ""
    columns: tuple[tuple[str, str], ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()
    encoding: str = ""
    delimiter: str = ""
    separator: str = ""
    num_items: int = 2000
    seed: int = 0

    def __post_init__(self) -> None:
        if self.dataset not in DATASETS:
            raise FitRankError(
                f"--dataset {self.dataset}: unknown; choose one of {', '.join(DATASETS)}"
            )


@dataclasses.dataclass(frozen=True)
class CatalogueRecords:
    """Ids, titles and attributes of N products, in the order of `Catalogue.items`.

    Attributes:
        ids: N product ids.
        texts: N titles.
        attributes: {attribute: N texts}, for each of the declared ones; "" where the
            source has no value.
        splits: N names of splits.
        declaration: what the attributes are.
    """

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    attributes: Mapping[str, tuple[str, ...]]
    splits: tuple[str, ...]
    declaration: Declaration

    def __len__(self) -> int:
        return len(self.ids)

    def column(self, name: str) -> tuple[str, ...]:
        """The N texts of an attribute, "" for all where there is no such attribute."""
        return self.attributes.get(name, ("",) * len(self))

    @cached_property
    def facet_values(self) -> Mapping[str, tuple[tuple[str, ...], ...]]:
        """{facet: values of each of the N products}, for all facets in order."""
        return {
            facet: _values(self.declaration.attribute(facet), self.column(facet))
            for facet in self.declaration.facets
        }

    def select(self, rows: Iterable[int]) -> "CatalogueRecords":
        """The records of some rows, in the order of `rows`."""
        rows = list(rows)

        def pick(column: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(column[row] for row in rows)

        attributes = {name: pick(column) for name, column in self.attributes.items()}
        return CatalogueRecords(
            pick(self.ids),
            pick(self.texts),
            attributes,
            pick(self.splits),
            self.declaration,
        )


@dataclasses.dataclass(frozen=True)
class Catalogue:
    """A prepared catalogue. The order of its Items is the same on every reading.

    A split is one of `splits.SPLITS`, or `splits.ALL` for all of them in that order. A
    split without products is read as an empty dataset. If the training split would have
    fewer than half of the products, as of a catalogue with one title, it has all of them,
    unless the source has splits of its own.

    Attributes:
        source: the options that the catalogue was opened with.
        builder: the prepared TFDS builder.
        fingerprint: 16 hex digits that change with the source's content, the Item schema,
            the declaration of attributes or the code that reads the source.
        skipped: {reason: number of products that were left out}.
        declaration: the catalogue's attributes.
        has_splits: whether the splits are the source's own.
        has_boxes: whether Items may have `objects`.
    """

    source: CatalogueSource
    builder: tfds.core.DatasetBuilder
    fingerprint: str
    skipped: Mapping[str, int]
    declaration: Declaration
    has_splits: bool = False
    has_boxes: bool = False

    def items(self, split: str) -> tf.data.Dataset:
        """Items with the fields of `item.item_features`, `image` as uint8 [H, W, 3]."""
        return self._read(split, decoders=None)

    def encoded_items(self, split: str) -> tf.data.Dataset:
        """Items with `image` left as JPEG or PNG bytes (a string scalar)."""
        return self._read(split, decoders=ENCODED)

    def chosen_items(self, rows: Sequence[int] | np.ndarray) -> tf.data.Dataset:
        """Items of some rows of `records(ALL)`, in ascending order; decodes only these."""
        return chosen_rows(self.encoded_items(ALL), rows).map(
            _decoded, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
        )

    def evenly_spaced_items(self, count: int) -> tf.data.Dataset:
        """Items of up to `count` products, spread evenly over the catalogue."""
        total = self.num_items(ALL)
        rows = range(0, total, max(1, total // count))
        return self.chosen_items(rows[:count])

    def records(self, split: str) -> CatalogueRecords:
        """The records of a split, read without decoding its photos."""
        rows = self.encoded_items(split).map(_without_pixels).batch(_RECORDS_BATCH)
        batches = list(rows.as_numpy_iterator())
        return CatalogueRecords(
            ids=_strings([batch["id"] for batch in batches]),
            texts=_strings([batch["text"] for batch in batches]),
            attributes={
                name: _strings([batch["attributes"][name] for batch in batches])
                for name in self.declaration.names
            },
            splits=tuple(
                TRAIN if self._is_all_training else part
                for part in self._parts(split)
                for _ in range(self._count(part))
            ),
            declaration=self.declaration,
        )

    def captions(self, split: str) -> tuple[tuple[str, ...], ...]:
        """The captions of each product of a split; none where the source has none."""
        if "captions" not in self.builder.info.features:
            return ((),) * self.num_items(split)
        items = self.encoded_items(split).map(lambda item: item["captions"])
        return tuple(_strings([captions]) for captions in items.as_numpy_iterator())

    def num_items(self, split: str) -> int:
        """The number of products of a split, from the metadata."""
        return sum(map(self._count, self._parts(split)))

    def _count(self, part: str) -> int:
        return self.builder.info.splits[part].num_examples

    @property
    def _is_all_training(self) -> bool:
        counts = {part: self._count(part) for part in self.builder.info.splits}
        return not self.has_splits and 2 * counts.get(TRAIN, 0) < sum(counts.values())

    def _parts(self, split: str) -> list[str]:
        """The TFDS splits that make up `split`, in order."""
        if split not in (*SPLITS, ALL):
            raise ValueError(f"unknown split {split!r}; known: {(*SPLITS, ALL)}")
        wanted = SPLITS if split == ALL else (split,)
        if self._is_all_training:
            wanted = SPLITS if split in (ALL, TRAIN) else ()
        return [part for part in wanted if part in self.builder.info.splits]

    def _read(self, split: str, decoders: Any) -> tf.data.Dataset:
        parts = self._parts(split)
        if not parts:
            return self._read(ALL, decoders).take(0)
        datasets = [read_prepared(self.builder, part, decoders) for part in parts]
        whole = datasets[0]
        for dataset in datasets[1:]:
            whole = whole.concatenate(dataset)
        return whole


def read_prepared(
    builder: tfds.core.DatasetBuilder, split: str, decoders: Any
) -> tf.data.Dataset:
    """A split of a prepared catalogue, or rows of a split, in stored order.

    Args:
        builder: a prepared builder.
        split: a split in TFDS' notation, e.g. "train[10:20]".
        decoders: TFDS' decoders by feature; None decodes everything.

    Returns:
        Dataset of Items.
    """
    # TFDS would cache datasets that are small on disk in memory, 15 times as large.
    config = tfds.ReadConfig(try_autocache=False, interleave_cycle_length=1)
    return without_autotune(
        builder.as_dataset(
            split=split, decoders=decoders, read_config=config, shuffle_files=False
        )
    )


def open_catalogue(source: CatalogueSource, data_dir: str | None = None) -> Catalogue:
    """Opens a catalogue, and prepares it with TFDS unless that was done before.

    Args:
        source: the options that name the catalogue.
        data_dir: the folder of prepared catalogues, each of which has its own subfolder;
            by default `core.files.cache_dir()`.

    Raises:
        FitRankError: if the source is missing, cannot be read, or has no usable product.
    """
    opened = _opened(source)
    name = source.dataset.partition("/")[0]
    code = code_fingerprint([f"{__package__}.{name}"])
    parts = (source.dataset, _schema(opened), opened.content, code)
    fingerprint = content_fingerprint([part.encode() for part in parts], files=())
    fingerprint = fingerprint[:_FINGERPRINT_CHARS]
    root = Path(data_dir).expanduser() if data_dir else cache_dir()
    builder = prepare(opened.make_builder, root / f"{name}-{fingerprint}")
    report_skipped(builder)
    skipped = skipped_products(builder)
    return Catalogue(
        source,
        builder,
        fingerprint,
        skipped,
        opened.declaration,
        opened.has_splits,
        opened.has_boxes,
    )


def open_source(source: CatalogueSource) -> ProductSource:
    """Opens the rows and photos of a catalogue without preparing it.

    Args:
        source: the options that name the catalogue.

    Raises:
        FitRankError: if the source is missing or cannot be read, or is drawn.
    """
    if source.dataset not in _SOURCES:
        raise FitRankError(
            f"--dataset {source.dataset}: it is drawn, there is nothing to check; choose "
            f"one of {', '.join(_SOURCES)}"
        )
    return _SOURCES[source.dataset][0](source)


def _decoded(item: dict[str, Any]) -> dict[str, Any]:
    image = tf.io.decode_image(item["image"], channels=3, expand_animations=False)
    return {**item, "image": tf.ensure_shape(image, [None, None, 3])}


def _without_pixels(item: dict[str, Any]) -> dict[str, Any]:
    return {name: item[name] for name in ("id", "text", "attributes") if name in item}


def _values(attribute: Attribute, column: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    known = {text: attribute.values(text) for text in set(column)}
    return tuple(known[text] for text in column)


def _strings(columns: list[Any]) -> tuple[str, ...]:
    return tuple(cell.decode("utf-8") for column in columns for cell in column)


def _csv_source(source: CatalogueSource) -> CsvSource:
    options = CsvCatalogueOptions(
        source.table,
        source.images,
        source.columns,
        source.attributes,
        source.encoding,
        source.delimiter,
        source.separator,
    )
    return CsvSource(options)


def _public_source(opens: OpenPublic) -> Callable[[CatalogueSource], ProductSource]:
    return lambda source: opens(source.manual_dir)


_PUBLIC = {**PUBLIC, **TEXT_ONLY}
# {dataset: (function that opens its source, builder)}, of all that are read from files.
_SOURCES: Mapping[
    str, tuple[Callable[[CatalogueSource], ProductSource], Callable[..., ProductBuilder]]
] = {
    "csv_catalogue": (_csv_source, CsvCatalogue),
    "fashion_product_images": (
        lambda source: open_archive(source.manual_dir),
        FashionProductImages,
    ),
    "modanet": (lambda source: ModaNetSource(source.manual_dir), ModaNet),
    "photo_folder": (lambda source: PhotoFolderSource(source.images), PhotoFolder),
    **{
        name: (_public_source(opens), builder) for name, (opens, builder) in _PUBLIC.items()
    },
}
# {dataset: facets that vary beside the usual ones}, of the drawn catalogues.
_DRAWN: Mapping[str, tuple[str, ...]] = {
    "synthetic_catalogue": (),
    "synthetic_catalogue/cuts": ("length", "fit"),
}
DATASETS: tuple[str, ...] = (*_SOURCES, *_DRAWN)

# Takes a data_dir and returns the TFDS builder that reads and writes there.
_MakeBuilder = Callable[[str], tfds.core.DatasetBuilder]


class _Opened(NamedTuple):
    """An opened source: a fingerprint of its content, its builder, and what Items have."""

    content: str
    make_builder: _MakeBuilder
    declaration: Declaration
    more_features: Mapping[str, Any] = {}
    has_splits: bool = False
    has_boxes: bool = False


def _opened(source: CatalogueSource) -> _Opened:
    if source.dataset in _DRAWN:
        return _opened_drawing(source)
    files, builder = open_source(source), _SOURCES[source.dataset][1]

    def make_builder(data_dir: str) -> tfds.core.DatasetBuilder:
        return builder(files, data_dir)

    return _Opened(
        files.fingerprint(),
        make_builder,
        files.declaration,
        files.more_features,
        files.has_splits,
        files.has_boxes,
    )


def _opened_drawing(source: CatalogueSource) -> _Opened:
    # Imported here: other catalogues need none of the drawing code.
    from fitrank_tf.datasets import synthetic_catalogue

    config = synthetic_catalogue.SyntheticCatalogueConfig(
        source.num_items, source.seed, _DRAWN[source.dataset]
    )

    def make_builder(data_dir: str) -> tfds.core.DatasetBuilder:
        return synthetic_catalogue.SyntheticCatalogue(config=config, data_dir=data_dir)

    return _Opened(repr(config), make_builder, config.declaration, has_boxes=True)


def _schema(opened: _Opened) -> str:
    declaration, more = opened.declaration, opened.more_features
    return repr((declaration, OBJECT_CLASSES, item_features(declaration.names, more)))
