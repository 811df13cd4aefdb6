"""LoRA+ (Hayou et al., 2024): the adapters' second matrices learn faster."""

from fitrank_tf.config import RunConfig
from fitrank_tf.recipes.tiny import changed

ASSIGNMENTS = ("lora_training.adapter_ratio=16", "lora_training.learning_rate=3e-4")


def recipe(dataset: str) -> RunConfig:
    """`tiny`, with `ASSIGNMENTS`."""
    return changed("lora_plus", dataset, ASSIGNMENTS)
