"""Network that predicts sleeve length and neckline from the product cut out of its photo.

A small residual network (He et al., "Deep Residual Learning for Image Recognition",
2016) over the crop that colour and texture use too, resized to a square.
"""

import keras
from keras import KerasTensor, layers, ops

from fitrank_tf.features.attributes.columns import NECKLINE_LABELS, SLEEVE_LABELS
from fitrank_tf.features.garment.crop import CANVAS

_STEM, _STAGES = 24, (48, 96, 160)
_DROPOUT = 0.4


def build_attribute_network(auxiliary_classes: dict[str, int] | None = None) -> keras.Model:
    """Builds an untrained network.

    Args:
        auxiliary_classes: {name: number of classes} of auxiliary outputs, used in training
            only: the network learns from more labels than it predicts later.

    Returns:
        A model from canvases, uint8 or float [B, 96, 96, 3], 0..255, to a dict of
        logits: `sleeve` [B, 5], `neckline` [B, 6], and the auxiliary ones.
    """
    classes = {
        "sleeve": len(SLEEVE_LABELS),
        "neckline": len(NECKLINE_LABELS),
        **(auxiliary_classes or {}),
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
    labels = {name: layers.Dense(count, name=name)(seen) for name, count in classes.items()}
    return keras.Model(canvas, labels, name="attributes")


def without_auxiliary_outputs(network: keras.Model) -> keras.Model:
    """Returns the trained network without its auxiliary outputs."""
    labels = {name: network.output[name] for name in ("sleeve", "neckline")}
    return keras.Model(network.input, labels, name="attributes")


def attribute_probabilities(network: keras.Model, canvases: KerasTensor) -> KerasTensor:
    """Returns float32 [B, 11]: probabilities of `SLEEVE_LABELS`, then `NECKLINE_LABELS`.

    Args:
        network: trained attribute network.
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
    """A residual block of two convolutions that halves the resolution."""
    around = layers.Conv2D(width, 1, use_bias=False)(
        layers.AveragePooling2D(2, padding="same")(inputs)
    )
    hidden = layers.ReLU()(_convolution(inputs, width, 3, strides=2))
    hidden = _convolution(hidden, width, 3)
    return layers.ReLU()(layers.Add()([around, hidden]))
