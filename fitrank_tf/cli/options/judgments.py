"""The options of judgments to train on."""

import argparse

from fitrank_tf.cli.options.catalogue import catalogue_source
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.queries.judged import JudgedQuery
from fitrank_tf.training.judgments import (
    read_judgment_table,
    read_own_judgments,
    read_trec_judgments,
)


def add_judgment_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options that name judgments to a parser."""
    group = parser.add_argument_group("judgments, of which the re-ranker learns")
    group.add_argument(
        "--train_queries", default="", help="file of lines query_id<TAB>text"
    )
    group.add_argument("--train_qrels", default="", help="TREC qrels of these queries")
    group.add_argument(
        "--train_judgments",
        default="",
        help="or a table: CSV, JSON Lines, Parquet, Arrow or Excel, with the columns "
        "query, product, grade and, if need be, weight",
    )
    group.add_argument(
        "--own_judgments",
        action="store_true",
        help="those that the data set has itself: wands, esci/us_small and others",
    )


def read_judged(options: argparse.Namespace) -> list[JudgedQuery]:
    """The judged queries that the options name, none without them.

    Raises:
        FitRankError: for one of the two TREC files without the other, or a file that
            cannot be read.
    """
    trec = (options.train_queries, options.train_qrels)
    if any(trec) and not all(trec):
        raise FitRankError("--train_queries and --train_qrels need each other: name both")
    judged = read_trec_judgments(*trec) if all(trec) else []
    if options.train_judgments:
        judged += read_judgment_table(options.train_judgments)
    if options.own_judgments:
        judged += read_own_judgments(catalogue_source(options))
    return judged
