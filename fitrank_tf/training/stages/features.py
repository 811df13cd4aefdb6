"""The image features of every product: boxes, colours, texture, attributes, appearance."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from fitrank_tf.core.shipped import find_shipped
from fitrank_tf.datasets.splits import ALL
from fitrank_tf.features.extract import FeatureExtractor, feature_schema
from fitrank_tf.features.feature_models import FeatureModels, heads_fingerprint, load_heads
from fitrank_tf.training.products import RunProducts
from fitrank_tf.training.stage import Stage
from fitrank_tf.training.stages.detector import DetectorStage
from fitrank_tf.training.stages.known_products import ProductFeatures
from fitrank_tf.training.work_dir import WorkDir

_FEATURES = "features.npy"


class FeaturesStage(ProductFeatures):
    """The image features of all products.

    Args:
        work: keeps the stage's folder.
        products: products of the run.
        detector: the detector of the boxes.
        heads: folder of the trained feature heads, in the working directory or shipped.

    Attributes:
        schema: schema of the feature vectors.
    """

    name = "features"

    def __init__(
        self, work: WorkDir, products: RunProducts, detector: DetectorStage, heads: str
    ):
        super().__init__(work)
        self._products, self._detector, self._heads = products, detector, heads
        self.schema = feature_schema()

    @property
    def inputs(self) -> tuple[Stage, ...]:
        return (self._detector,)

    @property
    def config(self) -> Mapping[str, Any]:
        return {
            "catalogue": self._products.catalogue.fingerprint,
            "heads": heads_fingerprint(find_shipped(self._heads)),
        }

    @property
    def models(self) -> FeatureModels:
        """The models that compute the features."""
        return FeatureModels(self._detector.detector, load_heads(find_shipped(self._heads)))

    @cached_property
    def values(self) -> np.ndarray:
        return np.load(self.folder / _FEATURES)

    def make(self, folder: Path) -> None:
        """Extracts the features of every photo of the catalogue."""
        items = self._products.catalogue.items(ALL)
        extractor = FeatureExtractor(self.models)
        np.save(folder / _FEATURES, extractor.extract(items, len(self._products.records)))
