"""Auxiliary loss: the image tower predicts the image features."""

from typing import Any

import keras
import numpy as np
from keras import KerasTensor, ops

from fitrank_tf.features.standardise import (
    mean_and_inverse_scale,
    standardise_by_inverse,
)


class FeaturePrediction(keras.layers.Layer):
    """Predicts the features of a photo from the image tower's pooled output.

    The features of detector, colours, texture and attribute heads describe a photo in more
    detail than its title, and generalise to new products. A tower that has to predict them
    (distillation, Hinton et al., 2015) learns the same distinctions. Used in training
    only; it is not exported.

    Args:
        hidden: width of the hidden layer.
    """

    def __init__(self, hidden: int = 256, **kwargs: Any):
        super().__init__(**kwargs)
        self.hidden = hidden
        self.widen = keras.layers.Dense(hidden, activation="gelu", name="widen")

    def build(
        self, pooled_shape: tuple[int | None, ...], features_shape: tuple[int | None, ...]
    ) -> None:
        """Builds the two layers and the standardisation's constants."""
        size = features_shape[-1]
        self.mean = self.add_weight(
            name="mean", shape=(size,), initializer="zeros", trainable=False
        )
        self.inverse_scale = self.add_weight(
            name="inverse_scale", shape=(size,), initializer="ones", trainable=False
        )
        self.tell = keras.layers.Dense(size, name="tell")
        self.widen.build(pooled_shape)
        self.tell.build((None, self.hidden))

    def adapt(self, features: np.ndarray) -> None:
        """Sets mean and scale from the training products' features, float32 [N, F]."""
        mean, inverse_scale = mean_and_inverse_scale(features)
        self.mean.assign(mean)
        self.inverse_scale.assign(inverse_scale)

    def call(self, pooled: KerasTensor, features: KerasTensor) -> KerasTensor:
        """Returns the mean squared error of the standardised features, float32 [B].

        Args:
            pooled: float32 [B, width], from `Towers.pool_images`.
            features: float32 [B, F], from the feature extractor.
        """
        target = standardise_by_inverse(features, self.mean, self.inverse_scale)
        predicted = ops.cast(self.tell(self.widen(pooled)), "float32")
        return ops.mean(ops.square(predicted - target), axis=-1)


def new_prediction(width: int, features: np.ndarray) -> FeaturePrediction:
    """Builds an untrained prediction, standardised to the training products.

    Args:
        width: of the image tower's pooled output.
        features: float32 [N, F], of the training products.
    """
    prediction = FeaturePrediction()
    prediction.build((None, width), features.shape)
    prediction.adapt(features)
    return prediction
