"""Feature models for tests: nothing learned, small, and the same on every run."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import keras
import keras_hub
import numpy as np
import tensorflow as tf

from fitrank_tf.datasets.annotations.label_file import PATTERNS
from fitrank_tf.datasets.item import OBJECT_CLASSES
from fitrank_tf.features.appearance.columns import APPEARANCE
from fitrank_tf.features.appearance.network import AppearanceNetwork
from fitrank_tf.features.attributes.columns import (
    CUT_LABELS,
    NECKLINE_LABELS,
    SLEEVE_LABELS,
)
from fitrank_tf.features.attributes.cut import cut_inputs
from fitrank_tf.features.colour.names import COLOUR_NAMES, ColourNamer, Prototypes
from fitrank_tf.features.colour.palette import GRID, PALETTE, colour_slices
from fitrank_tf.features.extract import feature_schema
from fitrank_tf.features.feature_models import FeatureModels, LearnedHeads
from fitrank_tf.features.garment.crop import CANVAS
from fitrank_tf.features.garment.detector import Detector
from fitrank_tf.features.heads.softmax_head import SoftmaxHead
from fitrank_tf.features.texture.statistics import texture_slices

# CIE L, a, b of three sRGB colours, from any table of colours.
RED_LAB, BLUE_LAB, WHITE_LAB = (53.2, 80.1, 67.2), (32.3, 79.2, -107.9), (100.0, 0.0, 0.0)
_BOX_EVIDENCE = 13
_CUT_INPUTS = cut_inputs(np.zeros((1, feature_schema().size)), feature_schema()).shape[1]


class BoxByColour(tf.Module):
    """One sure box of each kind, its place told by the photo's mean colour.

    A network that was never trained scores its boxes almost alike, so that the
    rounding of another batch would choose another box.
    """

    @tf.function(input_signature=[tf.TensorSpec([None, 64, 64, 3], tf.float32)])
    def detect(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        corner = tf.reduce_mean(images, axis=[1, 2])[:, :2] / 512.0
        box = tf.concat([corner, corner + 0.4], axis=1)
        classes = tf.constant([[0, OBJECT_CLASSES.index("neckline")]])
        batch = [tf.shape(images)[0], 1]
        return {
            "boxes": tf.stack([box, box * 0.9], axis=1),
            "classes": tf.tile(classes, batch),
            "scores": tf.tile(tf.constant([[0.9, 0.8]]), batch),
        }


def small_prototypes() -> Prototypes:
    """Three colours that have names."""
    names = [COLOUR_NAMES.index(name) for name in ("Red", "Blue", "White")]
    return Prototypes(
        np.float32([RED_LAB, BLUE_LAB, WHITE_LAB]), np.array(names), np.ones(len(names))
    )


def small_heads(seed: int = 0) -> LearnedHeads:
    """Heads of random weights."""
    generator = np.random.default_rng(seed)
    colour = sum(part.size for part in colour_slices())
    texture = sum(part.size for part in texture_slices())
    names = colour + len(COLOUR_NAMES) + _BOX_EVIDENCE
    namer = random_head(COLOUR_NAMES, names, generator)
    return LearnedHeads(
        ColourNamer(small_prototypes(), namer),
        random_head(PATTERNS, texture + PALETTE + GRID * GRID, generator),
        _attribute_network(seed),
        *(random_head(names, _CUT_INPUTS, generator) for names in CUT_LABELS.values()),
        small_appearance(seed),
    )


def small_appearance(seed: int = 0) -> AppearanceNetwork:
    """One block of random weights, as wide at its end as the real one."""
    keras.utils.set_random_seed(seed)
    backbone = keras_hub.models.EfficientNetBackbone(
        stackwise_width_coefficients=[1.0],
        stackwise_depth_coefficients=[1.0],
        stackwise_kernel_sizes=[3],
        stackwise_num_repeats=[1],
        stackwise_input_filters=[8],
        stackwise_output_filters=[8],
        stackwise_expansion_ratios=[1],
        stackwise_squeeze_and_excite_ratios=[0],
        stackwise_strides=[2],
        stackwise_block_types=["unfused"],
        activation="relu6",
        num_features=APPEARANCE,
    )
    converter = keras_hub.layers.EfficientNetImageConverter(
        image_size=(32, 32), scale=1 / 128, offset=-127 / 128, antialias=True
    )
    return AppearanceNetwork(backbone, converter)


def random_head(
    labels: Sequence[str], inputs: int, generator: np.random.Generator
) -> SoftmaxHead:
    """Two layers, of as many inputs as asked for."""
    widths = [inputs, 5, len(labels)]
    shapes = list(itertools.pairwise(widths))
    return SoftmaxHead(
        labels=tuple(labels),
        mean=generator.normal(size=inputs).astype(np.float32),
        scale=np.ones(inputs, np.float32),
        kernels=tuple(generator.normal(size=s).astype(np.float32) for s in shapes),
        biases=tuple(generator.normal(size=w).astype(np.float32) for w in widths[1:]),
    )


def _attribute_network(seed: int) -> keras.Model:
    """Answers by the mean colour alone."""
    keras.utils.set_random_seed(seed)
    canvas = keras.Input((CANVAS, CANVAS, 3), name="canvas")
    mean = keras.layers.GlobalAveragePooling2D()(canvas / 255.0)
    answers = {
        name: keras.layers.Dense(len(labels), name=name)(mean)
        for name, labels in (("sleeve", SLEEVE_LABELS), ("neckline", NECKLINE_LABELS))
    }
    return keras.Model(canvas, answers, name="attributes")


def small_models(seed: int = 0) -> FeatureModels:
    """The stand-in detector and random heads."""
    return FeatureModels(Detector(BoxByColour()), small_heads(seed))


def save_small_models(folder: Path, seed: int = 0) -> tuple[Path, Path]:
    """Writes `small_models`; returns the folders of detector and heads."""
    models = small_models(seed)
    models.detector.save(folder / "detector")
    (folder / "heads").mkdir()
    models.heads.save(folder / "heads")
    return folder / "detector", folder / "heads"
