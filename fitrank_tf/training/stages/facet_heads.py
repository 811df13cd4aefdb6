"""Heads that give the probabilities of a product's facets from embedding and features."""

import dataclasses
import logging
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from fitrank_tf.config import RunConfig
from fitrank_tf.features.attributes.predicted import with_predicted_attributes
from fitrank_tf.inputs.listwise import ProductTables
from fitrank_tf.queries.lexicon import FacetLexicon
from fitrank_tf.rerank.facet_heads import FacetHeads, cross_fitted
from fitrank_tf.training.products import RunProducts
from fitrank_tf.training.stage import Stage
from fitrank_tf.training.stages.features import FeaturesStage
from fitrank_tf.training.stages.lora import LoraStage
from fitrank_tf.training.work_dir import WorkDir

logger = logging.getLogger(__name__)

_FACET_PROBS, _CROSS_FACET_PROBS = "facet_probs.npy", "cross_facet_probs.npy"


class FacetHeadsStage(Stage):
    """Trained facet heads, and what they say of every product.

    Args:
        work: keeps the stage.
        config: the run's.
        products: to learn from.
        features: their features.
        lora: their embeddings.
    """

    name = "facet_heads"

    def __init__(
        self,
        work: WorkDir,
        config: RunConfig,
        products: RunProducts,
        features: FeaturesStage,
        lora: LoraStage,
    ):
        super().__init__(work)
        self._config, self._products = config, products
        self._features, self._lora = features, lora

    @property
    def inputs(self) -> tuple[Stage, ...]:
        return self._features, self._lora

    @property
    def config(self) -> Mapping[str, Any]:
        return {
            "catalogue": self._products.catalogue.fingerprint,
            "facet_heads": dataclasses.asdict(self._config.facet_heads),
            "seed": self._config.seed,
        }

    @cached_property
    def heads(self) -> FacetHeads:
        """What gives a product's facet probabilities."""
        return FacetHeads.load(self.folder, self._config.facet_heads)

    @cached_property
    def tables(self) -> ProductTables:
        """What the models know of all products."""
        facet_probs = np.load(self.folder / _FACET_PROBS)
        return ProductTables(self._lora.embeddings, self._features.values, facet_probs)

    @property
    def ranker_tables(self) -> ProductTables:
        """The same of `ranker_rows`, from heads that have not learned these products."""
        facet_probs = np.load(self.folder / _CROSS_FACET_PROBS)
        rows = self._products.ranker_rows
        embeddings, features = self._lora.embeddings[rows], self._features.values[rows]
        return ProductTables(embeddings, features, facet_probs)

    def make(self, folder: Path) -> None:
        """Trains the heads, each fold's on the products of the other folds."""
        rows, schema = self._products.ranker_rows, self._features.schema
        embeddings, features = self._lora.embeddings, self._features.values
        learned = with_predicted_attributes(
            self._products.records.select(rows), features[rows], schema
        )
        lexicon = FacetLexicon.of(learned)
        logger.info("facets and their values: %s", lexicon.facet_sizes)
        heads, cross_facet_probs = cross_fitted(
            lexicon,
            lexicon.codes(learned),
            embeddings[rows],
            features[rows],
            self._visible,
            self._config.facet_heads,
            self._config.seed,
        )
        heads.save(folder)
        np.save(folder / _CROSS_FACET_PROBS, cross_facet_probs)
        np.save(folder / _FACET_PROBS, heads.predict_all(embeddings, features))

    @property
    def _visible(self) -> np.ndarray:
        """float32 [F], 1 for the features that the heads see.

        What names colours has learned the training products' own names: of them it says
        more than of others, and heads would rely on that.
        """
        schema = self._features.schema
        visible = schema.group_mask(self._config.facet_heads.feature_groups)
        visible[schema.slice("colour_names")] = 0.0
        return visible
