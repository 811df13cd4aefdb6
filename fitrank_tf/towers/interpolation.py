"""Weights between those before and those after a fine-tuning.

WiSE-FT (Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022): fine-tuned
weights forget what the base knew of other photos and words; a mean of both often finds more
than either, at no cost in the search.
"""

from collections.abc import Callable, Iterable, Sequence

import keras
import numpy as np

# Of an adapter A B, A stays: B alone makes the sum of both kernels linear in the share.
_FIRST_MATRIX = "lora_kernel_a"


class Interpolation:
    """Remembers weights before a fine-tuning, to go back some of the way.

    Args:
        variables: those that the fine-tuning changes, as they are before it.
    """

    def __init__(self, variables: Iterable[keras.Variable]):
        chosen = [v for v in variables if not v.path.endswith(_FIRST_MATRIX)]
        self._start = [(variable, np.array(variable)) for variable in chosen]

    def keep_best(
        self, shares: Sequence[float], score: Callable[[], float]
    ) -> dict[float, float]:
        """Sets the weights (1 - share) * start + share * end that score highest.

        Args:
            shares: of the weights as they are now, to try; at least one.
            score: of the weights that the variables have. Of equal ones the larger share
                is kept.

        Returns:
            {share: score}, ascending.
        """
        end = [np.array(variable) for variable, _ in self._start]

        def assign(share: float) -> None:
            for (variable, before), after in zip(self._start, end):
                variable.assign((1.0 - share) * before + share * after)

        scores = {}
        for share in sorted(set(shares)):
            assign(share)
            scores[share] = score()
        assign(max(scores, key=lambda share: (scores[share], share)))
        return scores
