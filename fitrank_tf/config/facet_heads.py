"""Heads that predict a product's facet values."""

import dataclasses

from fitrank_tf.config.checks import require, require_positive, require_share, require_types
from fitrank_tf.config.feature_groups import FEATURE_GROUPS, require_feature_groups


@dataclasses.dataclass(frozen=True)
class FacetHeadsConfig:
    """The heads that predict a product's facets: its article type, colour, gender ...

    Attributes:
        folds: heads, each trained on the training products of all folds but its own, 2 or
            more. With the default 5 a head learns from 80 % of the products; more folds
            learn from more and take as many times longer.
        hidden: width of the layer between a product's numbers and the values' logits, above
            0. The default is twice the width of `fitrank_tiny`'s embedding.
        dropout: share of the hidden layer's outputs that a training step leaves out, in
            [0, 1); of the inputs half as much. High, because 25 passes over some thousand
            products would be learned by heart.
        epochs: passes over a head's products, above 0. There is no early stopping:
            `dropout` and `weight_decay` have to keep late passes from doing harm.
        batch_size: products of one step, above 0; larger ones take fewer, steadier steps.
        learning_rate: AdamW's at the start of a cosine decay, above 0; twice Adam's usual
            1e-3, for the decay ends at 0.
        weight_decay: AdamW's, in [0, 1); small, for `dropout` does most of the work.
        feature_groups: which of `FEATURE_GROUPS` the heads see beside the embedding; ()
            gives them the embedding alone. All by default: on the real products that raised
            the nDCG@10 of facet queries from 0.7481 to 0.7739, nearly all of it by
            "appearance". The columns that name colours are hidden all the same: they were
            learned from the shop's own names of the training products, and heads would rely
            on that.
    """

    folds: int = 5
    hidden: int = 384
    dropout: float = 0.5
    epochs: int = 25
    batch_size: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    feature_groups: tuple[str, ...] = FEATURE_GROUPS

    def __post_init__(self) -> None:
        require_types(self)
        require_positive(self, "hidden", "epochs", "batch_size", "learning_rate")
        require_share(self, "dropout", "weight_decay")
        require_feature_groups(self)
        require(self, "folds", self.folds > 1, "2 or more")
