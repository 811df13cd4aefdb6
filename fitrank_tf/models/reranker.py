"""The listwise re-ranker, on TF-Ranking.

Scores all candidates of a query together, from the query's embedding, the
images' embeddings and features, and the first stage's score.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

from fitrank_tf.compat import tf_keras, tfr
from fitrank_tf.config import RerankerConfig

_LOSSES = {
    "softmax": tfr.keras.losses.SoftmaxLoss,
    "approx_ndcg": tfr.keras.losses.ApproxNDCGLoss,
    "gumbel_approx_ndcg": tfr.keras.losses.GumbelApproxNDCGLoss,
    "list_mle": tfr.keras.losses.ListMLELoss,
    "pairwise_logistic": tfr.keras.losses.PairwiseLogisticLoss,
}
# Cosines of one list lie within a few tenths; the losses work on logits.
_FIRST_STAGE_SCALE = 20.0
_CROSS_WIDTH = 64
_PADDING_SCORE = -1e9


class Reranker(tf_keras.Model):
    """First-stage score plus a learned correction.

    The correction sees query times image (where the towers agree), query times
    features (which features matter to this query), the features themselves and
    the score's distance from the list's best. Attention over the list lets a
    candidate be judged beside the others; it enters as a latent cross
    (1 + attention) * hidden, after Qin et al. (ICLR 2021). The last layer starts
    at zero, so an untrained re-ranker keeps the first stage's order. Scores do
    not depend on the candidates' order.

    Args:
        config: sizes and dropout.
        feature_mean: float32 [F], of the training products.
        feature_scale: float32 [F], what a centred feature is multiplied by.
    """

    def __init__(
        self, config: RerankerConfig, feature_mean: np.ndarray, feature_scale: np.ndarray
    ):
        super().__init__(name="reranker")
        layers = tf_keras.layers
        self._mean = tf.constant(feature_mean, tf.float32)
        self._scale = tf.constant(feature_scale, tf.float32)
        self._query_cross = layers.Dense(_CROSS_WIDTH, name="query_cross")
        self._feature_cross = layers.Dense(_CROSS_WIDTH, name="feature_cross")
        self._normalise = layers.LayerNormalization(name="normalise")
        self._hidden = [
            layers.Dense(width, activation="gelu", name=f"hidden_{i}")
            for i, width in enumerate(config.hidden)
        ]
        self._dropout = layers.Dropout(config.dropout)
        self._attention = (
            tfr.keras.layers.DocumentInteractionAttention(
                num_heads=config.attention_heads,
                head_size=config.hidden[-1],
                num_layers=1,
                dropout=config.dropout,
            )
            if config.attention_heads
            else None
        )
        self._cross = layers.Dense(
            config.hidden[-1], kernel_initializer="zeros", name="cross"
        )
        self._correction = layers.Dense(1, kernel_initializer="zeros", name="correction")
        self._weight = self.add_weight(
            name="first_stage_weight",
            shape=(),
            initializer=tf_keras.initializers.Constant(_FIRST_STAGE_SCALE),
        )

    def call(self, inputs: Mapping[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        """Scores of lists.

        Args:
            inputs: `query` float32 [B, D], `images` [B, L, D], `features`
                [B, L, F], `first_stage` [B, L], `mask` bool [B, L].
            training: turns dropout on.

        Returns:
            float32 [B, L]; padding scores lowest.
        """
        mask = inputs["mask"]
        hidden = self._candidate_vectors(inputs)
        for layer in self._hidden:
            hidden = self._dropout(layer(hidden), training=training)
        if self._attention is not None:
            attended = self._attention((hidden, mask), training=training)
            hidden = (1.0 + self._cross(attended)) * hidden
        correction = tf.squeeze(self._correction(hidden), axis=-1)
        scores = self._weight * inputs["first_stage"] + correction
        return tf.where(mask, scores, _PADDING_SCORE)

    def _candidate_vectors(self, inputs: Mapping[str, tf.Tensor]) -> tf.Tensor:
        query = inputs["query"][:, tf.newaxis, :]
        features = (inputs["features"] - self._mean) * self._scale
        features = tf.clip_by_value(features, -5.0, 5.0)
        agreement = (
            query * inputs["images"] * tf.sqrt(tf.cast(tf.shape(query)[-1], tf.float32))
        )
        cross = self._query_cross(query) * self._feature_cross(features)
        first = tf.where(inputs["mask"], inputs["first_stage"], -2.0)
        behind = (first - tf.reduce_max(first, axis=1, keepdims=True))[..., tf.newaxis]
        return tf.concat(
            [agreement, self._normalise(cross), features, behind * 10.0], axis=-1
        )


def build_reranker(
    config: RerankerConfig, features: np.ndarray, embedding_dim: int
) -> Reranker:
    """An untrained re-ranker for a catalogue's features.

    Args:
        config: sizes.
        features: float32 [N, F] of the training products, for mean and spread.
        embedding_dim: width of the towers' embedding.
    """
    spread = features.std(axis=0)
    scale = np.where(spread > 1e-3, 1.0 / np.maximum(spread, 1e-3), 0.0)
    model = Reranker(config, features.mean(axis=0), scale)
    model(example_inputs(2, 3, embedding_dim, features.shape[1]))
    return model


def example_inputs(batch: int, length: int, embedding_dim: int, num_features: int) -> dict:
    """Inputs of the right shapes, all zero and nothing padded."""
    return {
        "query": tf.zeros([batch, embedding_dim]),
        "images": tf.zeros([batch, length, embedding_dim]),
        "features": tf.zeros([batch, length, num_features]),
        "first_stage": tf.zeros([batch, length]),
        "mask": tf.ones([batch, length], tf.bool),
    }


def train_reranker(
    model: Reranker,
    training: tf.data.Dataset,
    validation: tf.data.Dataset | None,
    config: RerankerConfig,
    log_dir: Path,
    verbose: int,
) -> tf_keras.callbacks.History:
    """Trains with a listwise loss and keeps the weights of the best validation nDCG@10.

    Args:
        model: to train.
        training: (inputs, grades [B, L], -1 for padding).
        validation: the same, of products of neither training nor test; None
            keeps the last weights.
        config: loss, epochs and rate.
        log_dir: gets `history.csv`.
        verbose: Keras' progress, 1 for a bar, 2 for a line an epoch.
    """
    steps = max(1, int(training.cardinality()) * config.epochs)
    schedule = tf_keras.optimizers.schedules.CosineDecay(
        config.learning_rate, steps, alpha=0.01
    )
    model.compile(
        optimizer=tf_keras.optimizers.Adam(schedule, global_clipnorm=1.0),
        loss=_on_gains(config.loss),
        metrics=[tfr.keras.metrics.NDCGMetric(topn=10, name="ndcg_10")],
    )
    callbacks = [tf_keras.callbacks.CSVLogger(str(log_dir / "history.csv"))]
    if validation is not None:
        callbacks.append(_keep_best(config))
    return model.fit(
        training,
        validation_data=validation,
        epochs=config.epochs,
        callbacks=callbacks,
        verbose=verbose,
    )


def _keep_best(config: RerankerConfig) -> tf_keras.callbacks.Callback:
    return tf_keras.callbacks.EarlyStopping(
        monitor="val_ndcg_10",
        mode="max",
        patience=config.epochs,
        restore_best_weights=True,
    )


def _on_gains(name: str):
    """The loss by name; the grades become gains 2^grade - 1, as nDCG weighs them.

    The gains of a list add up to 1, so that a query with many relevant products
    does not outweigh one with a single one. Padding stays below 0.
    """
    loss = _LOSSES[name]()

    def on_gains(grades: tf.Tensor, scores: tf.Tensor) -> tf.Tensor:
        real = grades >= 0.0
        gains = tf.where(real, tf.pow(2.0, grades) - 1.0, 0.0)
        total = tf.maximum(tf.reduce_sum(gains, axis=1, keepdims=True), 1.0)
        return loss(tf.where(real, gains / total, -1.0), scores)

    return loss if "ndcg" in name else on_gains
