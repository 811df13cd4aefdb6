"""The garment detector: KerasCV's YOLOv8, small enough to train on a CPU.

Its input is photos padded to white squares (`inputs.images.resize_and_pad`), its output
boxes [ymin, xmin, ymax, xmax] in 0..1 of that square.
"""

import hashlib
import logging
import math
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf

from fitrank_tf._legacy import keras_cv, tf_keras
from fitrank_tf.config import DetectorConfig
from fitrank_tf.core.command_line import command_line
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.files import folder_written_aside
from fitrank_tf.core.saved_models import load_saved_model
from fitrank_tf.datasets.item import OBJECT_CLASSES

BOX_FORMAT = "rel_yxyx"
_SIGNATURE = "serving_default"
# Most boxes per photo.
_MAX_DETECTIONS = 12
# Boxes below it are dropped. Low, because callers have thresholds of their own.
_MIN_SCORE = 0.05
# Non-maximum suppression: of two boxes of one class with a larger IoU the lower-scored
# one is dropped.
_MAX_OVERLAP = 0.6
# Initial probability of a class in a cell (Lin et al., "Focal Loss for Dense Object
# Detection", 2017, section 4.1): without it the first steps only unlearn thousands of
# boxes per photo.
_PRIOR = 0.01
# A side of a box is the mean of 16 distances (0..15 cells) under a softmax. KerasCV
# starts at equal weights, 7.5 cells, larger than most of a small photo; from there
# the softmax of one side often saturates, and that side stays wrong for one class.
# With this slope of the initial logits the mean starts at 1.5 cells.
_DISTANCE_BINS = 16
_BIN_SLOPE = 0.5

logger = logging.getLogger(__name__)


class Detections(NamedTuple):
    """The detected boxes of a batch, by falling score.

    Attributes:
        boxes: float32 [B, M, 4], [ymin, xmin, ymax, xmax] in 0..1; zeros for padding.
        classes: int32 [B, M], index in `OBJECT_CLASSES`; -1 for padding.
        scores: float32 [B, M] in 0..1; 0 for padding.
    """

    boxes: tf.Tensor
    classes: tf.Tensor
    scores: tf.Tensor


def build_network(config: DetectorConfig, seed: int) -> tf_keras.Model:
    """Builds an untrained KerasCV `YOLOV8Detector` with input float32 [B, S, S, 3], 0..255.

    Args:
        config: sizes of the network.
        seed: of the initial weights.
    """
    tf_keras.utils.set_random_seed(seed)
    backbone = keras_cv.models.YOLOV8Backbone(
        stackwise_channels=list(config.stackwise_channels),
        stackwise_depth=list(config.stackwise_depth),
        include_rescaling=True,
        input_shape=(config.image_size, config.image_size, 3),
    )
    network = keras_cv.models.YOLOV8Detector(
        backbone=backbone,
        num_classes=len(OBJECT_CLASSES),
        bounding_box_format=BOX_FORMAT,
        fpn_depth=config.fpn_depth,
        # All ops of this layer are core TensorFlow, so stock TF-Serving runs it.
        prediction_decoder=keras_cv.layers.MultiClassNonMaxSuppression(
            bounding_box_format=BOX_FORMAT,
            from_logits=False,
            confidence_threshold=_MIN_SCORE,
            iou_threshold=_MAX_OVERLAP,
            max_detections=_MAX_DETECTIONS,
            max_detections_per_class=_MAX_DETECTIONS,
        ),
    )
    _set_first_guess(network)
    return network


def _set_first_guess(network: tf_keras.Model) -> None:
    """Initialises the heads' biases to predict no class and a small box."""
    slope = -_BIN_SLOPE * tf.range(_DISTANCE_BINS, dtype=tf.float32)
    for level in (1, 2, 3):
        class_bias = network.get_layer(f"yolo_v8_head_{level}_class_3_conv").bias
        class_bias.assign(tf.fill(class_bias.shape, -math.log((1 - _PRIOR) / _PRIOR)))
        box_bias = network.get_layer(f"yolo_v8_head_{level}_box_3_conv").bias
        box_bias.assign(tf.tile(slope, [4]))


