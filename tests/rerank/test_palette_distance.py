"""Distances of palettes to queried colours, against CIEDE2000 by hand."""

import numpy as np
import pytest

from fitrank_tf.core.ciede2000 import ciede2000
from fitrank_tf.features.colour.names import COLOUR_NAMES, Prototypes
from fitrank_tf.features.extract import feature_schema
from fitrank_tf.inputs.listwise import ListArrays
from fitrank_tf.rerank.palette_distance import PaletteDistance, palette_distances

RED, DARK_RED, BLUE = (50.0, 60.0, 40.0), (30.0, 45.0, 25.0), (40.0, 10.0, -50.0)
PROTOTYPES = Prototypes(
    np.array([RED, DARK_RED, BLUE], np.float32),
    np.array([COLOUR_NAMES.index(name) for name in ("Red", "Red", "Blue")]),
    np.ones(3, np.float32),
)
VALUES = {"gender": ("Men", "Women"), "colour": ("Blue", "Fuchsia", "Red")}
# Nearly red with a blue seam; blue and red halves.
PALETTES = [[((48.0, 58.0, 41.0), 0.95), (BLUE, 0.05)], [(BLUE, 0.5), (DARK_RED, 0.5)]]


def _features() -> np.ndarray:
    schema = feature_schema()
    features = np.zeros((len(PALETTES), schema.size), np.float32)
    for row, palette in zip(features, PALETTES):
        for place, (lab, share) in enumerate(palette):
            at = schema.slice("palette").start + 3 * place
            row[at : at + 3] = np.array(lab) / [100, 128, 128]
            row[schema.slice("palette_shares").start + place] = share
    return features


def _lists(*query_facets: str) -> ListArrays:
    """Both products, the second first, and padding."""
    names = [name for names in VALUES.values() for name in names]
    named = np.array([[float(name in query_facets) for name in names]], np.float32)
    places = np.array([[1, 0, -1]], np.int32)
    return ListArrays(np.zeros((1, 4)), named, places, *[np.zeros((1, 3))] * 3)


def _columns(*query_facets: str) -> np.ndarray:
    distance = PaletteDistance(_features(), feature_schema(), PROTOTYPES, VALUES)
    columns = distance.columns(_lists(*query_facets))[0]
    assert columns.shape == (3, len(distance.names))
    return columns


def _apart(left, right) -> float:
    return float(ciede2000(np.array(left), np.array(right)))


def test_a_palette_is_as_far_as_its_colours_by_their_shares() -> None:
    nearly = _apart(PALETTES[0][0][0], RED)
    blue = min(_apart(BLUE, RED), _apart(BLUE, DARK_RED))
    means = [0.5 * blue, 0.95 * nearly + 0.05 * blue]
    columns = _columns("Red", "Women")
    np.testing.assert_allclose(columns[:2, 0], means, rtol=1e-4)
    # Of the nearer prototype; a seam of the queried colour does not count.
    np.testing.assert_allclose(columns[:2, 1], [0.0, nearly], atol=1e-2)
    np.testing.assert_allclose(columns[:2, 2], min(means) - np.array(means), atol=1e-3)
    assert (columns[2] == 0.0).all()
    assert _columns("Blue")[1, 1] == pytest.approx(
        _apart(PALETTES[0][0][0], BLUE), rel=1e-3
    )


def test_of_several_colours_the_nearest_counts() -> None:
    both = np.minimum(_columns("Red")[:, :2], _columns("Blue")[:, :2])
    np.testing.assert_allclose(_columns("Red", "Blue")[:, :2], both)


@pytest.mark.parametrize("query_facets", [(), ("Men",), ("Fuchsia",)])
def test_a_query_without_a_known_colour_has_distance_zero(query_facets) -> None:
    assert (_columns(*query_facets) == 0.0).all()


def test_a_catalogue_without_colours_has_no_distances() -> None:
    distance = PaletteDistance(
        _features(), feature_schema(), PROTOTYPES, {"gender": ("Men",)}
    )
    lists = ListArrays(
        np.zeros((1, 4)), np.ones((1, 1)), np.array([[0, 1]]), *[np.zeros((1, 2))] * 3
    )
    assert (distance.columns(lists) == 0.0).all()


def test_a_photo_without_a_palette_is_far_from_every_colour() -> None:
    nothing = palette_distances(
        np.zeros((1, 5, 3), np.float32), np.zeros((1, 5), np.float32), PROTOTYPES, ["Red"]
    )
    assert nothing[0, 0, 1] == 120.0
