"""Trains, exports and measures all three systems."""

import argparse
import logging
import time
from collections.abc import Sequence
from pathlib import Path

from fitrank_tf.cli.options.catalogue import add_catalogue_arguments, catalogue_source
from fitrank_tf.cli.options.command import (
    DEFAULT_BUNDLE,
    add_recipe_arguments,
    run_config,
)
from fitrank_tf.cli.options.judgments import add_judgment_arguments, read_judged
from fitrank_tf.cli.options.work_dir import add_work_arguments, work_dir_of
from fitrank_tf.config import RunConfig, override
from fitrank_tf.core.command_line import command_parser
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.lines import numbered_lines
from fitrank_tf.datasets.catalogue import open_catalogue
from fitrank_tf.export.bundle import check_replaceable
from fitrank_tf.export.loaded_bundle import LoadedBundle
from fitrank_tf.queries.judged import JudgedQuery
from fitrank_tf.towers.training.strategies import STRATEGIES, strategy_named
from fitrank_tf.training.export import write_measured_bundle
from fitrank_tf.training.run import STAGES, Run

logger = logging.getLogger(__name__)

_EXPORT = "export"
_ALL_STAGES = (*STAGES, _EXPORT)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = command_parser("train", __doc__)
    add_catalogue_arguments(parser)
    add_recipe_arguments(parser, "tiny")
    parser.add_argument("--output_dir", default=DEFAULT_BUNDLE, help="the bundle to write")
    add_work_arguments(parser)
    add_judgment_arguments(parser)
    parser.add_argument(
        "--stages", default=",".join(_ALL_STAGES), help="the stages to make, by commas"
    )
    parser.add_argument(
        "--synonyms",
        default="",
        help="the shop's own words for its values: a line `attribute<tab>value<tab>words` "
        "each; with `--stages export` a trained bundle is written again with them",
    )
    parser.add_argument(
        "--from",
        dest="start",
        default="",
        metavar="BUNDLE",
        help="goes on from a trained bundle of the same catalogue, with its configuration: "
        "the re-ranker alone learns, of the judgments. BUNDLE.work has the stages before; "
        "without it the bundle's models make what these made",
    )
    parser.add_argument("--fresh", action="store_true", help="ignore finished stages")
    parser.add_argument(
        "--strategy",
        default="auto",
        help="how the towers' training is distributed over devices: "
        f"{', '.join(STRATEGIES)}. multiworker: one such command on each machine, with "
        "TF_CONFIG",
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None) -> None:
    """See the module."""
    options = parse(arguments)
    source = catalogue_source(options)
    judged = read_judged(options)
    start = _start(options, judged) if options.start else None
    config = run_config(options)
    if start is not None:
        config = override(RunConfig.from_json(start.info.config), options.set)
    stages = _known_stages(options.stages)
    output = Path(options.output_dir)
    check_replaceable(output)
    if options.synonyms:
        # Its values are known at the end; that it cannot be read should be said before.
        list(numbered_lines(options.synonyms))
    strategy = strategy_named(options.strategy)
    started = time.monotonic()
    catalogue = open_catalogue(source, options.data_dir)
    logger.info("catalogue opened: %.0f s", time.monotonic() - started)
    work = work_dir_of(options, options.fresh)
    run = Run(config, catalogue, work, strategy, judged, start)
    run.make(stages)
    if _EXPORT in stages:
        print(write_measured_bundle(run, output, options.synonyms))
    print(f"the job took {time.monotonic() - started:.0f} s")


def _start(options: argparse.Namespace, judged: Sequence[JudgedQuery]) -> LoadedBundle:
    """The bundle of `--from`, beside whose stages the run then works.

    Raises:
        FitRankError: if there is nothing to learn from it for, or an option that changes
            what a bundle's other models are.
    """
    if not judged:
        raise FitRankError("--from learns of judgments alone: add --train_judgments TABLE")
    if options.synonyms:
        raise FitRankError("--from takes no --synonyms: give them to the first training")
    options.work_dir = options.work_dir or f"{Path(options.start)}.work"
    return LoadedBundle(Path(options.start))


def _known_stages(listed: str) -> list[str]:
    """The stages of a list separated by commas.

    Raises:
        FitRankError: for an unknown stage.
    """
    stages = [name for name in listed.split(",") if name]
    for name in stages:
        if name not in _ALL_STAGES:
            raise FitRankError(
                f"--stages {name}: unknown; choose from {','.join(_ALL_STAGES)}"
            )
    return stages
