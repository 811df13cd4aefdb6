"""Speed compared with alternatives: `python -m pipelines.benchmark --suite features`.

features   colour and texture against a KMeans script for dominant colours, on one core;
           then photos per second of 1 and 2 worker processes
towers     training and encoding with ViT-B/32 CLIP and LoRA, on TensorFlow and on JAX,
           against PyTorch's transformers and peft; on the CPU, without a download
rerank     a bundle's re-ranker against its own text encoder, for lists of several lengths
index      candidate search against faiss and hnswlib, at the same recall, on all cores
           available to the command (`taskset -c 0` limits it to one)
serving    a bundle's search, in process and by the local gRPC server, against the same
           search on FastAPI, PyTorch and faiss, with 1, 8 and 32 clients
"""

import argparse
import dataclasses
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.features.benchmark import Speed, compare_on_one_core, measure_workers
from benchmarks.index import systems as index_systems
from benchmarks.index.benchmark import (
    RECALL,
    IndexWorkload,
    available,
    compare_indexes,
    filtered_table,
    index_table,
)
from benchmarks.index.recall_plot import draw_recalls
from benchmarks.index.sample_embeddings import (
    SampleEmbeddings,
    resampled,
    synthetic_sample,
)
from benchmarks.rerank.benchmark import LENGTHS, rerank_table, time_reranker
from benchmarks.serving.benchmark import (
    ServingWorkload,
    available_systems,
    compare_serving,
    serving_table,
)
from benchmarks.towers.benchmark import (
    SYSTEMS,
    Workload,
    compare_towers,
    speed_table,
    time_table,
)
from fitrank_tf.cli.options.catalogue import add_catalogue_arguments, catalogue_source
from fitrank_tf.cli.options.command import (
    DEFAULT_BUNDLE,
    add_recipe_arguments,
    run_command,
    run_config,
)
from fitrank_tf.config import TowersConfig
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.files import write_atomically
from fitrank_tf.core.shipped import find_shipped
from fitrank_tf.datasets.catalogue import open_catalogue
from fitrank_tf.export.graphs.served_catalogue import read_catalogue
from fitrank_tf.export.loaded_bundle import LoadedBundle
from fitrank_tf.features.feature_models import FeatureModels

_WORKERS = (1, 2)
_SEED = 0
_SIZES = "10000,100000,1000000"
# Enough for the index's warm-up and for 100 neighbours.
_MIN_VECTORS = 1000


