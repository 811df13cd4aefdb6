"""The listwise re-ranker."""

import dataclasses

from fitrank_tf.config.checks import (
    require,
    require_not_negative,
    require_one_of,
    require_positive,
    require_seed,
    require_share,
    require_types,
    require_widths,
)

RANKING_LOSSES = (
    "softmax",
    "approx_ndcg",
    "gumbel_approx_ndcg",
    "list_mle",
    "pairwise_logistic",
    "lambda_ndcg",
)


@dataclasses.dataclass(frozen=True)
class RerankerConfig:
    """The listwise re-ranker.

    Figures are of the real products, means of three seeds, by `fitrank ablate`.

    Attributes:
        list_size: candidates of a query, to learn from and to order, above 0. By 20, 50,
            100, 200 candidates nDCG@10 was 0.737, 0.771, 0.788, 0.797 (titles) and 0.745,
            0.765, 0.776, 0.787 (facet queries); but of 200 the R@10 of titles fell from
            0.657 to 0.641. Time and memory of training grow with it.
        holdout_share: share of the training products that the towers do not see, in [0, 1).
            The re-ranker learns on all of them; these show it a first stage that does not
            know its products by heart. What they show costs the towers a tenth of their
            products by default.
        queries_per_product: facet queries written for one product, beside its title, 0 or
            above. Of a few products with many queries each the re-ranker learns the
            products, not what to look for: with four queries of each of 860 products
            validation nDCG@10 fell from the first stage's 0.531 to 0.517, with two of each
            of 8,600 it rose to 0.547.
        epochs: passes over the lists, above 0; the weights of the best validation nDCG@10
            are kept. Each list is another query of products that were seen before, so that
            few passes do.
        batch_size: lists of one step, above 0; larger ones take fewer, steadier steps and
            more memory.
        learning_rate: Adam's at the start of a cosine decay, above 0. Half of Adam's usual
            1e-3: with `epochs` it decides how much of the products is learned.
        hidden: widths of the scoring network, one or more, each above 0. It corrects a
            blend of first stage and facet match; wider ones have more to overfit with.
        attention_heads: heads of the attention over the list, 0 or above; 0 leaves it out,
            and each candidate is scored without the others. A head is as wide as the last
            of `hidden`.
        dropout: share of the hidden layers' outputs that a training step leaves out, in
            [0, 1). Half, because the same products come back in list after list.
        noise: standard deviation of what training adds to each number of a candidate, 0 or
            above (Qin et al., ICLR 2021). 0.3 came with two other changes that raised
            validation nDCG@10 from 0.810 to 0.819 (titles) and 0.826 to 0.829 (facet
            queries).
        loss: one of `RANKING_LOSSES`, as TF-Ranking defines them. None is best by all
            measures. The default has nDCG@10 0.788 (titles) and 0.776 (facet queries) and
            R@10 0.657 (titles); "pairwise_logistic" 0.798 and 0.792, but 0.602;
            "gumbel_approx_ndcg" 0.788 and 0.783, and 0.664.
        seed: added to the run's, for the re-ranker's weights and order alone, in
            [0, 2**31). The studies vary it to measure how much seeds matter.
    """

    list_size: int = 100
    holdout_share: float = 0.1
    queries_per_product: int = 1
    epochs: int = 2
    batch_size: int = 32
    learning_rate: float = 5e-4
    hidden: tuple[int, ...] = (64, 32)
    attention_heads: int = 2
    dropout: float = 0.5
    noise: float = 0.3
    loss: str = "lambda_ndcg"
    seed: int = 0

    def __post_init__(self) -> None:
        require_types(self)
        require_positive(self, "list_size", "epochs", "batch_size", "learning_rate")
        require_share(self, "holdout_share", "dropout")
        require_not_negative(self, "queries_per_product", "attention_heads", "noise")
        require(self, "hidden", bool(self.hidden), "one width or more")
        require_widths(self, "hidden")
        require_one_of(self, "loss", RANKING_LOSSES)
        require_seed(self, "seed")
