"""Serves a page to look at a bundle's search: http://localhost:8600.

fitrank demo                                                 a bundle of drawn products
fitrank demo --table p.csv --images photos
                                                             with the catalogue's photos

Photos come from the catalogue that the catalogue options name, by product id; without
these options, from the catalogue that the bundle was trained on, if its name alone says
where it is.
"""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

from fitrank_tf.cli.options.catalogue import (
    add_catalogue_arguments,
    catalogue_source,
    dataset_of,
)
from fitrank_tf.cli.options.command import DEFAULT_BUNDLE
from fitrank_tf.core.command_line import command_parser
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.packages import imports_of
from fitrank_tf.datasets.catalogue import open_catalogue
from fitrank_tf.demo.bundle_search import BundleSearch
from fitrank_tf.demo.judgments import JudgmentFiles
from fitrank_tf.demo.photos import ProductPhotos, clip_embeddings, read_photos
from fitrank_tf.export.graphs.served_catalogue import read_catalogue
from fitrank_tf.export.loaded_bundle import LoadedBundle

logger = logging.getLogger(__name__)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = command_parser("demo", __doc__)
    add_search_arguments(parser)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8600)
    parser.add_argument(
        "--judgments",
        default="judgments",
        help="folder that thumbs are written to, as `evaluate --queries --qrels` reads; "
        "'' for no thumbs",
    )
    parser.add_argument(
        "--allow_host",
        action="append",
        default=[],
        metavar="NAME",
        help="a name besides localhost by which browsers may call the page",
    )
    parser.add_argument(
        "--allow_origin",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="another site whose pages may call it (CORS), as https://shop.example",
    )
    return parser.parse_args(arguments)


def add_search_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options that `load` reads: the bundle, and a catalogue for the photos."""
    add_catalogue_arguments(parser)
    parser.add_argument("--bundle", default=DEFAULT_BUNDLE)


def main(arguments: Sequence[str] | None) -> None:
    """Loads the bundle in this process and serves the page until it is interrupted."""
    options = parse(arguments)
    with imports_of("demo"):
        import uvicorn

        from fitrank_tf.demo.app import LOCAL_HOSTS, DemoSettings, demo_app
    hosts = dict.fromkeys((*LOCAL_HOSTS, options.host, *options.allow_host))
    settings = DemoSettings(tuple(hosts), tuple(options.allow_origin))
    bundle = LoadedBundle(Path(options.bundle))
    search, photos = load(bundle, options)
    judgments = JudgmentFiles(Path(options.judgments)) if options.judgments else None
    app = demo_app(search, photos, judgments, settings)
    print(f"FitRank        http://{_shown(options.host)}:{options.port}  (Ctrl-C ends it)")
    uvicorn.run(app, host=options.host, port=options.port, log_level="warning")


def load(
    bundle: LoadedBundle, options: argparse.Namespace
) -> tuple[BundleSearch, ProductPhotos]:
    """The search of a bundle, warmed up, and its products' photos.

    Args:
        bundle: to search.
        options: as of `add_search_arguments`.

    Raises:
        FitRankError: if the catalogue that the options name cannot be read.
    """
    products = read_catalogue(bundle.model("search"))
    photos = _photos(bundle, options, products.ids)
    clip = clip_embeddings(bundle, products.ids, photos) if photos else None
    search = BundleSearch(bundle, products, clip)
    for text in ("red shirt", "not red under 50"):
        bundle.search(text)
        bundle.understand([text])
    return search, ProductPhotos(photos)


def _photos(
    bundle: LoadedBundle, options: argparse.Namespace, ids: Sequence[str]
) -> dict[str, bytes]:
    given = bool(options.dataset or options.table or options.images)
    options.dataset = dataset_of(options) if given else bundle.info.dataset
    mend = "name the catalogue, as --table p.csv --images photos"
    try:
        catalogue = open_catalogue(catalogue_source(options), options.data_dir)
    except FitRankError as error:
        if given:
            raise
        logger.warning("cards have no photos (%s): %s", error, mend)
        return {}
    photos = read_photos(catalogue, ids)
    if len(photos) < len(ids):
        logger.warning(
            "%d of %d products have no photo in %s: %s",
            len(ids) - len(photos),
            len(ids),
            options.dataset,
            mend,
        )
    return photos


def _shown(host: str) -> str:
    """The name to type into a browser."""
    if host in ("127.0.0.1", "0.0.0.0", "::", "::1"):
        return "localhost"
    return f"[{host}]" if ":" in host else host
