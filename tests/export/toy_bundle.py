"""A bundle of toy parts: small enough to change in a second."""

from collections.abc import Sequence
from pathlib import Path

from fitrank_tf.export.bundle import (
    BUNDLE_FILE,
    FEATURE_HEADS_DIR,
    MODELS,
    BundleInfo,
    write_bundle,
)
from fitrank_tf.export.catalogue_models import CATALOGUE_MODELS, export_catalogue
from fitrank_tf.export.graphs.served_catalogue import SearchableCatalogue
from fitrank_tf.features.extract import feature_schema
from tests.export.toy_parts import save_toy_parts, toy_catalogue

FACETS = ("shape",)


def write_toy_bundle(
    bundle: Path,
    catalogue: SearchableCatalogue | None = None,
    list_size: int = 3,
    models: Sequence[str] = CATALOGUE_MODELS,
) -> Path:
    """Version 1 of a bundle whose searching models work and whose others are folders.

    Args:
        bundle: its directory.
        catalogue: what it searches; None for the five toy products.
        list_size: candidates of a query.
        models: which of `CATALOGUE_MODELS` work.
    """
    catalogue = catalogue or toy_catalogue()
    info = BundleInfo({}, "toy", "0", 8, list_size, feature_schema(), FACETS)
    with write_bundle(bundle) as folder:
        save_toy_parts(folder)
        export_catalogue(folder, catalogue, 1, list_size, FACETS, models)
        for name in set(MODELS) - set(models):
            (folder / name / "1").mkdir(parents=True, exist_ok=True)
        (folder / FEATURE_HEADS_DIR).mkdir()
        (folder / BUNDLE_FILE).write_text(info.to_json(), encoding="utf-8")
    return bundle
