"""The fine-tuned towers: LoRA or all weights, with the fusion of the image features."""

import contextlib
import dataclasses
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np

from fitrank_tf.config import RunConfig
from fitrank_tf.datasets.iteration import chosen_rows
from fitrank_tf.datasets.splits import ALL
from fitrank_tf.export.embedding import embed_photos, embed_texts
from fitrank_tf.export.graphs.image_encoder import PIXELS_SIGNATURE, FusedImageEncoder
from fitrank_tf.export.graphs.query_encoder import QueryEncoder, RequestEncoder
from fitrank_tf.export.signatures import DEFAULT_SIGNATURE
from fitrank_tf.inputs.photos import photos
from fitrank_tf.queries.judged import JudgedQuery, fingerprint
from fitrank_tf.queries.lexicon import FacetLexicon
from fitrank_tf.queries.texts import text_groups
from fitrank_tf.towers.adaptation import adapt
from fitrank_tf.towers.fusion import FeatureFusion, new_fusion
from fitrank_tf.towers.interpolation import Interpolation
from fitrank_tf.towers.presets import towers_from_preset
from fitrank_tf.towers.towers import Towers, count_parameters
from fitrank_tf.towers.training.distillation import Teachers
from fitrank_tf.towers.training.grad_cache import new_contrastive_model
from fitrank_tf.training.contrastive import (
    contrastive_table,
    key_fields,
    train_towers,
)
from fitrank_tf.training.products import RunProducts
from fitrank_tf.training.stage import Stage
from fitrank_tf.training.stages.base import BaseStage
from fitrank_tf.training.stages.features import FeaturesStage
from fitrank_tf.training.stages.known_products import ProductEmbeddings
from fitrank_tf.training.work_dir import WorkDir

logger = logging.getLogger(__name__)

_PRESET, _ADAPTERS = "preset", "adapters.npz"
_FUSION, _EMBEDDINGS = "fusion.npz", "embeddings.npy"
_INTERPOLATION = "interpolation.json"


