"""Logistic regression on shares, for the relevance of em's click model."""

import numpy as np

# Of a standardised feature's squared weight, in observations.
_RIDGE = 1.0
_NEWTON_STEPS = 2
_MOST_LOGIT = 15.0


class LogisticRegression:
    """P(relevant) of P pairs, fitted again and again to new targets.

    Each fit takes some Newton steps from the last weights: an em iteration need not end
    at the maximum.

    Args:
        features: float [P, F]; they are standardised, and a constant is added.
    """

    def __init__(self, features: np.ndarray):
        values = np.asarray(features, np.float64)
        spread = values.std(axis=0)
        standard = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
        self._inputs = np.column_stack([standard, np.ones(len(values))])
        self._weights = np.zeros(self._inputs.shape[1])

    def fit(self, targets: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Fits to shares and predicts them.

        Args:
            targets: float [P], in [0, 1].
            counts: float [P], observations of each.

        Returns:
            float64 [P], in (0, 1).
        """
        for _ in range(_NEWTON_STEPS):
            chances = self._predict()
            slope = counts * chances * (1 - chances)
            gradient = self._inputs.T @ (counts * (targets - chances))
            curvature = self._inputs.T @ (self._inputs * slope[:, None])
            ridge = np.full(len(self._weights), _RIDGE)
            gradient -= ridge * self._weights
            self._weights += np.linalg.solve(curvature + np.diag(ridge), gradient)
        return self._predict()

    def _predict(self) -> np.ndarray:
        logits = np.clip(self._inputs @ self._weights, -_MOST_LOGIT, _MOST_LOGIT)
        return 1 / (1 + np.exp(-logits))
