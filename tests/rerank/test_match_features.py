"""The match of a candidate, number by number, from the query's facets and probabilities."""

import math

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.config import RerankerConfig
from fitrank_tf.inputs.listwise import ListArrays
from fitrank_tf.rerank import model
from fitrank_tf.rerank.match_features import (
    LEAST_CHANCE,
    FacetMatcher,
    match_columns,
    match_features,
)

FACETS = {"gender": 2, "colour": 3}
FACET_PROBS = np.array(
    [[0.9, 0.1, 0.5, 0.3, 0.2], [0.2, 0.8, 0.0, 0.1, 0.9], [0.5, 0.5, 0.2, 0.2, 0.6]],
    np.float32,
)
# The second value of the first facet; two colours at once; nothing.
QUERY_FACETS = np.array([[0, 1, 0, 0, 0], [1, 0, 1, 1, 0], [0, 0, 0, 0, 0]], np.float32)
POSITIONS = np.array([[1, 0, 2], [0, 1, -1], [2, 1, 0]], np.int32)
SCORES = np.array([[0.9, 0.5, 0.4], [0.7, 0.6, 0.0], [0.3, 0.2, 0.1]], np.float32)
NAMES = match_columns(FACETS)


def _log(chance: float) -> float:
    """A product has the value if the heads say so, or, once in a thousand, if they err."""
    return math.log(0.001 + 0.999 * chance)


def _lists() -> ListArrays:
    return ListArrays(
        np.zeros((3, 4)), QUERY_FACETS, POSITIONS, SCORES, *[np.zeros((3, 3))] * 2
    )


@pytest.mark.parametrize(
    ("row", "place", "gender", "colour"),
    [(0, 0, 0.8, 1.0), (0, 1, 0.1, 1.0), (1, 0, 0.9, 0.8), (1, 1, 0.2, 0.1), (2, 0, 1, 1)],
)
def test_each_column_holds_its_feature(
    row: int, place: int, gender: float, colour: float
) -> None:
    numbers = match_features(_lists(), FACET_PROBS, FACETS, "article_type")
    assert numbers.shape == (3, 3, len(NAMES)) and numbers.dtype == np.float32
    found = dict(zip(NAMES, numbers[row, place]))
    assert found["matches gender"] == pytest.approx(_log(gender), abs=1e-5)
    assert found["matches colour"] == pytest.approx(_log(colour), abs=1e-5)
    both = _log(gender) + _log(colour)
    assert found["match"] == pytest.approx(both, abs=1e-5)
    # Of one facet grade 4 or 0; of two 4 for both, floor(3 / 2) for one of them.
    one = gender * (1 - colour) + colour * (1 - gender)
    grade = (4 * gender, 4 * gender * colour + one, 0)[row]
    assert found["expected grade"] == pytest.approx(grade, abs=1e-5)
    assert found["query has gender"] == float(row < 2)
    assert found["query has colour"] == float(row == 1)
    assert found["score"] == SCORES[row, place]
    gap = SCORES[row, place] - SCORES[row, 0]
    assert found["score gap to best"] == pytest.approx(gap)
    assert found["rank"] == place
    best = max(numbers[row, :, NAMES.index("match")][POSITIONS[row] >= 0])
    assert found["match gap to best"] == pytest.approx(found["match"] - best, abs=1e-5)


def test_padding_is_zero() -> None:
    assert not match_features(_lists(), FACET_PROBS, FACETS, "article_type")[1, 2].any()


@pytest.mark.parametrize(("chance", "seen"), [(0.0, LEAST_CHANCE), (1.0, 1 - LEAST_CHANCE)])
def test_nothing_is_certain(chance: float, seen: float) -> None:
    query_facets = np.array([[0, 0, 1]], np.float32)
    facet_probs = np.array([[[1.0 - chance, 0.0, chance]]], np.float32)
    found = FacetMatcher({"colour": 3}, "article_type")(query_facets, facet_probs)
    assert found.match.numpy() == pytest.approx(_log(seen), abs=1e-5)


@pytest.mark.parametrize(("slope", "shift"), [(1.0, 0.0), (0.5, -1.0), (2.0, 0.3)])
def test_probabilities_are_calibrated_by_facet(slope: float, shift: float) -> None:
    found = FacetMatcher(FACETS, "article_type")(
        QUERY_FACETS[1:2], FACET_PROBS[None], np.float32([1, slope]), np.float32([0, shift])
    )
    colour = FACET_PROBS[:, 2] + FACET_PROBS[:, 3]
    expected = 1 / (1 + np.exp(-slope * np.log(colour / (1 - colour)) - shift))
    np.testing.assert_allclose(found.chance[0, :, 1], expected, rtol=1e-4)
    np.testing.assert_allclose(found.chance[0, :, 0], FACET_PROBS[:, 0], rtol=1e-4)


def test_a_table_has_the_numbers_that_an_untrained_reranker_computes(monkeypatch) -> None:
    """To the bit."""
    seen = []

    class Recording(FacetMatcher):
        def __call__(self, *arguments, **calibration):
            seen.append(super().__call__(*arguments, **calibration))
            return seen[-1]

    monkeypatch.setattr(model, "FacetMatcher", Recording)
    features = np.random.default_rng(0).random((3, 2)).astype("float32")
    reranker = model.build_reranker(
        RerankerConfig(hidden=(4,)), features, 4, FACETS, "article_type"
    )
    seen.clear()
    reranker(
        {
            "query": tf.zeros([3, 4]),
            "query_facets": tf.constant(QUERY_FACETS),
            "features": tf.constant(features[POSITIONS]),
            "facet_probs": tf.constant(FACET_PROBS[POSITIONS]),
            "first_stage": tf.constant(SCORES),
            "mask": tf.constant(POSITIONS >= 0),
        }
    )
    table = match_features(_lists(), FACET_PROBS, FACETS, "article_type")
    real = POSITIONS >= 0
    np.testing.assert_array_equal(table[..., :2][real], seen[0].match.numpy()[real])
    grades = table[..., NAMES.index("expected grade")]
    np.testing.assert_array_equal(grades[real], seen[0].grade.numpy()[..., 0][real])


def test_what_is_not_wanted_counts_against_a_product_by_its_chance() -> None:
    """Not the second gender; the first colour, but not the third."""
    query = np.array([[0, -1, 1, 0, -1]], np.float32)
    found = FacetMatcher(FACETS, "article_type")(query, FACET_PROBS[None])
    assert found.facet_mask.numpy().tolist() == [[[True, True]]]
    unwanted = np.stack([FACET_PROBS[:, 1], FACET_PROBS[:, 4]], axis=1)
    np.testing.assert_allclose(found.unwanted[0], unwanted, rtol=1e-5)
    wanted = np.maximum(FACET_PROBS[:, 2], LEAST_CHANCE)
    chance = np.stack([1 - unwanted[:, 0], wanted * (1 - unwanted[:, 1])], axis=1)
    np.testing.assert_allclose(found.chance[0], chance, rtol=1e-4)


def test_values_that_are_near_what_is_wanted_count_by_their_weight() -> None:
    query = np.array([[0, 0, 1, 0.5, 0]], np.float32)
    found = FacetMatcher(FACETS, "article_type")(query, FACET_PROBS[None])
    colour = FACET_PROBS[:, 2] + 0.5 * FACET_PROBS[:, 3]
    np.testing.assert_allclose(found.chance[0, :, 1], colour, rtol=1e-4)
    assert not found.unwanted.numpy().any()