@dataclasses.dataclass(frozen=True)
class Suite:
    """One comparison.

    Attributes:
        add_arguments: adds the suite's own options to a parser.
        run: measures and prints the tables.
    """

    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], None]


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parses the command line; `None` means `sys.argv`."""
    first = argparse.ArgumentParser(add_help=False)
    first.add_argument("--suite")
    suite = SUITES.get(first.parse_known_args(arguments)[0].suite)
    parser = argparse.ArgumentParser(
        prog="python -m pipelines.benchmark",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="--suite NAME --help lists that suite's own options",
    )
    parser.add_argument("--suite", required=True, choices=SUITES)
    if suite is not None:
        suite.add_arguments(parser)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None) -> None:
    """Runs the command; `None` means `sys.argv`."""
    options = parse(arguments)
    SUITES[options.suite].run(options)


def _add_feature_arguments(parser: argparse.ArgumentParser) -> None:
    add_catalogue_arguments(parser)
    parser.add_argument("--photos", type=int, default=320, help="photos to time")
    add_recipe_arguments(parser, "features")


def _benchmark_features(options: argparse.Namespace) -> None:
    source = catalogue_source(options)
    config = run_config(options)
    detector = find_shipped(config.detector.preset)
    heads = find_shipped(config.feature_heads)
    catalogue = open_catalogue(source, options.data_dir)
    items = catalogue.evenly_spaced_items(options.photos).as_numpy_iterator()
    photos = [item["image"] for item in items]
    height, width = photos[0].shape[:2]
    print(f"{len(photos)} photos of {source.dataset}, the first {width} x {height}\n")
    _print_one_core(*compare_on_one_core(photos, FeatureModels.load(detector, heads)))
    _print_workers(
        {count: measure_workers(photos, detector, heads, count) for count in _WORKERS}
    )


def _print_one_core(ours: Speed, theirs: Sequence[Speed]) -> None:
    print("| one core | photos/s | ours is faster by |")
    print("| --- | ---: | ---: |")
    print(f"| {ours.name}, names and patterns | {ours.photos_per_second:.0f} | |")
    for other in theirs:
        ratio = ours.photos_per_second / other.photos_per_second
        print(f"| {other.name} | {other.photos_per_second:.0f} | {ratio:.1f} x |")


def _print_workers(speeds: Mapping[int, Sequence[Speed]]) -> None:
    print("\n| photos/s | " + " | ".join(f"{count} worker" for count in speeds) + " |")
    print("| --- |" + " ---: |" * len(speeds))
    for row in zip(*speeds.values()):
        cells = " | ".join(f"{speed.photos_per_second:.0f}" for speed in row)
        print(f"| {row[0].name} | {cells} |")


def _add_tower_arguments(parser: argparse.ArgumentParser) -> None:
    defaults = Workload()
    parser.add_argument("--batch_size", type=int, default=defaults.batch_size)
    parser.add_argument(
        "--rounds", type=int, default=defaults.rounds, help="turns of each system"
    )
    parser.add_argument("--steps", type=int, default=defaults.steps, help="steps per turn")


def _benchmark_towers(options: argparse.Namespace) -> None:
    workload = Workload(options.batch_size, options.rounds, options.steps)
    missing = {system: system.missing() for system in SYSTEMS}
    for line in filter(None, missing.values()):
        print(line)
    installed = [system for system in SYSTEMS if missing[system] is None]
    comparison = compare_towers(workload, installed)
    if comparison.agreement is not None:
        print(
            "All rows compute the same: embeddings of the same batch differ by at most "
            f"{comparison.agreement.embeddings:.1e}, the first loss by "
            f"{comparison.agreement.loss:.1e}."
        )
    print(f"\n{speed_table(comparison.speeds)}\n\n{time_table(comparison.speeds)}")


def _add_rerank_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--bundle", default=DEFAULT_BUNDLE, help="bundle whose models are timed"
    )
    parser.add_argument("--rounds", type=int, default=200, help="calls of each model")


def _benchmark_rerank(options: argparse.Namespace) -> None:
    if options.rounds < 1:
        raise FitRankError(f"--rounds {options.rounds}: write 1 or more")
    bundle = LoadedBundle(Path(options.bundle))
    print(f"\n{rerank_table(time_reranker(bundle, LENGTHS, options.rounds))}")


def _add_index_arguments(parser: argparse.ArgumentParser) -> None:
    defaults = IndexWorkload()
    parser.add_argument(
        "--sizes", default=_SIZES, help="numbers of vectors, with commas between"
    )
    parser.add_argument(
        "--queries",
        type=int,
        default=defaults.queries,
        help="queries per batch (default: %(default)s)",
    )
    parser.add_argument(
        "--singles", type=int, default=defaults.singles, help="queries searched one by one"
    )
    parser.add_argument(
        "--rounds", type=int, default=defaults.rounds, help="turns of each system"
    )
    parser.add_argument(
        "--dim",
        type=int,
        default=TowersConfig().embedding_dim,
        help="dimensions of synthetic vectors (default: the shipped towers', %(default)s)",
    )
    parser.add_argument(
        "--bundle",
        default="",
        help="search a bundle's catalogue, grown to each size with noise, for its titles",
    )
    parser.add_argument(
        "--output_dir",
        default="build/index_benchmark",
        help="where the table and the plot are written",
    )


def _benchmark_index(options: argparse.Namespace) -> None:
    workload = IndexWorkload(options.queries, options.singles, options.rounds)
    sizes = _sizes(options.sizes)
    if options.dim < 2:
        raise FitRankError(f"--dim {options.dim}: write 2 or more")
    make = _bundle_samples(options) if options.bundle else _synthetic_samples(options)
    systems, speeds = available(index_systems.SYSTEMS), []
    for size in sizes:
        speeds += compare_indexes(make(size), systems, workload)
        print(f"\n{index_table(speeds[-len(systems) * 2 :])}", flush=True)
    report = (
        f"{_index_conditions(options)}\n\n{index_table(speeds)}\n\n"
        f"With filters, at the same effort:\n\n{filtered_table(speeds)}\n"
    )
    output = Path(options.output_dir)
    write_atomically(output / "index.md", report.encode())
    draw_recalls(speeds, workload.queries, output / "index.png")
    print(f"\n{report}\nwrote {output / 'index.md'} and {output / 'index.png'}")


def _sizes(text: str) -> list[int]:
    sizes = text.split(",")
    if not all(size.strip().isdecimal() and int(size) >= _MIN_VECTORS for size in sizes):
        raise FitRankError(
            f"--sizes {text}: write numbers of {_MIN_VECTORS} or more with commas between"
        )
    return [int(size) for size in sizes]


def _synthetic_samples(options: argparse.Namespace) -> Callable[[int], SampleEmbeddings]:
    return lambda size: synthetic_sample(size, options.queries, options.dim, _SEED)


def _bundle_samples(options: argparse.Namespace) -> Callable[[int], SampleEmbeddings]:
    bundle = LoadedBundle(Path(options.bundle))
    catalogue = read_catalogue(bundle.model("search"))
    titles = sorted(set(catalogue.titles))
    texts = [titles[n * len(titles) // options.queries] for n in range(options.queries)]
    queries = bundle.encode_queries(texts, baseline=False)["embedding"]
    return lambda size: resampled(catalogue.tables.embeddings, queries, size, _SEED)


def _index_conditions(options: argparse.Namespace) -> str:
    vectors = (
        f"products of {options.bundle} with noise, queries are its titles"
        if options.bundle
        else f"synthetic vectors of {options.dim} numbers"
    )
    return (
        f"{len(os.sched_getaffinity(0))} threads for every system; {vectors}; HNSW graphs "
        f"of M = {index_systems.HNSW_LINKS}, efConstruction = "
        f"{index_systems.HNSW_BUILD_LIST}; the fastest effort that finds {RECALL:.0%} of "
        f"the true neighbours; {options.queries} queries a batch, {options.singles} one by "
        f"one; medians of {options.rounds} turns."
    )


def _add_serving_arguments(parser: argparse.ArgumentParser) -> None:
    defaults = ServingWorkload()
    parser.add_argument("--bundle", default=DEFAULT_BUNDLE, help="bundle to serve")
    parser.add_argument(
        "--queries_file",
        default="",
        help="file with one query per line (default: the bundle's titles)",
    )
    parser.add_argument("--queries", type=int, default=300, help="most distinct queries")
    parser.add_argument(
        "--seconds", type=float, default=defaults.seconds, help="duration of a turn"
    )
    parser.add_argument(
        "--rounds", type=int, default=defaults.rounds, help="turns of each system"
    )
    parser.add_argument(
        "--batching_parameters_file",
        default="",
        help="for the local server (default: built in)",
    )


def _benchmark_serving(options: argparse.Namespace) -> None:
    workload = ServingWorkload(options.seconds, options.rounds)
    if options.batching_parameters_file:
        text = _read(options.batching_parameters_file, "--batching_parameters_file")
        workload = dataclasses.replace(workload, batching=text)
    if options.queries < 1:
        raise FitRankError(f"--queries {options.queries}: write 1 or more")
    path = Path(options.bundle)
    found = compare_serving(path, _queries(options, path), workload, available_systems())
    if found.agreement is not None:
        print(
            f"The results agree: both sides share {found.agreement:.1%} of the first ten "
            "products of these queries."
        )
    print(f"\n{serving_table(found.speeds)}")


def _queries(options: argparse.Namespace, bundle: Path) -> list[str]:
    if options.queries_file:
        lines = _read(options.queries_file, "--queries_file").splitlines()
        queries = [line.strip() for line in lines if line.strip()]
        if not queries:
            raise FitRankError(f"{options.queries_file} holds no query; write one a line")
        return queries[: options.queries]
    catalogue = read_catalogue(LoadedBundle(bundle).model("search"))
    titles = sorted(set(catalogue.titles) - {""})
    return titles[:: max(1, len(titles) // options.queries)][: options.queries]


def _read(path: str, option: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FitRankError(f"{option} {path} cannot be read ({error})") from error


SUITES = {
    "features": Suite(_add_feature_arguments, _benchmark_features),
    "towers": Suite(_add_tower_arguments, _benchmark_towers),
    "rerank": Suite(_add_rerank_arguments, _benchmark_rerank),
    "index": Suite(_add_index_arguments, _benchmark_index),
    "serving": Suite(_add_serving_arguments, _benchmark_serving),
}


if __name__ == "__main__":
    # Exit in Python, so that servers and benchmark processes are ended too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    run_command(main)
