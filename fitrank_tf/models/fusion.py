"""Image features into the image embedding."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from fitrank_tf.features.standard_scale import standard_scale
from fitrank_tf.models.towers import unit


@keras.saving.register_keras_serializable(package="fitrank_tf")
class FeatureFusion(keras.layers.Layer):
    """Adds a learned function of the features to the image embedding.

    `unit(embedding + W2 gelu(W1 standardised(features)))`, with W2 = 0 at the
    start: an untrained fusion changes nothing. In training whole groups are
    hidden at random (set to their mean), so that the sum works without them.

    Args:
        group_masks: [groups, F] of 0 and 1, a row a feature group.
        hidden: width of the hidden layer.
        group_dropout: chance that a group of an example is hidden in training.
        seed: of the group dropout.
    """

    def __init__(
        self,
        group_masks: Sequence[Sequence[float]],
        hidden: int = 256,
        group_dropout: float = 0.1,
        seed: int = 0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.group_masks = np.asarray(group_masks, "float32").tolist()
        self.hidden = hidden
        self.group_dropout = group_dropout
        self.seed = seed
        self.widen = keras.layers.Dense(hidden, activation="gelu", name="widen")
        self._seeds = keras.random.SeedGenerator(seed)

    def build(self, embedding_shape, features_shape):
        """Makes the two layers and the standardisation's constants."""
        size = features_shape[-1]
        self.mean = self.add_weight(
            name="mean", shape=(size,), initializer="zeros", trainable=False
        )
        self.scale = self.add_weight(
            name="scale", shape=(size,), initializer="ones", trainable=False
        )
        self.project = keras.layers.Dense(
            embedding_shape[-1], kernel_initializer="zeros", use_bias=False, name="project"
        )
        self.widen.build((None, size))
        self.project.build((None, self.hidden))

    def adapt(self, features: np.ndarray, seen: np.ndarray) -> None:
        """Takes mean and spread of each feature from the training products.

        Args:
            features: float32 [N, F].
            seen: [F] of 0 and 1; a feature with 0 always reads as its mean.
        """
        mean, scale = standard_scale(features)
        self.mean.assign(mean)
        self.scale.assign(scale * seen)

    def call(self, embedding, features, training=None):
        """Fused unit embeddings.

        Args:
            embedding: float32 [batch, D].
            features: float32 [batch, F].
            training: hides groups at random if true.

        Returns:
            float32 [batch, D], L2-normalised.
        """
        standard = ops.clip((features - self.mean) * self.scale, -5.0, 5.0)
        if training and self.group_dropout:
            standard = standard * self._keep(ops.shape(features)[0])
        return unit(embedding + self.project(self.widen(standard)))

    def _keep(self, batch):
        masks = ops.convert_to_tensor(self.group_masks, "float32")
        drawn = keras.random.uniform((batch, masks.shape[0]), seed=self._seeds)
        return ops.matmul(ops.cast(drawn >= self.group_dropout, "float32"), masks)

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "group_masks": self.group_masks,
            "hidden": self.hidden,
            "group_dropout": self.group_dropout,
            "seed": self.seed,
        }
