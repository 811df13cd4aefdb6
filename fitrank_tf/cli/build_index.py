"""Changes the catalogue that a bundle searches.

    (catalogue options)             replaces the catalogue by this one
    (catalogue options) --add       adds its products; products of equal id are replaced
    --remove ID,ID | --remove_file FILE   removes products

Nothing is trained. A new version of the models that contain the catalogue (`search`,
`similar`, `search_scann`) is written beside the old one. Servers that poll the bundle load
it; `fitrank export` exports it to servers that read a repository.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from fitrank_tf.cli.options.catalogue import add_catalogue_arguments, catalogue_source
from fitrank_tf.cli.options.command import DEFAULT_BUNDLE
from fitrank_tf.cli.options.text_lines import read_lines
from fitrank_tf.core.command_line import command_parser
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.catalogue import Catalogue, open_catalogue
from fitrank_tf.datasets.splits import ALL
from fitrank_tf.datasets.tables import cell_text
from fitrank_tf.export.graphs.served_catalogue import SearchableCatalogue
from fitrank_tf.export.live_catalogue import Change, change_catalogue
from fitrank_tf.export.loaded_bundle import LoadedBundle
from fitrank_tf.features.extract import FeatureExtractor
from fitrank_tf.inputs.photos import photos


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = command_parser("build-index", __doc__)
    add_catalogue_arguments(parser)
    parser.add_argument("--bundle", default=DEFAULT_BUNDLE)
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument("--add", action="store_true", help="adds the catalogue's products")
    ways.add_argument("--remove", default="", metavar="ID,ID", help="products to remove")
    ways.add_argument("--remove_file", default="", help="file of ids, one per line")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None) -> None:
    """See the module."""
    options = parse(arguments)
    bundle = Path(options.bundle)
    version = change_catalogue(bundle, _change(options, bundle))
    print(f"SavedModel     {bundle / 'search' / str(version)}")


def _change(options: argparse.Namespace, bundle: Path) -> Change:
    if options.remove or options.remove_file:
        removed = _removed_ids(options)
        return lambda old: old.without(removed)
    catalogue = open_catalogue(catalogue_source(options), options.data_dir)
    products = searchable_catalogue(LoadedBundle(bundle), catalogue)
    if options.add:
        return lambda old: old.with_products(products.spelled_as(old))
    return lambda old: products


def _removed_ids(options: argparse.Namespace) -> list[str]:
    if options.remove:
        ids = options.remove.split(",")
    else:
        ids = read_lines("--remove_file", options.remove_file)
    # Cleaned as those of a table.
    ids = list(filter(None, map(cell_text, ids)))
    if not ids:
        raise FitRankError("no id to remove: give at least one")
    return ids


def searchable_catalogue(bundle: LoadedBundle, catalogue: Catalogue) -> SearchableCatalogue:
    """A catalogue's products with embeddings and facet probabilities by a bundle's models.

    Args:
        bundle: the loaded bundle.
        catalogue: the catalogue, all of whose products are embedded.
    """
    records = catalogue.records(ALL)
    extractor = FeatureExtractor(bundle.feature_models)
    features = extractor.extract(catalogue.items(ALL), len(records))
    pictures = photos(catalogue, ALL, bundle.info.image_size)
    embeddings = bundle.embed_photos(pictures, features)
    return SearchableCatalogue(
        records.ids,
        records.texts,
        records.attributes,
        bundle.known(embeddings, features, records.texts),
        records.declaration.filters,
    )
