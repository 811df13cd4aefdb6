"""The image tower's own guess of the image features, as a second thing to learn."""

from typing import Any

import keras
import numpy as np
from keras import KerasTensor, ops

from fitrank_tf.features.standardise import (
    mean_and_inverse_scale,
    standardise_by_inverse,
)


class FeaturePrediction(keras.layers.Layer):
    """Tells the features of a photo from what the image tower pooled of it.

    Detector, colours, texture and attribute heads know more of a photo than its title
    says, and know it of products never seen. A tower that has to tell their answer
    (distillation, Hinton et al., 2015) learns to look at the same things. Used in
    training only; what is exported has no trace of it.

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
        """Makes the two layers and the standardisation's constants."""
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
        """Takes mean and scale from the training products' features, [N, F]."""
        mean, inverse_scale = mean_and_inverse_scale(features)
        self.mean.assign(mean)
        self.inverse_scale.assign(inverse_scale)

    def call(self, pooled: KerasTensor, features: KerasTensor) -> KerasTensor:
        """How far off the guess is.

        Args:
            pooled: float32 [B, width], from `Towers.pool_images`.
            features: float32 [B, F], the extractor's.

        Returns:
            float32 [B], mean squared error over the standardised features.
        """
        wanted = standardise_by_inverse(features, self.mean, self.inverse_scale)
        told = ops.cast(self.tell(self.widen(pooled)), "float32")
        return ops.mean(ops.square(told - wanted), axis=-1)


def new_prediction(width: int, features: np.ndarray) -> FeaturePrediction:
    """An untrained prediction of training products' features.

    Args:
        width: of what the image tower pools.
        features: float32 [N, F].
    """
    prediction = FeaturePrediction()
    prediction.build((None, width), features.shape)
    prediction.adapt(features)
    return prediction
