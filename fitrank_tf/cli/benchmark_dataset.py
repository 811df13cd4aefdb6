"""Measures a bundle on a public data set, in the protocol that the field compares by.

Prints a table for each task: the bundle's systems, and below them the published figures of
others if queries and documents are as many as theirs. `fitrank benchmark-dataset --dataset
deepfashion_inshop --manual_dir DIR --bundle B`; an interrupted run goes on.
"""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fitrank_tf.cli.options.catalogue import (
    add_catalogue_arguments,
    catalogue_source,
    dataset_of,
)
from fitrank_tf.cli.options.command import DEFAULT_BUNDLE
from fitrank_tf.core.command_line import command_parser
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.catalogue import Catalogue, open_catalogue
from fitrank_tf.datasets.splits import ALL
from fitrank_tf.evaluation.benchmark.benchmark import Benchmark, benchmark_of
from fitrank_tf.evaluation.benchmark.photos import embed_photos
from fitrank_tf.evaluation.benchmark.report import task_result, write_report
from fitrank_tf.evaluation.benchmark.sheet import draw_hits_and_misses
from fitrank_tf.evaluation.benchmark.systems import BenchmarkSystems, able
from fitrank_tf.evaluation.benchmark.task import TEXT, BenchmarkData, Task
from fitrank_tf.evaluation.systems import SYSTEMS, check_systems
from fitrank_tf.export.bundle import BundleInfo
from fitrank_tf.export.loaded_bundle import LoadedBundle

logger = logging.getLogger(__name__)

# Photos whose size is looked at for the header.
_MEASURED_PHOTOS = 200


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = command_parser("benchmark-dataset", __doc__)
    add_catalogue_arguments(parser)
    parser.add_argument("--bundle", default=DEFAULT_BUNDLE)
    parser.add_argument("--systems", default=",".join(SYSTEMS), help="by commas")
    parser.add_argument(
        "--baseline", default="", help="the system that the others are tested against"
    )
    parser.add_argument(
        "--output_dir", default="", help="BUNDLE/benchmarks/DATASET if empty"
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None) -> None:
    """See the module."""
    options = parse(arguments)
    dataset = dataset_of(options)
    benchmark = benchmark_of(dataset)
    systems = check_systems([name for name in options.systems.split(",") if name])
    if not set(systems) <= set(SYSTEMS):
        raise FitRankError(f"--systems {options.systems}: choose from {','.join(SYSTEMS)}")
    if options.baseline and options.baseline not in systems:
        raise FitRankError(f"--baseline {options.baseline}: choose one of {systems}")
    source = catalogue_source(options)
    bundle = LoadedBundle(Path(options.bundle))
    catalogue = open_catalogue(source, options.data_dir)
    name = dataset.replace("/", "-")
    folder = Path(options.output_dir or Path(options.bundle) / "benchmarks" / name)
    manual_dir = Path(options.manual_dir).expanduser()
    data = BenchmarkData(catalogue.records(ALL), catalogue.captions(ALL), manual_dir)
    tasks = [task for task in benchmark.make_tasks(data) if task.queries]
    if not tasks:
        raise FitRankError(
            f"--manual_dir {options.manual_dir}: nothing to ask; the Items lack the "
            f"partitions or texts that the benchmark is made of "
            f"({_counts(catalogue) or 'none was left out'})"
        )
    tasks = [task for task in tasks if able(task, systems)]
    if not tasks:
        raise FitRankError(
            f"--systems {options.systems}: none of them can do a task of "
            f"{dataset}; add clip_lora"
        )
    for task in tasks:
        task.check_ids()
    rows = _rows(tasks, data)
    photos = embed_photos(bundle, catalogue, rows, folder, systems)
    records = data.records.select(rows)
    runner = BenchmarkSystems(bundle, photos, records.ids, records.texts)
    runs = [runner.run(task, systems) for task in tasks]
    results = [task_result(benchmark, task, of) for task, of in zip(tasks, runs)]
    header = header_lines(catalogue, benchmark, bundle.info)
    print(write_report(folder, header, results, runs, options.baseline))
    sheet = draw_hits_and_misses(
        catalogue, rows, records, results, runs, folder / "sheet.png"
    )
    print(f"report, JSON, runs  {folder}")
    if sheet:
        print(f"contact sheet       {sheet} (and .html)")


def header_lines(
    catalogue: Catalogue, benchmark: Benchmark, bundle: BundleInfo
) -> list[str]:
    """What a reader of the figures should know: counts, photos, terms, contamination."""
    name, info = catalogue.source.dataset, catalogue.builder.info
    splits = ", ".join(f"{part} {of.num_examples:,}" for part, of in info.splits.items())
    left_out = _counts(catalogue)
    lines = [
        f"{name}: {catalogue.num_items(ALL):,} photos ({splits})"
        + (f"; left out: {left_out}" if left_out else ""),
        f"photos: {_photo_sizes(catalogue)}",
        f"bundle: trained on {bundle.dataset}, towers read {bundle.image_size} x "
        f"{bundle.image_size}",
        f"contamination: {_contamination(catalogue, benchmark, bundle)}",
    ]
    terms = info.as_proto.redistribution_info.license
    if terms:
        lines.append(f"terms: {terms}")
    return [*lines, *benchmark.notes]


def _contamination(catalogue: Catalogue, benchmark: Benchmark, bundle: BundleInfo) -> str:
    name = catalogue.source.dataset
    if bundle.fingerprint == catalogue.fingerprint:
        return "the bundle was trained on the training split of these very photos"
    if bundle.dataset == name or bundle.dataset in benchmark.same_products:
        return f"the bundle was trained on {bundle.dataset}, which has products of this one"
    return "none is known"


def _photo_sizes(catalogue: Catalogue) -> str:
    shapes = [
        item["image"].shape[:2]
        for item in catalogue.evenly_spaced_items(_MEASURED_PHOTOS).as_numpy_iterator()
    ]
    heights, widths = np.array(shapes).T
    median = f"median {np.median(widths):.0f} x {np.median(heights):.0f} pixels"
    return (
        f"{median} (width x height; {widths.min()} to {widths.max()} x {heights.min()} to "
        f"{heights.max()}, of {len(shapes)})"
    )


def _counts(catalogue: Catalogue) -> str:
    return ", ".join(f"{reason}: {count:,}" for reason, count in catalogue.skipped.items())


def _rows(tasks: Sequence[Task], data: BenchmarkData) -> list[int]:
    """The rows of the photos that tasks ask with or find, rising."""
    needed: set[str] = set()
    for task in tasks:
        needed |= set(task.queries.values()) if task.asks != TEXT else set()
        needed |= set(task.documents.values()) if task.finds != TEXT else set()
    return [row for row, item in enumerate(data.records.ids) if item in needed]
