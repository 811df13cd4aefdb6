"""Compares two systems on the same judgments.

    A B --queries Q.tsv --qrels Q.qrels     two bundles search the catalogue
    A.run B.run --qrels Q.qrels             two TREC runs; no catalogue is read

Each measure is tested by the paired randomisation test, and its difference has a bootstrap
interval over the queries. Without `--queries` bundles are compared on queries made from the
catalogue's test products, as in `fitrank evaluate`.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from fitrank_tf.cli.options.catalogue import add_catalogue_arguments, catalogue_source
from fitrank_tf.core.command_line import command_parser
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.evaluation.compare import compare, comparison_table
from fitrank_tf.evaluation.metrics import evaluate_queries
from fitrank_tf.evaluation.trec import read_qrels, read_run


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = command_parser("compare", __doc__)
    add_catalogue_arguments(parser)
    parser.add_argument("first", help="a bundle, or a TREC run")
    parser.add_argument("second", help="another")
    parser.add_argument("--queries", default="", help="file of lines query_id<TAB>text")
    parser.add_argument("--qrels", default="", help="TREC qrels of these queries")
    parser.add_argument(
        "--binary_grade", type=int, default=1, help="least relevant grade of --qrels"
    )
    parser.add_argument(
        "--held_out",
        action="store_true",
        help="--queries search the products outside the training split alone",
    )
    parser.add_argument("--system", default="reranked", help="of the bundles")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None) -> None:
    """See the module."""
    options = parse(arguments)
    paths = [Path(options.first), Path(options.second)]
    if bool(options.queries) and not options.qrels:
        raise FitRankError("--queries needs --qrels: name the judgments of these queries")
    if options.binary_grade < 1:
        raise FitRankError(f"--binary_grade {options.binary_grade}: give 1 or more")
    values = (_of_runs if all(map(Path.is_file, paths)) else _of_bundles)(paths, options)
    names = [path.name for path in paths]
    if names[0] == names[1]:
        names = [str(path) for path in paths]
    print(comparison_table(compare(*values), names))
    print(f"{len(values[0])} queries; the difference is {names[1]} less {names[0]}")


def _of_runs(
    paths: Sequence[Path], options: argparse.Namespace
) -> list[dict[str, dict[str, float]]]:
    if not options.qrels:
        raise FitRankError("two runs need --qrels: name the judgments of their queries")
    qrels = read_qrels(options.qrels)
    return [evaluate_queries(read_run(path), qrels, options.binary_grade) for path in paths]


def _of_bundles(
    paths: Sequence[Path], options: argparse.Namespace
) -> list[dict[str, dict[str, float]]]:
    # Imported here: runs are compared without TensorFlow.
    from fitrank_tf.api import prepare_evaluation
    from fitrank_tf.datasets.catalogue import open_catalogue
    from fitrank_tf.evaluation.run import given_queries
    from fitrank_tf.evaluation.systems import check_systems
    from fitrank_tf.export.loaded_bundle import LoadedBundle

    [system] = check_systems([options.system])
    source, given = catalogue_source(options), None
    bundles = [LoadedBundle(path) for path in paths]
    if options.queries:
        qrels = Path(options.qrels)
        given = given_queries(Path(options.queries), qrels, options.binary_grade)
    catalogue = open_catalogue(source, options.data_dir)
    held_out = options.held_out or given is None
    values = []
    for bundle in bundles:
        # The first bundle's own queries, if none are given, are the second's too.
        evaluation, given = prepare_evaluation(bundle, catalogue, given, held_out)
        run = evaluation.run(given, [system]).rankings[system]
        values.append(evaluate_queries(run, given.qrels, given.binary_grade))
    return values
