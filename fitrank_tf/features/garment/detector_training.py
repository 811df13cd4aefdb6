"""Trains the detector on items that have boxes."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from fitrank_tf._legacy import keras_cv, tf_keras
from fitrank_tf.config import DetectorConfig
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.progress import Progress, fit_hooks
from fitrank_tf.features.garment.detector import build_network
from fitrank_tf.features.garment.photo_square import (
    boxes_to_square,
    mirror_boxes,
    photo_extent,
)
from fitrank_tf.inputs.backdrops import paste_on_backdrop
from fitrank_tf.inputs.images import resize_and_pad

# KerasCV treats a box with a corner at -1 as padding. This one is not all -1 because its
# sides must not be 0, see `_SteadyCIoU`.
_NO_BOX = (-1.0, -1.0, 0.0, 0.0)
_NO_CLASS = -1.0
# A twentieth of training: by then AdamW's moments are meaningful.
_WARM_UP_SHARE = 0.05
_WEIGHT_DECAY = 1e-3
_CLIP_NORM = 10.0
_WHITE = 255.0
_LEAST_SEEN = 0.4


def train_detector(
    items: tf.data.Dataset, config: DetectorConfig, seed: int = 0
) -> tf_keras.Model:
    """Trains a detector from scratch.

    Args:
        items: Items (`datasets.item`); those without boxes and those beyond
            `config.num_images` are ignored.
        config: sizes and schedule. An epoch is `num_images` photos, even if there
            are fewer.
        seed: of weights, order and augmentation.

    Returns:
        The trained KerasCV `YOLOV8Detector`, for `Detector.from_network`.

    Raises:
        FitRankError: if no item has a box.
    """
    network = build_network(config, seed)
    steps = max(1, config.epochs * config.num_images // config.batch_size)
    network.compile(
        box_loss=_SteadyCIoU(bounding_box_format="xyxy", reduction="sum"),
        classification_loss="binary_crossentropy",
        optimizer=_optimizer(config.learning_rate, steps),
    )
    # One long epoch, see `training_batches`.
    with Progress("training the detector", steps, "steps") as shown:
        network.fit(
            training_batches(items, config, seed),
            steps_per_epoch=steps,
            verbose=0,
            callbacks=[tf_keras.callbacks.LambdaCallback(**fit_hooks(shown, epochs=1))],
        )
    return network


def training_batches(
    items: tf.data.Dataset, config: DetectorConfig, seed: int
) -> tf.data.Dataset:
    """Returns infinite augmented batches for `YOLOV8Detector.fit`.

    Args:
        items: Items (`datasets.item`); those without boxes are ignored.
        config: sizes and augmentation.
        seed: of order and augmentation.

    Returns:
        Pairs of images, float32 [B, S, S, 3], and {"boxes": float32 [B, N, 4],
        "classes": float32 [B, N]}, mirrored at random. Padding is class -1 and
        box `_NO_BOX`.

    Raises:
        FitRankError: if no item has a box.
    """
    examples = (
        items.filter(lambda item: tf.size(item["objects"]["label"]) > 0)
        .map(lambda item: _example(item, config.image_size), tf.data.AUTOTUNE)
        .take(config.num_images)
    )
    if next(iter(examples), None) is None:
        raise FitRankError(
            "no item of the detector's training data has a box; train it on a dataset "
            "with boxes, such as synthetic_catalogue"
        )
    random = tf.random.Generator.from_seed(seed)
    examples = examples.cache()
    return (
        _pasted(examples, config, seed)
        .map(lambda image, truth: _mirror_half(image, truth, random))
        .map(lambda image, truth: _zoom(image, truth, random, config.zoom))
        .map(lambda image, truth: (_recolour(image, random, config.colour_jitter), truth))
        .padded_batch(
            config.batch_size,
            padding_values=(None, {"boxes": 0.0, "classes": _NO_CLASS}),
        )
        .map(_for_keras_cv)
        .prefetch(tf.data.AUTOTUNE)
    )


def _example(item: Mapping[str, Any], size: int) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """Converts an Item to a uint8 square with its boxes and classes."""
    shape = tf.shape(item["image"])
    extent = photo_extent(shape[0], shape[1], size)
    boxes = boxes_to_square(item["objects"]["bbox"], extent, size)
    classes = tf.cast(item["objects"]["label"], tf.float32)
    return resize_and_pad(item["image"], size), {"boxes": boxes, "classes": classes}


def _pasted(
    examples: tf.data.Dataset, config: DetectorConfig, seed: int
) -> tf.data.Dataset:
    """Infinite shuffled examples, a share of them pasted on another backdrop."""
    first, second = (
        examples.shuffle(config.num_images, seed=seed + number).repeat()
        for number in range(2)
    )
    if not config.pasted:
        return first

    def paste(
        number: tf.Tensor, pair: tuple[Any, Any]
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        (image, truth), (other, _) = pair
        image_seed = tf.stack([tf.cast(seed, tf.int64), number])
        chosen = tf.random.stateless_uniform([], image_seed) < config.pasted
        shown = tf.cond(
            chosen, lambda: paste_on_backdrop(image, other, image_seed), lambda: image
        )
        return shown, truth

    return (
        tf.data.Dataset.zip(first, second)
        .enumerate()
        .map(lambda number, pair: paste(number, pair), num_parallel_calls=2)
    )


def _mirror_half(
    image: tf.Tensor, truth: dict[str, tf.Tensor], random: tf.random.Generator
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """Mirrors an image and its boxes with probability 1/2."""
    if random.uniform([]) < 0.5:
        image = tf.reverse(image, axis=[1])
        truth = {**truth, "boxes": mirror_boxes(truth["boxes"])}
    return image, truth


def _zoom(
    image: tf.Tensor, truth: dict[str, tf.Tensor], random: tf.random.Generator, zoom: float
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """Crops the square, or pads it with white, and resizes it.

    A box of which less than `_LEAST_SEEN` of the area remains is left out: the ends of a
    garment cut in two cannot be learned.
    """
    if not zoom:
        return image, truth
    side = 1.0 / random.uniform([], 1.0 - zoom, 1.0 + zoom)
    corner = random.uniform([2]) * (1.0 - side)
    window = tf.concat([corner, corner + side], axis=0)
    seen = tf.image.crop_and_resize(
        tf.cast(image[tf.newaxis], tf.float32),
        window[tf.newaxis],
        [0],
        image.shape[:2],
        extrapolation_value=_WHITE,
    )[0]
    moved = (truth["boxes"] - tf.tile(corner, [2])) / side
    boxes = tf.clip_by_value(moved, 0.0, 1.0)
    kept = _area(boxes) >= _LEAST_SEEN * _area(moved)
    shown = {"boxes": boxes[kept], "classes": truth["classes"][kept]}
    return tf.cast(tf.round(seen), tf.uint8), shown


def _area(boxes: tf.Tensor) -> tf.Tensor:
    return tf.reduce_prod(boxes[:, 2:] - boxes[:, :2], axis=1)


def _recolour(image: tf.Tensor, random: tf.random.Generator, jitter: float) -> tf.Tensor:
    """Changes hue, saturation and lightness at random; white stays white."""
    if not jitter:
        return image
    hue, saturation, lightness = tf.unstack(random.uniform([3], -jitter, jitter))
    image = tf.image.adjust_saturation(tf.image.adjust_hue(image, hue / 2), 1 + saturation)
    # Gamma, which leaves black and white unchanged.
    powered = tf.pow(tf.cast(image, tf.float32) / _WHITE, tf.exp(lightness))
    return tf.cast(tf.round(powered * _WHITE), tf.uint8)


def _for_keras_cv(
    images: tf.Tensor, truth: dict[str, tf.Tensor]
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    is_box = truth["classes"][..., None] >= 0
    boxes = tf.where(is_box, truth["boxes"], tf.constant(_NO_BOX))
    return tf.cast(images, tf.float32), {**truth, "boxes": boxes}


def _optimizer(learning_rate: float, steps: int) -> tf_keras.optimizers.Optimizer:
    warm_up = max(1, round(steps * _WARM_UP_SHARE))
    schedule = tf_keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        warmup_target=learning_rate,
        warmup_steps=warm_up,
        decay_steps=max(1, steps - warm_up),
    )
    return tf_keras.optimizers.AdamW(
        schedule,
        weight_decay=_WEIGHT_DECAY,
        global_clipnorm=_CLIP_NORM,
        # Compiling the update takes longer than it saves in a run of minutes.
        jit_compile=False,
    )


class _SteadyCIoU(keras_cv.losses.CIoULoss):
    """CIoU that stays finite for boxes without height.

    KerasCV adds an epsilon to the height, (bottom - top) + 1e-7, before it divides
    by it. TensorFlow's graph optimiser rewrites that as (bottom + 1e-7) - top,
    which loses the epsilon, and cells without a box give 0 / 0.
    """

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """Returns the loss of boxes [..., 4], each enlarged by a thousandth of a cell."""
        sliver = tf.constant([0.0, 0.0, 1e-3, 1e-3])
        return super().call(y_true + sliver, y_pred + sliver)
