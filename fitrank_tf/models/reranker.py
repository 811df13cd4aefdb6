"""The listwise re-ranker, on TF-Ranking.

Scores all candidates of a query together, from the query's embedding and what its words
ask for, the candidates' features, what the facet heads say of them, and the first stage's
score.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from fitrank_tf.compat import tf_keras, tfr
from fitrank_tf.config import RerankerConfig
from fitrank_tf.features.standard_scale import standard_scale
from fitrank_tf.models.facet_heads import DOUBT


def _gain(grades: tf.Tensor) -> tf.Tensor:
    """What a product of a grade is worth, as the reported nDCG counts it (trec_eval)."""
    return grades


_LOSSES = {
    "softmax": tfr.keras.losses.SoftmaxLoss,
    "approx_ndcg": tfr.keras.losses.ApproxNDCGLoss,
    "gumbel_approx_ndcg": tfr.keras.losses.GumbelApproxNDCGLoss,
    "list_mle": tfr.keras.losses.ListMLELoss,
    "pairwise_logistic": tfr.keras.losses.PairwiseLogisticLoss,
    # Pairs weigh what swapping them changes in nDCG@10 (LambdaLoss; Wang et al., 2018).
    "lambda_ndcg": lambda: tfr.keras.losses.PairwiseLogisticLoss(
        lambda_weight=tfr.keras.losses.NDCGLambdaWeightV2(topn=10, gain_fn=_gain),
        temperature=1.0,
    ),
}
# Cosines of one list lie within a few tenths; the losses work on logits.
_FIRST_STAGE_START = 20.0
# Where the blend of both was best on real products; training goes on from there.
_MATCH_START = 3.0
# The blend's weights are so many times what is learned: steps that fit a network's
# weights would not bring these anywhere.
WEIGHT_UNIT = 10.0
# Numbers of a product's traits.
TRAITS = 64
_PADDING_SCORE = -1e9


class Reranker(tf_keras.Model):
    """First-stage score, plus how well a candidate fits what is asked, plus a correction.

    The fit is the log of the chance, by the facet heads, that a candidate has the values
    that the query's words name; a facet that is not named does not count. The correction
    sees that fit facet by facet, where fit and first-stage score stand in the list, and
    query times features (which features matter to this query). What it does not see is
    the embeddings by themselves: of products that the towers have learned they say more
    than of others, and a network would rely on it. Attention over the list lets a
    candidate be judged beside the others; it enters as a latent cross
    (1 + attention) * hidden, and training adds noise to what is seen of a candidate, after
    Qin et al. (ICLR 2021). The last layer starts at zero,
    so an untrained re-ranker is a blend of first stage and fit. Scores do not depend on
    the candidates' order.

    Args:
        config: sizes and dropout.
        feature_mean: float32 [F], of the training products.
        feature_scale: float32 [F], what a centred feature is multiplied by.
        facet_sizes: how many of the V facet values each facet has.
    """

    def __init__(
        self,
        config: RerankerConfig,
        feature_mean: np.ndarray,
        feature_scale: np.ndarray,
        facet_sizes: Sequence[int],
    ):
        super().__init__(name="reranker")
        layers = tf_keras.layers
        self._mean = tf.constant(feature_mean, tf.float32)
        self._scale = tf.constant(feature_scale, tf.float32)
        # [V, facets], 1 where a value is of a facet.
        facet_of = np.repeat(np.arange(len(facet_sizes)), facet_sizes)
        self._facet_of = tf.constant(np.eye(len(facet_sizes))[facet_of], tf.float32)
        self._query_cross = layers.Dense(TRAITS, name="query_cross")
        self._feature_cross = layers.Dense(TRAITS, name="feature_cross")
        self._normalise = layers.LayerNormalization(name="normalise")
        self._hidden = [
            layers.Dense(width, activation="gelu", name=f"hidden_{i}")
            for i, width in enumerate(config.hidden)
        ]
        self._dropout = layers.Dropout(config.dropout)
        self._noise = layers.GaussianNoise(config.noise)
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
            initializer=tf_keras.initializers.Constant(_FIRST_STAGE_START / WEIGHT_UNIT),
        )
        self._match_weight = self.add_weight(
            name="match_weight",
            shape=(len(facet_sizes),),
            initializer=tf_keras.initializers.Constant(_MATCH_START / WEIGHT_UNIT),
        )

    def call(self, inputs: Mapping[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        """Scores of lists.

        Args:
            inputs: `query` float32 [B, D], `asked` [B, V], `features` [B, L, F],
                `answers` [B, L, V], `first_stage` [B, L], `mask` bool [B, L].
                Who keeps the `traits` [B, L, 64] of the products gives them in the
                place of `features`.
            training: turns dropout and noise on.

        Returns:
            float32 [B, L]; padding scores lowest.
        """
        return _total(self._terms(inputs, training), inputs["mask"])

    def traits(self, features: tf.Tensor) -> tf.Tensor:
        """All that scores depend on of products' features, whatever is asked.

        Args:
            features: float32 [..., F].

        Returns:
            float32 [..., 64].
        """
        features = (features - self._mean) * self._scale
        return self._feature_cross(tf.clip_by_value(features, -5.0, 5.0))

    def explain(self, inputs: Mapping[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        """Scores, and what each part of them says for or against a candidate.

        Args:
            inputs: as for `call`.

        Returns:
            Scores as of `call`, and float32 [B, L, 1 + facets + 1]: the first stage, each
            facet, the correction; each less its mean over the list, so that a
            candidate's add up to what its score is above the list's mean.
        """
        mask = inputs["mask"]
        terms = self._terms(inputs, training=False)
        return _total(terms, mask), _centred(terms, mask)

    def _terms(self, inputs: Mapping[str, tf.Tensor], training: bool) -> tf.Tensor:
        """float32 [B, L, 1 + facets + 1]: what adds up to the scores."""
        mask = inputs["mask"]
        asks = tf.matmul(inputs["asked"], self._facet_of)[:, tf.newaxis, :] > 0.0
        match = self._match(inputs, asks)
        hidden = self._candidate_vectors(inputs, asks, match, training)
        for layer in self._hidden:
            hidden = self._dropout(layer(hidden), training=training)
        if self._attention is not None:
            attended = self._attention((hidden, mask), training=training)
            hidden = (1.0 + self._cross(attended)) * hidden
        first_stage = self._weight * inputs["first_stage"][..., tf.newaxis]
        blend = [WEIGHT_UNIT * first_stage, WEIGHT_UNIT * self._match_weight * match]
        return tf.concat([*blend, self._correction(hidden)], axis=-1)

    def _match(self, inputs: Mapping[str, tf.Tensor], asks: tf.Tensor) -> tf.Tensor:
        """float32 [B, L, facets]: log of the chance of what is asked, else 0."""
        asked = inputs["asked"][:, tf.newaxis, :]
        chance = tf.matmul(asked * inputs["answers"], self._facet_of)
        fit = tf.math.log(DOUBT + (1.0 - DOUBT) * chance)
        return tf.where(asks, fit, 0.0)

    def _candidate_vectors(
        self,
        inputs: Mapping[str, tf.Tensor],
        asks: tf.Tensor,
        match: tf.Tensor,
        training: bool,
    ) -> tf.Tensor:
        """float32 [B, L, ...]: all that the correction sees of each candidate."""
        mask, first = inputs["mask"], inputs["first_stage"][..., tf.newaxis]
        fit = tf.reduce_sum(match, axis=-1, keepdims=True)
        traits = inputs.get("traits")
        if traits is None:
            traits = self.traits(inputs["features"])
        cross = self._query_cross(inputs["query"])[:, tf.newaxis, :] * traits
        seen = tf.concat(
            [
                match,
                fit / 2.0,
                _behind_best(fit, mask) / 2.0,
                _behind_best(first, mask) * 10.0,
                _standardised(first, mask),
                tf.cast(asks, tf.float32) + tf.zeros_like(match),
                self._dropout(self._normalise(cross), training=training),
            ],
            axis=-1,
        )
        return self._noise(seen, training=training)


def _total(terms: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """[B, L]: first stage, facets and correction together; padding scores lowest."""
    fit = tf.reduce_sum(terms[..., 1:-1], axis=-1)
    return tf.where(mask, terms[..., 0] + fit + terms[..., -1], _PADDING_SCORE)


def _behind_best(values: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """[B, L, 1]: how far each candidate is from the best of its list."""
    real = tf.where(mask[..., tf.newaxis], values, -100.0)
    return real - tf.reduce_max(real, axis=1, keepdims=True)


def _standardised(values: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """[B, L, 1]: each candidate's place in the spread of its list."""
    real = tf.cast(mask, values.dtype)[..., tf.newaxis]
    count = tf.maximum(tf.reduce_sum(real, axis=1, keepdims=True), 1.0)
    centred = _centred(values, mask)
    variance = tf.reduce_sum(tf.square(centred), axis=1, keepdims=True) / count
    return centred / tf.sqrt(variance + 1e-6)


