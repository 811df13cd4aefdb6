"""The additive ranker: a sum of curves that are what they are drawn as, and it learns."""

import dataclasses
import itertools

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.rerank.baselines import ndcg_at_10
from fitrank_tf.rerank.gam import (
    TRAINING,
    GamItem,
    GamRanker,
    build_gam_ranker,
    gam_columns,
    train_gam_ranker,
)
from fitrank_tf.rerank.match_features import match_columns

Q, L, K = 150, 12, 6
# Columns 0 and 1 count in all lists, 2 where 4 is set; 3 is constant.
ITEMS = (
    GamItem("hill", 0),
    GamItem("slope", 1),
    GamItem("matches colour", 2, facet_mask=4),
    GamItem("constant", 3),
)
CONTEXT = (4, 5)


def _lists(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Features [Q, L, K] and grades by a hill, a slope, and a conditional slope."""
    draw = np.random.default_rng(seed)
    features = draw.uniform(-1.0, 1.0, size=(Q, L, K)).astype("float32")
    features[..., 3] = 7.0
    features[..., 4:] = draw.integers(0, 2, size=(Q, 1, 2))
    query_facets = features[..., 4]
    features[..., 2] *= query_facets
    worth = -3.0 * features[..., 0] ** 2 + features[..., 1] + 2.0 * features[..., 2]
    labels = np.clip(np.floor(worth + 3.0), 0, 4).astype("float32")
    labels[::5, L - 4 :] = -1
    # Padding must not be seen, whatever stands there.
    features[labels < 0] = 1e3
    return features, labels


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> GamRanker:
    features, labels = _lists(0)
    model = build_gam_ranker(ITEMS, CONTEXT, features, labels >= 0, seed=0)
    folder = tmp_path_factory.mktemp("gam")
    config = dataclasses.replace(TRAINING, batch_size=8)
    train_gam_ranker(model, (features, labels), _lists(1), config, 0, folder)
    return model


def _inputs(features: np.ndarray, mask: np.ndarray) -> dict[str, tf.Tensor]:
    return {"features": tf.constant(features), "mask": tf.constant(mask)}


def test_it_learns_a_nonlinear_relation(model) -> None:
    """A hill orders by the distance from its top."""
    features, labels = _lists(2)
    line = features[..., 1] + 2.0 * features[..., 2]
    learned = ndcg_at_10(model.score(features, labels >= 0), labels).mean()
    assert ndcg_at_10(line, labels).mean() < 0.92
    assert learned > 0.98


def test_it_learns_by_another_loss_and_without_lists_to_choose_by(tmp_path) -> None:
    features, labels = _lists(0)
    model = build_gam_ranker(ITEMS, CONTEXT, features, labels >= 0, seed=0)
    before = ndcg_at_10(model.score(features, labels >= 0), labels).mean()
    config = dataclasses.replace(TRAINING, loss="softmax", epochs=2)
    none = features[:0], labels[:0]
    train_gam_ranker(model, (features, labels), none, config, 0, tmp_path)
    after = ndcg_at_10(model.score(features, labels >= 0), labels).mean()
    assert after > before + 0.1


def test_terms_add_up_to_the_score(model) -> None:
    features, labels = _lists(2)
    mask = labels >= 0
    terms = model.terms(_inputs(features, mask)).numpy()
    assert terms.shape == (Q, L, len(ITEMS))
    scores = model.score(features, mask)
    np.testing.assert_allclose(terms.sum(axis=-1)[mask], scores[mask], atol=1e-4)
    assert scores[~mask].max() < scores[mask].min()


@pytest.mark.parametrize(("one", "other"), itertools.combinations((0, 1, 2), 2))
def test_the_contribution_of_a_feature_does_not_depend_on_another(
    model, one, other
) -> None:
    """The mixed second difference of a sum of functions of one number is zero."""
    features = _lists(3)[0][1:2, :4].copy()
    features[..., 4] = 1.0
    features[0] = features[0, :1]
    features[0, 1:, one] += (0.7, 0.0, 0.7)
    features[0, 1:, other] += (0.0, -0.6, -0.6)
    plain, first, second, both = model.score(features, np.ones((1, 4), bool))[0]
    assert abs(first - plain) > 0.01 and abs(second - plain) > 0.01
    assert both - first - second + plain == pytest.approx(0.0, abs=1e-4)


def test_scores_follow_the_candidates_through_any_order(model) -> None:
    features, labels = _lists(4)
    mask, order = labels >= 0, np.random.default_rng(5).permutation(L)
    np.testing.assert_allclose(
        model.score(features[:, order], mask[:, order]),
        model.score(features, mask)[:, order],
        rtol=1e-5,
        atol=1e-4,
    )


def test_a_list_may_have_any_length(model) -> None:
    features, labels = _lists(6)
    cut = model.score(features[::5, : L - 4], labels[::5, : L - 4] >= 0)
    whole = model.score(features[::5], labels[::5] >= 0)
    np.testing.assert_allclose(whole[:, : L - 4], cut, atol=1e-4)


def test_a_constant_feature_has_no_effect(model) -> None:
    features, labels = _lists(7)
    mask = labels >= 0
    changed = features.copy()
    changed[..., 3] = -40.0
    np.testing.assert_array_equal(model.score(changed, mask), model.score(features, mask))


def test_a_curve_is_the_contribution_of_its_feature(model) -> None:
    """Of lists of one context: a candidate is moved along each number's values."""
    features, labels = _lists(8)
    same = (features[:, 0, 4:] == (1.0, 0.0)).all(axis=1)
    features, mask = features[same], labels[same] >= 0
    shapes = model.shapes(features, mask)
    assert [shape.name for shape in shapes] == [item.name for item in ITEMS]
    for item, shape in zip(ITEMS, shapes):
        real = features[..., item.column][mask]
        np.testing.assert_array_equal(np.sort(shape.seen), np.sort(real))
        assert shape.values[0] == real.min() and shape.values[-1] == real.max()
        moved = np.repeat(features[:1, :1], len(shape.values), axis=1)
        moved[0, :, item.column] = shape.values
        gained = model.score(moved, np.ones(moved.shape[:2], bool))[0]
        np.testing.assert_allclose(
            shape.contributions - shape.contributions[0], gained - gained[0], atol=1e-3
        )
        at_seen = np.interp(shape.seen, shape.values, shape.contributions)
        assert at_seen.mean() == pytest.approx(0.0, abs=1e-3)
        np.testing.assert_allclose(shape.band, [shape.contributions] * 2, atol=1e-5)


def test_curves_recover_the_generating_functions(model) -> None:
    """Up to a factor; a number that is asked for is looked at where it is."""
    features, labels = _lists(0)
    hill, slope, colour, constant = model.shapes(features, labels >= 0)
    truths = (-(hill.values**2), slope.values, colour.values)
    for shape, truth in zip((hill, slope, colour), truths):
        assert np.corrcoef(shape.contributions, truth)[0, 1] > 0.9, shape.name
    query_facets = (features[..., 4] == 1.0) & (labels >= 0)
    assert len(colour.seen) == query_facets.sum()
    np.testing.assert_array_equal(constant.contributions, 0.0)
    low, high = colour.band[:, -1]
    assert low <= colour.contributions[-1] <= high


def test_without_context_all_curves_weigh_alike() -> None:
    features, labels = _lists(0)
    mask = labels >= 0
    model = build_gam_ranker(ITEMS[:2], (), features, mask, seed=0)
    terms = model.terms(_inputs(features, mask)).numpy()
    np.testing.assert_allclose(
        terms.sum(axis=-1)[mask], model.score(features, mask)[mask], atol=1e-5
    )
    assert len(model.shapes(features, mask)) == 2


def test_what_no_list_asks_for_has_no_curve() -> None:
    features, labels = _lists(0)
    features[..., 4] = 0.0
    mask = labels >= 0
    model = build_gam_ranker(ITEMS, CONTEXT, features, mask, seed=0)
    assert np.isfinite(model.score(features, mask)).all()
    names = [shape.name for shape in model.shapes(features, mask)]
    assert names == ["hill", "slope", "constant"]


def test_a_seed_makes_the_same_ranker() -> None:
    features, labels = _lists(0)
    mask = labels >= 0
    scores = [
        build_gam_ranker(ITEMS, CONTEXT, features, mask, seed).score(features, mask)
        for seed in (3, 3, 4)
    ]
    np.testing.assert_array_equal(scores[0], scores[1])
    assert not np.allclose(scores[0][mask], scores[2][mask])


def test_it_sees_no_sum_of_other_columns() -> None:
    facets = ("gender", "colour")
    names = match_columns(facets)
    items, context = gam_columns(facets)
    assert [item.name for item in items] == [
        *("matches gender", "matches colour"),
        *("score", "score gap to best", "rank"),
    ]
    assert all(names[item.column] == item.name for item in items)
    assert [names[column] for column in context] == [f"query has {f}" for f in facets]
    assert [item.facet_mask for item in items] == [*context, None, None, None]


def test_values_of_a_number_are_those_of_lists_where_it_says_something() -> None:
    features, labels = _lists(9)
    mask = labels >= 0
    hill, colour = ITEMS[0], ITEMS[2]
    np.testing.assert_array_equal(hill.values(features, mask), features[mask][:, 0])
    named = mask & (features[..., 4] == 1.0)
    np.testing.assert_array_equal(colour.values(features, mask), features[named][:, 2])
