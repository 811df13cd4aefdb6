"""Searches a bundle's catalogue.

fitrank search "red check shirt" "navy kurta"
fitrank search --explain "polo, not red"        what was understood, why each product
fitrank search --image photo.jpg                products like a photo
fitrank search --image photo.jpg "in red"       like it, but red
"""

import argparse
import itertools
from collections.abc import Sequence
from pathlib import Path

from fitrank_tf.cli.options.command import DEFAULT_BUNDLE
from fitrank_tf.client.hits import Hit
from fitrank_tf.core.command_line import command_parser
from fitrank_tf.core.filters import parse_filters
from fitrank_tf.export.loaded_bundle import LoadedBundle


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = command_parser("search", __doc__)
    parser.add_argument("query", nargs="*", help="one query or more, each in quotes")
    parser.add_argument("--image", default="", help="photo: a file or an address")
    parser.add_argument("--bundle", default=DEFAULT_BUNDLE)
    parser.add_argument("--top_k", type=int, default=10)
    parser.add_argument(
        "--explain",
        action="store_true",
        help="also what the query was understood as, and what speaks for each product",
    )
    parser.add_argument(
        "--filter",
        action="append",
        default=[],
        metavar="ATTRIBUTE=VALUE",
        help="only these products, as gender=Women, colour=Red|Maroon or price<50",
    )
    options = parser.parse_args(arguments)
    if not (options.query or options.image):
        parser.error("nothing to look for: give a query or --image")
    return options


def main(arguments: Sequence[str] | None) -> None:
    """Runs the bundle's served `search` model in this process and prints the results."""
    options = parse(arguments)
    bundle = LoadedBundle(Path(options.bundle))
    names = [attribute.name for attribute in bundle.filters] if options.filter else ()
    filters = parse_filters(options.filter, names)
    if options.image:
        text = " ".join(options.query)
        _print(
            " ".join(filter(None, [options.image, text])),
            bundle.search_by_photo(options.image, text, options.top_k, filters),
        )
        return
    answers = bundle.search(options.query, options.top_k, filters)
    understood = bundle.understand(options.query) if options.explain else []
    for query, read, hits in itertools.zip_longest(options.query, understood, answers):
        _print(query, hits, read)


def _print(asked: str, hits: Sequence[Hit], understood: str | None = None) -> None:
    """Prints hits, with explanations where it is told what was understood."""
    print(asked)
    if understood is not None:
        print(f"understood: {understood or 'no value of the catalogue'}")
    for hit in hits:
        explained = understood is not None and hit.explanation
        explanation = f"  ({hit.explanation})" if explained else ""
        print(f"{hit.rank:4d}  {hit.id:12s} {hit.score:8.3f}  {hit.title}{explanation}")
