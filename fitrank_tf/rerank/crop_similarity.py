"""Similarity of a query and the garment cut out of a product's photo."""

import numpy as np

from fitrank_tf.inputs.listwise import ListArrays
from fitrank_tf.rerank.list_statistics import gap_to_best


class CropSimilarity:
    """Features of a candidate from the embedding of its garment box alone.

    Args:
        embeddings: float32 [N, D], unit, of the crops of a catalogue's products.
    """

    names = ("crop similarity", "crop gap to best")
    of_facet: str | None = None

    def __init__(self, embeddings: np.ndarray):
        self._embeddings = embeddings

    def columns(self, lists: ListArrays) -> np.ndarray:
        """Returns the features of every candidate.

        Args:
            lists: Q lists of L positions in the catalogue.

        Returns:
            float32 [Q, L, 2]: the cosine of query and crop, and how much less than the
            list's best it is; 0 for padding.
        """
        inside = lists.positions >= 0
        cosines = np.zeros(inside.shape, np.float32)
        # One list at a time: a crop's embedding is a hundred times its cosine.
        for row, (query, places) in enumerate(zip(lists.queries, lists.positions)):
            cosines[row] = self._embeddings[places] @ query
        cosines = cosines[..., np.newaxis]
        columns = np.concatenate([cosines, gap_to_best(cosines, inside)], axis=-1)
        return np.where(inside[..., None], columns, 0.0)
