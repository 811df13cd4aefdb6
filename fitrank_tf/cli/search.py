"""Searches a bundle's catalogue.

fitrank search "red check shirt" "navy kurta"
fitrank search --explain "polo, not red"        what was understood, why each product
fitrank search --image photo.jpg                products like a photo
fitrank search --image photo.jpg "in red"       like it, but red
"""

import argparse
import difflib
import itertools
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from fitrank_tf.cli.options.command import DEFAULT_BUNDLE
from fitrank_tf.client.hits import Hit
from fitrank_tf.core.command_line import command_parser
from fitrank_tf.core.filters import parse_filters, split_values
from fitrank_tf.datasets.attributes import NUMBER
from fitrank_tf.export.graphs.served_catalogue import read_catalogue
from fitrank_tf.export.loaded_bundle import LoadedBundle

logger = logging.getLogger(__name__)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = command_parser("search", __doc__)
    parser.add_argument("query", nargs="*", help="one query or more, each in quotes")
    parser.add_argument("--image", default="", help="photo: a file or an address")
    parser.add_argument(
        "--bundle", default=DEFAULT_BUNDLE, help="what `fitrank train` wrote (%(default)s)"
    )
    parser.add_argument(
        "--top_k", type=int, default=10, help="the most products to list (%(default)s)"
    )
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
        hits = bundle.search_by_photo(options.image, text, options.top_k, filters)
        _print(" ".join(filter(None, [options.image, text])), hits)
        if not hits:
            _say_why(bundle, filters)
        return
    answers = bundle.search(options.query, options.top_k, filters)
    understood = bundle.understand(options.query) if options.explain else []
    for query, read, hits in itertools.zip_longest(options.query, understood, answers):
        _print(query, hits, read)
    if not any(answers):
        _say_why(bundle, filters)


def _say_why(bundle: LoadedBundle, filters: Mapping[str, str]) -> None:
    """Logs that no product passes the filters, or the value that no product has."""
    cells = read_catalogue(bundle.model("search")).attributes
    for attribute in bundle.filters:
        if attribute.kind == NUMBER or attribute.name not in filters:
            continue
        held = {
            value.casefold(): value
            for cell in set(cells[attribute.name])
            for value in (attribute.values(cell) or [cell])
        }
        for value in split_values(filters[attribute.name]):
            if value.casefold() not in held:
                near = difflib.get_close_matches(value.casefold(), held, n=3)
                meant = " or ".join(held[one] for one in near)
                mend = f"; did you mean {meant}?" if meant else ""
                filtered = f"{attribute.name}={value}"
                logger.warning("filter '%s': no product has it%s", filtered, mend)
                return
    logger.warning("no product passes %s", ", ".join(map("=".join, filters.items())))


def _print(asked: str, hits: Sequence[Hit], understood: str | None = None) -> None:
    """Prints hits, with explanations where it is told what was understood."""
    print(asked)
    if understood is not None:
        print(f"understood: {understood or 'no value of the catalogue'}")
    for hit in hits:
        explained = understood is not None and hit.explanation
        explanation = f"  ({hit.explanation})" if explained else ""
        print(f"{hit.rank:4d}  {hit.id:12s} {hit.score:8.3f}  {hit.title}{explanation}")
