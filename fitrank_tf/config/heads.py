"""Small networks over image features."""

import dataclasses

from fitrank_tf.config.checks import (
    require_positive,
    require_share,
    require_types,
    require_widths,
)


@dataclasses.dataclass(frozen=True)
class HeadConfig:
    """A small network over features: colour names, patterns, length and fit.

    The defaults are for patterns, of which some thousand labels are known. The recipe
    `features` gives colour names, which every product has, a wider layer, fewer passes
    and more weight decay.

    Attributes:
        hidden: widths of the layers between features and logits, each above 0; () is a
            linear head.
        dropout: share of those layers' outputs that a training step leaves out, in [0, 1).
        epochs: passes over the labelled products, above 0; the learning rate decays over
            all of them, so that more passes are also smaller last steps.
        batch_size: products of one step, above 0; larger ones take fewer, steadier steps.
            The recipe takes 64 for patterns, which have fewer labels than colours.
        learning_rate: AdamW's at the start of a cosine decay, above 0; twice Adam's usual
            1e-3, for the decay ends at 0.
        weight_decay: AdamW's, in [0, 1). Small, for `dropout` does most of the work; the
            recipe takes 0.9 for colour names.
        weak_trust: weight in the loss of a label that only a title gives, beside 1 for one
            given by eye, in [0, 1); 0 learns from labels by eye alone. A title that names
            no pattern says nothing, and one that does may be wrong, so that a label by eye
            counts five times as much. Colour names have no such labels.
    """

    hidden: tuple[int, ...] = (128,)
    dropout: float = 0.4
    epochs: int = 40
    batch_size: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    weak_trust: float = 0.2

    def __post_init__(self) -> None:
        require_types(self)
        require_positive(self, "epochs", "batch_size", "learning_rate")
        require_share(self, "dropout", "weight_decay", "weak_trust")
        require_widths(self, "hidden")
