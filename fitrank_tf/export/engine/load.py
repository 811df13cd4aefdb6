"""Loads a bundle's catalogue into an engine, and writes the model that goes with it."""

import dataclasses
import hashlib
import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import tensorflow_text  # noqa: F401  registers the ops of the query encoder

from fitrank_tf.client.engine.layout import DEFAULT_NAME, ENGINE_MODEL, LAYOUT
from fitrank_tf.client.engine.milvus import Milvus
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.saved_models import load_saved_model
from fitrank_tf.datasets.attributes import Attribute
from fitrank_tf.export.bundle import model_path, model_versions, next_version
from fitrank_tf.export.engine.collections import EngineCatalogue
from fitrank_tf.export.graphs.engine_search import (
    FINGERPRINT_FILE,
    TERMS_FILE,
    EngineSearch,
)
from fitrank_tf.export.graphs.served_catalogue import SearchableCatalogue, read_catalogue
from fitrank_tf.export.loaded_bundle import LoadedBundle
from fitrank_tf.export.signatures import save_served
from fitrank_tf.export.warmup import EXTRA_DIR
from fitrank_tf.queries.query_words import query_words
from fitrank_tf.retrieval.title_terms import TitleTerms

# Products of a batch: some 10 MB.
_BATCH = 2000

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class EngineProducts:
    """What is loaded: products in batches, which are read twice.

    Attributes:
        batches: iterable any number of times, the same products each time; all have the
            same attributes and are embedded by one bundle.
        filters: the attributes that products can be filtered by.
        palette_size: colours of a palette.
        count: how many products there are, or about.
    """

    batches: Iterable[SearchableCatalogue]
    filters: tuple[Attribute, ...]
    palette_size: int
    count: int

    @classmethod
    def of(cls, catalogue: SearchableCatalogue) -> "EngineProducts":
        """A catalogue in memory."""
        palette_size = catalogue.tables.palette.shape[1]
        batches = _Batches(catalogue)
        return cls(batches, catalogue.filters, palette_size, len(catalogue))


@dataclasses.dataclass(frozen=True)
class _Batches:
    catalogue: SearchableCatalogue

    def __iter__(self) -> Iterator[SearchableCatalogue]:
        for start in range(0, len(self.catalogue), _BATCH):
            yield self.catalogue.select(
                range(start, min(start + _BATCH, len(self.catalogue)))
            )


@dataclasses.dataclass(frozen=True)
class Loaded:
    """What `load_engine` did.

    Attributes:
        products: how many are in the engine.
        alias: of their collection.
        version: of the model `engine_search` in the bundle.
        removed: names of the collections of older models that were removed.
    """

    products: int
    alias: str
    version: int
    removed: Sequence[str]


def load_engine(
    bundle: Path,
    engine: Milvus,
    products: EngineProducts | None = None,
    index_type: str = "auto",
    name: str = DEFAULT_NAME,
    kept: int = 2,
) -> Loaded:
    """Loads products into an engine and then writes the version of `engine_search` that
    finds them: a server that polls the bundle never has a model without its products.

    Args:
        bundle: its directory.
        engine: where the products go.
        products: embedded by this bundle; None takes the bundle's own catalogue.
        index_type: one of `layout.INDEX_TYPES`.
        name: of the catalogue in the engine.
        kept: of how many versions of `engine_search`, the newest ones, products stay:
            servers may still have the older ones, or go back to them.

    Raises:
        FitRankError: the bundle cannot be used, or the engine fails.
    """
    if kept < 1:
        raise FitRankError(f"{kept} versions to keep: give at least 1")
    if products is None:
        products = EngineProducts.of(bundle_catalogue(bundle))
    terms = TitleTerms.of(
        query_words(title) for some in products.batches for title in some.titles
    )
    fingerprint = engine_fingerprint(bundle, terms, products.filters)
    catalogue = EngineCatalogue(engine, name, fingerprint, terms)
    count = catalogue.load(products.batches, index_type, products.count)
    version = _write_model(bundle, terms, products, fingerprint)
    newest = model_versions(bundle, ENGINE_MODEL)[-kept:]
    removed = catalogue.sweep([_kept_fingerprint(bundle, each) for each in newest])
    return Loaded(count, catalogue.alias, version, removed)


def open_engine(bundle: Path, engine: Milvus, name: str = DEFAULT_NAME) -> EngineCatalogue:
    """The products that the bundle's newest `engine_search` finds, to change them.

    Raises:
        FitRankError: if none were loaded.
    """
    if not model_versions(bundle, ENGINE_MODEL):
        raise FitRankError(
            f"bundle {bundle} has no model '{ENGINE_MODEL}': load its products first, "
            "without --only"
        )
    folder = model_path(bundle, ENGINE_MODEL)
    fingerprint = _kept_fingerprint(bundle, int(folder.name))
    terms = (folder / EXTRA_DIR / TERMS_FILE).read_text(encoding="utf-8")
    return EngineCatalogue(engine, name, fingerprint, TitleTerms.from_json(terms))


def bundle_catalogue(bundle: Path) -> SearchableCatalogue:
    """The catalogue that a bundle's `search` has.

    Raises:
        FitRankError: if the bundle cannot be used.
    """
    return read_catalogue(LoadedBundle(bundle).model("search"))


def engine_fingerprint(
    bundle: Path, terms: TitleTerms, filters: Sequence[Attribute]
) -> str:
    """SHA-256 (hex) of all that requests and products have to share.

    That are the models of the bundle, the terms and the attributes.
    """
    digest = hashlib.sha256(LAYOUT.encode())
    digest.update(LoadedBundle(bundle).products_fingerprint.encode())
    declared = [(each.name, each.kind) for each in filters]
    digest.update(json.dumps([declared, terms.words]).encode())
    digest.update(terms.idf.tobytes() + repr(terms.mean_length).encode())
    return digest.hexdigest()


def _write_model(
    bundle: Path, terms: TitleTerms, products: EngineProducts, fingerprint: str
) -> int:
    """The version of `engine_search` of this fingerprint, written if it is not there."""
    for version in model_versions(bundle, ENGINE_MODEL)[-1:]:
        if _kept_fingerprint(bundle, version) == fingerprint:
            return version
    info = LoadedBundle(bundle).info
    encoder, reranker = (
        load_saved_model(model_path(bundle, name)) for name in ("query_encoder", "reranker")
    )
    module = EngineSearch(
        encoder,
        reranker,
        products.filters,
        terms,
        info.facets,
        info.list_size,
        products.palette_size,
        fingerprint,
    )
    version = next_version(bundle)
    save_served(module, bundle / ENGINE_MODEL, version)
    logger.info("exported %s, version %d", ENGINE_MODEL, version)
    return version


def _kept_fingerprint(bundle: Path, version: int) -> str:
    """That of a version of `engine_search`."""
    folder = bundle / ENGINE_MODEL / str(version) / EXTRA_DIR
    return (folder / FINGERPRINT_FILE).read_text(encoding="utf-8")
