"""What products' titles say of their facets, put beside what their photos show."""

from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from fitrank_tf.queries.lexicon import FacetLexicon

# Titles that are counted beside the catalogue's, half of them right: of a facet that few
# titles name nothing much is believed.
_PRIOR_TITLES = 10


def title_trust(
    lexicon: FacetLexicon, named: np.ndarray, codes: np.ndarray
) -> dict[str, float]:
    """How often titles are right about each facet.

    "Summer" in a title may be its collection and not the season that the shop gives it.

    Args:
        lexicon: V values of F facets.
        named: float32 [N, V], 1 for the values that the training titles name, between 0 and
            1 for those that are near a word of theirs; see `Request.query_facets`.
        codes: int32 [N, C], of the same products, by `FacetLexicon.codes`.

    Returns:
        {facet: share of the products with a named value that have it}.
    """
    trust, column = {}, 0
    for facet, of_facet, several in _slices(lexicon):
        exact = named[:, of_facet] == 1.0
        said = np.where(exact.any(axis=1, keepdims=True), exact, named[:, of_facet] > 0.0)
        size = said.shape[1]
        if several:
            known = codes[:, column : column + size]
            right, counted = said & (known == 1), said & (known >= 0)
            column += size
        else:
            own = codes[:, column]
            right = said & (np.arange(size) == own[:, np.newaxis])
            right = right.any(axis=1)
            counted = said.any(axis=1) & (own >= 0)
            column += 1
        found = np.count_nonzero(right) + _PRIOR_TITLES / 2
        trust[facet] = float(found / (np.count_nonzero(counted) + _PRIOR_TITLES))
    return trust


class TitleFacets(tf.Module):
    """Mixes probabilities by photos with the values that titles name.

    Where a title names values of a facet, they share `trust` of the probability in the
    ratio that the photo gives them, and the rest stays as it was. Of a facet of which a
    product has several values, those that are named have `trust` at least.

    Args:
        lexicon: V values of F facets.
        trust: {facet: how far titles are believed, in 0..1}, by `title_trust`.
    """

    def __init__(self, lexicon: FacetLexicon, trust: Mapping[str, float]):
        super().__init__(name="title_facets")
        facet_of = lexicon.facet_of
        self._facet_of = tf.constant(np.eye(len(lexicon.sizes))[facet_of], tf.float32)
        self._trust = tf.constant(
            np.array([trust[facet] for facet in lexicon.facets])[facet_of], tf.float32
        )
        self._has_several = tf.constant(np.array(lexicon.has_several, bool)[facet_of])

    def __call__(self, facet_probs: tf.Tensor, named: tf.Tensor) -> tf.Tensor:
        """Returns the mixed probabilities, float32 [N, V].

        Args:
            facet_probs: float32 [N, V], by `FacetHeads`.
            named: float32 [N, V], 1 for the values that a product's title names, between 0
                and 1 for those that are near a word of it, which count where none is named.
        """
        exact = tf.cast(named == 1.0, tf.float32)
        said = tf.where(self._in_facet(exact) > 0.0, exact, tf.maximum(named, 0.0))
        several = tf.maximum(facet_probs, self._trust * said)
        # Never 0, for a value that the photo excludes may be the only one named.
        shares = said * (facet_probs + 1e-6)
        of_facet = self._in_facet(shares)
        mixed = (1.0 - self._trust) * facet_probs + self._trust * tf.math.divide_no_nan(
            shares, of_facet
        )
        one = tf.where(of_facet > 0.0, mixed, facet_probs)
        return tf.where(self._has_several, several, one)

    def _in_facet(self, values: tf.Tensor) -> tf.Tensor:
        """[N, V], the sum over the values of each value's facet."""
        sums = tf.matmul(values, self._facet_of)
        return tf.matmul(sums, self._facet_of, transpose_b=True)


def _slices(lexicon: FacetLexicon) -> Sequence[tuple[str, slice, bool]]:
    """Of each facet its name, its values' places, and whether a product has several."""
    ends = np.cumsum(lexicon.sizes).tolist()
    return [
        (facet, slice(end - size, end), several)
        for facet, size, end, several in zip(
            lexicon.facets, lexicon.sizes, ends, lexicon.has_several
        )
    ]
