"""Searches a bundle's catalogue: `python -m pipelines.search "red check shirt"`."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from fitrank_tf.cli.command import DEFAULT_BUNDLE
from fitrank_tf.core.filters import parse_filters
from fitrank_tf.export.graphs.attribute_filter import FILTERS
from fitrank_tf.export.loaded_bundle import LoadedBundle


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.search", description=__doc__)
    parser.add_argument("query", nargs="+", help="one query or more, each in quotes")
    parser.add_argument("--bundle", default=DEFAULT_BUNDLE)
    parser.add_argument("--top_k", type=int, default=10)
    parser.add_argument(
        "--filter",
        action="append",
        default=[],
        metavar="ATTRIBUTE=VALUE",
        help="show only these products, e.g. gender=Women or colour=Red|Maroon",
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None) -> None:
    """Runs the bundle's served `search` model in this process and prints its answers."""
    options = parse(arguments)
    filters = parse_filters(options.filter, FILTERS)
    answer = LoadedBundle(Path(options.bundle)).search(options.query, filters)
    for row, query in enumerate(options.query):
        print(query)
        _print_hits({name: values[row] for name, values in answer.items()}, options.top_k)


def _print_hits(answer: Mapping[str, np.ndarray], top_k: int) -> None:
    """The answer to one query, [k] each; "" ids are padding."""
    for place in np.flatnonzero(answer["ids"] != b"")[:top_k]:
        item, title, why = (
            answer[name][place].decode(errors="replace")
            for name in ("ids", "titles", "explanations")
        )
        print(
            f"{place + 1:4d}  {item:12s} {answer['scores'][place]:8.3f}  {title}  ({why})"
        )
