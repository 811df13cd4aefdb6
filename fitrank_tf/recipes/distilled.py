"""Full fine-tuning, with the towers as they were for a teacher."""

from fitrank_tf.config import RunConfig
from fitrank_tf.recipes import full
from fitrank_tf.recipes.tiny import changed

# Half of the loss keeps the base's similarities (see `towers.training.distillation`).
ASSIGNMENTS = (*full.ASSIGNMENTS, "lora.distillation=0.5")


def recipe(dataset: str) -> RunConfig:
    """`tiny`, with `ASSIGNMENTS`."""
    return changed("distilled", dataset, ASSIGNMENTS)
