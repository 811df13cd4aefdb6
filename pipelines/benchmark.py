"""Speed beside the named alternative: `python -m pipelines.benchmark --suite features`.

features   colour and texture against the KMeans script for dominant colours, on one
           core; then photos a second of 1 and 2 worker processes
"""

import argparse
from collections.abc import Sequence

from fitrank_tf.datasets.catalogue import open_catalogue
from fitrank_tf.evaluation.feature_benchmark import compare_on_one_core, measure_workers
from fitrank_tf.features.feature_models import FeatureModels
from fitrank_tf.shipped import find_shipped
from pipelines.command import (
    add_catalogue_arguments,
    add_recipe_arguments,
    catalogue_source,
    run_command,
    run_config,
)

SUITES = ("features",)
_WORKERS = (1, 2)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m pipelines.benchmark",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_catalogue_arguments(parser)
    parser.add_argument("--suite", required=True, choices=SUITES)
    parser.add_argument("--photos", type=int, default=320, help="how many to time")
    add_recipe_arguments(parser, "features")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None) -> None:
    """See the module."""
    options = parse(arguments)
    source = catalogue_source(options)
    config = run_config(options)
    detector = find_shipped(config.detector.preset)
    heads = find_shipped(config.feature_heads)
    catalogue = open_catalogue(source, options.data_dir)
    items = catalogue.spread_items(options.photos).as_numpy_iterator()
    photos = [item["image"] for item in items]
    height, width = photos[0].shape[:2]
    print(f"{len(photos)} photos of {source.dataset}, the first {width} x {height}\n")
    _print_one_core(*compare_on_one_core(photos, FeatureModels.load(detector, heads)))
    _print_workers(
        {count: measure_workers(photos, detector, heads, count) for count in _WORKERS}
    )


def _print_one_core(ours, theirs) -> None:
    print("| one core | photos/s | ours is faster by |")
    print("| --- | ---: | ---: |")
    print(f"| {ours.name}, names and patterns | {ours.photos_per_second:.0f} | |")
    for other in theirs:
        ratio = ours.photos_per_second / other.photos_per_second
        print(f"| {other.name} | {other.photos_per_second:.0f} | {ratio:.1f} x |")


def _print_workers(speeds) -> None:
    print("\n| photos/s | " + " | ".join(f"{count} worker" for count in speeds) + " |")
    print("| --- |" + " ---: |" * len(speeds))
    for row in zip(*speeds.values()):
        cells = " | ".join(f"{speed.photos_per_second:.0f}" for speed in row)
        print(f"| {row[0].name} | {cells} |")


if __name__ == "__main__":
    run_command(main)
