"""What the later stages read of products: their features, and embeddings of a text too."""

import abc
from collections.abc import Callable
from typing import Any

import numpy as np

from fitrank_tf.features.schema import FeatureSchema
from fitrank_tf.queries.lexicon import FacetLexicon
from fitrank_tf.training.stage import Stage


class ProductFeatures(Stage):
    """A stage that gives the image features of all products.

    Attributes:
        schema: schema of the feature vectors.
    """

    schema: FeatureSchema

    @property
    @abc.abstractmethod
    def values(self) -> np.ndarray:
        """float32 [N, F], feature vectors of all products, described by `schema`."""


class ProductEmbeddings(Stage):
    """A stage that gives the fine-tuned towers' embeddings of products and queries."""

    @property
    @abc.abstractmethod
    def embeddings(self) -> np.ndarray:
        """float32 [N, D], fine-tuned embeddings of all products."""

    @abc.abstractmethod
    def query_encoder(self, lexicon: FacetLexicon) -> Callable[..., Any]:
        """A function from texts to their fine-tuned `embedding` and `query_facets`.

        Args:
            lexicon: of the facet values that a text may name.
        """
