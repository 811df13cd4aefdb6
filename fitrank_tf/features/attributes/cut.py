"""Length and fit of a garment: small classifiers over other features.

Where a hem ends and how close a garment lies show on the whole photo, beside the wearer; so
they are read from the boxes, from sleeve, neckline and the garment's ratios, and from the
appearance.
"""

import numpy as np

from fitrank_tf.features.attributes.columns import CUT_LABELS
from fitrank_tf.features.schema import FeatureSchema

_GROUPS = ("boxes", "attributes", "appearance")


def cut_inputs(features: np.ndarray, schema: FeatureSchema) -> np.ndarray:
    """The columns from which length and fit are read, float32 [B, I].

    Args:
        features: float32 [B, F].
        schema: layout of the features.
    """
    parts = [
        features[:, part.start : part.stop]
        for part in schema.slices
        if part.group in _GROUPS and part.name not in CUT_LABELS
    ]
    return np.concatenate(parts, axis=1)
