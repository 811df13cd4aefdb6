"""The numbers of a candidate, one by one, from the words' facets and the chances."""

import math

import numpy as np
import pytest

from fitrank_tf.inputs.listwise import ListArrays
from fitrank_tf.rerank.match_features import gam_columns, match_columns, match_features

FACETS = {"gender": 2, "colour": 3}
ANSWERS = np.array(
    [[0.9, 0.1, 0.5, 0.3, 0.2], [0.2, 0.8, 0.0, 0.1, 0.9], [0.5, 0.5, 0.2, 0.2, 0.6]],
    np.float32,
)
# The second value of the first facet; two colours at once; nothing.
ASKED = np.array([[0, 1, 0, 0, 0], [1, 0, 1, 1, 0], [0, 0, 0, 0, 0]], np.float32)
POSITIONS = np.array([[1, 0, 2], [0, 1, -1], [2, 1, 0]], np.int32)
SCORES = np.array([[0.9, 0.5, 0.4], [0.7, 0.6, 0.0], [0.3, 0.2, 0.1]], np.float32)


def _doubted(chance: float) -> float:
    """A product has the value if the heads say so, or, once in a thousand, if they err."""
    return math.log(0.001 + 0.999 * chance)


def _lists() -> ListArrays:
    return ListArrays(np.zeros((3, 4)), ASKED, POSITIONS, SCORES, np.zeros((3, 3)))


@pytest.mark.parametrize(
    ("row", "place", "gender", "colour"),
    [(0, 0, 0.8, 1.0), (0, 1, 0.1, 1.0), (1, 0, 0.9, 0.8), (1, 1, 0.2, 0.1), (2, 0, 1, 1)],
)
def test_each_number_is_what_its_column_says(
    row: int, place: int, gender: float, colour: float
) -> None:
    numbers = match_features(_lists(), ANSWERS, FACETS)
    names = match_columns(FACETS)
    assert numbers.shape == (3, 3, len(names))
    told = dict(zip(names, numbers[row, place]))
    assert told["fits gender"] == pytest.approx(_doubted(gender), abs=1e-5)
    assert told["fits colour"] == pytest.approx(_doubted(colour), abs=1e-5)
    both = _doubted(gender) + _doubted(colour)
    assert told["fit"] == pytest.approx(both, abs=1e-5)
    # Of one facet grade 4 or 0; of two 4 for both, floor(3 / 2) for one of them.
    one = gender * (1 - colour) + colour * (1 - gender)
    grade = (4 * gender, 4 * gender * colour + one, 0)[row]
    assert told["expected grade"] == pytest.approx(grade, abs=1e-5)
    assert told["asks gender"] == float(row < 2)
    assert told["asks colour"] == float(row == 1)
    assert told["score"] == SCORES[row, place]
    assert told["score behind the best"] == pytest.approx(
        SCORES[row, place] - SCORES[row, 0]
    )
    assert told["rank"] == place
    best = max(numbers[row, :, names.index("fit")][POSITIONS[row] >= 0])
    assert told["fit behind the best"] == pytest.approx(told["fit"] - best, abs=1e-5)


def test_a_chance_of_zero_is_no_certainty() -> None:
    query_facets = np.array([[0, 0, 1, 0, 0]], np.float32)
    lists = ListArrays(
        np.zeros((1, 4)), query_facets, np.array([[1]]), np.array([[0.5]]), np.zeros((1, 1))
    )
    fit = match_features(lists, ANSWERS, FACETS)[0, 0, match_columns(FACETS).index("fit")]
    assert fit == pytest.approx(math.log(0.001), abs=1e-5)


def test_an_additive_ranker_sees_no_sum_of_other_columns() -> None:
    names = match_columns(FACETS)
    items, context = gam_columns(FACETS)
    told = {item.name: item for item in items}
    assert [*told] == [
        *("fits gender", "fits colour"),
        *("score", "score behind the best", "rank"),
    ]
    assert all(names[item.column] == item.name for item in items)
    assert [names[column] for column in context] == ["asks gender", "asks colour"]
    numbers = match_features(_lists(), ANSWERS, FACETS)
    mask = POSITIONS >= 0
    # Only the second list asks for colour, and its last place is padding.
    np.testing.assert_allclose(
        told["fits colour"].told(numbers, mask), [_doubted(0.8), _doubted(0.1)], atol=1e-5
    )
    np.testing.assert_array_equal(told["score"].told(numbers, mask), SCORES[mask])
