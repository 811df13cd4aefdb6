"""The listwise re-ranker, on TF-Ranking.

Scores all candidates of a query together, from the query's embedding and the facet values
that its words name, the candidates' features and facet probabilities, and the first
stage's score.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from fitrank_tf._legacy import tf_keras, tfr
from fitrank_tf.config import RerankerConfig
from fitrank_tf.core.progress import Progress, fit_hooks
from fitrank_tf.features.standardise import (
    mean_and_inverse_scale,
    standardise_by_inverse,
)
from fitrank_tf.queries.grades import EXACT, GAINS
from fitrank_tf.rerank import list_layers
from fitrank_tf.rerank.list_statistics import (
    gap_to_best,
    less_list_mean,
    list_z_scores,
)
from fitrank_tf.rerank.match_features import UNWANTED_WEIGHT, FacetMatch, FacetMatcher


def _gain(grades: tf.Tensor) -> tf.Tensor:
    """Gain of each grade, between whole ones in proportion; 0 for padding."""
    place = tf.clip_by_value(grades, 0.0, float(EXACT))
    below, above = (
        tf.gather(tf.constant(GAINS), tf.cast(whole, tf.int32))
        for whole in (tf.floor(place), tf.math.ceil(place))
    )
    return below + (place - tf.floor(place)) * (above - below)


_LOSSES = {
    "softmax": tfr.keras.losses.SoftmaxLoss,
    "approx_ndcg": tfr.keras.losses.ApproxNDCGLoss,
    "gumbel_approx_ndcg": tfr.keras.losses.GumbelApproxNDCGLoss,
    "list_mle": tfr.keras.losses.ListMLELoss,
    "pairwise_logistic": tfr.keras.losses.PairwiseLogisticLoss,
    # Pairs weighted by the change of nDCG@10 when swapped (LambdaLoss; Wang et al., 2018).
    "lambda_ndcg": lambda: tfr.keras.losses.PairwiseLogisticLoss(
        lambda_weight=tfr.keras.losses.NDCGLambdaWeightV2(topn=10, gain_fn=_gain),
        temperature=1.0,
    ),
}
# Cosines of one list lie within a few tenths; the losses work on logits.
_FIRST_STAGE_START = 10.0
# Initial weights of the blend, good on real products.
_MATCH_START, _GRADE_START = 1.0, 3.0
# Factor of the blend's learned parameters: a learning rate that suits a network's
# weights would hardly change them.
WEIGHT_UNIT = 10.0
# Width of a product's `feature_projection`.
PROJECTION_DIM = 64
_PADDING_SCORE = -1e9


class Reranker(tf_keras.Model):
    """First-stage score, plus how well a candidate matches the query, plus a correction.

    The match is the log of the probability that a candidate has the facet values that the
    query's words name, and the grade that it is expected to get for those that it has; a
    facet that is not named does not count. The probabilities are the facet heads',
    calibrated by a slope and a shift a facet. How much first stage, match and grade weigh
    beside each other depends on the facets that are named and how sure the first stage is.
    The correction sees the match facet by facet, where match and first-stage score stand in
    the list, and query times features (which features matter to this query). What it does
    not see is the embeddings by themselves: of products that the towers have learned they
    say more than of others, and a network would rely on it. Attention over the list lets a
    candidate be judged beside the others; it enters as a latent cross
    (1 + attention) * hidden, and training adds noise to what is seen of a candidate, after
    Qin et al. (ICLR 2021). The last layer starts at zero, so an untrained re-ranker is a
    blend of first stage and match. Scores do not depend on
    the candidates' order.

    Args:
        config: sizes and dropout.
        feature_mean: float32 [F], of the training products.
        inverse_scale: float32 [F], 1 / standard deviation, 0 to leave a feature out.
        facets: {facet: how many of the V facet values it has}.
        decisive: the facet without which a product has grade 0, "" for none.
    """

    def __init__(
        self,
        config: RerankerConfig,
        feature_mean: np.ndarray,
        inverse_scale: np.ndarray,
        facets: Mapping[str, int],
        decisive: str,
    ):
        super().__init__(name="reranker")
        layers = tf_keras.layers
        self._mean = tf.constant(feature_mean, tf.float32)
        self._inverse_scale = tf.constant(inverse_scale, tf.float32)
        self._matcher = FacetMatcher(facets, decisive)
        self._query_cross = layers.Dense(PROJECTION_DIM, name="query_cross")
        self._feature_cross = layers.Dense(PROJECTION_DIM, name="feature_cross")
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
            shape=(len(facets),),
            initializer=tf_keras.initializers.Constant(_MATCH_START / WEIGHT_UNIT),
        )
        self._grade_weight = self.add_weight(
            name="grade_weight",
            shape=(),
            initializer=tf_keras.initializers.Constant(_GRADE_START / WEIGHT_UNIT),
        )
        self._slope, self._shift = (
            self.add_weight(name=name, shape=(len(facets),), initializer="zeros")
            for name in ("chance_slope", "chance_shift")
        )
        self._gate_hidden = layers.Dense(16, activation="gelu", name="gate_hidden")
        self._gate = layers.Dense(3, kernel_initializer="zeros", name="gate")

    def call(self, inputs: Mapping[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        """Returns the scores of lists.

        Args:
            inputs: `query` float32 [B, D], `query_facets` [B, V], `features` [B, L, F],
                `facet_probs` [B, L, V], `first_stage` [B, L], `mask` bool [B, L].
                `feature_projection` [B, L, 64] of the products, where it is known, may
                stand in the place of `features`.
            training: turns dropout and noise on.

        Returns:
            float32 [B, L]; padding scores lowest.
        """
        return _total(self._parts(inputs, training), inputs["mask"])

    def get_config(self) -> dict[str, tf.Tensor]:
        """Nothing: its weights alone are saved, for a model that the caller builds.

        Keras would say the same, with a warning at each saving and loading.
        """
        return {}

    def feature_projection(self, features: tf.Tensor) -> tf.Tensor:
        """Projects products' features to all that scores depend on, for any query.

        Args:
            features: float32 [..., F].

        Returns:
            float32 [..., 64].
        """
        standard = standardise_by_inverse(features, self._mean, self._inverse_scale)
        return self._feature_cross(standard)

    def explain(self, inputs: Mapping[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns scores and the contributions to them.

        Args:
            inputs: as for `call`.

        Returns:
            Scores as of `call`, and float32 [B, L, 1 + facets + 1]: the first stage, each
            facet, the correction; each less its mean over the list, so that a
            candidate's add up to what its score is above the list's mean.
        """
        mask = inputs["mask"]
        parts = self._parts(inputs, training=False)
        found = parts.found
        steps = self._matcher.expected_grade.steps(found.chance, found.facet_mask, mask)
        facets = parts.match + parts.grade_weight * steps
        terms = tf.concat([parts.first_stage, facets, parts.correction], axis=-1)
        return _total(parts, mask), less_list_mean(terms, mask)

    def _parts(self, inputs: Mapping[str, tf.Tensor], training: bool) -> "_Parts":
        mask = inputs["mask"]
        found = self._matcher(
            inputs["query_facets"],
            inputs["facet_probs"],
            slope=tf.exp(WEIGHT_UNIT * self._slope),
            shift=WEIGHT_UNIT * self._shift,
        )
        hidden = self._candidate_vectors(inputs, found, training)
        for layer in self._hidden:
            hidden = self._dropout(list_layers.dense(layer, hidden), training=training)
        if self._attention is not None:
            # Its own call has the dropout.
            attended = (
                self._attention((hidden, mask), training=True)
                if training
                else list_layers.attend(self._attention, hidden, mask)
            )
            hidden = (1.0 + list_layers.dense(self._cross, attended)) * hidden
        of_first, of_match, of_grade = tf.split(
            WEIGHT_UNIT * self._gates(inputs, found.facet_mask, training), 3, axis=-1
        )
        return _Parts(
            first_stage=self._weight * of_first * inputs["first_stage"][..., tf.newaxis],
            match=self._match_weight * of_match * found.match
            - UNWANTED_WEIGHT * found.unwanted,
            grade_weight=self._grade_weight * of_grade,
            correction=list_layers.dense(self._correction, hidden),
            found=found,
        )

    def _gates(
        self, inputs: Mapping[str, tf.Tensor], facet_mask: tf.Tensor, training: bool
    ) -> tf.Tensor:
        """float32 [B, 1, 3], above 0: of first stage, match and expected grade."""
        first, mask = inputs["first_stage"][..., tf.newaxis], inputs["mask"]
        has_facet = tf.cast(facet_mask, tf.float32)
        best = tf.reduce_max(
            tf.where(mask[..., tf.newaxis], first, -1.0), axis=1, keepdims=True
        )
        ahead = tf.reduce_max(less_list_mean(first, mask), axis=1, keepdims=True)
        named = tf.reduce_sum(has_facet, axis=-1, keepdims=True)
        seen = tf.concat([has_facet, named / 4.0, best * 2.0, ahead * 10.0], axis=-1)
        hidden = self._gate_hidden(self._noise(seen, training=training))
        return tf.exp(self._gate(self._dropout(hidden, training=training)))

    def _candidate_vectors(
        self, inputs: Mapping[str, tf.Tensor], found: FacetMatch, training: bool
    ) -> tf.Tensor:
        """float32 [B, L, ...]: inputs of the correction for each candidate."""
        mask, first = inputs["mask"], inputs["first_stage"][..., tf.newaxis]
        match, total, grade = found.match, found.total, found.grade
        feature_projection = inputs.get("feature_projection")
        if feature_projection is None:
            feature_projection = self.feature_projection(inputs["features"])
        cross = self._query_cross(inputs["query"])[:, tf.newaxis, :] * feature_projection
        seen = tf.concat(
            [
                match,
                total / 2.0,
                grade,
                gap_to_best(grade, mask),
                gap_to_best(total, mask) / 2.0,
                gap_to_best(first, mask) * 10.0,
                list_z_scores(first, mask),
                tf.cast(found.facet_mask, tf.float32) + tf.zeros_like(match),
                self._dropout(
                    list_layers.layer_norm(self._normalise, cross), training=training
                ),
            ],
            axis=-1,
        )
        return self._noise(seen, training=training)


