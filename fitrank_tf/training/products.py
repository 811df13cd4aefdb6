"""The training products of each model of a run."""

from functools import cached_property

import numpy as np

from fitrank_tf.datasets.catalogue import Catalogue, CatalogueRecords
from fitrank_tf.datasets.splits import ALL, TRAIN, VALIDATION, hash_fraction, title_key


class RunProducts:
    """The products of a catalogue, as rows of `records`.

    Args:
        catalogue: the catalogue to train on.
        holdout_share: share of the training products that are held out from the towers.
    """

    def __init__(self, catalogue: Catalogue, holdout_share: float):
        self.catalogue, self.holdout_share = catalogue, holdout_share

    @cached_property
    def records(self) -> CatalogueRecords:
        """All products; the row numbers below refer to them."""
        return self.catalogue.records(ALL)

    @cached_property
    def tower_rows(self) -> np.ndarray:
        """int64 [M], ascending rows of the towers' training products."""
        return np.flatnonzero(self._in_split(TRAIN) & ~self._held_out)

    @cached_property
    def ranker_rows(self) -> np.ndarray:
        """int64 [M], ascending rows of the re-ranker's: all products of the split."""
        return np.flatnonzero(self._in_split(TRAIN))

    @cached_property
    def held_out_rows(self) -> np.ndarray:
        """int64 [M], ascending rows of training products held out from the towers."""
        return np.flatnonzero(self._in_split(TRAIN) & self._held_out)

    @cached_property
    def validation_rows(self) -> np.ndarray:
        """int64 [M], ascending rows of the products that select the re-ranker's epoch."""
        return np.flatnonzero(self._in_split(VALIDATION))

    @cached_property
    def _held_out(self) -> np.ndarray:
        # Products of the same title are held out together.
        keys = (
            title_key(text) or item
            for item, text in zip(self.records.ids, self.records.texts)
        )
        held = np.array(
            [hash_fraction(f"ranker:{key}") < self.holdout_share for key in keys]
        )
        # Of a title that most products share all would be: then none is.
        training = self._in_split(TRAIN)
        wanted = (1.0 - self.holdout_share) * np.count_nonzero(training)
        if 2 * np.count_nonzero(training & ~held) < wanted:
            held[:] = False
        return held

    def _in_split(self, split: str) -> np.ndarray:
        return np.array([part == split for part in self.records.splits])
