"""How the re-ranker learns from people's judgments."""

import dataclasses

from fitrank_tf.config.checks import (
    require,
    require_one_of,
    require_share,
    require_types,
)

SEARCHED = ("train", "held_out", "all")
UNGRADED = ("unknown", "irrelevant")


@dataclasses.dataclass(frozen=True)
class JudgmentsConfig:
    """How the re-ranker learns from judgments, where a training is given any.

    Attributes:
        gains: of grade 0, 1, 2 and so on, none below the one before it, the last above 0;
            between whole grades and behind the last one linear. With the default () a grade
            is its gain, as nDCG of trec_eval counts.
        share: of the training that judged lists have, in (0, 1]; the lists that the run
            grades by attributes have the rest. Judged lists are few, so that they are
            repeated until they have it. The default counts both alike; 1 learns from
            judgments alone.
        searched: one of `SEARCHED`, the products whose judgments count and from which
            candidates come. The default "train" keeps what the report says of the other
            products true; "held_out" takes validation and test products, "all" every
            product, and then the test products of the report are no longer new to the
            re-ranker.
        ungraded: one of `UNGRADED`, what a candidate without a grade is. "unknown" keeps
            it in the list, where its score stands beside the others, and leaves it out of
            the loss; "irrelevant" gives it grade 0. Nobody has looked at it: to learn that
            it is wrong is to learn which systems the judged results came from.
        validation_share: share of the query texts that help to choose the epoch, in
            [0, 1).
        test_share: share of the query texts that are kept for measuring, in [0, 1), with
            `validation_share` below 1.
    """

    gains: tuple[float, ...] = ()
    share: float = 0.5
    searched: str = "train"
    ungraded: str = "unknown"
    validation_share: float = 0.1
    test_share: float = 0.1

    def __post_init__(self) -> None:
        require_types(self)
        rising = all(low <= high for low, high in zip((0.0, *self.gains), self.gains))
        holds = rising and (not self.gains or self.gains[-1] > 0)
        require(self, "gains", holds, "gains from 0 on, none below the one before it")
        require(self, "share", 0 < self.share <= 1, "in (0, 1]")
        require_one_of(self, "searched", SEARCHED)
        require_one_of(self, "ungraded", UNGRADED)
        require_share(self, "validation_share", "test_share")
        require(
            self,
            "test_share",
            self.validation_share + self.test_share < 1,
            f"with validation_share ({self.validation_share}) below 1",
        )
