"""The default: a 5 M parameter CLIP at 96 px, trained from nothing on a CPU."""

from fitrank_tf.config import (
    ContrastiveConfig,
    DetectorConfig,
    RunConfig,
    TowersConfig,
)

_EMBEDDED = "synthetic_catalogue"
# Made by `python -m pipelines.train_detector`; see its README.
_DETECTOR = DetectorConfig(preset="saved_models/detector")


def recipe(dataset: str) -> RunConfig:
    """Five minutes on the embedded catalogue, about an hour on 10,000 products."""
    return _embedded() if dataset == _EMBEDDED else _real()


def _embedded() -> RunConfig:
    return RunConfig(
        recipe="tiny",
        # Drawn garments have no fine detail and short titles: half the tokens of a
        # real catalogue's towers, and so half the time.
        towers=TowersConfig(patch_size=24, context_length=18),
        base=ContrastiveConfig(epochs=14, batch_size=64, learning_rate=5e-4),
        lora_training=ContrastiveConfig(epochs=8, batch_size=64, learning_rate=2e-3),
        detector=_DETECTOR,
    )


def _real() -> RunConfig:
    return RunConfig(
        recipe="tiny",
        base=ContrastiveConfig(epochs=26, batch_size=256, learning_rate=1e-3),
        lora_training=ContrastiveConfig(epochs=4, batch_size=256, learning_rate=1e-3),
        detector=_DETECTOR,
    )
