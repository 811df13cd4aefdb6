"""Builds the SavedModels that hold a catalogue from those that do not.

They are written anew whenever the catalogue changes; `search` comes last, so that its
newest version tells which catalogue the bundle has.
"""

import functools
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import tensorflow as tf

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.progress import tracked
from fitrank_tf.core.saved_models import load_saved_model
from fitrank_tf.export.bundle import model_path
from fitrank_tf.export.graphs.candidate_stage import ExactStage, ScannStage
from fitrank_tf.export.graphs.search import ScannSearch, Search
from fitrank_tf.export.graphs.served_catalogue import SearchableCatalogue, ServedCatalogue
from fitrank_tf.export.graphs.similar import Similar
from fitrank_tf.export.graphs.text_match import title_match
from fitrank_tf.export.signatures import ServedModule, save_served
from fitrank_tf.retrieval.scann_index import load_scann

CATALOGUE_MODELS: tuple[str, ...] = ("search_scann", "similar", "search")

logger = logging.getLogger(__name__)


def export_catalogue(
    bundle: Path,
    catalogue: SearchableCatalogue,
    version: int,
    list_size: int,
    facets: Sequence[str],
    names: Sequence[str] = CATALOGUE_MODELS,
) -> None:
    """Writes a version of the models that hold a catalogue.

    Args:
        bundle: has the encoders and the re-ranker.
        catalogue: what they search.
        version: number of the version directories.
        list_size: candidates of a query.
        facets: names of the re-ranker's facets.
        names: which of `CATALOGUE_MODELS`, written in this order.
    """
    make = _makers(bundle, catalogue, list_size, facets)
    for name in tracked([name for name in names if name in make], "exporting", "models"):
        save_served(make[name](), bundle / name, version)
        logger.info("exported %s, version %d", name, version)


def _makers(
    bundle: Path, catalogue: SearchableCatalogue, list_size: int, facets: Sequence[str]
) -> dict[str, Callable[[], ServedModule]]:
    """{name: makes the model}; without `search_scann` where ScaNN is missing."""
    query_encoder, image_encoder, reranker = (
        _loaded(model_path(bundle, name))
        for name in ("query_encoder", "image_encoder", "reranker")
    )
    held = ServedCatalogue(catalogue)
    exact, text_match = ExactStage(held, list_size), title_match(catalogue.titles)
    parts = (query_encoder, reranker, held)
    makers: dict[str, Callable[[], ServedModule]] = {
        "similar": lambda: Similar(image_encoder, *parts, exact),
        "search": lambda: Search(*parts, exact, text_match, facets),
    }
    try:
        load_scann("scann_ops")
    except FitRankError as error:
        logger.warning("search_scann is not written: %s", error)
    else:
        makers["search_scann"] = lambda: ScannSearch(
            *parts, ScannStage(held, list_size), text_match, facets
        )
    return makers


def _loaded(version: Path) -> tf.Module:
    """Loads a SavedModel, cached for processes that change a catalogue repeatedly."""
    written = (version / "saved_model.pb").stat().st_mtime_ns
    return _loaded_once(str(version.resolve()), written)


@functools.lru_cache(maxsize=3)
def _loaded_once(version: str, written: int) -> tf.Module:
    return load_saved_model(Path(version))
