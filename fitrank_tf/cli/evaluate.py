"""Measures a bundle's systems on any catalogue.

Without `--queries`, the queries are made from the catalogue's test products, judged by the
products' attributes, and search the products outside the training split. With
`--queries`, the whole catalogue is searched, or with `--held_out` these products alone.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from fitrank_tf.api import prepare_evaluation
from fitrank_tf.cli.options.catalogue import add_catalogue_arguments, catalogue_source
from fitrank_tf.cli.options.command import DEFAULT_BUNDLE
from fitrank_tf.cli.options.text_lines import read_lines
from fitrank_tf.config import EvaluationConfig
from fitrank_tf.core.command_line import command_parser
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.catalogue import open_catalogue
from fitrank_tf.evaluation.run import given_queries
from fitrank_tf.evaluation.systems import ALL_SYSTEMS, SYSTEMS, check_systems
from fitrank_tf.export.loaded_bundle import LoadedBundle
from fitrank_tf.rerank.candidates import Index
from fitrank_tf.retrieval.choose_index import build_index
from fitrank_tf.retrieval.query_bank import BankedIndex


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = command_parser("evaluate", __doc__)
    add_catalogue_arguments(parser)
    parser.add_argument("--bundle", default=DEFAULT_BUNDLE)
    parser.add_argument("--queries", default="", help="file of lines query_id<TAB>text")
    parser.add_argument("--qrels", default="", help="TREC qrels of these queries")
    parser.add_argument(
        "--binary_grade", type=int, default=1, help="least relevant grade of --qrels"
    )
    parser.add_argument(
        "--query_bank",
        default="",
        help="file of queries of any kind, one per line: the fine-tuned first stage "
        "subtracts a product's scores with all of them",
    )
    parser.add_argument(
        "--query_bank_beta", type=float, default=10.0, help="see retrieval/query_bank.py"
    )
    parser.add_argument(
        "--held_out",
        action="store_true",
        help="--queries search the products outside the training split alone",
    )
    parser.add_argument(
        "--systems", default=",".join(SYSTEMS), help=f"of {','.join(ALL_SYSTEMS)}"
    )
    parser.add_argument(
        "--run_dir", default="", help="gets <system>.run; BUNDLE/report if empty"
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None) -> None:
    """See the module."""
    options = parse(arguments)
    systems = check_systems([name for name in options.systems.split(",") if name])
    if options.qrels and not options.queries:
        raise FitRankError(
            "--qrels needs --queries: name the file of the queries it judges"
        )
    bank = _read_bank(options.query_bank) if options.query_bank else []
    source = catalogue_source(options)
    bundle = LoadedBundle(Path(options.bundle))
    given = None
    if options.queries:
        qrels = Path(options.qrels) if options.qrels else None
        given = given_queries(Path(options.queries), qrels, options.binary_grade)
    catalogue = open_catalogue(source, options.data_dir)
    evaluation, query_set = prepare_evaluation(bundle, catalogue, given, options.held_out)
    report = evaluation.report(
        query_set,
        systems,
        bundle.info.facets,
        EvaluationConfig(**bundle.info.config["evaluation"]),
        Path(options.run_dir or Path(options.bundle) / "report"),
        tuned_index=_tuned_index(bundle, bank, options.query_bank_beta),
    )
    if report.table:
        print(report.table)
    print(f"runs           {', '.join(map(str, report.runs))}")
    print(f"contact sheet  {report.sheet} (and .html)")
    if report.changes:
        print(f"what moved     {report.changes}")


def _tuned_index(
    bundle: LoadedBundle, bank: Sequence[str], beta: float
) -> Callable[[np.ndarray], Index]:
    if not bank:
        return build_index
    embeddings = bundle.encode_queries(bank, baseline=False)["embedding"]
    return lambda products: BankedIndex(products, embeddings, beta, build_index)


def _read_bank(path: str) -> list[str]:
    texts = read_lines("--query_bank", path)
    if not texts:
        raise FitRankError(f"--query_bank {path} contains no query; write one per line")
    return texts
