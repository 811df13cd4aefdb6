"""The feature heads: colour names, patterns, sleeve, neckline, length and fit."""

from fitrank_tf.config import AttributeConfig, DetectorConfig, HeadConfig, RunConfig


def recipe(dataset: str) -> RunConfig:
    """The same configuration for every data set.

    The shipped models took 25 minutes on 2 CPU cores shared with other work, of which
    colour names and patterns took 4.
    """
    del dataset
    return RunConfig(
        recipe="features",
        detector=DetectorConfig(preset="saved_models/detector"),
        colour_names=HeadConfig(hidden=(256,), weight_decay=0.9, epochs=12),
        patterns=HeadConfig(batch_size=64),
        attributes=AttributeConfig(),
        cut=HeadConfig(epochs=20),
    )