class LoraStage(ProductEmbeddings):
    """The fine-tuned towers with their fusion, and the embeddings of all products.

    Args:
        work: keeps the stage's folder.
        config: configuration of the run.
        products: products of the run, all of which are embedded.
        base: the base towers, which get the adapters.
        features: the image features, which are fused with the photos.
        scope: context in which the towers are built and trained.
        judged: judged queries, of which the towers learn besides.
    """

    name = "lora"

    def __init__(
        self,
        work: WorkDir,
        config: RunConfig,
        products: RunProducts,
        base: BaseStage,
        features: FeaturesStage,
        scope: Callable[[], AbstractContextManager[Any]] = contextlib.nullcontext,
        judged: Sequence[JudgedQuery] = (),
    ):
        super().__init__(work)
        self._config, self._products = config, products
        self._base, self._features = base, features
        self._scope, self._judged = scope, judged

    @property
    def inputs(self) -> tuple[Stage, ...]:
        return self._base, self._features

    @property
    def config(self) -> Mapping[str, Any]:
        judgments = {
            "judged": fingerprint(self._judged),
            "judgments": dataclasses.asdict(self._config.judgments),
        }
        return {
            **(judgments if self._judged else {}),
            "catalogue": self._products.catalogue.fingerprint,
            "lora": dataclasses.asdict(self._config.lora),
            "training": key_fields(self._config.lora_training),
            "holdout_share": self._products.holdout_share,
            "seed": self._config.seed,
        }

    def load(self) -> tuple[Towers, FeatureFusion]:
        """The fine-tuned towers with merged adapters, and their fusion."""
        length = self._config.towers.context_length
        towers = towers_from_preset(str(self.folder / _PRESET), length)
        fusion = self._new_fusion(towers)
        with np.load(self.folder / _FUSION) as arrays:
            fusion.set_weights([arrays[f"arr_{i}"] for i in range(len(arrays))])
        return towers, fusion

    @property
    def interpolation(self) -> list[tuple[float, float]]:
        """(share of the fine-tuned weights, RR of validation titles), of those tried."""
        file = self.folder / _INTERPOLATION
        tried = json.loads(file.read_text()) if file.exists() else []
        return [(share, score) for share, score in tried]

    @cached_property
    def embeddings(self) -> np.ndarray:
        return np.load(self.folder / _EMBEDDINGS)

    def make(self, folder: Path) -> None:
        """Trains adapters and fusion, then embeds every product."""
        # Read here because other stages are made outside the scope.
        features, base = self._features.values, self._base.preset
        logger.info("fine-tuning %s", base)
        with self._scope():
            towers, fusion = self._train(features, folder)
        towers.save_to_preset(folder / _PRESET)
        np.savez(folder / _FUSION, *fusion.get_weights())
        everything = photos(self._products.catalogue, ALL, towers.image_size)
        encode = self.image_encoder(towers, fusion)
        np.save(folder / _EMBEDDINGS, embed_photos(encode, everything, features))

    def query_encoder(self, lexicon: FacetLexicon) -> Callable[..., Any]:
        towers, _ = self.load()
        return RequestEncoder(towers, lexicon).signatures()[DEFAULT_SIGNATURE]

    def image_encoder(self, towers: Towers, fusion: FeatureFusion) -> Callable[..., Any]:
        """The function from photos and features to embeddings that `embed_photos` takes.

        Args:
            towers: fine-tuned towers.
            fusion: fusion of the features.
        """
        encoder = FusedImageEncoder(towers, fusion, self._features.schema.size)
        return encoder.signatures()[PIXELS_SIGNATURE]

    def _new_fusion(self, towers: Towers) -> FeatureFusion:
        config, schema = self._config.lora, self._features.schema
        masks = np.stack([schema.group_mask([group]) for group in schema.groups])
        dropout, seed = config.feature_dropout, self._config.seed
        return new_fusion(config.fusion, towers, masks, dropout, seed)

    def _train(self, features: np.ndarray, folder: Path) -> tuple[Towers, FeatureFusion]:
        config, seed, products = self._config, self._config.seed, self._products
        towers = self._base.load()
        keras.utils.set_random_seed(seed)
        adapted = adapt(towers.backbone, config.lora)
        fusion = self._new_fusion(towers)
        seen = self._features.schema.group_mask(config.lora.feature_groups)
        fusion.adapt(features[products.tower_rows], seen)
        _log_trained_share(adapted.trainable, fusion, adapted.total)
        interpolation = Interpolation(
            [*towers.backbone.trainable_variables, *fusion.trainable_variables]
        )
        distillation = config.lora.distillation
        training = dataclasses.replace(
            config.lora_training,
            temperature=towers.temperature,
            teacher_weight=distillation,
        )
        model = new_contrastive_model(
            towers,
            fusion,
            training,
            seed,
            teachers=Teachers([self._base.load()]) if distillation else None,
        )
        table = contrastive_table(
            products,
            towers,
            features,
            seed,
            training.text_shares,
            self._judged,
            config.judgments,
        )
        size = towers.image_size
        train_towers(model, products, table, size, training, seed, folder)
        self._interpolate(interpolation, towers, fusion, features, folder)
        if adapted.layers:
            adapted.save(folder / _ADAPTERS)
        return towers, fusion

    def _interpolate(
        self,
        interpolation: Interpolation,
        towers: Towers,
        fusion: FeatureFusion,
        features: np.ndarray,
        folder: Path,
    ) -> None:
        """Goes back so far to the base as finds validation products best."""
        shares, everything = self._config.lora.interpolation, self._products.records
        if not shares:
            return
        rows = np.array(
            [r for r in self._products.validation_rows if everything.texts[r].strip()]
        )
        if len(rows) < 2:
            logger.warning(
                "lora.interpolation: no two validation products have a title to choose by; "
                "the fine-tuned weights are kept"
            )
            return
        records = everything.select(rows)
        groups = text_groups(records)
        pictures = photos(self._products.catalogue, ALL, towers.image_size)
        encode_photos = self.image_encoder(towers, fusion)
        encode_texts = QueryEncoder(towers).signatures()[DEFAULT_SIGNATURE]

        def score() -> float:
            images = embed_photos(
                encode_photos, chosen_rows(pictures, rows), features[rows]
            )
            texts = embed_texts(encode_texts, records.texts)
            return mean_reciprocal_rank(texts @ images.T, groups)

        scores = interpolation.keep_best(shares, score)
        shown = ", ".join(f"{share:g}: {value:.4f}" for share, value in scores.items())
        logger.info("RR of validation titles by share of the fine-tuned weights: %s", shown)
        (folder / _INTERPOLATION).write_text(json.dumps(list(scores.items())))


def mean_reciprocal_rank(scores: np.ndarray, groups: np.ndarray) -> float:
    """Mean of 1 / the place of the first product of the text's group.

    Args:
        scores: float32 [N, N], of texts and products; text n is product n's.
        groups: int [N], equal for products that answer each other's text.
    """
    right = groups[:, np.newaxis] == groups
    best = np.where(right, scores, -np.inf).max(axis=1, keepdims=True)
    return float(np.mean(1.0 / (1 + (scores > best).sum(axis=1))))


def _log_trained_share(adapters: int, fusion: FeatureFusion, total: int) -> None:
    trained = adapters + count_parameters(fusion.trainable_variables)
    share = 100 * trained / (total + trained - adapters)
    logger.info("with the fusion of the features %d are trained (%.1f %%)", trained, share)
