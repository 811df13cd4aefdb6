"""Trains towers on packed products, without TensorFlow.

Reads what `fitrank pack` wrote and trains the base towers of a recipe, e.g. with
`KERAS_BACKEND=jax` on an accelerator; with `--teachers` they are also distilled from
trained towers. An interrupted training is resumed. Writes a KerasHub preset for
`--set towers.preset=OUTPUT_DIR`.
"""

import argparse
import dataclasses
import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
from keras import KerasTensor

from fitrank_tf.cli.options.command import add_recipe_arguments
from fitrank_tf.config import RunConfig, override
from fitrank_tf.core.command_line import command_parser
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.shipped import folder_fingerprint
from fitrank_tf.inputs.packed import (
    PACKED_FILE,
    PackedBatches,
    PackedProducts,
    decode_squares,
)
from fitrank_tf.recipes import load_recipe
from fitrank_tf.towers.clip_towers import ClipTowers, backbone_from_sizes
from fitrank_tf.towers.presets import towers_without_tokenizer
from fitrank_tf.towers.towers import Towers, count_parameters
from fitrank_tf.towers.training.augmentation import Augmentation
from fitrank_tf.towers.training.contrastive import ContrastiveModel
from fitrank_tf.towers.training.distillation import Teachers
from fitrank_tf.towers.training.feature_prediction import FeaturePrediction, new_prediction
from fitrank_tf.towers.training.loop import train_contrastive

logger = logging.getLogger(__name__)

_BACKUP = ".unfinished"
_AT_ONCE = 256
_TOP = 10
# Recipes are read with their configuration for real photos.
_ANY_DATASET = ""


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = command_parser("train-packed", __doc__)
    parser.add_argument("packed", help="folder that `fitrank pack` wrote")
    add_recipe_arguments(parser, "fitrank_tiny")
    parser.add_argument(
        "--teachers",
        default="",
        help="folders of trained towers to distil, separated by commas",
    )
    parser.add_argument("--output_dir", required=True, help="the preset to write")
    return parser.parse_args(arguments)


def new_towers(config: RunConfig, packed: PackedProducts) -> Towers:
    """The recipe's base towers before training.

    Args:
        config: configuration of the run.
        packed: packed products, which determine image size and vocabulary.

    Raises:
        FitRankError: if a preset does not fit the packed products.
    """
    if config.towers.preset:
        folder = Path(config.towers.preset)
        towers = towers_without_tokenizer(folder, config.towers.context_length)
        return check_fits(towers.with_image_size(packed.image_size), packed, folder)
    sizes = dataclasses.replace(config.towers, image_size=packed.image_size)
    backbone = backbone_from_sizes(sizes, packed.vocabulary_size, config.seed)
    return ClipTowers(backbone, None, config.towers.context_length)


def check_fits(towers: Towers, packed: PackedProducts, folder: Path) -> Towers:
    """Checks that towers have the image size and tokens of the packed products.

    Args:
        towers: the towers to check.
        packed: the packed products.
        folder: folder of the towers, for the message.

    Returns:
        `towers`.

    Raises:
        FitRankError: if image size, vocabulary or context length differ.
    """
    for name, theirs, ours in (
        ("image size", towers.image_size, packed.image_size),
        (
            "vocabulary",
            towers.backbone.text_encoder.vocabulary_size,
            packed.vocabulary_size,
        ),
        ("context length", towers.context_length, packed.table.token_ids.shape[-1]),
    ):
        if theirs != ours:
            raise FitRankError(
                f"{folder} has {name} {theirs}, the packed products {ours}; pack them "
                f"with `--set towers.preset={folder}`"
            )
    return towers


def check_no_accumulation(config: RunConfig) -> None:
    """Checks that the recipe has no microbatches, which only `fitrank train` supports.

    Raises:
        FitRankError: if `base.accumulation` is above 1.
    """
    parts = config.base.accumulation
    if parts > 1:
        raise FitRankError(
            f"base.accumulation is {parts}; packed products are trained on in whole "
            "batches: set base.accumulation=1 and a base.batch_size that fits"
        )


def backup_folder(output: Path, config: RunConfig, read: Sequence[Path]) -> Path:
    """The folder of a training's checkpoint, a different one for each configuration.

    Args:
        output: folder of the preset that is trained.
        config: configuration of the training.
        read: folders that the training reads.
    """
    made_of = [config.to_json(), *map(folder_fingerprint, read)]
    digest = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()
    return output.with_name(f"{output.name}.{digest[:8]}{_BACKUP}")