class Detector:
    """Detects garments and their parts in photos.

    Example:
        network = train_detector(items, config)
        Detector.from_network(network).save(directory)
        detector = Detector.load(directory)
        squares = squares.map(lambda images: detector.detect(images))
    """

    def __init__(self, module: tf.Module) -> None:
        """Wraps a module whose `detect` is a `tf.function`; see `from_network`, `load`."""
        self._module = module
        self._image_size = int(module.detect.input_signature[0].shape[1])

    @classmethod
    def from_network(cls, network: tf_keras.Model) -> "Detector":
        """Builds a detector from the current weights of a KerasCV `YOLOV8Detector`."""
        return cls(_serving_module(network))

    @property
    def image_size(self) -> int:
        """Side of the squares that `detect` takes, in pixels."""
        return self._image_size

    def detect(self, images: tf.Tensor) -> Detections:
        """Detects boxes; can be called inside `tf.function` and `Dataset.map`.

        Args:
            images: float32 [B, S, S, 3], 0..255, from `resize_and_pad`.
        """
        return Detections(**self._module.detect(images))

    def save(self, directory: Path) -> None:
        """Writes a SavedModel atomically, replacing an older one.

        Its signature takes `images` and returns `boxes`, `classes`, `scores`.
        """
        directory = Path(directory)
        with folder_written_aside(directory) as unfinished:
            tf.saved_model.save(
                self._module, str(unfinished), signatures={_SIGNATURE: self._module.detect}
            )
        logger.info("wrote the detector to %s", directory)

    @classmethod
    def load(cls, directory: Path) -> "Detector":
        """Loads what `save` wrote.

        Raises:
            FitRankError: if there is no readable detector.
        """
        try:
            module = load_saved_model(directory)
        except (OSError, ValueError, tf.errors.OpError) as error:
            raise FitRankError(
                f"no readable detector in {directory}; train it with "
                f"`{command_line('train-detector')}`"
            ) from error
        logger.info("detector: %s", directory)
        if _SIGNATURE not in module.signatures or not hasattr(module, "detect"):
            raise FitRankError(
                f"the SavedModel in {directory} is no detector; give its directory"
            )
        return cls(module)


def _serving_module(network: tf_keras.Model) -> tf.Module:
    """A module that holds only the weights and `detect`.

    The network itself is not an attribute: a tracked Keras model would write all of its
    training functions into the SavedModel.
    """
    module = tf.Module(name="detector")
    module.weights = list(network.weights)
    spec = tf.TensorSpec([None, *network.input_shape[1:]], tf.float32, name="images")

    @tf.function(input_signature=[spec])
    def detect(images: tf.Tensor) -> dict[str, tf.Tensor]:
        raw = network(images, training=False)
        found = network.decode_predictions(raw, images)
        real = found["classes"] >= 0
        return {
            "boxes": tf.where(real[..., None], tf.clip_by_value(found["boxes"], 0, 1), 0.0),
            "classes": tf.cast(found["classes"], tf.int32),
            "scores": tf.where(real, found["confidence"], 0.0),
        }

    module.detect = detect
    return module


def preset_fingerprint(folder: Path) -> str:
    """Returns the SHA-256 (hex) of a saved detector's graph and weights.

    Raises:
        FitRankError: if there is no detector in the folder.
    """
    digest = hashlib.sha256()
    try:
        for path in (folder / "saved_model.pb", *sorted((folder / "variables").iterdir())):
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    except OSError as error:
        raise FitRankError(
            f"no readable detector in {folder} ({error}); name one that "
            f"`{command_line('train-detector')}` wrote"
        ) from error
    return digest.hexdigest()
