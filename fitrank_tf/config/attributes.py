"""The network that predicts sleeve and neckline."""

import dataclasses

from fitrank_tf.config.checks import require_positive, require_share, require_types


@dataclasses.dataclass(frozen=True)
class AttributeConfig:
    """The network that predicts sleeve and neckline.

    Attributes:
        epochs: passes over the training products, above 0. 20 are most of the 25 minutes
            that the feature models train on 2 cores.
        batch_size: products of one step, above 0; all labelled products, counted as often
            as they are seen, have to be as many.
        learning_rate: AdamW's peak, after a warm-up and before a cosine decay, above 0.
            Three times Adam's usual 1e-3, for a residual network that normalises.
        times_seen: how often a product labelled by eye comes in one pass, above 0. Of the
            8,575 products 1,665 are; at 3 times they are two in five of those seen.
        weak_trust: weight in the loss of what a title or the kind of product says, beside 1
            for a label by eye, in [0, 1). A higher weight learns more from the many
            products without a label by eye, and more of their titles' mistakes.
    """

    epochs: int = 20
    batch_size: int = 64
    learning_rate: float = 3e-3
    times_seen: int = 3
    weak_trust: float = 0.4

    def __post_init__(self) -> None:
        require_types(self)
        require_positive(self, "epochs", "batch_size", "learning_rate", "times_seen")
        require_share(self, "weak_trust")
