"""Makes a judged set: sheets of pooled results to grade by eye, and qrels from the grades.

    --queries Q.tsv --runs A.run,B.run --output_dir DIR    draws DIR's sheets
    --collect DIR[,DIR] --output_dir OUT                   writes OUT's queries and qrels
    --collect DIR --second DIR2 --output_dir OUT           also compares two people's grades

`docs/judging.md` describes the sheets and both ways to write grades.
"""

import argparse
import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from fitrank_tf.cli.options.catalogue import add_catalogue_arguments, catalogue_source
from fitrank_tf.core.command_line import command_parser
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.splits import ALL, SPLITS
from fitrank_tf.evaluation.judging.agreement import grade_agreement
from fitrank_tf.evaluation.judging.collect import collect, collect_second
from fitrank_tf.evaluation.judging.grades_file import GRADES
from fitrank_tf.evaluation.judging.pool import check_runs, pool
from fitrank_tf.evaluation.judging.sheet import Lettering
from fitrank_tf.evaluation.trec import (
    read_qrels,
    read_requests,
    read_run,
    write_qrels,
    write_queries,
)

logger = logging.getLogger(__name__)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = command_parser("judge", __doc__)
    add_catalogue_arguments(parser)
    parser.add_argument("--output_dir", default="", help="folder to write")
    draws = parser.add_argument_group("to draw sheets")
    draws.add_argument(
        "--queries",
        default="",
        help="file of lines query_id<TAB>text, or with <TAB>what is wanted, which the "
        "sheet shows too",
    )
    draws.add_argument("--runs", default="", help="TREC runs of the systems: a.run,b.run")
    draws.add_argument("--depth", type=int, default=10, help="first products of each run")
    draws.add_argument("--split", default=ALL, choices=(*SPLITS, ALL), help="searched")
    draws.add_argument("--qrels", default="", help="of earlier grades, not to be repeated")
    draws.add_argument("--seed", type=int, default=0, help="of the order on the sheets")
    draws.add_argument("--titles", action="store_true", help="show the products' titles")
    draws.add_argument(
        "--font", default="", help=".ttf or .otf, for other letters than plain Latin ones"
    )
    collects = parser.add_argument_group("to collect grades")
    collects.add_argument("--collect", default="", help="folders of sheets: DIR,DIR")
    collects.add_argument(
        "--second", default="", help="a second person's folder or file of grades"
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None) -> None:
    """See the module."""
    options = parse(arguments)
    if bool(options.queries) == bool(options.collect):
        raise FitRankError("give --queries FILE to draw sheets or --collect DIR for grades")
    if not options.output_dir:
        raise FitRankError("--output_dir is missing: name the folder to write")
    if options.second and not options.collect:
        raise FitRankError("--second needs --collect: the first person's folder")
    if options.collect:
        _collect(options)
    else:
        _draw(options)


def _draw(options: argparse.Namespace) -> None:
    if not options.runs:
        raise FitRankError("--queries needs --runs: the results to judge, a.run,b.run")
    if options.depth < 1:
        raise FitRankError(f"--depth {options.depth}: give 1 or more")
    lettering, requests = Lettering(options.font), read_requests(options.queries)
    runs = {path: read_run(path) for path in options.runs.split(",") if path}
    judged = read_qrels(options.qrels) if options.qrels else {}
    # Imported here: grades are collected without TensorFlow, which reads catalogues.
    from fitrank_tf.datasets.catalogue import open_catalogue
    from fitrank_tf.evaluation.judging.draw import draw_sheets

    catalogue = open_catalogue(catalogue_source(options), options.data_dir)
    check_runs(runs, requests, catalogue.records(options.split).ids)
    pools = pool(runs.values(), requests, options.depth, options.seed, judged)
    undrawn = {
        query_id: letters
        for query_id in pools
        if (letters := lettering.lacks(requests[query_id].text))
    }
    if undrawn:
        query_id, letters = next(iter(undrawn.items()))
        logger.warning(
            "%d requests have letters that the font lacks, as %r in %s: give --font",
            len(undrawn),
            letters,
            query_id,
        )
    draw_sheets(
        Path(options.output_dir), requests, pools, catalogue, options.titles, lettering
    )


def _collect(options: argparse.Namespace) -> None:
    folders = [Path(folder) for folder in options.collect.split(",") if folder]
    judged, output = collect(folders), Path(options.output_dir)
    grades, agreement = judged.grades(), None
    if options.second:
        second = collect_second(Path(options.second), folders)
        agreement = grade_agreement(grades, second.grades())
    write_queries(output / "queries.tsv", judged.queries())
    write_qrels(output / "judgments.qrels", judged.qrels())
    counts = Counter(grades.values())
    listed = ", ".join(f"{counts[int(grade)]:,} of grade {grade}" for grade in GRADES)
    left = len(judged.products) - len(grades)
    print(f"{len(grades):,} products of {len(judged.queries()):,} queries: {listed}")
    if left:
        print(f"{left:,} products have no grade yet")
    if agreement:
        print(agreement.table())