class _Parts(NamedTuple):
    """Contributions to scores: `first_stage`, `match`, the grade of `found`, `correction`.

    Each is [B, L, 1] but `match`, weighed, [B, L, facets]. The grade counts `grade_weight`
    [B, 1, 1] times.
    """

    first_stage: tf.Tensor
    match: tf.Tensor
    grade_weight: tf.Tensor
    correction: tf.Tensor
    found: FacetMatch


def _total(parts: _Parts, mask: tf.Tensor) -> tf.Tensor:
    """[B, L]: first stage, facets, grade and correction; padding scores lowest."""
    match = tf.reduce_sum(parts.match, axis=-1, keepdims=True)
    match += parts.grade_weight * parts.found.grade
    total = parts.first_stage + match + parts.correction
    return tf.where(mask, total[..., 0], _PADDING_SCORE)


def build_reranker(
    config: RerankerConfig,
    features: np.ndarray,
    embedding_dim: int,
    facets: Mapping[str, int],
    decisive: str,
) -> Reranker:
    """Builds an untrained re-ranker for a catalogue's features.

    Args:
        config: sizes.
        features: float32 [N, F] of the training products, for mean and standard deviation.
        embedding_dim: width of the towers' embedding.
        facets: {facet: how many values it has}.
        decisive: the facet without which a product has grade 0, "" for none.
    """
    model = Reranker(config, *mean_and_inverse_scale(features), facets, decisive)
    values = sum(facets.values())
    model(example_inputs(2, 3, embedding_dim, features.shape[1], values))
    return model


