"""Expected grade of a candidate, from its probabilities of matching the facets.

Ranking by expected gain is what nDCG rewards. The logarithm of the probability that all
facets match forgets that a product which misses one of five is worth something too.
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from fitrank_tf.queries.grades import grade_table
from fitrank_tf.rerank.list_statistics import list_mean


class ExpectedGrade:
    """Mean of `grades.grade_table` over the number of a query's facets that match.

    Facets count as independent of each other: the number that is shared has a Poisson
    binomial distribution, worked out facet by facet.

    Args:
        facets: F names.
        decisive: the facet without which a product has grade 0; see
            `datasets.attributes.Declaration`.
    """

    def __init__(self, facets: Sequence[str], decisive: str):
        self._is_decisive = np.array([facet == decisive for facet in facets], np.float32)
        self._grades = tf.constant(grade_table(len(facets)))

    def __call__(self, chance: tf.Tensor, facet_mask: tf.Tensor) -> tf.Tensor:
        """Returns expected grades.

        Args:
            chance: float32 [..., L, F], that a candidate has a value that the query names.
            facet_mask: bool [..., 1, F], whether it names one of the facet.

        Returns:
            float32 [..., L], 0 where no facet is named.
        """
        has_facet = tf.cast(facet_mask, tf.float32)
        decisive = has_facet * self._is_decisive
        # The distribution below is conditional on a match of the decisive facet.
        shares = (
            has_facet * chance * (1.0 - self._is_decisive)
            + decisive
            + tf.zeros_like(chance)
        )
        size = len(self._is_decisive) + 1
        none_yet = tf.zeros_like(tf.reduce_sum(shares, axis=-1), tf.int32)
        count = tf.one_hot(none_yet, size)
        for share in tf.split(shares, size - 1, axis=-1) if size > 1 else ():
            one_more = tf.concat([tf.zeros_like(share), count[..., :-1]], axis=-1)
            count += share * (one_more - count)
        named = tf.cast(tf.reduce_sum(has_facet, axis=-1), tf.int32)
        grade = tf.reduce_sum(count * tf.gather(self._grades, named), axis=-1)
        return grade * tf.reduce_prod(1.0 - decisive * (1.0 - chance), axis=-1)

    def steps(self, chance: tf.Tensor, facet_mask: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        """Returns the contribution of each facet, added in order, to the expected grade.

        Args:
            chance: float32 [B, L, F].
            facet_mask: bool [B, 1, F].
            mask: bool [B, L].

        Returns:
            float32 [B, L, F]; a candidate's add up to its expected grade less what one
            with the list's mean chances would get.
        """
        mean = list_mean(chance, mask)
        facets = len(self._is_decisive)
        # [F + 1, 1, F]: the first few facets are the candidate's own.
        own = np.tri(facets + 1, facets, -1, dtype=bool)[:, np.newaxis]
        mixed = tf.where(own, chance[:, tf.newaxis], mean[:, tf.newaxis])
        grades = self(mixed, facet_mask[:, tf.newaxis])
        return tf.transpose(grades[:, 1:] - grades[:, :-1], [0, 2, 1])
