"""The shards of `build-catalogue` as products of an engine."""

from pathlib import Path

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.export.engine.load import EngineProducts
from fitrank_tf.export.loaded_bundle import LoadedBundle
from fitrank_tf.export.shards.catalogue_shards import CatalogueShards


def engine_products(bundle: Path, folder: Path) -> EngineProducts:
    """The products of a folder of shards, of which a part is in memory at a time.

    Args:
        bundle: whose models made them.
        folder: that `build-catalogue` wrote.

    Raises:
        FitRankError: if the shards are not finished, hold no product, or were made by
            other models.
    """
    shards = CatalogueShards(folder)
    shards.check_models(LoadedBundle(bundle).products_fingerprint)
    first = next(iter(shards), None)
    if first is None:
        raise FitRankError(f"{folder} holds no product")
    palette_size = first.tables.palette.shape[1]
    return EngineProducts(shards, shards.filters, palette_size, len(shards))