def example_inputs(
    batch: int, length: int, embedding_dim: int, num_features: int, num_values: int
) -> dict[str, tf.Tensor]:
    """Inputs of the right shapes, all zero and nothing padded."""
    return {
        "query": tf.zeros([batch, embedding_dim]),
        "query_facets": tf.zeros([batch, num_values]),
        "features": tf.zeros([batch, length, num_features]),
        "facet_probs": tf.zeros([batch, length, num_values]),
        "first_stage": tf.zeros([batch, length]),
        "mask": tf.ones([batch, length], tf.bool),
    }


def train_reranker(
    model: Reranker,
    training: tf.data.Dataset,
    validation: tf.data.Dataset | None,
    config: RerankerConfig,
    log_dir: Path,
) -> tf_keras.callbacks.History:
    """Trains with a listwise loss and keeps the weights of the best validation nDCG@10.

    Args:
        model: to train.
        training: (inputs, grades [B, L], -1 for padding) and, if need be, weights [B, L].
        validation: the same, of products of neither training nor test; None
            keeps the last weights.
        config: loss, epochs and rate.
        log_dir: gets `history.csv`.
    """
    steps = max(1, int(training.cardinality()) * config.epochs)
    schedule = tf_keras.optimizers.schedules.CosineDecay(
        config.learning_rate, steps, alpha=0.01
    )
    model.compile(
        optimizer=tf_keras.optimizers.Adam(schedule, global_clipnorm=1.0),
        loss=ranking_loss(config.loss),
        weighted_metrics=[
            tfr.keras.metrics.NDCGMetric(topn=10, gain_fn=_gain, name="ndcg_10")
        ],
    )
    callbacks = [tf_keras.callbacks.CSVLogger(str(log_dir / "history.csv"))]
    if validation is not None:
        callbacks.append(_keep_best(config))
    with Progress(f"training {model.name}", steps, "steps") as shown:
        callbacks.append(
            tf_keras.callbacks.LambdaCallback(**fit_hooks(shown, config.epochs))
        )
        return model.fit(
            training,
            validation_data=validation,
            epochs=config.epochs,
            callbacks=callbacks,
            verbose=0,
        )


def _keep_best(config: RerankerConfig) -> tf_keras.callbacks.Callback:
    return tf_keras.callbacks.EarlyStopping(
        monitor="val_ndcg_10",
        mode="max",
        patience=config.epochs,
        restore_best_weights=True,
    )


def ranking_loss(name: str) -> Callable[..., tf.Tensor]:
    """The loss by name, of grades, scores and, optionally, weights [B, L] of the grades."""
    loss = _LOSSES[name]()
    return loss if "ndcg" in name else _OnGains(loss)


class _OnGains(tf_keras.losses.Loss):
    """A loss of the `GAINS` of grades.

    The gains of a list add up to 1, so that a query with many relevant products
    does not outweigh one with a single one. Padding stays below 0.
    """

    def __init__(self, loss: Callable[..., tf.Tensor]):
        super().__init__()
        self._loss = loss

    def __call__(
        self, grades: tf.Tensor, scores: tf.Tensor, sample_weight: tf.Tensor | None = None
    ) -> tf.Tensor:
        real = grades >= 0.0
        gains = tf.where(real, _gain(grades), 0.0)
        total = tf.maximum(tf.reduce_sum(gains, axis=1, keepdims=True), 1.0)
        return self._loss(tf.where(real, gains / total, -1.0), scores, sample_weight)
