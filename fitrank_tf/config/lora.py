"""What of the towers a fine-tuning changes, and the image features beside them."""

import dataclasses

from fitrank_tf.config.checks import (
    require,
    require_one_of,
    require_positive,
    require_share,
    require_some_of,
    require_types,
)
from fitrank_tf.config.feature_groups import FEATURE_GROUPS, require_feature_groups

LORA_TARGETS = ("query", "key", "value", "output", "mlp")
TOWERS = ("image", "text")
FUSIONS = ("residual", "tokens")
METHODS = ("adapters", "full")


@dataclasses.dataclass(frozen=True)
class LoraConfig:
    """The fine-tuning of the towers: low-rank adapters (Hu et al., 2021), or all weights.

    Figures are nDCG@10 on the real products, means of three seeds, by `fitrank ablate`.

    Attributes:
        method: what is trained, one of `METHODS`: "adapters" on some projections, beside
            which the towers are frozen, or "full" for all weights of the `towers`. The
            default forgets least; the recipes named `full` say what the other one wants.
        rank: rank of the update of each kernel, above 0. 8 is a compromise: with 8 passes
            rank 2 gave 0.6298 (titles) and 0.6089 (facet queries), 8 0.6329 and 0.6266, 32
            0.6383 and 0.6395, for 3.3, 4.5 and 8.9 % of the parameters trained.
        alpha: the update is scaled by alpha / rank, above 0. Twice the rank, as the study
            of ranks keeps it, so that another rank needs no other learning rate.
        targets: the projections that get an adapter, one or more of `LORA_TARGETS`: the
            four of the attention, and both layers of the MLP. Query and value are the
            paper's choice for a small budget; more of them cost parameters and time.
        towers: which get adapters, one or more of `TOWERS`. Both by default, for the texts
            have a shopper's words that the base has not learned.
        dropout: share of a projection's inputs that its adapter does not see in a training
            step, in [0, 1). Above the default 0 the adapter is multiplied apart from its
            kernel, which takes longer.
        fusion: how the features enter the image tower, one of `FUSIONS`: "residual" adds a
            function of them to its embedding, "tokens" gives its blocks a token a feature
            group to attend to. With 8 passes "residual" gave 0.6329 (titles) and 0.6266
            (facet queries), "tokens" 0.5966 and 0.5949 with 11.9 % of the parameters
            trained for 4.5 %.
        feature_groups: which of `FEATURE_GROUPS` the fusion sees; () leaves the features
            out. All by default: without them the fine-tuning gave 0.5675 (titles) and
            0.5798 (facet queries), with them 0.6425 and 0.6504.
        feature_dropout: chance that a training batch's feature group is hidden from the
            fusion, in [0, 1), so that the towers learn to do without it. At the default 0.1
            all five are seen in six batches of ten.
        distillation: weight of the base towers' logits as a teacher, in [0, 1]; the pairs'
            loss has the rest. The default 0 is none: adapters stay near to the base.
        interpolation: shares of the fine-tuned weights that are tried, the base's having
            the rest (WiSE-FT; Wortsman et al., 2022), each in [0, 1]; that which finds
            validation products by their titles best is kept. The default () keeps all that
            was trained.
    """

    method: str = "adapters"
    rank: int = 8
    alpha: float = 16.0
    targets: tuple[str, ...] = ("query", "value")
    towers: tuple[str, ...] = TOWERS
    dropout: float = 0.0
    fusion: str = "residual"
    feature_groups: tuple[str, ...] = FEATURE_GROUPS
    feature_dropout: float = 0.1
    distillation: float = 0.0
    interpolation: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        require_types(self)
        require_positive(self, "rank", "alpha")
        require_share(self, "dropout", "feature_dropout")
        require_one_of(self, "fusion", FUSIONS)
        require_one_of(self, "method", METHODS)
        require(self, "distillation", 0 <= self.distillation <= 1, "in [0, 1]")
        require(
            self,
            "interpolation",
            all(0 <= share <= 1 for share in self.interpolation),
            "shares in [0, 1]",
        )
        require_some_of(self, "targets", LORA_TARGETS)
        require_some_of(self, "towers", TOWERS)
        require_feature_groups(self)
