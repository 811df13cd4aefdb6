"""Learns from click logs: position bias, grades for training, and what rankings would earn.

    --log LOG                               estimates the position bias
    --log LOG --output GRADES.tsv           and grades products by weighted clicks, for
                                            `fitrank train --train_judgments GRADES.tsv`
    --log LOG --queries Q.tsv --runs A.run,B.run
                                            and estimates the clicks that runs would earn
    --interleaved LOG                       says which of two interleaved models wins

A log is a table with the columns query, product, position and clicked, or the counts clicks
and impressions in its place; session, time, randomised and swapped if it has them.
"""

import argparse
import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fitrank_tf.clicks.counts import ClickCounts
from fitrank_tf.clicks.interleaving import read_wins
from fitrank_tf.clicks.log_options import LogOptions, SessionRules
from fitrank_tf.clicks.off_policy import policy_value
from fitrank_tf.clicks.propensities import (
    METHODS,
    Propensities,
    PropensityConfig,
    estimate_propensities,
)
from fitrank_tf.clicks.read_log import read_click_log
from fitrank_tf.clicks.relevance import ESTIMATES, RelevanceConfig, click_grades
from fitrank_tf.core.command_line import command_parser
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.splits import title_key
from fitrank_tf.datasets.tables import read_table, synonyms
from fitrank_tf.evaluation.markdown_table import markdown_table
from fitrank_tf.evaluation.trec import read_queries, read_run

logger = logging.getLogger(__name__)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = command_parser("clicks", __doc__)
    parser.add_argument("--log", default="", help="CSV or Parquet files, by commas")
    parser.add_argument(
        "--products",
        default="",
        help="the catalogue's table: rows of other ids are left out",
    )
    parser.add_argument("--output", default="", help="table of grades to write")
    parser.add_argument("--queries", default="", help="file of lines query_id<TAB>text")
    parser.add_argument("--runs", default="", help="TREC runs of --queries, by commas")
    parser.add_argument("--interleaved", default="", help="log of `--interleave`")
    log = parser.add_argument_group("the log")
    log.add_argument(
        "--columns", type=_listed, default=(), help="column=name pairs, e.g. product=sku"
    )
    log.add_argument("--encoding", default="", help="of CSV, if it is not found out")
    log.add_argument("--delimiter", default="", help="of CSV, if it is not found out")
    _add(log, LogOptions, "first_position", "number of the topmost position")
    _add(log, LogOptions, "most_positions", "positions that are read")
    sessions = parser.add_argument_group("sessions that are left out")
    _add(sessions, SessionRules, "fewest_queries", "different queries")
    _add(sessions, SessionRules, "most_queries", "different queries")
    _add(sessions, SessionRules, "most_clicked", "share of the impressions")
    _add(sessions, SessionRules, "fewest_to_judge", "impressions, for --most_clicked")
    _add(sessions, SessionRules, "most_per_minute", "different queries")
    bias = parser.add_argument_group("position bias")
    bias.add_argument("--method", default="auto", choices=METHODS)
    bias.add_argument(
        "--trust_bias", action="store_true", help="the top is trusted blindly"
    )
    _add(bias, PropensityConfig, "iterations", "of em, at most")
    grades = parser.add_argument_group("grades")
    grades.add_argument("--estimate", default="bayes", choices=ESTIMATES)
    _add(grades, RelevanceConfig, "clip", "least propensity")
    _add(grades, RelevanceConfig, "fewest_impressions", "of a product of a query")
    _add(grades, RelevanceConfig, "fewest_clicks", "of a query")
    return parser.parse_args(arguments)


def _add(group: Any, config: type, field: str, meaning: str) -> None:
    """An option for a field of a configuration, with its default."""
    default = next(f.default for f in dataclasses.fields(config) if f.name == field)
    group.add_argument(
        f"--{field}", type=type(default), default=default, help=f"{meaning} ({default})"
    )


def main(arguments: Sequence[str] | None) -> None:
    """See the module."""
    options = parse(arguments)
    if options.interleaved:
        print(read_wins(options.interleaved).report())
        return
    if not options.log:
        raise FitRankError("--log is missing: name the files of clicks")
    if bool(options.runs) != bool(options.queries):
        raise FitRankError("--runs and --queries belong together: give both or none")
    log_options = LogOptions(**_given(options, LogOptions))
    rules = SessionRules(**_given(options, SessionRules))
    bias = PropensityConfig(**_given(options, PropensityConfig))
    relevance = RelevanceConfig(**_given(options, RelevanceConfig))
    known = _ids(options.products) if options.products else None
    log = read_click_log(_listed(options.log), log_options, rules, known)
    print(log.report())
    propensities = estimate_propensities(log.counts, bias)
    print(_propensity_table(propensities))
    if options.output:
        grades = click_grades(log.counts, propensities, relevance)
        grades.write(Path(options.output))
        print(f"{options.output}: {len(grades.pairs):,} grades by {relevance.estimate}")
    if options.runs:
        _estimate(options, log.counts, propensities)


def _given(options: argparse.Namespace, config: type) -> dict[str, Any]:
    """The options that are fields of a configuration."""
    fields = [field.name for field in dataclasses.fields(config)]
    return {name: value for name, value in vars(options).items() if name in fields}


def _estimate(
    options: argparse.Namespace, counts: ClickCounts, propensities: Propensities
) -> None:
    keys = {key: title_key(text) for key, text in read_queries(options.queries).items()}
    by_key = {title_key(text): text for text in counts.queries}
    rows = []
    for path in _listed(options.runs):
        rankings = {
            by_key[keys[key]]: [item for item, _ in ranking]
            for key, ranking in read_run(path).items()
            if keys.get(key) in by_key
        }
        value = policy_value(counts, propensities, rankings)
        if value.warning:
            logger.warning("%s: %s", path, value.warning)
        low, high = value.interval
        rows.append(
            [
                Path(path).name,
                f"{value.ips:.4f}",
                f"{value.snips:.4f}",
                f"{low:.4f} to {high:.4f}",
                f"{value.effective:,.0f}",
                f"{value.covered:.0%}",
                f"{value.queries:,}",
            ]
        )
    titles = ["clicks a page", "IPS", "SNIPS", "95 %", "effective", "covered", "queries"]
    print(markdown_table(titles, rows, num_texts=1))


def _propensity_table(found: Propensities) -> str:
    titles = ["position", "propensity", *(["irrelevant"] if found.irrelevant.any() else [])]
    columns = [found.relevant, found.irrelevant][: len(titles) - 1]
    rows = [
        [str(place), *(f"{value:.4f}" for value in values)]
        for place, values in enumerate(zip(*columns), start=1)
    ]
    how = (
        f"{found.method}, {found.iterations} iterations"
        if found.iterations
        else found.method
    )
    return f"position bias by {how}\n{markdown_table(titles, rows, num_texts=1)}"


def _ids(path: str) -> frozenset[str]:
    table = read_table(path)
    names = filter(None, map(table.find, ("id", *synonyms("id"))))
    column = next(names, None)
    if column is None:
        raise FitRankError(
            f"{path}: no column of ids; it has {', '.join(table.header)}: name one `id`"
        )
    return frozenset(table.texts(column))


def _listed(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(",")))
