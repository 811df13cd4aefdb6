"""The options of commands that read a catalogue."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from fitrank_tf.core.errors import FitRankError

if TYPE_CHECKING:
    from fitrank_tf.datasets.catalogue import CatalogueSource

_TABLE, _PHOTOS, _DRAWN = "csv_catalogue", "photo_folder", "synthetic_catalogue"
# The data sets of the options that name files; the first is meant without --dataset.
_READ_BY = {"table": (_TABLE,), "images": (_PHOTOS, _TABLE)}
_WITHOUT_FOLDER = (_TABLE, _PHOTOS, _DRAWN)


def add_catalogue_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options that name a catalogue to a parser."""
    group = parser.add_argument_group("catalogue")
    group.add_argument(
        "--dataset",
        default="",
        help="what to read: csv_catalogue (the default with --table), photo_folder (with "
        "--images), fashion_product_images, modanet, synthetic_catalogue (drawn, the "
        "default without files; synthetic_catalogue/cuts draws several lengths and fits, "
        "with exact labels), or a public data set, such as deepfashion_inshop or "
        "marqo_parquet/kagl (docs/public_datasets.md)",
    )
    group.add_argument(
        "--manual_dir",
        default="",
        help="fashion_product_images: folder with Kaggle's archive; modanet and public "
        "data sets: their folder",
    )
    group.add_argument(
        "--table",
        default="",
        help="csv_catalogue: CSV, JSON Lines, Parquet, Arrow or Excel file",
    )
    group.add_argument("--images", default="", help="csv_catalogue, photo_folder: photos")
    group.add_argument(
        "--columns",
        default="",
        help="csv_catalogue: field=column pairs, e.g. id=sku,text=name,colour=shade",
    )
    group.add_argument(
        "--attributes",
        default="",
        help="csv_catalogue: the columns that are attributes, with their kind or without, "
        "e.g. material,heel_height=number,closure=decisive; '*' for all others",
    )
    group.add_argument(
        "--encoding", default="", help="csv_catalogue: the table's, if it is not found out"
    )
    group.add_argument(
        "--delimiter", default="", help="csv_catalogue: between cells, if not found out"
    )
    group.add_argument(
        "--separator",
        default="",
        help="csv_catalogue: between several values of an attribute in a cell, e.g. '|'",
    )
    group.add_argument(
        "--num_items", type=int, default=2000, help="synthetic_catalogue: size"
    )
    group.add_argument("--data_seed", type=int, default=0, help="synthetic_catalogue: seed")
    group.add_argument("--data_dir", default=None, help="where TFDS keeps prepared data")


def dataset_of(arguments: argparse.Namespace) -> str:
    """The data set of `--dataset`, or else the one that reads the files of the options.

    Raises:
        FitRankError: if an option names files that the data set does not read.
    """
    dataset = arguments.dataset
    for option, read_by in _READ_BY.items():
        if not getattr(arguments, option):
            continue
        dataset = dataset or read_by[0]
        if dataset not in read_by:
            raise FitRankError(
                f"--{option} {getattr(arguments, option)}: --dataset {dataset} does not "
                f"read it; leave --dataset out, or choose {' or '.join(read_by)}"
            )
    dataset = dataset or _DRAWN
    if arguments.manual_dir and dataset.partition("/")[0] in _WITHOUT_FOLDER:
        raise FitRankError(
            f"--manual_dir {arguments.manual_dir}: {dataset} does not read it; name the "
            "data set of this folder with --dataset"
        )
    return dataset


def catalogue_source(arguments: argparse.Namespace) -> CatalogueSource:
    """The catalogue source that the arguments name.

    Raises:
        FitRankError: as `dataset_of`, for an unknown data set, and for a malformed
            `--columns` or `--attributes`.
    """
    # Imported here: options are parsed without TensorFlow, which reads catalogues.
    from fitrank_tf.datasets.catalogue import CatalogueSource

    pairs = []
    for pair in filter(None, arguments.columns.split(",")):
        field, equals, column = pair.partition("=")
        if not equals or not field or not column:
            raise FitRankError(f"--columns {pair}: write it as field=column")
        pairs.append((field.strip(), column.strip()))
    return CatalogueSource(
        dataset=dataset_of(arguments),
        manual_dir=arguments.manual_dir,
        table=arguments.table,
        images=arguments.images,
        columns=tuple(pairs),
        attributes=_attributes(arguments.attributes),
        encoding=arguments.encoding,
        delimiter=arguments.delimiter,
        separator=arguments.separator,
        num_items=arguments.num_items,
        seed=arguments.data_seed,
    )


def _attributes(listed: str) -> tuple[tuple[str, str], ...]:
    """(column, kind) pairs, the kind "" where it is to be found out."""
    pairs = []
    for item in filter(None, listed.split(",")):
        name, equals, kind = (part.strip() for part in item.partition("="))
        if not name or (equals and not kind):
            raise FitRankError(f"--attributes {item}: write it as column or column=kind")
        pairs.append((name, kind))
    return tuple(pairs)
