"""WiSE-FT (Wortsman et al., 2022): between the distilled towers and the base."""

from fitrank_tf.config import RunConfig
from fitrank_tf.recipes import distilled
from fitrank_tf.recipes.tiny import changed

ASSIGNMENTS = (*distilled.ASSIGNMENTS, "lora.interpolation=0,0.2,0.4,0.6,0.8,1")


def recipe(dataset: str) -> RunConfig:
    """`tiny`, with `ASSIGNMENTS`."""
    return changed("wise_ft", dataset, ASSIGNMENTS)
