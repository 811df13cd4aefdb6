"""Trains, exports and measures all three systems: `python -m pipelines.train`."""

import argparse
import logging
import time
from collections.abc import Sequence
from pathlib import Path

from fitrank_tf.cli.catalogue import add_catalogue_arguments, catalogue_source
from fitrank_tf.cli.command import (
    DEFAULT_BUNDLE,
    add_recipe_arguments,
    keras_verbosity,
    run_config,
)
from fitrank_tf.config import RunConfig
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.catalogue import open_catalogue
from fitrank_tf.export.bundle import check_replaceable
from fitrank_tf.towers.training.strategies import STRATEGIES, strategy_named
from fitrank_tf.training.export import write_measured_bundle
from fitrank_tf.training.run import TrainingRun
from fitrank_tf.training.work_dir import add_work_arguments, named_work_dir

logger = logging.getLogger(__name__)

STAGES = ("base", "detector", "features", "lora", "facets", "reranker", "export")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.train", description=__doc__)
    add_catalogue_arguments(parser)
    add_recipe_arguments(parser, "tiny")
    parser.add_argument("--output_dir", default=DEFAULT_BUNDLE, help="the bundle to write")
    add_work_arguments(parser)
    parser.add_argument(
        "--stages", default=",".join(STAGES), help="the last one needs the others"
    )
    parser.add_argument("--fresh", action="store_true", help="ignore finished stages")
    parser.add_argument(
        "--strategy",
        default="auto",
        help=f"how the towers' training is spread over devices: {', '.join(STRATEGIES)}. "
        "multiworker: one such command a machine, each with TF_CONFIG",
    )
    return parser.parse_args(arguments)


def check_stages(text: str) -> list[str]:
    """The stages named.

    Raises:
        FitRankError: for an unknown one.
    """
    named = [name for name in text.split(",") if name]
    for name in named:
        if name not in STAGES:
            raise FitRankError(f"--stages {name}: unknown; choose of {','.join(STAGES)}")
    return named


def run_stages(
    run: TrainingRun, config: RunConfig, stages: Sequence[str], output: Path
) -> None:
    """Makes the stages asked for, and those that they need."""
    makers = {
        "base": lambda: run.base_preset,
        "detector": lambda: run.detector,
        "features": lambda: run.features,
        "lora": lambda: run.embeddings,
        "facets": lambda: run.facet_heads,
        "reranker": run.load_reranker,
        "export": lambda: write_measured_bundle(run, config, output),
    }
    for stage in STAGES:
        if stage in stages:
            started = time.monotonic()
            makers[stage]()
            logger.info("stage %s: %.0f s", stage, time.monotonic() - started)


def main(arguments: Sequence[str] | None) -> None:
    """See the module."""
    options = parse(arguments)
    source = catalogue_source(options)
    config = run_config(options)
    stages = check_stages(options.stages)
    output = Path(options.output_dir)
    check_replaceable(output)
    strategy = strategy_named(options.strategy)
    started = time.monotonic()
    catalogue = open_catalogue(source, options.data_dir)
    logger.info("catalogue opened: %.0f s", time.monotonic() - started)
    work = named_work_dir(options, options.fresh)
    run = TrainingRun(config, catalogue, work, keras_verbosity(), strategy)
    run_stages(run, config, stages, output)
    print(f"the job took {time.monotonic() - started:.0f} s")
