"""LoRA with other weights of a product's texts: titles count for half."""

from fitrank_tf.config import RunConfig
from fitrank_tf.recipes.tiny import changed

# The four shares are of titles, parts of titles, sentences, single facets.
ASSIGNMENTS = ("lora_training.text_shares=0.5,0.2,0.2,0.1",)


def recipe(dataset: str) -> RunConfig:
    """`tiny`, with `ASSIGNMENTS`."""
    return changed("weighted_texts", dataset, ASSIGNMENTS)
