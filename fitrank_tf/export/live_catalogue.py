"""Changes a bundle's catalogue, without training, while servers read the bundle."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import tensorflow_text  # noqa: F401  registers the ops of the query encoder

from fitrank_tf.core.files import locked, remove_folder, remove_left_over
from fitrank_tf.core.saved_models import load_saved_model
from fitrank_tf.export.bundle import (
    BUNDLE_FILE,
    model_path,
    model_versions,
    next_version,
    read_bundle_info,
)
from fitrank_tf.export.catalogue_models import CATALOGUE_MODELS, export_catalogue
from fitrank_tf.export.graphs.served_catalogue import SearchableCatalogue, read_catalogue

# Versions to keep: the served one, one for rollback, and one that a server may still read.
_KEPT_VERSIONS = 3

logger = logging.getLogger(__name__)

Change = Callable[[SearchableCatalogue], SearchableCatalogue]


def change_catalogue(
    bundle: Path, change: Change, models: Sequence[str] = CATALOGUE_MODELS
) -> int:
    """Writes a new version of the models that hold the catalogue.

    Servers that poll the bundle load it beside the old one and swap. One change happens at
    a time: a second process waits for the first. The newest version of `search` is what a
    change starts from, and it is written last, so that after a crash the change is there
    as a whole or not at all.

    Args:
        bundle: its directory.
        change: the old catalogue to the new one.
        models: which of `CATALOGUE_MODELS` to write; `search` always is.

    Returns:
        The new version's number.

    Raises:
        FitRankError: if the bundle cannot be used, or what `change` raises; then nothing
            is written.
    """
    read_bundle_info(bundle)
    with locked(bundle / BUNDLE_FILE):
        _sweep(bundle)
        info = read_bundle_info(bundle)
        old = read_catalogue(load_saved_model(model_path(bundle, "search")))
        new = change(old)
        version = next_version(bundle)
        names = [name for name in CATALOGUE_MODELS if name in models or name == "search"]
        export_catalogue(bundle, new, version, info.list_size, info.facets, names)
        for name in names:
            _remove_old(bundle, name)
    logger.info("version %d searches %d products, before %d", version, len(new), len(old))
    return version


def _sweep(bundle: Path) -> None:
    """Removes leftovers of a killed process; servers ignore these names."""
    for name in CATALOGUE_MODELS:
        remove_left_over(bundle / name)


def _remove_old(bundle: Path, name: str) -> None:
    for version in model_versions(bundle, name)[:-_KEPT_VERSIONS]:
        remove_folder(bundle / name / str(version))
