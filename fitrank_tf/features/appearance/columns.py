"""The `appearance` group: pooled activations of a network trained on ImageNet."""

from fitrank_tf.features.schema import FeatureSlice

GROUP = "appearance"
# The width of EfficientNet's last layer, from B0 and Lite0 on.
APPEARANCE = 1280


def appearance_slices() -> tuple[FeatureSlice, ...]:
    """Returns the one slice of `AppearanceNetwork`'s output."""
    meaning = "mean over the photo of the last layer of an ImageNet network"
    row = ("appearance", APPEARANCE, meaning, "activation (ReLU6)", 0.0, 6.0)
    return FeatureSlice.consecutive(GROUP, [row])
