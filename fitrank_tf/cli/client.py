"""Searches over gRPC, without TensorFlow.

fitrank client "red check shirt" --filter gender=Men
fitrank client --image photo.jpg                  products like a photo
fitrank client --image photo.jpg "in red"         like it, but red
fitrank client --engine URI "red check shirt"     candidates of `fitrank load-engine`

Speaks TF-Serving's `Predict`, so it serves the local server and a real one alike.
"""

import argparse
import sys
from collections.abc import Sequence

from fitrank_tf.client.channel import DEFAULT_ADDRESS, Security
from fitrank_tf.client.engine.layout import DEFAULT_NAME, ENGINE_MODEL
from fitrank_tf.client.hits import Answer, format_json, format_table
from fitrank_tf.client.search_client import SearchClient
from fitrank_tf.client.searches import SEARCH, SIMILAR
from fitrank_tf.core.command_line import command_parser
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.filters import parse_filters


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the answer to one query."""
    options = parse(arguments)
    answer = _ask(options)
    if options.json:
        print(format_json(answer))
        return
    if options.explain and answer.understood is not None:
        print(f"understood: {answer.understood or 'nothing'}", file=sys.stderr)
    if answer:
        print(format_table(answer))
    else:
        print(f"no product found for {_asked(options)}", file=sys.stderr)


def _ask(options: argparse.Namespace) -> Answer:
    if not (options.query.strip() or options.image):
        raise FitRankError("nothing to look for: give a query or --image")
    with _client(options) as client:
        model = SIMILAR if options.image else options.model
        if options.engine:
            model = ENGINE_MODEL
        known = client.filter_names(model) if options.filter else ()
        filters = parse_filters(options.filter, known)
        if options.image:
            photos = [options.image]
            [answer] = client.similar(photos, options.query, options.top_k, filters)
        else:
            explain = options.explain or options.json
            [answer] = client.search([options.query], options.top_k, filters, explain)
    return answer


def _client(options: argparse.Namespace) -> SearchClient:
    security = Security(options.ssl_ca_file, options.auth_token_file)
    if not options.engine:
        return SearchClient(
            options.address, options.model, options.timeout, options.label, security
        )
    if options.image or options.model != SEARCH:
        raise FitRankError(
            "--engine finds products by a query alone: leave out --image and --model"
        )
    # Here, because other searches need no pymilvus.
    from fitrank_tf.client.engine.engine_client import EngineSearchClient
    from fitrank_tf.client.engine.milvus import read_token

    return EngineSearchClient(
        options.engine,
        options.address,
        options.timeout,
        options.label,
        security,
        read_token(options.engine_token_file),
        options.engine_name,
    )


def _asked(options: argparse.Namespace) -> str:
    asked = [f"'{options.query}'"] if options.query else []
    asked += [options.image] if options.image else []
    asked += [f"with {pair}" for pair in options.filter]
    return " ".join(asked)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = command_parser("client", __doc__)
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
        "--address",
        default=DEFAULT_ADDRESS,
        help="host:port, or several with commas between them (default: %(default)s)",
    )
    parser.add_argument(
        "--model", default=SEARCH, help="the served model (default: %(default)s)"
    )
    parser.add_argument(
        "--engine",
        default="",
        metavar="URI",
        help="Milvus, whose products are searched: FILE.db or a cluster's address",
    )
    parser.add_argument(
        "--engine_token_file", default="", help="holds user:password, or an API key"
    )
    parser.add_argument(
        "--engine_name",
        default=DEFAULT_NAME,
        help="of the catalogue in the engine (default: %(default)s)",
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
    parser.add_argument(
        "--json",
        action="store_true",
        help="print one JSON object: what was understood, and all that is told of hits",
    )
    parser.add_argument(
        "--explain",
        action="store_true",
        help="say what was understood and what speaks for each product",
    )
    return parser.parse_args(arguments)
