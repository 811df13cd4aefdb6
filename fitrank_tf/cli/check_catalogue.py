"""Checks a catalogue before any training, and stores nothing of it.

Prints how many products can be used, what is left out and why, and what to look at:
values that may be one, values too rare to be learned, photos that come twice, missing
titles.

    --json FILE     all findings for machines, each row left out with its line
    --html FILE     the same for people, with a contact sheet
    --sheet FILE    the contact sheet alone, a PNG
"""

import argparse
import json
from collections.abc import Iterable, Sequence

from PIL import Image

from fitrank_tf.cli.options.catalogue import add_catalogue_arguments, catalogue_source
from fitrank_tf.core.command_line import command_parser
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.files import write_atomically
from fitrank_tf.datasets.catalogue import open_source
from fitrank_tf.datasets.check import CatalogueCheck, check_source
from fitrank_tf.datasets.check.page import draw_page, draw_sheet, thumbnail
from fitrank_tf.datasets.product_builder import usable_photo
from fitrank_tf.datasets.product_source import ProductRow, ProductSource

_NUM_SHEET_PHOTOS = 96
_NUM_NAMED = 3


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = command_parser("check-catalogue", __doc__)
    add_catalogue_arguments(parser)
    parser.add_argument("--json", default="", help="file for machines")
    parser.add_argument("--html", default="", help="page for people")
    parser.add_argument("--sheet", default="", help="PNG of the contact sheet")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None) -> None:
    """See the module."""
    options = parse(arguments)
    source = open_source(catalogue_source(options))
    check, products = check_source(source)
    _print(check)
    if options.json:
        plain = json.dumps(check.to_plain(), ensure_ascii=False, indent=1)
        write_atomically(options.json, plain.encode("utf-8"))
    if options.html or options.sheet:
        step = max(1, -(-len(products) // _NUM_SHEET_PHOTOS))
        photos = _photos(source, products[::step])
        sheet = draw_sheet(photos) if photos else b""
        if options.html:
            groups = (*check.same_files, *check.same_pictures)
            firsts = {group[0].id for group in groups}
            twice = _photos(source, (row for row in products if row.id in firsts))
            page = draw_page(check, sheet, twice)
            write_atomically(options.html, page.encode("utf-8"))
        if options.sheet:
            write_atomically(options.sheet, sheet)
    if not check.num_products:
        reason = "see the reasons above" if check.left_out else "it has no row of one"
        raise FitRankError(f"{check.where}: no product can be used; {reason}")


def _photos(source: ProductSource, rows: Iterable[ProductRow]) -> dict[str, Image.Image]:
    return {row.id: thumbnail(usable_photo(source, row)) for row in rows}


def _print(check: CatalogueCheck) -> None:
    print(f"{check.where}: {check.num_products} products of {check.num_rows} rows")
    for reason, places in check.left_out.items():
        named = [f"{each.id or '(no id)'} in line {each.line}" for each in places]
        dots = ", ..." if len(named) > _NUM_NAMED else ""
        print(f"  left out: {len(places)} {reason} ({', '.join(named[:_NUM_NAMED])}{dots})")
    for name, attribute in check.attributes.items():
        print(
            f"  {name} ({attribute.kind}): {len(attribute.counts)} {attribute.of_what}, "
            f"{len(attribute.rare)} of them rare; {attribute.missing} products without"
        )
    print("to look at:" if check.findings else "nothing to look at")
    for finding in check.findings:
        print(f"  - {finding}")
