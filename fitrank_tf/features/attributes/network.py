"""Tells sleeve length and neckline from the product cut out of its photo.

A small residual network (He et al., "Deep Residual Learning for Image Recognition",
2016) over the crop that colour and texture read too, stretched to one size.
"""

import keras
from keras import KerasTensor, layers, ops

from fitrank_tf.features.attributes.columns import NECKLINE_ANSWERS, SLEEVE_ANSWERS
from fitrank_tf.features.garment.crop import CANVAS

_STEM, _STAGES = 24, (48, 96, 160)
_DROPOUT = 0.4


def build_attribute_network(extra_answers: dict[str, int] | None = None) -> keras.Model:
    """An untrained network.

    Args:
        extra_answers: {name: classes} of further questions that training asks, so that
            the network learns to see from more labels than it will be asked for.

    Returns:
        A model from canvases, uint8 or float [B, 96, 96, 3], 0..255, to a dict of
        logits: `sleeve` [B, 5], `neckline` [B, 6], and the extra ones.
    """
    questions = {
        "sleeve": len(SLEEVE_ANSWERS),
        "neckline": len(NECKLINE_ANSWERS),
        **(extra_answers or {}),
    }
    canvas = keras.Input((CANVAS, CANVAS, 3), name="canvas")
    hidden = layers.Rescaling(1 / 127.5, -1.0)(canvas)
    hidden = layers.ReLU()(_convolution(hidden, _STEM, 5, strides=2))
    for width in _STAGES:
        hidden = _halving_block(hidden, width)
    seen = layers.Concatenate()(
        [layers.GlobalAveragePooling2D()(hidden), layers.GlobalMaxPooling2D()(hidden)]
    )
    seen = layers.Dropout(_DROPOUT)(seen)
    answers = {
        name: layers.Dense(count, name=name)(seen) for name, count in questions.items()
    }
    return keras.Model(canvas, answers, name="attributes")


def asked_only(network: keras.Model) -> keras.Model:
    """The trained network without the extra questions."""
    answers = {name: network.output[name] for name in ("sleeve", "neckline")}
    return keras.Model(network.input, answers, name="attributes")


def attribute_probabilities(network: keras.Model, canvases: KerasTensor) -> KerasTensor:
    """float32 [B, 11]: of `SLEEVE_ANSWERS`, then of `NECKLINE_ANSWERS`.

    Args:
        network: trained.
        canvases: uint8 [B, 96, 96, 3].
    """
    logits = network(ops.cast(canvases, "float32"), training=False)
    return ops.concatenate(
        [ops.softmax(logits["sleeve"]), ops.softmax(logits["neckline"])], axis=-1
    )


def _convolution(
    inputs: KerasTensor, filters: int, size: int, strides: int = 1
) -> KerasTensor:
    hidden = layers.Conv2D(filters, size, strides, "same", use_bias=False)(inputs)
    return layers.BatchNormalization()(hidden)


def _halving_block(inputs: KerasTensor, width: int) -> KerasTensor:
    """Two convolutions with a way around them, at half the size."""
    around = layers.Conv2D(width, 1, use_bias=False)(
        layers.AveragePooling2D(2, padding="same")(inputs)
    )
    hidden = layers.ReLU()(_convolution(inputs, width, 3, strides=2))
    hidden = _convolution(hidden, width, 3)
    return layers.ReLU()(layers.Add()([around, hidden]))
