"""Baseline rankers on the same features per candidate as the neural ranker."""

from collections.abc import Sequence

import numpy as np

from fitrank_tf.core.packages import imports_of
from fitrank_tf.core.progress import tracked
from fitrank_tf.queries.grades import GAINS

_TOP = 10
# Factors tried for each weight in the search; 0 drops the feature.
_STEPS = (0.0, 0.5, 0.8, 1.25, 2.0)
_ROUNDS = 4
_MOST_LISTS = 3000


def ndcg_at_10(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Returns nDCG@10 of candidates ranked by their scores.

    Args:
        scores: float [Q, L].
        labels: float [Q, L], grades, -1 for padding.

    Returns:
        float64 [Q], by `GAINS`; 0 for a list without a grade above 0.
    """
    order = np.argsort(-np.where(labels >= 0, scores, -np.inf), axis=1, kind="stable")
    shown = np.take_along_axis(labels, order[:, :_TOP], axis=1)
    ideal = -np.sort(-labels, axis=1)[:, :_TOP]
    discount = 1.0 / np.log2(np.arange(2, shown.shape[1] + 2))
    gained, best = (
        (np.take(GAINS, np.maximum(grades, 0).astype(int)) * discount).sum(axis=1)
        for grades in (shown, ideal)
    )
    return gained / np.maximum(best, 1e-9)


class LinearBlend:
    """A weighted sum of some of the features.

    The weights are found by coordinate ascent on the mean nDCG@10 itself (Metzler &
    Croft, "Linear feature-based models for information retrieval", 2007).

    Args:
        start: {column: weight} to begin with; the other columns take no part.
    """

    def __init__(self, start: dict[int, float]):
        self.weights = dict(start)

    def fit(self, features: np.ndarray, labels: np.ndarray, seed: int) -> None:
        """Finds the weights.

        Args:
            features: float32 [Q, L, K].
            labels: float32 [Q, L], -1 for padding.
            seed: draws the lists that are looked at, 3,000 at most.
        """
        draw = np.random.default_rng(seed).permutation(len(labels))[:_MOST_LISTS]
        features, labels = features[draw], labels[draw]
        scores = self.score(features)
        best = ndcg_at_10(scores, labels).mean()
        for _ in tracked(range(_ROUNDS), "linear blend", "rounds"):
            for column in self.weights:
                values = features[..., column]
                for step in _STEPS:
                    weight = self.weights[column]
                    tried = scores + (step - 1.0) * weight * values
                    quality = ndcg_at_10(tried, labels).mean()
                    if quality > best:
                        best, scores = quality, tried
                        self.weights[column] = step * weight

    def score(self, features: np.ndarray) -> np.ndarray:
        """float [Q, L] from [Q, L, K]."""
        return np.asarray(sum(w * features[..., c] for c, w in self.weights.items()))


class LambdaMart:
    """LightGBM's boosted trees under LambdaRank (Burges, 2010)."""

    def __init__(self, seed: int):
        with imports_of("bench"):
            import lightgbm

        self._stop_early = lightgbm.early_stopping(30, verbose=False)
        self._trees = lightgbm.LGBMRanker(
            objective="lambdarank",
            label_gain=list(GAINS),
            n_estimators=400,
            learning_rate=0.05,
            num_leaves=31,
            min_child_samples=200,
            subsample=0.7,
            subsample_freq=1,
            colsample_bytree=0.8,
            lambdarank_truncation_level=30,
            random_state=seed,
            n_jobs=2,
            verbose=-1,
        )

    def fit(
        self,
        features: np.ndarray,
        labels: np.ndarray,
        chosen: tuple[np.ndarray, np.ndarray],
    ) -> None:
        """Adds trees until nDCG on the validation lists stops improving.

        Args:
            features: float32 [Q, L, K].
            labels: float32 [Q, L], -1 for padding.
            chosen: the same two of other lists.
        """
        rows, grades, counts = _rows(features, labels)
        other_rows, other_grades, other_counts = _rows(*chosen)
        self._trees.fit(
            rows,
            grades,
            group=counts,
            eval_set=[(other_rows, other_grades)],
            eval_group=[other_counts],
            eval_at=[_TOP],
            callbacks=[self._stop_early],
        )

    def score(self, features: np.ndarray) -> np.ndarray:
        """float64 [Q, L] from [Q, L, K]."""
        flat = features.reshape(-1, features.shape[-1])
        return self._trees.predict(flat).reshape(features.shape[:2])


def _rows(
    features: np.ndarray, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray, Sequence[int]]:
    """Concatenates the candidates without padding; also returns the lists' lengths."""
    real = labels >= 0
    return features[real], labels[real].astype(np.int32), real.sum(axis=1).tolist()
