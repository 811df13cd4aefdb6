"""A detector for real photos: larger images, many epochs over few annotated photos."""

from fitrank_tf.config import DetectorConfig, RunConfig


def recipe(dataset: str) -> RunConfig:
    """The same configuration for every data set; only `detector` is used.

    The shipped detector took 10 minutes on 2 CPU cores shared with other work.
    """
    del dataset
    return RunConfig(
        recipe="detector",
        detector=DetectorConfig(
            image_size=160,
            num_images=924,
            stackwise_channels=(24, 48, 96, 160),
            epochs=40,
            zoom=0.25,
            pasted=0.35,
            colour_jitter=0.3,
        ),
    )
