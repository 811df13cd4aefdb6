"""Facet heads: probabilities of facet values from a product's embedding and features."""

import dataclasses
import json
import logging
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from fitrank_tf.config import RunConfig
from fitrank_tf.export.graphs.request_reader import RequestReader, read_facets
from fitrank_tf.features.attributes.predicted import with_predicted_attributes
from fitrank_tf.inputs.listwise import ProductTables
from fitrank_tf.queries.lexicon import FacetLexicon
from fitrank_tf.rerank.facet_heads import FacetHeads, cross_fitted
from fitrank_tf.rerank.title_facets import title_trust
from fitrank_tf.training.products import RunProducts
from fitrank_tf.training.stage import Stage
from fitrank_tf.training.stages.known_products import ProductEmbeddings, ProductFeatures
from fitrank_tf.training.work_dir import WorkDir

logger = logging.getLogger(__name__)

_FACET_PROBS, _CROSS_FACET_PROBS = "facet_probs.npy", "cross_facet_probs.npy"
_TITLE_TRUST = "title_trust.json"


class FacetHeadsStage(Stage):
    """Trained facet heads, and the facet probabilities of every product.

    Args:
        work: keeps the stage's folder.
        config: configuration of the run.
        products: products of the run.
        features: the products' image features.
        lora: the products' embeddings.
    """

    name = "facet_heads"

    def __init__(
        self,
        work: WorkDir,
        config: RunConfig,
        products: RunProducts,
        features: ProductFeatures,
        lora: ProductEmbeddings,
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
        """The trained heads."""
        return FacetHeads.load(self.folder, self._config.facet_heads)

    @cached_property
    def tables(self) -> ProductTables:
        """Embeddings, features and facet probabilities of all products."""
        facet_probs = np.load(self.folder / _FACET_PROBS)
        return ProductTables(self._lora.embeddings, self._features.values, facet_probs)

    @property
    def title_trust(self) -> dict[str, float]:
        """{facet: how far titles are believed}; see `rerank.title_facets`."""
        return json.loads((self.folder / _TITLE_TRUST).read_text(encoding="utf-8"))

    @cached_property
    def learned_tables(self) -> ProductTables:
        """`tables` with the cross-fitted heads' facet probabilities of `ranker_rows`."""
        facet_probs = self.tables.facet_probs.copy()
        facet_probs[self._products.ranker_rows] = np.load(self.folder / _CROSS_FACET_PROBS)
        return dataclasses.replace(self.tables, facet_probs=facet_probs)

    @property
    def ranker_tables(self) -> ProductTables:
        """`learned_tables` of `ranker_rows`."""
        return self.learned_tables.select(self._products.ranker_rows)

    def make(self, folder: Path) -> None:
        """Trains the heads, for each fold on the products of the other folds."""
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
        named = read_facets(RequestReader(lexicon), learned.texts)
        trust = title_trust(lexicon, named, lexicon.codes(learned))
        (folder / _TITLE_TRUST).write_text(json.dumps(trust), encoding="utf-8")
        np.save(folder / _CROSS_FACET_PROBS, cross_facet_probs)
        np.save(folder / _FACET_PROBS, heads.predict_all(embeddings, features))

    @property
    def _visible(self) -> np.ndarray:
        """float32 [F], 1 for the input features of the heads, else 0.

        The colour names are left out: their head was trained on the colours of these very
        products, so its predictions are better on them than on others, and the facet heads
        would rely on that.
        """
        schema = self._features.schema
        visible = schema.group_mask(self._config.facet_heads.feature_groups)
        visible[schema.slice("colour_names")] = 0.0
        return visible
