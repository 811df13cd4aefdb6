"""Agreement of two people who graded the same products."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.evaluation.judging.grades_file import GRADES

_SHOWN = 20


@dataclasses.dataclass(frozen=True)
class GradeAgreement:
    """Two people's grades of the same products, compared.

    Attributes:
        counts: int [G, G], products by the first's grade (rows) and the second's.
        differences: (query id, product id, the first's grade, the second's) where the
            two differ, the largest difference first.
    """

    counts: np.ndarray
    differences: tuple[tuple[str, str, int, int], ...]

    @property
    def equal(self) -> float:
        """Share of products with equal grades."""
        return float(np.trace(self.counts) / self.counts.sum())

    def kappa(self, power: int) -> float:
        """Weighted kappa, see `weighted_kappa`.

        Args:
            power: of the distance of two grades: 1, linear weights; 2, quadratic ones.
        """
        grades = np.arange(len(self.counts))
        return weighted_kappa(self.counts, np.abs(grades[:, None] - grades) ** power)

    def table(self) -> str:
        """Returns Markdown: figures, counts by both grades, the largest differences."""
        lines = [
            f"{self.counts.sum():,} products graded twice: equal {self.equal:.3f}, kappa "
            f"with quadratic weights {self.kappa(2):.3f}, with linear ones "
            f"{self.kappa(1):.3f}",
            "",
            f"| first \\ second | {' | '.join(GRADES)} |",
            f"| --- |{' ---: |' * len(GRADES)}",
        ]
        for grade, row in zip(GRADES, self.counts):
            lines.append(f"| {grade} | {' | '.join(map(str, row))} |")
        if self.differences:
            lines += [
                "",
                "| query | product | first | second |",
                "| --- | --- | ---: | ---: |",
            ]
        for difference in self.differences[:_SHOWN]:
            lines.append(f"| {' | '.join(map(str, difference))} |")
        return "\n".join(lines)


def grade_agreement(
    first: Mapping[tuple[str, str], int], second: Mapping[tuple[str, str], int]
) -> GradeAgreement:
    """Compares the grades of the products that both graded.

    Args:
        first: {(query id, product id): grade} of one person.
        second: those of the other.

    Raises:
        FitRankError: if they graded no product in common.
    """
    both = [key for key in first if key in second]
    if not both:
        raise FitRankError("the two have graded no product in common")
    counts = np.zeros((len(GRADES), len(GRADES)), np.int64)
    np.add.at(counts, ([first[key] for key in both], [second[key] for key in both]), 1)
    different = [
        (*key, first[key], second[key]) for key in both if first[key] != second[key]
    ]
    different.sort(key=lambda each: -abs(each[2] - each[3]))
    return GradeAgreement(counts, tuple(different))


def weighted_kappa(counts: np.ndarray, weights: np.ndarray) -> float:
    """Cohen's weighted kappa: 1 - (observed disagreement / that of chance).

    Cohen, "Weighted kappa: nominal scale agreement with provision for scaled disagreement
    or partial credit", Psychological Bulletin 70 (1968).

    Args:
        counts: [G, G], cases by the first's grade (rows) and the second's.
        weights: [G, G], how much each disagreement counts; 0 on the diagonal.

    Returns:
        At most 1, and 0 for the agreement of chance; NaN if all cases have one grade.
    """
    observed = counts / counts.sum()
    chance = np.outer(observed.sum(axis=1), observed.sum(axis=0))
    expected = float((weights * chance).sum())
    return 1 - float((weights * observed).sum()) / expected if expected else float("nan")
