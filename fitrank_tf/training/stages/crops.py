"""Embeddings of the garment boxes by the fine-tuned towers; only a study reads them."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from fitrank_tf.datasets.splits import ALL
from fitrank_tf.export.embedding import embed_photos
from fitrank_tf.features.garment.boxes import stored_garment_boxes
from fitrank_tf.inputs.photos import garment_photos
from fitrank_tf.training.products import RunProducts
from fitrank_tf.training.stage import Stage
from fitrank_tf.training.stages.features import FeaturesStage
from fitrank_tf.training.stages.lora import LoraStage
from fitrank_tf.training.work_dir import WorkDir

_CROPS = "crops.npy"


class CropsStage(Stage):
    """Embeddings of the garment box of each product.

    Args:
        work: keeps the stage's folder.
        products: products of the run.
        features: the image features, which contain the boxes.
        lora: the fine-tuned towers.
    """

    name = "crops"

    def __init__(
        self,
        work: WorkDir,
        products: RunProducts,
        features: FeaturesStage,
        lora: LoraStage,
    ):
        super().__init__(work)
        self._products, self._features, self._lora = products, features, lora

    @property
    def inputs(self) -> tuple[Stage, ...]:
        return self._features, self._lora

    @property
    def config(self) -> Mapping[str, Any]:
        return {}

    @cached_property
    def embeddings(self) -> np.ndarray:
        """float32 [N, D], embeddings of the garment boxes of all products."""
        return np.load(self.folder / _CROPS)

    def make(self, folder: Path) -> None:
        """Embeds the garment box of each photo."""
        towers, fusion = self._lora.load()
        features = self._features.values
        boxes = stored_garment_boxes(features, self._features.schema)
        crops = garment_photos(self._products.catalogue, ALL, towers.image_size, boxes)
        encode = self._lora.image_encoder(towers, fusion)
        np.save(folder / _CROPS, embed_photos(encode, crops, features))
