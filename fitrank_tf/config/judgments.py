"""How the re-ranker learns from people's judgments."""

import dataclasses

from fitrank_tf.config.checks import (
    require,
    require_one_of,
    require_positive,
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
        passes: times that an epoch shows a judged list where the self-made lists, all of
            them, do not decide it: with `share` 1, and in a training that goes on from a
            bundle, which has learned of them before and takes as many of them as `share`
            leaves room for; above 0.
        text_share: share of a product's training texts, in the fine-tuning of the towers,
            that are the queries of which it has a gain, in [0, 1), as often as gain and
            weight say. The default 0 leaves the towers as they are: with judgments they
            are made anew, with all that reads them.
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
    passes: int = 20
    text_share: float = 0.0
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
        require_positive(self, "passes")
        require_one_of(self, "searched", SEARCHED)
        require_one_of(self, "ungraded", UNGRADED)
        require_share(self, "text_share", "validation_share", "test_share")
        require(
            self,
            "test_share",
            self.validation_share + self.test_share < 1,
            f"with validation_share ({self.validation_share}) below 1",
        )
