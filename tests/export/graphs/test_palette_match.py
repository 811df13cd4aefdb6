"""Distances of palettes from asked colours, against CIEDE2000 colour by colour."""

import numpy as np
import pytest

from fitrank_tf.core.ciede2000 import ciede2000
from fitrank_tf.export.graphs.palette_match import palette_distance, palette_table
from fitrank_tf.features.colour.palette import PALETTE, colour_slices
from fitrank_tf.features.schema import FeatureSchema

RED, TEAL, GREY = (50.0, 70.0, 50.0), (50.0, -30.0, -8.0), (60.0, 0.0, 0.0)
# Two thirds red and one third teal; grey with half its pixels left out; nothing.
PRODUCTS = np.array(
    [[[*RED, 0.6], [*TEAL, 0.3]], [[*GREY, 0.5], [0.0] * 4], [[0.0] * 4] * 2], np.float32
)


def apart(left, right) -> float:
    return float(ciede2000(np.array(left), np.array(right)))


def distances(*colours) -> np.ndarray:
    asked = np.array([[*colours, [0.0] * 4]], np.float32)
    return palette_distance(asked, PRODUCTS[np.newaxis]).numpy()[0]


def test_the_mean_over_the_palette_by_share() -> None:
    expected = [2 / 3 * apart(RED, GREY) + 1 / 3 * apart(TEAL, GREY), 0.0, 120.0]
    np.testing.assert_allclose(distances([*GREY, 1.0]), expected, atol=1e-3)


def test_of_several_colours_the_nearest_counts() -> None:
    red, teal = distances([*RED, 1.0]), distances([*TEAL, 1.0])
    both = distances([*RED, 1.0], [*TEAL, 1.0])
    np.testing.assert_allclose(both, np.minimum(red, teal), rtol=1e-6)
    assert red[0] < teal[0]


def test_a_colour_counts_as_much_as_it_says() -> None:
    np.testing.assert_allclose(
        distances([*RED, 0.4]), 0.4 * distances([*RED, 1.0]), rtol=1e-5
    )


@pytest.mark.parametrize("colours", [np.zeros((1, 2, 4)), np.zeros((1, 1, 4))])
def test_no_colour_is_no_distance(colours) -> None:
    found = palette_distance(colours.astype(np.float32), PRODUCTS[np.newaxis]).numpy()
    assert (found == 0.0).all()


def test_the_table_is_in_lab_units() -> None:
    schema = FeatureSchema(colour_slices())
    features = np.zeros((1, schema.size), np.float32)
    features[0, schema.slice("palette")] = [0.5, 0.25, -0.5, *([0.0] * 12)]
    features[0, schema.slice("palette_shares")] = [0.75, 0.0, 0.0, 0.0, 0.0]
    table = palette_table(features, schema)
    assert table.shape == (1, PALETTE, 4) and table.dtype == np.float32
    assert table[0, 0].tolist() == [50.0, 32.0, -64.0, 0.75]
    assert not table[0, 1:].any()
