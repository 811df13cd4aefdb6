"""Attributes that a catalogue does not tell, as its photos show them.

Few catalogues have columns for pattern, sleeve and neckline, but shoppers ask for them.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from fitrank_tf.datasets.annotations.label_file import PATTERNS
from fitrank_tf.datasets.catalogue import CatalogueRecords
from fitrank_tf.features.attributes.columns import NECKLINE_ANSWERS, SLEEVE_ANSWERS, UNKNOWN
from fitrank_tf.features.schema import FeatureSchema

# As sure as the feature models must be.
_SURE = 0.6
# No shopper's words.
_NOTHING_ASKED = (UNKNOWN, "other")
_ANSWERS: Mapping[str, Sequence[str]] = {
    "pattern": PATTERNS,
    "sleeve": SLEEVE_ANSWERS,
    "neckline": NECKLINE_ANSWERS,
}


def with_seen_attributes(
    records: CatalogueRecords, features: np.ndarray, schema: FeatureSchema
) -> CatalogueRecords:
    """Records whose empty columns hold what the feature models are sure to see.

    Args:
        records: N products; a column with any value is the catalogue's and stays.
        features: float32 [N, F] of theirs.
        schema: of the features.
    """
    seen = {
        name: _seen(features[:, schema.slice(name)], answers)
        for name, answers in _ANSWERS.items()
        if not any(records.attributes[name])
    }
    return dataclasses.replace(records, attributes={**records.attributes, **seen})


def _seen(chances: np.ndarray, answers: Sequence[str]) -> tuple[str, ...]:
    """The likeliest answer of each row, "" for one that is unsure or says nothing."""
    told = np.where([answer in _NOTHING_ASKED for answer in answers], "", answers)
    sure = chances.max(axis=1) >= _SURE
    return tuple(np.where(sure, told[chances.argmax(axis=1)], "").tolist())
