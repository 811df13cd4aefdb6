"""Loads a bundle's catalogue into an engine, Milvus, that finds a search's candidates.

    --engine FILE.db              Milvus Lite, the embedded engine
    --engine http://HOST:19530    a cluster
    --only FILE                   the products of these ids alone, one a line: those that
                                  the catalogue has are written anew, the others removed

A version of the model `engine_search`, which belongs to the products, is written into the
bundle when they are there. Servers that poll the bundle load it; `fitrank export` exports
it to those that read a repository; `fitrank client --engine` searches.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fitrank_tf.cli.options.command import DEFAULT_BUNDLE
from fitrank_tf.cli.options.text_lines import read_lines
from fitrank_tf.client.engine.layout import DEFAULT_NAME, ENGINE_MODEL, INDEX_TYPES
from fitrank_tf.core.command_line import command_parser

if TYPE_CHECKING:
    from fitrank_tf.export.engine.collections import EngineCatalogue
    from fitrank_tf.export.graphs.served_catalogue import SearchableCatalogue


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = command_parser("load-engine", __doc__)
    parser.add_argument("--bundle", default=DEFAULT_BUNDLE)
    parser.add_argument(
        "--engine", required=True, metavar="URI", help="where the products go"
    )
    parser.add_argument(
        "--engine_token_file", default="", help="holds user:password, or an API key"
    )
    parser.add_argument(
        "--name",
        default=DEFAULT_NAME,
        help="of the catalogue in the engine (default: %(default)s)",
    )
    parser.add_argument(
        "--index_type",
        default="auto",
        choices=INDEX_TYPES,
        help="of the embeddings; auto is exact up to 20,000 products, then HNSW "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--keep",
        type=int,
        default=2,
        metavar="N",
        help="products stay of the newest N versions of engine_search; servers may have "
        "the older ones, and go back to them (default: %(default)s)",
    )
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument("--only", default="", metavar="FILE", help="ids, one a line")
    ways.add_argument(
        "--shards",
        default="",
        metavar="DIR",
        help="the products that build-catalogue wrote, in place of the bundle's own",
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None) -> None:
    """See the module."""
    options = parse(arguments)
    # Here, because the options are told without pymilvus.
    from fitrank_tf.client.engine.milvus import Milvus, read_token
    from fitrank_tf.export.engine.load import bundle_catalogue, load_engine, open_engine
    from fitrank_tf.export.engine.shards import engine_products

    bundle = Path(options.bundle)
    engine = Milvus(options.engine, read_token(options.engine_token_file))
    if options.only:
        there = open_engine(bundle, engine, options.name)
        ids = read_lines("--only", options.only)
        _write_some(bundle_catalogue(bundle), there, ids)
    else:
        loaded = load_engine(
            bundle,
            engine,
            engine_products(bundle, Path(options.shards)) if options.shards else None,
            index_type=options.index_type,
            name=options.name,
            kept=options.keep,
        )
        print(f"products       {loaded.products}, {loaded.alias} at {options.engine}")
        print(f"SavedModel     {bundle / ENGINE_MODEL / str(loaded.version)}")
        for name in loaded.removed:
            print(f"removed        {name}")
    engine.close()


def _write_some(
    catalogue: "SearchableCatalogue", loaded: "EngineCatalogue", ids: Sequence[str]
) -> None:
    """Writes the products of some ids anew, and removes those that are none."""
    row_of = {item: row for row, item in enumerate(catalogue.ids)}
    there = [row_of[item] for item in ids if item in row_of]
    gone = [item for item in ids if item not in row_of]
    if there:
        loaded.upsert(catalogue.select(there))
    loaded.delete(gone)
    print(f"written        {len(there)}")
    print(f"removed        {len(gone)}")