def _centred(values: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """[B, L, ...]: values less their mean over the list, 0 for padding."""
    real = tf.cast(mask, values.dtype)[..., tf.newaxis]
    count = tf.maximum(tf.reduce_sum(real, axis=1, keepdims=True), 1.0)
    return real * (values - tf.reduce_sum(values * real, axis=1, keepdims=True) / count)


def build_reranker(
    config: RerankerConfig,
    features: np.ndarray,
    embedding_dim: int,
    facet_sizes: Sequence[int],
) -> Reranker:
    """An untrained re-ranker for a catalogue's features.

    Args:
        config: sizes.
        features: float32 [N, F] of the training products, for mean and spread.
        embedding_dim: width of the towers' embedding.
        facet_sizes: how many values each facet has.
    """
    mean, scale = standard_scale(features)
    model = Reranker(config, mean, scale, facet_sizes)
    model(example_inputs(2, 3, embedding_dim, features.shape[1], sum(facet_sizes)))
    return model


def example_inputs(
    batch: int, length: int, embedding_dim: int, num_features: int, num_values: int
) -> dict:
    """Inputs of the right shapes, all zero and nothing padded."""
    return {
        "query": tf.zeros([batch, embedding_dim]),
        "asked": tf.zeros([batch, num_values]),
        "features": tf.zeros([batch, length, num_features]),
        "answers": tf.zeros([batch, length, num_values]),
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
        metrics=[tfr.keras.metrics.NDCGMetric(topn=10, gain_fn=_gain, name="ndcg_10")],
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
