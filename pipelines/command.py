"""What the commands share: catalogue arguments, logging, errors without traceback."""

import argparse
import logging
import sys
from collections.abc import Callable, Sequence

import fitrank_tf  # noqa: F401  sets the environment before TensorFlow is imported
from fitrank_tf.config import RunConfig, override
from fitrank_tf.datasets.catalogue import CatalogueSource
from fitrank_tf.errors import FitRankError
from fitrank_tf.recipes import load_recipe

DEFAULT_BUNDLE = "saved_models/default"
_USER_ERROR = 2
_INTERRUPTED = 130


def run_command(main: Callable[[Sequence[str] | None], None]) -> None:
    """Runs a command's `main` and exits with its status.

    A `FitRankError` is printed as one line; any other exception is a bug and
    keeps its traceback.
    """
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(message)s",
        datefmt="%H:%M:%S",
        stream=sys.stderr,
    )
    logging.getLogger("absl").setLevel(logging.ERROR)
    try:
        main(None)
    except FitRankError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(_USER_ERROR)
    except KeyboardInterrupt:
        print("interrupted; finished stages are kept, run again to go on", file=sys.stderr)
        sys.exit(_INTERRUPTED)


def add_catalogue_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that say which catalogue."""
    group = parser.add_argument_group("catalogue")
    group.add_argument(
        "--dataset", default="synthetic_catalogue", help="TFDS builder to read"
    )
    group.add_argument(
        "--manual_dir",
        default="",
        help="fashion_product_images: folder with Kaggle's archive; modanet: its folder",
    )
    group.add_argument("--table", default="", help="csv_catalogue: CSV or Parquet file")
    group.add_argument("--images", default="", help="csv_catalogue, photo_folder: photos")
    group.add_argument(
        "--columns",
        default="",
        help="csv_catalogue: field=column pairs, e.g. id=sku,text=name,colour=shade",
    )
    group.add_argument(
        "--num_items", type=int, default=2000, help="synthetic_catalogue: size"
    )
    group.add_argument("--data_seed", type=int, default=0, help="synthetic_catalogue: seed")
    group.add_argument("--data_dir", default=None, help="where TFDS keeps prepared data")


def add_recipe_arguments(parser: argparse.ArgumentParser, default: str) -> None:
    """The options that say which configuration."""
    parser.add_argument("--recipe", default=default, help="a module of fitrank_tf/recipes")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.FIELD=VALUE")


def run_config(arguments: argparse.Namespace) -> RunConfig:
    """The recipe that the arguments name, with their changes.

    Raises:
        FitRankError: for an unknown recipe, field or value.
    """
    return override(load_recipe(arguments.recipe, arguments.dataset), arguments.set)


def catalogue_source(arguments: argparse.Namespace) -> CatalogueSource:
    """The catalogue that the arguments name.

    Raises:
        FitRankError: for an unknown data set or a malformed `--columns`.
    """
    pairs = []
    for pair in filter(None, arguments.columns.split(",")):
        field, equals, column = pair.partition("=")
        if not equals or not field or not column:
            raise FitRankError(f"--columns {pair}: write it as field=column")
        pairs.append((field.strip(), column.strip()))
    return CatalogueSource(
        dataset=arguments.dataset,
        manual_dir=arguments.manual_dir,
        table=arguments.table,
        images=arguments.images,
        columns=tuple(pairs),
        num_items=arguments.num_items,
        seed=arguments.data_seed,
    )
