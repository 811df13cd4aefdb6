"""Features and detections of a photo, made by hand."""

import numpy as np

from fitrank_tf.datasets.item import OBJECT_CLASSES
from fitrank_tf.features.extract import PhotoFeatures, feature_schema

_LAB_SCALE = np.float32([100, 128, 128])


def hand_made_features(objects=(), palette=(), **slices) -> PhotoFeatures:
    """All zeros but what is given.

    Args:
        objects: (label, score, [ymin, xmin, ymax, xmax]) each; one row of padding
            follows.
        palette: ((L, a, b), share) of the dominant colours.
        **slices: name of a slice -> {index in it: value}.
    """
    schema = feature_schema()
    features = np.zeros(schema.size, np.float32)
    for name, values in slices.items():
        for index, value in values.items():
            features[schema.slice(name)][index] = value
    for row, (lab, share) in enumerate(palette):
        features[schema.slice("palette")][3 * row : 3 * row + 3] = lab / _LAB_SCALE
        features[schema.slice("palette_shares")][row] = share
    return PhotoFeatures(
        features,
        np.float32([*(box for _, _, box in objects), [0, 0, 0, 0]]),
        np.int32([*(OBJECT_CLASSES.index(label) for label, _, _ in objects), -1]),
        np.float32([*(score for _, score, _ in objects), 0]),
    )
