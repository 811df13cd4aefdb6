"""Helpers of all commands: recipe options, logging, errors without traceback."""

import argparse
import logging
import sys
from collections.abc import Callable, Sequence

from fitrank_tf.cli.options.catalogue import dataset_of
from fitrank_tf.config import RunConfig, override
from fitrank_tf.core.command_line import exit_with_status
from fitrank_tf.core.progress import LogHandler
from fitrank_tf.core.tensorflow_setup import prepare_tensorflow
from fitrank_tf.recipes import load_recipe

DEFAULT_BUNDLE = "saved_models/default"


def run_command(
    main: Callable[[Sequence[str] | None], None], arguments: Sequence[str] | None = None
) -> None:
    """Sets up TensorFlow and the log, then runs as `exit_with_status` does."""
    prepare_tensorflow()
    _set_up_log()
    exit_with_status(main, arguments)


def _set_up_log() -> None:
    """Logs to stderr: this project from INFO on, other libraries from WARNING on."""
    logging.basicConfig(
        level=logging.WARNING,
        format="%(asctime)s %(message)s",
        datefmt="%H:%M:%S",
        handlers=[LogHandler(sys.stderr)],
    )
    for ours in ("fitrank_tf", "benchmarks", "serving"):
        logging.getLogger(ours).setLevel(logging.INFO)
    # TFDS and absl warn of harmless things, e.g. a split without a file name pattern.
    logging.getLogger("absl").setLevel(logging.ERROR)
    # If TensorFlow was imported before, it has its own handler, and lines would be doubled.
    tensorflow = logging.getLogger("tensorflow")
    tensorflow.setLevel(logging.WARNING)
    tensorflow.handlers.clear()


def add_recipe_arguments(parser: argparse.ArgumentParser, default: str) -> None:
    """Adds the options of the configuration, `--recipe` and `--set`.

    Args:
        parser: the command's parser.
        default: name of the default recipe.
    """
    parser.add_argument("--recipe", default=default, help="a module of fitrank_tf/recipes")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.FIELD=VALUE")


def run_config(arguments: argparse.Namespace) -> RunConfig:
    """The configuration of the recipe that the arguments name, with `--set` applied.

    Raises:
        FitRankError: for an unknown recipe, field or value.
    """
    return override(load_recipe(arguments.recipe, dataset_of(arguments)), arguments.set)
