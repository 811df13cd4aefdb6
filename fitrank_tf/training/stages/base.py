"""The base towers: from a preset, or trained from scratch."""

import contextlib
import dataclasses
import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import Any

from fitrank_tf.config import RunConfig
from fitrank_tf.core.shipped import folder_fingerprint, folder_here_or_shipped
from fitrank_tf.queries.texts import training_texts
from fitrank_tf.towers.clip_towers import towers_from_sizes
from fitrank_tf.towers.presets import towers_from_preset
from fitrank_tf.towers.towers import Towers, count_parameters
from fitrank_tf.towers.training.feature_prediction import FeaturePrediction, new_prediction
from fitrank_tf.towers.training.grad_cache import new_contrastive_model
from fitrank_tf.towers.vocabulary import learn_vocabulary
from fitrank_tf.training.contrastive import (
    contrastive_table,
    key_fields,
    train_towers,
)
from fitrank_tf.training.products import RunProducts
from fitrank_tf.training.stage import Stage
from fitrank_tf.training.stages.features import FeaturesStage
from fitrank_tf.training.work_dir import WorkDir

logger = logging.getLogger(__name__)

_PRESET = "preset"


class BaseStage(Stage):
    """The towers before fine-tuning, as a KerasHub preset.

    Args:
        work: keeps the stage's folder.
        config: configuration of the run.
        products: products of the run.
        features: the image features, which are read if the towers learn to predict them.
        scope: context in which the towers are built and trained.
    """

    name = "base"

    def __init__(
        self,
        work: WorkDir,
        config: RunConfig,
        products: RunProducts,
        features: FeaturesStage,
        scope: Callable[[], AbstractContextManager[Any]] = contextlib.nullcontext,
    ):
        super().__init__(work)
        self._config, self._products, self._features = config, products, features
        self._scope = scope

    @property
    def inputs(self) -> tuple[Stage, ...]:
        return (self._features,) if self._predicts_features else ()

    @property
    def _predicts_features(self) -> bool:
        return bool(self._config.base.epochs and self._config.base.feature_weight)

    @property
    def config(self) -> Mapping[str, Any]:
        folder = folder_here_or_shipped(self._config.towers.preset)
        preset = {} if folder is None else {"preset": folder_fingerprint(folder)}
        if self._is_untrained_folder:
            return {**preset, "image_size": self._config.towers.image_size}
        return {
            **preset,
            "catalogue": self._products.catalogue.fingerprint,
            "seed": self._config.seed,
            "towers": dataclasses.asdict(self._config.towers),
            "base": key_fields(self._config.base),
            "holdout_share": self._products.holdout_share,
        }

    @property
    def _is_untrained_folder(self) -> bool:
        folder = folder_here_or_shipped(self._config.towers.preset)
        return folder is not None and not self._config.base.epochs

    @property
    def code(self) -> tuple[str, ...]:
        # A preset that is not trained depends on neither texts nor products.
        return (
            (towers_from_preset.__module__,) if self._is_untrained_folder else super().code
        )

    @property
    def preset(self) -> Path:
        """Preset folder of the base towers."""
        return self.folder / _PRESET

    def load(self) -> Towers:
        """The base towers, freshly loaded."""
        return towers_from_preset(str(self.preset), self._config.towers.context_length)

    def make(self, folder: Path) -> None:
        """Loads the preset or builds new towers, trains them, and saves them."""
        config, seed = self._config.base, self._config.seed
        # Read here because other stages are made outside the scope.
        features = self._features.values if self._predicts_features else None
        with self._scope():
            towers = self.new_towers()
            size = f"{count_parameters(towers.backbone.weights):,}"
            logger.info("towers: %s parameters", size)
            if config.epochs:
                if self._config.towers.preset:
                    config = dataclasses.replace(config, temperature=towers.temperature)
                model = new_contrastive_model(
                    towers, None, config, seed, self._new_prediction(towers)
                )
                table = contrastive_table(
                    self._products, towers, features, seed, config.text_shares
                )
                train_towers(
                    model,
                    self._products,
                    table,
                    towers.image_size,
                    config,
                    seed,
                    folder,
                )
        towers.save_to_preset(folder / _PRESET)

    def _new_prediction(self, towers: Towers) -> FeaturePrediction | None:
        if not self._predicts_features:
            return None
        width = towers.backbone.vision_encoder.hidden_dim
        return new_prediction(width, self._features.values[self._products.tower_rows])

    def new_towers(self) -> Towers:
        """The base towers before their training."""
        config = self._config.towers
        if config.preset:
            towers = towers_from_preset(config.preset, config.context_length)
            return towers.with_image_size(config.image_size or towers.image_size)
        tokenizer = learn_vocabulary(self.texts, config.vocabulary_size)
        return towers_from_sizes(config, tokenizer, self._config.seed)

    @cached_property
    def texts(self) -> list[str]:
        """What new towers learn their vocabulary from; some may be empty."""
        records = self._products.records.select(self._products.tower_rows)
        shares = self._config.base.text_shares
        products = training_texts(records, self._config.seed, shares)
        return [text.text for texts in products for text in texts]
