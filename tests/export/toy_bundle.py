"""A bundle of toy parts: small enough to change in a second."""

from pathlib import Path

from fitrank_tf.export.bundle import (
    BUNDLE_FILE,
    FEATURE_HEADS_DIR,
    MODELS,
    BundleInfo,
    write_bundle,
)
from fitrank_tf.export.catalogue_models import CATALOGUE_MODELS, export_catalogue
from fitrank_tf.features.extract import feature_schema
from tests.export.toy_parts import save_toy_parts, toy_catalogue

FACETS = ("shape",)


def write_toy_bundle(bundle: Path) -> Path:
    """Version 1 of a bundle whose searching models work and whose others are folders."""
    info = BundleInfo({}, "toy", "0", 8, 3, feature_schema(), FACETS)
    with write_bundle(bundle) as folder:
        save_toy_parts(folder)
        export_catalogue(folder, toy_catalogue(), 1, info.list_size, FACETS)
        for name in set(MODELS) - set(CATALOGUE_MODELS):
            (folder / name / "1").mkdir(parents=True, exist_ok=True)
        (folder / FEATURE_HEADS_DIR).mkdir()
        (folder / BUNDLE_FILE).write_text(info.to_json(), encoding="utf-8")
    return bundle
