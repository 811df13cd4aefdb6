"""CIEDE2000 against the supplementary table of Sharma, Wu and Dalal, 2005."""

import numpy as np
import pytest
from keras import ops

from fitrank_tf.core.ciede2000 import ciede2000, difference

# L, a, b of both colours, and their difference: pairs 1 to 34.
PUBLISHED = [
    (50.0000, 2.6772, -79.7751, 50.0000, 0.0000, -82.7485, 2.0425),
    (50.0000, 3.1571, -77.2803, 50.0000, 0.0000, -82.7485, 2.8615),
    (50.0000, 2.8361, -74.0200, 50.0000, 0.0000, -82.7485, 3.4412),
    (50.0000, -1.3802, -84.2814, 50.0000, 0.0000, -82.7485, 1.0000),
    (50.0000, -1.1848, -84.8006, 50.0000, 0.0000, -82.7485, 1.0000),
    (50.0000, -0.9009, -85.5211, 50.0000, 0.0000, -82.7485, 1.0000),
    (50.0000, 0.0000, 0.0000, 50.0000, -1.0000, 2.0000, 2.3669),
    (50.0000, -1.0000, 2.0000, 50.0000, 0.0000, 0.0000, 2.3669),
    (50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0009, 7.1792),
    (50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0010, 7.1792),
    (50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0011, 7.2195),
    (50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0012, 7.2195),
    (50.0000, -0.0010, 2.4900, 50.0000, 0.0009, -2.4900, 4.8045),
    (50.0000, -0.0010, 2.4900, 50.0000, 0.0010, -2.4900, 4.8045),
    (50.0000, -0.0010, 2.4900, 50.0000, 0.0011, -2.4900, 4.7461),
    (50.0000, 2.5000, 0.0000, 50.0000, 0.0000, -2.5000, 4.3065),
    (50.0000, 2.5000, 0.0000, 73.0000, 25.0000, -18.0000, 27.1492),
    (50.0000, 2.5000, 0.0000, 61.0000, -5.0000, 29.0000, 22.8977),
    (50.0000, 2.5000, 0.0000, 56.0000, -27.0000, -3.0000, 31.9030),
    (50.0000, 2.5000, 0.0000, 58.0000, 24.0000, 15.0000, 19.4535),
    (50.0000, 2.5000, 0.0000, 50.0000, 3.1736, 0.5854, 1.0000),
    (50.0000, 2.5000, 0.0000, 50.0000, 3.2972, 0.0000, 1.0000),
    (50.0000, 2.5000, 0.0000, 50.0000, 1.8634, 0.5757, 1.0000),
    (50.0000, 2.5000, 0.0000, 50.0000, 3.2592, 0.3350, 1.0000),
    (60.2574, -34.0099, 36.2677, 60.4626, -34.1751, 39.4387, 1.2644),
    (63.0109, -31.0961, -5.8663, 62.8187, -29.7946, -4.0864, 1.2630),
    (61.2901, 3.7196, -5.3901, 61.4292, 2.2480, -4.9620, 1.8731),
    (35.0831, -44.1164, 3.7933, 35.0232, -40.0716, 1.5901, 1.8645),
    (22.7233, 20.0904, -46.6940, 23.0331, 14.9730, -42.5619, 2.0373),
    (36.4612, 47.8580, 18.3852, 36.2715, 50.5065, 21.2231, 1.4146),
    (90.8027, -2.0831, 1.4410, 91.1528, -1.6435, 0.0447, 1.4441),
    (90.9257, -0.5406, -0.9208, 88.6381, -0.8985, -0.7239, 1.5381),
    (6.7747, -0.2908, -2.4247, 5.8714, -0.0985, -2.2286, 0.6377),
    (2.0776, 0.0795, -1.1350, 0.9033, -0.0636, -0.5514, 0.9082),
]


@pytest.mark.parametrize("pair", PUBLISHED)
def test_published_pairs_both_ways(pair) -> None:
    left, right, expected = pair[:3], pair[3:6], pair[6]
    assert ciede2000(left, right) == pytest.approx(expected, abs=1e-4)
    assert ciede2000(right, left) == pytest.approx(expected, abs=1e-4)


def test_many_pairs_at_once_are_the_same_pairs() -> None:
    table = np.array(PUBLISHED)
    differences = ciede2000(table[:, :3], table[:, 3:6])
    np.testing.assert_allclose(differences, table[:, 6], atol=1e-4)


def test_colours_are_broadcast() -> None:
    # Pairs 17 to 24 share their first colour.
    table = np.array(PUBLISHED[16:24])
    differences = ciede2000(table[:1, None, :3], table[None, :, 3:6])
    np.testing.assert_allclose(differences, table[None, :, 6], atol=1e-4)


@pytest.mark.parametrize("lab", [(0, 0, 0), (100, 0, 0), (50, 2.5, 0), (30, -40, 80)])
def test_a_colour_does_not_differ_from_itself(lab) -> None:
    assert ciede2000(lab, lab) == 0


# Half a turn apart, mean hue nearly 270: there the sign of the turn matters.
@pytest.mark.parametrize("hue", [160, 170, 175, 179])
@pytest.mark.parametrize("ratio", [0.25, 0.5, 2.0])
def test_opposite_colours_differ_alike_both_ways(hue, ratio) -> None:
    a, b = 40 * np.cos(np.radians(hue)), 40 * np.sin(np.radians(hue))
    left, right = (50, a, b), (50, -ratio * a, -ratio * b)
    assert ciede2000(left, right) == pytest.approx(ciede2000(right, left), abs=1e-6)


def test_the_same_with_other_arrays() -> None:
    table = np.array(PUBLISHED, np.float32)
    left, right = (ops.convert_to_tensor(table[:, at : at + 3]) for at in (0, 3))
    differences = ops.convert_to_numpy(difference(left, right, ops))
    np.testing.assert_allclose(differences, table[:, 6], atol=2e-3)
