"""Distance of a product's dominant colours from the colour named in a query."""

from collections.abc import Mapping, Sequence

import numpy as np

from fitrank_tf.features.colour.names import Prototypes, colour_numbers
from fitrank_tf.features.colour.palette import dominant_colours
from fitrank_tf.features.schema import FeatureSchema
from fitrank_tf.inputs.listwise import ListArrays
from fitrank_tf.rerank.list_statistics import gap_to_best

_COLOUR = "colour"
# Dominant colours of a smaller share are seams or logos.
_LEAST_SHARE = 0.1
# Of products without a colour: larger than the distance of any two colours of sRGB.
_NONE = 120.0
_AT_ONCE = 1024


class PaletteDistance:
    """Features of a candidate from the palette of its photo and the query's words.

    A colour name is as far from a palette's colour as the nearest of the name's
    prototypes (`features/colour/names.py`), in CIEDE2000 units.

    Args:
        features: float32 [N, F] of a catalogue's products.
        schema: of the features.
        prototypes: of the colour names; a value without prototypes is at distance 0
            from everything.
        values: {facet: its values}, as the lists' `query_facets` numbers them.
    """

    names = ("palette distance", "nearest palette distance", "palette gap to best")
    # The numbers are 0 where a query names no value of this.
    of_facet: str | None = _COLOUR

    def __init__(
        self,
        features: np.ndarray,
        schema: FeatureSchema,
        prototypes: Prototypes,
        values: Mapping[str, Sequence[str]],
    ):
        facet_of = np.repeat(list(values), [len(names) for names in values.values()])
        self._is_colour = facet_of == _COLOUR
        palette, shares = dominant_colours(features, schema)
        self._distances = palette_distances(
            palette, shares, prototypes, values.get(_COLOUR, ())
        )

    def columns(self, lists: ListArrays) -> np.ndarray:
        """Returns the features of every candidate.

        Args:
            lists: Q lists of L positions in the catalogue.

        Returns:
            float32 [Q, L, 3]: the mean distance of the palette, each colour by its share;
            that of its nearest dominant colour; how much further the mean is than the
            list's least, below 0. Of several colours that a word may mean the nearest
            counts.
        """
        named = lists.query_facets[:, self._is_colour] > 0.0
        inside = lists.positions >= 0
        distances = np.full((*inside.shape, 2), _NONE, np.float32)
        for row, wanted in enumerate(named):
            if wanted.any():
                of_list = self._distances[lists.positions[row]][:, wanted]
                distances[row] = of_list.min(axis=1)
        gap = gap_to_best(-distances[..., :1], inside)
        columns = np.concatenate([distances, gap], axis=-1)
        return np.where((np.any(named, axis=1)[:, None] & inside)[..., None], columns, 0.0)


def palette_distances(
    palette: np.ndarray, shares: np.ndarray, prototypes: Prototypes, names: Sequence[str]
) -> np.ndarray:
    """Returns the distances of products to colour names.

    Args:
        palette: float32 [N, P, 3], CIE L, a, b of the dominant colours.
        shares: float32 [N, P], 0 for "no more".
        prototypes: of the names.
        names: C of them.

    Returns:
        float32 [N, C, 2], CIEDE2000: the mean over the palette, and that of the nearest
        colour that fills a tenth or more.
    """
    distances = np.zeros((len(palette), len(names), 2), np.float32)
    weights = shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-6)
    numbers = colour_numbers(names)
    known = np.flatnonzero(np.isin(numbers, prototypes.names))
    for start in range(0, len(palette), _AT_ONCE):
        rows = slice(start, start + _AT_ONCE)
        some, large = palette[rows], shares[rows, :, None] >= _LEAST_SHARE
        apart = prototypes.distances(some.reshape(-1, 3))[:, numbers[known]]
        apart = apart.reshape(*some.shape[:2], -1)
        distances[rows, known, 0] = (apart * weights[rows, :, None]).sum(axis=1)
        distances[rows, known, 1] = np.where(large, apart, _NONE).min(axis=1)
    return distances
