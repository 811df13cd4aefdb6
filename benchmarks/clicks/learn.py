"""Re-rankers that learn from simulated clicks on the lists of a training run."""

import dataclasses
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from fitrank_tf._legacy import tf_keras
from fitrank_tf.clicks.relevance import ClickGrades
from fitrank_tf.config import RerankerConfig
from fitrank_tf.features.standardise import mean_and_inverse_scale
from fitrank_tf.inputs.listwise import ListArrays, ProductTables
from fitrank_tf.queries.grades import GAINS, grade_of_gain
from fitrank_tf.rerank.baselines import ndcg_at_10
from fitrank_tf.rerank.model import Reranker, build_reranker, train_reranker
from fitrank_tf.training.run import Run

_BATCH = 64


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

    def untrained(self, seed: int) -> Reranker:
        """A re-ranker as it starts."""
        tf_keras.utils.set_random_seed(seed)
        dim = self.tables.embeddings.shape[1]
        features = self.tables.features
        return build_reranker(self.config, features, dim, self.facets, self.decisive)

    def learn(self, labels: np.ndarray, seed: int) -> np.ndarray:
        """Trains a re-ranker and measures it.

        Args:
            labels: float [Q, L], grades of the training lists, -1 for what is not known.
            seed: of weights and order.

        Returns:
            nDCG@10 of each measured list.
        """
        model = self.untrained(seed)
        lists = dataclasses.replace(self.training, labels=labels.astype(np.float32))
        best = labels.max(axis=1)
        worst = np.where(labels >= 0, labels, np.inf).min(axis=1)
        batches = (
            lists.select(np.flatnonzero(best > worst))
            .shuffled(seed)
            .batches(self.tables, self.config.batch_size)
        )
        with tempfile.TemporaryDirectory() as folder:
            train_reranker(model, batches, None, self.config, Path(folder))
        return self.measure(model)

    def measure(self, model: Reranker) -> np.ndarray:
        """nDCG@10 of each measured list."""
        scores = [
            model(inputs).numpy()
            for inputs, _ in self.measured.batches(self.measured_tables, _BATCH)
        ]
        return ndcg_at_10(np.concatenate(scores), self.measured.labels)


def material(
    run: Run, num_queries: int, list_size: int, components: int, seed: int = 0
) -> Material:
    """Draws lists of a run, of training products that its towers have not seen.

    Args:
        run: of which lists and facet heads are taken.
        num_queries: Q, of training and at most of measuring.
        list_size: first products of each list.
        components: principal components of the products' features, which are used in
            their place: of a hundred of them a training takes seconds.
        seed: of the draw.
    """
    learned = run.facet_heads.ranker_tables
    measured = run.facet_heads.tables.select(run.products.validation_rows)
    learned, measured = _reduced(learned, measured, components)
    rows = np.searchsorted(run.products.ranker_rows, run.products.held_out_rows)
    lists = run.lists.of_held_out.arrays.at(rows).shuffled(seed)
    lists = lists.select(np.arange(num_queries))
    cut = {
        name: getattr(lists, name)[:, :list_size]
        for name in ("positions", "scores", "labels", "weights")
    }
    return Material(
        dataclasses.replace(run.config.reranker, list_size=list_size),
        dataclasses.replace(lists, **cut),
        learned,
        run.lists.of_validation.arrays.shuffled(seed).select(
            np.arange(min(num_queries, len(run.lists.of_validation.arrays)))
        ),
        measured,
        run.facet_heads.heads.lexicon.facet_sizes,
        run.records.declaration.decisive,
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
