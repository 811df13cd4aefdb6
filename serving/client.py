"""Searches over gRPC: `python -m serving.client "red check shirt"`.

    python -m serving.client "red check shirt" --filter gender=Men
    python -m serving.client --image photo.jpg                  products like a photo
    python -m serving.client --image photo.jpg "in red"         like it, but red

Speaks TF-Serving's `Predict`, so it serves the local server and a real one alike.
"""

import argparse
import sys
from collections.abc import Sequence

from fitrank_tf.client.channel import DEFAULT_ADDRESS, Security
from fitrank_tf.client.hits import Hit, format_json_lines, format_table
from fitrank_tf.client.search_client import SEARCH, SIMILAR, SearchClient
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.filters import parse_filters


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the answer to one query and returns the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        hits = _ask(arguments)
    except FitRankError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if hits:
        print(format_json_lines(hits) if arguments.json else format_table(hits))
    else:
        print(f"no product found for {_asked(arguments)}", file=sys.stderr)
    return 0


def _ask(arguments: argparse.Namespace) -> list[Hit]:
    if not (arguments.query.strip() or arguments.image):
        raise FitRankError("nothing to look for: give a query or --image")
    security = Security(arguments.ssl_ca_file, arguments.auth_token_file)
    client = SearchClient(
        arguments.address, arguments.model, arguments.timeout, arguments.label, security
    )
    with client:
        model = SIMILAR if arguments.image else arguments.model
        known = client.filter_names(model) if arguments.filter else ()
        filters = parse_filters(arguments.filter, known)
        if arguments.image:
            photos = [arguments.image]
            answers = client.similar(photos, arguments.query, arguments.top_k, filters)
        else:
            outputs = ("explanations",) if arguments.explain else ()
            if arguments.explain:
                [understood] = client.understand([arguments.query])
                print(f"understood: {understood or 'nothing'}", file=sys.stderr)
            answers = client.search([arguments.query], arguments.top_k, filters, outputs)
    return answers[0]


def _asked(arguments: argparse.Namespace) -> str:
    asked = [f"'{arguments.query}'"] if arguments.query else []
    asked += [arguments.image] if arguments.image else []
    asked += [f"with {pair}" for pair in arguments.filter]
    return " ".join(asked)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m serving.client",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("query", nargs="?", default="", help="what to look for")
    parser.add_argument(
        "--image", default="", help="photo of something similar: a file or an address"
    )
    parser.add_argument(
        "--filter",
        action="append",
        default=[],
        metavar="ATTRIBUTE=VALUE",
        help="only these products, as gender=Women, colour=Red|Maroon or price<50; may be "
        "repeated",
    )
    parser.add_argument(
        "--address", default=DEFAULT_ADDRESS, help="host:port (default: %(default)s)"
    )
    parser.add_argument(
        "--model", default=SEARCH, help="the served model (default: %(default)s)"
    )
    parser.add_argument(
        "--label", default="", help="its version, as stable or canary (default: the newest)"
    )
    parser.add_argument(
        "--top_k", type=int, default=10, help="the most hits wanted (default: %(default)s)"
    )
    parser.add_argument(
        "--timeout", type=float, default=10.0, help="seconds to wait (default: %(default)s)"
    )
    parser.add_argument(
        "--ssl_ca_file", default="", help="certificates of a server that speaks TLS"
    )
    parser.add_argument(
        "--auth_token_file", default="", help="holds the token that the server asks for"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object a hit")
    parser.add_argument(
        "--explain",
        action="store_true",
        help="say what was understood and what speaks for each product",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
