"""The groups of image features that a model can be given or denied."""

from typing import Any

from fitrank_tf.config.checks import require

FEATURE_GROUPS = ("boxes", "colour", "texture", "attributes", "appearance")


def require_feature_groups(config: Any) -> None:
    """Refuses `feature_groups` that are not of `FEATURE_GROUPS`; there may be none."""
    holds = set(config.feature_groups) <= set(FEATURE_GROUPS)
    require(config, "feature_groups", holds, f"of {FEATURE_GROUPS}")