def new_feature_prediction(
    config: RunConfig, towers: Towers, packed: PackedProducts
) -> FeaturePrediction | None:
    """The auxiliary prediction of features from photos, None if the recipe has none.

    Args:
        config: configuration of the run.
        towers: the towers whose vision encoder predicts the features.
        packed: the packed products.

    Raises:
        FitRankError: if the recipe has it but the products were packed without features.
    """
    if not config.base.feature_weight:
        return None
    features = packed.table.features
    if features is None:
        raise FitRankError(
            "base.feature_weight needs features, but the products were packed without; "
            "set it to 0, or pack them with this recipe"
        )
    return new_prediction(towers.backbone.vision_encoder.hidden_dim, features)


def train(
    config: RunConfig, packed: PackedProducts, teachers: Sequence[Towers], backup: Path
) -> Towers:
    """Trains the recipe's base towers.

    Args:
        config: configuration of the run.
        packed: the packed products.
        teachers: trained towers to distil; none for training without distillation.
        backup: folder of the checkpoint.
    """
    towers = new_towers(config, packed)
    logger.info("towers: %s parameters", f"{count_parameters(towers.backbone.weights):,}")
    base = config.base
    if config.towers.preset:
        base = dataclasses.replace(base, temperature=towers.temperature)
    model = ContrastiveModel(
        towers,
        None,
        base,
        config.seed,
        prediction=new_feature_prediction(config, towers, packed),
        augmentation=Augmentation(config.seed),
        teachers=Teachers(teachers) if teachers else None,
    )
    pixels = decode_squares(packed.photos, packed.image_size)
    table = packed.table
    if not base.feature_weight:
        table = dataclasses.replace(table, features=None)
    batches = PackedBatches(table, pixels, base.batch_size, config.seed)
    steps = batches.steps_per_epoch
    train_contrastive(model, batches, steps, base, backup)
    return towers


def validation_hits(towers: Towers, packed: PackedProducts) -> float:
    """R@10 of the validation titles, each of which has one relevant product.

    Args:
        towers: trained towers.
        packed: the packed products.

    Returns:
        Share of the titles, 0..1, whose product is among the first ten.
    """
    pixels = decode_squares(packed.validation_photos, packed.image_size)
    images = _Encoder(towers, towers.encode_images).all_of(pixels)
    titles = _Encoder(towers, towers.encode_tokens).all_of(packed.validation_titles)
    scores = titles @ images.T
    better = (scores > np.diag(scores)[:, None]).sum(axis=1)
    return float((better < _TOP).mean())


class _Encoder(keras.Model):
    """One of the towers as a model, so that any Keras backend compiles it."""

    def __init__(self, towers: Towers, encode: Callable[[KerasTensor], KerasTensor]):
        super().__init__(name="encoder")
        self.backbone, self._encode = towers.backbone, encode
        self.built = True

    def call(self, inputs: KerasTensor) -> KerasTensor:
        return self._encode(inputs)

    def all_of(self, inputs: np.ndarray) -> np.ndarray:
        return self.predict(inputs, batch_size=_AT_ONCE, verbose=0)


def main(arguments: Sequence[str] | None) -> None:
    """See the module."""
    options = parse(arguments)
    folder, output = Path(options.packed), Path(options.output_dir)
    config = override(load_recipe(options.recipe, _ANY_DATASET), options.set)
    check_no_accumulation(config)
    packed = PackedProducts.load(folder)
    names = list(filter(None, options.teachers.split(",")))
    context = packed.table.token_ids.shape[-1]
    teachers = [
        check_fits(towers_without_tokenizer(Path(name), context), packed, Path(name))
        for name in names
    ]
    backup = backup_folder(output, config, [folder, *map(Path, names)])
    towers = train(config, packed, teachers, backup)
    towers.save_to_preset(output)
    shutil.copytree(
        folder, output, dirs_exist_ok=True, ignore=shutil.ignore_patterns(PACKED_FILE)
    )
    shutil.rmtree(backup, ignore_errors=True)
    print(f"preset    {output}")
    if len(packed.validation_photos) > _TOP:
        print(
            f"R@{_TOP} of {len(packed.validation_titles)} validation titles "
            f"{validation_hits(towers, packed):.4f}"
        )
