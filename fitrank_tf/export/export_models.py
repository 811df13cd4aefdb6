"""Exports trained models to the SavedModels of a bundle."""

import dataclasses
import logging
from collections.abc import Mapping
from pathlib import Path

from fitrank_tf.core.progress import tracked
from fitrank_tf.export.bundle import FEATURE_HEADS_DIR
from fitrank_tf.export.catalogue_models import export_catalogue
from fitrank_tf.export.graphs.image_encoder import FusedImageEncoder, ImageEncoder
from fitrank_tf.export.graphs.query_encoder import QueryEncoder, RequestEncoder
from fitrank_tf.export.graphs.served_catalogue import SearchableCatalogue
from fitrank_tf.export.graphs.served_facet_heads import ServedFacetHeads
from fitrank_tf.export.graphs.served_reranker import ServedReranker
from fitrank_tf.export.signatures import ServedModule, save_served
from fitrank_tf.features.feature_models import FeatureModels
from fitrank_tf.queries.lexicon import FacetLexicon
from fitrank_tf.rerank.facet_heads import FacetHeads
from fitrank_tf.rerank.model import Reranker
from fitrank_tf.towers.fusion import FeatureFusion
from fitrank_tf.towers.towers import Towers

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class TrainedModels:
    """The trained models of a run.

    Attributes:
        base: the baseline's towers.
        tuned: the fine-tuned towers, adapters merged.
        fusion: of the fine-tuned image tower.
        feature_models: of the features.
        facet_heads: of what products are.
        lexicon: their facet values, and the words by which requests name these.
        title_trust: how far titles are believed about each facet.
        reranker: of the candidates.
        num_features: F.
        list_size: candidates of a query.
    """

    base: Towers
    tuned: Towers
    fusion: FeatureFusion
    feature_models: FeatureModels
    facet_heads: FacetHeads
    lexicon: FacetLexicon
    title_trust: Mapping[str, float]
    reranker: Reranker
    num_features: int
    list_size: int


def export_models(
    models: TrainedModels, catalogue: SearchableCatalogue, bundle: Path, version: int
) -> None:
    """Writes all SavedModels of a bundle.

    Args:
        models: trained.
        catalogue: what the searching models serve.
        bundle: a folder that nobody serves yet (`bundle.write_bundle`).
        version: number of the version directories.
    """
    modules = _encoders_and_reranker(models)
    for name in tracked(modules, "exporting", "models"):
        save_served(modules[name], bundle / name, version)
        logger.info("exported %s, version %d", name, version)
    models.feature_models.detector.save(bundle / "detector" / str(version))
    (bundle / FEATURE_HEADS_DIR).mkdir()
    models.feature_models.heads.save(bundle / FEATURE_HEADS_DIR)
    facets = models.facet_heads.lexicon.facets
    export_catalogue(bundle, catalogue, version, models.list_size, facets)


def _encoders_and_reranker(models: TrainedModels) -> dict[str, ServedModule]:
    tuned, heads = models.tuned, models.facet_heads
    sizes = (tuned.embedding_dim, models.num_features)
    return {
        "clip_query_encoder": QueryEncoder(models.base),
        "clip_image_encoder": ImageEncoder(models.base),
        "query_encoder": RequestEncoder(tuned, models.lexicon),
        "image_encoder": FusedImageEncoder(tuned, models.fusion, models.num_features),
        "facet_heads": ServedFacetHeads(heads, models.title_trust, *sizes),
        "reranker": ServedReranker(models.reranker, *sizes, heads.lexicon.size),
    }
