"""How towers are trained on pairs of photo and text."""

import dataclasses
import math

from fitrank_tf.config.checks import (
    require,
    require_not_negative,
    require_one_of,
    require_positive,
    require_share,
    require_types,
)

OWN_LOSS = "own"
CONTRASTIVE_LOSSES = (OWN_LOSS, "info_nce", "sigmoid")
# Of a product's title, parts of it, sentences of several facets, and single facets.
DEFAULT_TEXT_SHARES = (0.3, 0.3, 0.3, 0.1)
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


@dataclasses.dataclass(frozen=True)
class ContrastiveConfig:
    """One contrastive training: the base towers', or the LoRA fine-tuning's.

    The defaults train without any regularisation but weight decay; the recipes switch on
    what a catalogue of their size needs.

    Attributes:
        epochs: passes over the training split, 0 or above; 0 leaves the towers as they
            come. Time grows with it. `tiny` fine-tunes on real products for 16: after 8
            nDCG@10 was 0.6329 (titles) and 0.6266 (facet queries), after 16 0.6425 and
            0.6504.
        batch_size: pairs of one step, 2 or more and a multiple of `accumulation`; the other
            pairs of the batch are the negatives. More negatives teach more a step and take
            more memory. The default fills 33 steps with 8,575 products; `tiny` takes 64 for
            the drawn ones, of which it would fill six.
        learning_rate: peak of a linear warm-up and cosine decay, above 0. Small towers and
            their adapters stand the default (8 passes at 1e-3 for 4 at 5e-4 raised the RR
            of validation titles from 0.465 to 0.514); `vit_b32` takes 2e-4.
        adapter_ratio: factor of the rate of an adapter's second matrix B, above 0: LoRA+
            (Hayou et al., 2024) takes 16, for B starts at zero and A does not. The default
            1 is LoRA's.
        warmup_share: share of all steps that warm up, in [0, 1). After the default 0.05
            AdamW's moments are averages of many steps.
        weight_decay: AdamW's, on kernels and embeddings only, in [0, 1). `fitrank_tiny`,
            which sees 8,575 products 60 times, takes 0.5.
        temperature: the loss's start, above 0; it is learned from there, and its inverse
            stays below 100 in "info_nce". 0.07 is CLIP's. Fine-tuning goes on from the
            base's.
        loss: one of `CONTRASTIVE_LOSSES`: CLIP's "info_nce", a softmax over the batch both
            ways, or SigLIP's "sigmoid", which judges each pair by itself. The default "own"
            is that of the towers' family; new towers are CLIP's.
        text_shares: how often a product's text is its title, some words of the title, a
            sentence of several facets, a single facet; four shares that add up to 1. A pair
            that is drawn so often has that weight in the loss (generalised contrastive
            learning; Zhu et al., 2024). Shoppers' queries lie between the default's; with
            whole titles alone the text tower memorises the products.
        accumulation: parts in which a batch goes through the towers, above 0. Their
            embeddings are kept, so that the loss and its gradient are the whole batch's;
            memory is a part's. Photos are encoded twice; so the default is 1.
        precision: one of `PRECISIONS`, what the towers compute in. Weights stay float32.
            The default is right everywhere; "mixed_bfloat16" pays on accelerators that
            multiply in it.
        patch_dropout: share of a photo's patches that a training step leaves out, those of
            the backdrop first, in [0, 1). Half of the patches take half of the time (FLIP,
            Li et al., 2022); 0.6 at 160 px still shows most of a studio photo that is not
            backdrop. The default 0 is right for any photo.
        whole_share: share of the epochs, the last ones, that see whole photos, in [0, 1),
            so that the towers know what they will be given. Without `patch_dropout` it
            changes nothing.
        depth_dropout: chance that a photo skips a block of the image tower, in [0, 1)
            (Huang et al., 2016). It is for many passes over few products: `fitrank_tiny`
            takes 0.15, the short fine-tunings 0.
        feature_weight: weight, beside 1 for the pairs' loss, of predicting the image
            features from what the image tower pooled, 0 or above. The default 0 leaves the
            prediction out, and with it the need to extract features before; `fitrank_tiny`
            takes 1.
        mixup: both parameters of the Beta distribution of a mixed photo's shares, 0 or
            above; only for `accumulation` 1 and one device. The default 0 mixes none;
            `tiny` and `fitrank_tiny` take 0.3 (45 passes more with it, and more
            `depth_dropout`, raised the R@10 of validation titles from 0.613 to 0.668).
        teacher_weight: weight of the teachers' logits, in [0, 1]; the pairs' loss has the
            rest. Read only where teachers are given (`train_packed --teachers`); the
            default counts both alike.
        ema: momentum of the moving average of the weights that is kept in the end, in
            [0, 1). The default 0 keeps the last step's weights; 0.99, of `fitrank_tiny`,
            averages about the last 100 steps, three epochs of it.
        steps_at_once: steps that run between two looks at loss and clock, above 0. More
            than the default 1 pay on accelerators, which then need not wait for the host
            after each; a loss that is no number is noticed later.
        checkpoint_minutes: minutes between two checkpoints inside an epoch, above 0; one is
            written after each epoch besides. An interruption loses no more than that.
            Infinity leaves them out.
    """

    epochs: int = 20
    batch_size: int = 256
    learning_rate: float = 1e-3
    adapter_ratio: float = 1.0
    warmup_share: float = 0.05
    weight_decay: float = 0.1
    temperature: float = 0.07
    loss: str = OWN_LOSS
    text_shares: tuple[float, ...] = DEFAULT_TEXT_SHARES
    accumulation: int = 1
    precision: str = "float32"
    patch_dropout: float = 0.0
    whole_share: float = 0.1
    depth_dropout: float = 0.0
    feature_weight: float = 0.0
    mixup: float = 0.0
    teacher_weight: float = 0.5
    ema: float = 0.0
    steps_at_once: int = 1
    checkpoint_minutes: float = 10.0

    def __post_init__(self) -> None:
        require_types(self)
        require_positive(
            self,
            *("batch_size", "learning_rate", "temperature", "accumulation"),
            *("steps_at_once", "adapter_ratio"),
        )
        require_share(
            self,
            *("warmup_share", "weight_decay", "patch_dropout", "whole_share"),
            *("depth_dropout", "ema"),
        )
        require_not_negative(self, "epochs", "feature_weight", "mixup")
        require(self, "checkpoint_minutes", self.checkpoint_minutes > 0, "above 0")
        require(self, "teacher_weight", 0 <= self.teacher_weight <= 1, "in [0, 1]")
        require(
            self,
            "batch_size",
            self.batch_size > 1,
            "at least 2, for a pair alone has no negatives",
        )
        require(
            self,
            "batch_size",
            self.batch_size % self.accumulation == 0,
            f"a multiple of accumulation ({self.accumulation})",
        )
        require(
            self,
            "mixup",
            not self.mixup or self.accumulation == 1,
            f"0 for a batch in parts (accumulation={self.accumulation})",
        )
        require(
            self,
            "text_shares",
            len(self.text_shares) == len(DEFAULT_TEXT_SHARES)
            and min(self.text_shares) >= 0
            and math.isclose(sum(self.text_shares), 1.0, abs_tol=1e-6),
            "four shares, none below 0, that add up to 1",
        )
        require_one_of(self, "loss", CONTRASTIVE_LOSSES)
        require_one_of(self, "precision", PRECISIONS)
