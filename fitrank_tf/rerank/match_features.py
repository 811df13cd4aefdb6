"""How well candidates match a query's facets; shared by all rankers.

The neural re-ranker works it out inside its graph, with a calibration that it learns; a
blend, LambdaMART and the additive model take it from a table, as an untrained re-ranker
has it.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from fitrank_tf.inputs.listwise import ListArrays
from fitrank_tf.rerank.expected_grade import ExpectedGrade
from fitrank_tf.rerank.facet_heads import PROB_FLOOR
from fitrank_tf.rerank.list_statistics import gap_to_best

# Probabilities are clipped to this and 1 minus this.
LEAST_CHANCE = 1e-4
# What a product that surely has an unwanted value loses: more than lists differ by, so that
# it comes after all others. Fixed: the lists that a re-ranker learns from deny nothing.
UNWANTED_WEIGHT = 20.0
_AT_ONCE = 256
# Columns of all facets together.
OF_ALL_FACETS = ("match", "match gap to best", "expected grade", "grade gap to best")
# Columns of the first stage.
OF_FIRST_STAGE = ("score", "score gap to best", "rank")


class FacetMatch(NamedTuple):
    """Matches of L candidates with each of B queries in F facets.

    Attributes:
        facet_mask: bool [B, 1, F], whether the query names a value of the facet, wanted or
            not.
        chance: float32 [B, L, F], probability that a candidate has a value that is wanted
            and none that is not; without meaning for a facet of which none is named.
        unwanted: float32 [B, L, F], probability that it has a value that is not wanted.
        match: float32 [B, L, F], log of it, `PROB_FLOOR` the least; 0 for a facet of which
            no value is named.
        grade: float32 [B, L, 1], the grade to expect.
    """

    facet_mask: tf.Tensor
    chance: tf.Tensor
    unwanted: tf.Tensor
    match: tf.Tensor
    grade: tf.Tensor

    @property
    def total(self) -> tf.Tensor:
        """float32 [B, L, 1]: log of the probability of matching in all facets."""
        return tf.reduce_sum(self.match, axis=-1, keepdims=True)


class FacetMatcher:
    """Computes `FacetMatch`, eagerly or in a graph.

    Args:
        facets: {facet: how many of the V facet values it has}, F of them.
        decisive: see `ExpectedGrade`.
    """

    def __init__(self, facets: Mapping[str, int], decisive: str):
        # [V, F], 1 where a value is of a facet.
        sizes = np.array(list(facets.values()), int)
        facet_of = np.repeat(np.arange(len(facets)), sizes)
        self._facet_of = tf.constant(np.eye(len(facets))[facet_of], tf.float32)
        self.expected_grade = ExpectedGrade(list(facets), decisive)

    def __call__(
        self,
        query_facets: tf.Tensor,
        facet_probs: tf.Tensor,
        slope: tf.Tensor | float = 1.0,
        shift: tf.Tensor | float = 0.0,
    ) -> FacetMatch:
        """Returns the matches of candidate lists.

        Args:
            query_facets: float32 [B, V], above 0 for the values that the query wants, 1 for
                those that it names; below 0 for those that it does not want.
            facet_probs: float32 [B, L, V], by `FacetHeads`.
            slope: float32 [F], of the calibration sigmoid(slope * logit + shift).
            shift: float32 [F], of the same (Platt, 1999).
        """

        # [B, 2, V]: what is wanted and what is not.
        values = tf.maximum(tf.stack([query_facets, -query_facets], axis=1), 0.0)
        is_named = tf.tensordot(values, self._facet_of, 1) > 0.0
        # [B, V, 2, F]: one product for both, without a copy of all probabilities.
        weights = tf.transpose(values, [0, 2, 1])[..., tf.newaxis]
        weights *= self._facet_of[:, tf.newaxis, :]
        count, size = self._facet_of.shape
        shape = [tf.shape(values)[0], count, 2 * size]
        raw = tf.matmul(facet_probs, tf.reshape(weights, shape))
        raw = tf.clip_by_value(raw, LEAST_CHANCE, 1.0 - LEAST_CHANCE)
        logits = tf.math.log(raw / (1.0 - raw))
        wants, denies = is_named[:, :1], is_named[:, 1:]
        wanted, unwanted = (
            tf.sigmoid(slope * part + shift) for part in tf.split(logits, 2, axis=-1)
        )
        facet_mask = wants | denies
        unwanted = tf.where(denies, unwanted, 0.0)
        chance = tf.where(wants | ~denies, wanted, 1.0) * (1.0 - unwanted)
        logs = tf.math.log(PROB_FLOOR + (1.0 - PROB_FLOOR) * chance)
        return FacetMatch(
            facet_mask=facet_mask,
            chance=chance,
            unwanted=unwanted,
            match=tf.where(facet_mask, logs, 0.0),
            grade=self.expected_grade(chance, facet_mask)[..., tf.newaxis],
        )


def match_columns(facets: Sequence[str]) -> tuple[str, ...]:
    """Names of the columns of `match_features`."""
    return (
        *(f"matches {facet}" for facet in facets),
        *(f"query has {facet}" for facet in facets),
        *OF_ALL_FACETS,
        *OF_FIRST_STAGE,
    )


def match_features(
    lists: ListArrays, facet_probs: np.ndarray, facets: Mapping[str, int], decisive: str
) -> np.ndarray:
    """Returns the match of every candidate of every list, as a table.

    Args:
        lists: Q lists of L candidates.
        facet_probs: float32 [N, V], of the catalogue that the lists point into.
        facets: {facet: how many of the V values it has}, F of them.
        decisive: see `ExpectedGrade`.

    Returns:
        float32 [Q, L, 2 F + 7], by `match_columns`: `match` by facet, whether the query
        names a value of the facet, and seven of the whole; 0 for padding.
    """
    matcher = FacetMatcher(facets, decisive)
    parts = [
        _of_some(lists.select(rows), facet_probs, matcher)
        for rows in np.split(np.arange(len(lists)), range(_AT_ONCE, len(lists), _AT_ONCE))
    ]
    return np.concatenate(parts)


def _of_some(
    lists: ListArrays, facet_probs: np.ndarray, matcher: FacetMatcher
) -> np.ndarray:
    mask = lists.positions >= 0
    real = mask[..., np.newaxis]
    found = matcher(lists.query_facets, facet_probs[np.maximum(lists.positions, 0)])
    score = lists.scores[..., np.newaxis].astype(np.float32)
    columns = [found.match, np.broadcast_to(found.facet_mask, found.match.shape)]
    for values in (found.total, found.grade, score):
        columns += [values, gap_to_best(values, mask)]
    columns.append(np.broadcast_to(np.arange(mask.shape[1])[:, np.newaxis], real.shape))
    table = np.concatenate(columns, axis=-1, dtype=np.float32)
    return np.where(real, table, np.float32(0.0))
