"""How the towers of `saved_models/fitrank_tiny` were trained, from nothing on a CPU."""

from fitrank_tf.config import (
    ContrastiveConfig,
    DetectorConfig,
    RerankerConfig,
    RunConfig,
    TowersConfig,
)


def recipe(dataset: str) -> RunConfig:
    """An hour and a quarter on 2 cores for the 8,600 training products."""
    del dataset  # made for real products; another catalogue gets the same schedule
    return RunConfig(
        recipe="fitrank_tiny",
        towers=TowersConfig(image_size=128),
        # Half of 64 patches cost as much as 32 of 96 pixels, and show more.
        base=ContrastiveConfig(
            epochs=40, batch_size=256, learning_rate=1e-3, patch_dropout=0.5
        ),
        lora_training=ContrastiveConfig(epochs=4, batch_size=256, learning_rate=1e-3),
        detector=DetectorConfig(preset="saved_models/detector"),
        # The towers learn from every training product.
        reranker=RerankerConfig(holdout_share=0.0),
    )
