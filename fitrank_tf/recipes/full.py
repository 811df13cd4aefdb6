"""Full fine-tuning: all weights of the towers learn, and no adapters."""

from fitrank_tf.config import RunConfig
from fitrank_tf.recipes.tiny import changed

# A third of the adapters' rate: the weights are no longer near zero.
ASSIGNMENTS = ("lora.method=full", "lora_training.learning_rate=3e-4")


def recipe(dataset: str) -> RunConfig:
    """`tiny`, with `ASSIGNMENTS`."""
    return changed("full", dataset, ASSIGNMENTS)
