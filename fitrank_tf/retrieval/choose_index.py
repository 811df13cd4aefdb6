"""Chooses and builds the index of a catalogue."""

import logging

import numpy as np

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.retrieval.candidate_index import CandidateIndex
from fitrank_tf.retrieval.exact_index import ExactIndex
from fitrank_tf.retrieval.scann_index import ScannIndex, load_scann

METHODS: tuple[str, ...] = ("auto", "exact", "scann")

# Below this ScaNN's documentation (docs/algorithms.md) advises brute force.
SCANN_FROM_ITEMS = 20_000

_logger = logging.getLogger(__name__)


def build_index(embeddings: np.ndarray, method: str = "auto") -> CandidateIndex:
    """Builds the index of a catalogue and logs its kind with the reason.

    Args:
        embeddings: float32 [N, D], one L2-normalised row an item.
        method: one of `METHODS`. "auto" takes exact search below
            `SCANN_FROM_ITEMS` items or where scann cannot be imported, else ScaNN.

    Raises:
        FitRankError: if the method is unknown, the catalogue is empty, or
            "scann" is chosen but cannot be imported.
        ValueError: if the array is not float32 [N, D] or has NaN or infinity.
    """
    if method not in METHODS:
        raise FitRankError(
            f"unknown index method {method!r}; take one of {', '.join(METHODS)}"
        )
    chosen, reason = (method, "as asked") if method != "auto" else _choose(len(embeddings))
    index = (ExactIndex if chosen == "exact" else ScannIndex)(embeddings)
    _logger.info("index: %s; %s", index.describe(), reason)
    return index


def _choose(num_items: int) -> tuple[str, str]:
    """The method for a catalogue of this size on this machine, and the reason."""
    if num_items < SCANN_FROM_ITEMS:
        return "exact", f"fewer than {SCANN_FROM_ITEMS} items"
    try:
        load_scann()
    except FitRankError as error:
        return "exact", str(error)
    return "scann", f"{SCANN_FROM_ITEMS} items or more"
