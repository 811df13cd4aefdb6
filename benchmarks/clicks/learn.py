"""Re-rankers that learn from simulated clicks on the lists of a training run."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from fitrank_tf._legacy import tf_keras
from fitrank_tf.clicks.relevance import ClickGrades
from fitrank_tf.config import RerankerConfig
from fitrank_tf.features.standardise import mean_and_inverse_scale
from fitrank_tf.inputs.listwise import ListArrays, ProductTables
from fitrank_tf.queries.grades import GAINS, grade_of_gain
from fitrank_tf.rerank.baselines import ndcg_at_10
from fitrank_tf.rerank.model import Reranker, build_reranker, ranking_loss
from fitrank_tf.training.run import Run

# Of the re-ranker that starts at 0.
RECIPE: dict[str, Any] = {"learning_rate": 1.5e-2, "epochs": 2}
_BATCH = 64
# Of the usual weights: equal scores would have no gradient.
_START = 0.01
_BLEND = ("first_stage_weight", "match_weight", "grade_weight")


@dataclasses.dataclass(frozen=True)
class Material:
    """What re-rankers learn from and are measured on.

    Attributes:
        config: of the re-rankers.
        training: Q lists of products of the training split, with their true grades.
        tables: of the products that these lists hold.
        measured: lists as retrieved of validation products.
        measured_tables: of those products.
        facets: {facet: how many values it has}.
        decisive: the decisive facet.
    """

    config: RerankerConfig
    training: ListArrays
    tables: ProductTables
    measured: ListArrays
    measured_tables: ProductTables
    facets: Mapping[str, int]
    decisive: str


class Learner:
    """Trains the house's re-ranker again and again on other labels of the same lists.

    Its blend of first stage, match and expected grade starts near 0, for here it is asked
    what can be learned from clicks alone: from its usual start it is good before it has
    seen any. The model is built once, because that takes longer than a training.

    Args:
        material: lists and tables.
    """

    def __init__(self, material: Material):
        self._material = material
        self._starts: dict[int, list[np.ndarray]] = {}
        self._model = self._new(0)
        self._score = tf.function(self._model, reduce_retracing=True)
        lists, config = material.training, material.config
        steps = -(-len(lists) // config.batch_size) * config.epochs
        rate = tf_keras.optimizers.schedules.CosineDecay(config.learning_rate, steps)
        self._optimizer = tf_keras.optimizers.Adam(rate, global_clipnorm=1.0)
        self._optimizer.build(self._model.trainable_variables)
        self._model.compile(self._optimizer, loss=ranking_loss(config.loss))
        self._batches = material.measured.batches(material.measured_tables, _BATCH)

    def _new(self, seed: int) -> Reranker:
        material = self._material
        tf_keras.utils.set_random_seed(seed)
        dim = material.tables.embeddings.shape[1]
        features, facets = material.tables.features, material.facets
        model = build_reranker(material.config, features, dim, facets, material.decisive)
        for weight in model.weights:
            if weight.name.partition(":")[0].endswith(_BLEND):
                weight.assign(_START * weight)
        return model

    def learn(self, labels: np.ndarray, seed: int) -> np.ndarray:
        """Trains a re-ranker and measures it.

        Args:
            labels: float [Q, L], grades of the training lists, -1 for what is not known.
            seed: of weights and order.

        Returns:
            nDCG@10 of each measured list.
        """
        if seed not in self._starts:
            self._starts[seed] = self._new(seed).get_weights()
        self._model.set_weights(self._starts[seed])
        for state in self._optimizer.variables:
            state.assign(tf.zeros_like(state))
        material = self._material
        lists = dataclasses.replace(material.training, labels=labels.astype(np.float32))
        best = labels.max(axis=1)
        worst = np.where(labels >= 0, labels, np.inf).min(axis=1)
        batches = (
            lists.select(np.flatnonzero(best > worst))
            .shuffled(seed)
            .batches(material.tables, material.config.batch_size)
        )
        tf_keras.utils.set_random_seed(seed)
        self._model.fit(batches, epochs=material.config.epochs, verbose=0)
        scores = [self._score(inputs).numpy() for inputs, _ in self._batches]
        return ndcg_at_10(np.concatenate(scores), material.measured.labels)


def material(
    run: Run, num_queries: int, list_size: int, components: int, measured: tuple[int, int]
) -> Material:
    """Draws lists of a run, of training products that its towers have not seen.

    Args:
        run: of which lists and facet heads are taken.
        num_queries: Q.
        list_size: first products of each list.
        components: principal components of the products' features, which are used in
            their place: of a hundred of them a training takes seconds.
        measured: the same two numbers of the lists that are measured.
    """
    products = run.products
    rows = np.searchsorted(products.ranker_rows, products.held_out_rows)
    learned, others = _reduced(
        run.facet_heads.ranker_tables,
        run.facet_heads.tables.select(products.validation_rows),
        components,
    )
    return Material(
        dataclasses.replace(run.config.reranker, list_size=list_size, **RECIPE),
        _cut(run.lists.of_held_out.arrays.at(rows), num_queries, list_size),
        learned,
        _cut(run.lists.of_validation.arrays, *measured),
        others,
        run.facet_heads.heads.lexicon.facet_sizes,
        run.records.declaration.decisive,
    )


def _cut(lists: ListArrays, count: int, size: int) -> ListArrays:
    """Some of the lists, drawn, with their first products alone."""
    drawn = lists.shuffled(0).select(np.arange(min(count, len(lists))))
    names = ("positions", "scores", "labels", "weights")
    return dataclasses.replace(
        drawn, **{name: getattr(drawn, name)[:, :size] for name in names}
    )


def _reduced(
    learned: ProductTables, other: ProductTables, components: int
) -> tuple[ProductTables, ProductTables]:
    mean, inverse_scale = mean_and_inverse_scale(learned.features)
    standard, of_other = (
        np.clip((tables.features - mean) * inverse_scale, -5, 5)
        for tables in (learned, other)
    )
    _, axes = np.linalg.eigh(standard.T @ standard)
    axes = axes[:, ::-1][:, :components]
    return (
        dataclasses.replace(learned, features=(standard @ axes).astype(np.float32)),
        dataclasses.replace(other, features=(of_other @ axes).astype(np.float32)),
    )


def labels_of(grades: ClickGrades, shape: tuple[int, int]) -> np.ndarray:
    """Labels [Q, L] whose gains are the grades of clicks, -1 for what was not shown.

    Args:
        grades: of a log whose queries and products are rows and columns.
        shape: (Q, L).
    """
    labels = np.full(shape, -1.0, np.float32)
    gains = np.minimum(grades.grades, GAINS[-1])
    labels[grades.pairs[:, 0], grades.pairs[:, 1]] = grade_of_gain(gains)
    return labels
