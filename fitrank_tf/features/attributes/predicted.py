"""Fills attributes missing from a catalogue with predictions from its photos.

Few catalogues have columns for pattern, sleeve, neckline, length and fit, but shoppers
search for them.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from fitrank_tf.datasets.catalogue import CatalogueRecords
from fitrank_tf.features.attributes.columns import SEEN_LABELS, UNKNOWN
from fitrank_tf.features.schema import FeatureSchema

# Less probable predictions are not used.
_MIN_PROBABILITY = 0.6
# Labels that shoppers never search for.
_NEVER_QUERIED = (UNKNOWN, "other")


def with_predicted_attributes(
    records: CatalogueRecords, features: np.ndarray, schema: FeatureSchema
) -> CatalogueRecords:
    """Returns records whose empty facets hold the feature models' confident predictions.

    Args:
        records: N products; a facet with at least one value is left unchanged.
        features: float32 [N, F], of the same products.
        schema: layout of the features.
    """
    seen = {
        name: _seen(features[:, schema.slice(name)], labels)
        for name, labels in SEEN_LABELS.items()
        if name in records.declaration.facets and not any(records.column(name))
    }
    return dataclasses.replace(records, attributes={**records.attributes, **seen})


def _seen(probabilities: np.ndarray, labels: Sequence[str]) -> tuple[str, ...]:
    """The most probable label of each row, "" if improbable or never searched for."""
    values = np.where([label in _NEVER_QUERIED for label in labels], "", labels)
    sure = probabilities.max(axis=1) >= _MIN_PROBABILITY
    return tuple(np.where(sure, values[probabilities.argmax(axis=1)], "").tolist())
