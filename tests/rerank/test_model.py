"""The list model: it starts as the first stage, ignores order, and learns."""

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.config import RANKING_LOSSES, RerankerConfig
from fitrank_tf.inputs.listwise import ListArrays, ProductTables
from fitrank_tf.rerank.model import (
    Reranker,
    _gain,
    build_reranker,
    example_inputs,
    ranking_loss,
    train_reranker,
)

Q, N, L, D, F = 48, 40, 12, 6, 5
# Two facets, of three and of two values.
FACETS = {"colour": 3, "article_type": 2}
V = sum(FACETS.values())

_OF_QUERY = ("query", "query_facets")


@pytest.fixture(scope="module")
def arrays() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    images = generator.normal(size=(N, D)).astype("float32")
    images /= np.linalg.norm(images, axis=1, keepdims=True)
    queries = images[generator.integers(0, N, Q)]
    scores = queries @ images.T
    positions = np.argsort(-scores, axis=1)[:, :L].astype("int32")
    features = generator.random((N, F)).astype("float32")
    # Relevance lies in the first feature, which the first stage does not see.
    labels = np.floor(features[positions, 0] * 5).astype("float32")
    facet_probs = [generator.dirichlet(np.ones(size), N) for size in FACETS.values()]
    return {
        "queries": queries,
        "query_facets": np.zeros((Q, V), "float32"),
        "facet_probs": np.concatenate(facet_probs, axis=1).astype("float32"),
        "positions": positions,
        "scores": np.take_along_axis(scores, positions, axis=1),
        "labels": labels,
        "images": images,
        "features": features,
    }


def _batches(arrays: dict[str, np.ndarray], batch_size: int = 8) -> tf.data.Dataset:
    names = ("queries", "query_facets", "positions", "scores", "labels")
    lists = ListArrays(*(arrays[name] for name in names), np.ones_like(arrays["labels"]))
    tables = ProductTables(
        *(arrays[name] for name in ("images", "features", "facet_probs"))
    )
    return lists.batches(tables, batch_size)


def _trained(arrays, tmp_path, **options) -> tuple[Reranker, list[float]]:
    config = RerankerConfig(epochs=8, hidden=(16, 8), learning_rate=1e-2, **options)
    model = build_reranker(config, arrays["features"], D, FACETS, "article_type")
    batches = _batches(arrays)
    history = train_reranker(model, batches, batches, config, tmp_path)
    return model, history.history["val_ndcg_10"]


def _asking(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Queries of no, one or both facets: fits and grades differ from 0."""
    asked = np.random.default_rng(3).random((Q, V)) < 0.4
    asked[0] = False
    return {**arrays, "query_facets": asked.astype("float32")}


def _padded(arrays: dict[str, np.ndarray], count: int) -> dict[str, np.ndarray]:
    """With padding in the last places."""
    positions = arrays["positions"].copy()
    positions[:, L - count :] = -1
    return {**arrays, "positions": positions}


def _loud(model: Reranker) -> Reranker:
    """With random weights, so that all that is seen of a list shows in its scores."""
    generator = np.random.default_rng(5)
    for weight in model.trainable_weights:
        if weight.shape.rank:
            weight.assign(generator.normal(scale=0.5, size=weight.shape))
    return model


def _untrained(arrays) -> Reranker:
    return build_reranker(
        RerankerConfig(hidden=(16, 8)), arrays["features"], D, FACETS, "article_type"
    )


def test_untrained_keeps_the_first_stage_order(arrays) -> None:
    model = _untrained(arrays)
    inputs, _ = next(iter(_batches(arrays)))
    order = np.argsort(-model(inputs).numpy(), axis=1, kind="stable")
    np.testing.assert_array_equal(order, np.tile(np.arange(L), (8, 1)))


def test_queried_facets_count_by_their_probability(arrays) -> None:
    """Two values of one facet add up; the other facet, not queried, has no effect."""
    query_facets = {
        **arrays,
        "query_facets": np.tile([[1, 0, 1, 0, 0]], (Q, 1)).astype("float32"),
    }
    model = _untrained(arrays)
    (inputs, _), (plain, _) = (
        next(iter(_batches(query_facets))),
        next(iter(_batches(arrays))),
    )
    chance = arrays["facet_probs"][arrays["positions"][:8]][..., [0, 2]].sum(axis=-1)
    gained = model(inputs).numpy() - model(plain).numpy()
    # A query of one facet gives grade 4 for it, or nothing.
    expected = np.log(0.001 + 0.999 * chance) + 3.0 * 4.0 * chance
    np.testing.assert_allclose(gained, expected, atol=5e-3)


@pytest.mark.parametrize(
    "loss",
    [
        pytest.param(loss, marks=() if loss == RerankerConfig().loss else pytest.mark.slow)
        for loss in RANKING_LOSSES
    ],
)
def test_every_loss_learns(arrays, tmp_path, loss: str) -> None:
    _, ndcg = _trained(arrays, tmp_path, loss=loss)
    assert max(ndcg) > ndcg[0] + 0.02


def test_scores_follow_the_candidates_through_any_order(arrays, tmp_path) -> None:
    model, _ = _trained(arrays, tmp_path)
    inputs, _ = next(iter(_batches(arrays)))
    order = np.random.default_rng(2).permutation(L)
    moved = {
        name: value if name in _OF_QUERY else tf.gather(value, order, axis=1)
        for name, value in inputs.items()
    }
    np.testing.assert_allclose(model(moved), model(inputs).numpy()[:, order], atol=1e-4)


# Of first-stage scores below 0 padding's 0 would be the best of the list.
@pytest.mark.parametrize("shift", [0.0, -1.5])
@pytest.mark.parametrize("heads", [0, 2])
def test_padding_neither_scores_nor_matters(arrays, heads: int, shift: float) -> None:
    config = RerankerConfig(hidden=(16, 8), attention_heads=heads)
    model = _loud(build_reranker(config, arrays["features"], D, FACETS, "article_type"))
    short = _padded(_asking({**arrays, "scores": arrays["scores"] + shift}), 4)
    padded, _ = next(iter(_batches(short)))
    assert not padded["mask"].numpy()[:, L - 4 :].any()
    cut = {
        name: value if name in _OF_QUERY else value[:, : L - 4]
        for name, value in padded.items()
    }
    scores = model(padded).numpy()
    np.testing.assert_allclose(scores[:, : L - 4], model(cut), rtol=1e-3, atol=1e-3)
    assert scores[:, L - 4 :].max() < scores[:, : L - 4].min()
    for part, other in zip(model.explain(padded), model.explain(cut)):
        part = part.numpy()[:, : L - 4]
        np.testing.assert_allclose(part, other, rtol=1e-3, atol=1e-3)
    # Nor does it matter what stands in padding's place.
    noise = {
        name: value + 3.0 * tf.cast(~padded["mask"], value.dtype)[..., tf.newaxis]
        for name, value in padded.items()
        if name == "features"
    }
    changed = model({**padded, **noise}).numpy()[:, : L - 4]
    np.testing.assert_allclose(changed, scores[:, : L - 4], rtol=1e-3, atol=1e-3)


def test_features_far_off_are_cut_at_five_spreads(arrays) -> None:
    model = _untrained(arrays)
    features = arrays["features"].astype(float)
    mean, spread = features.mean(axis=0), features.std(axis=0)
    at = np.outer([4.0, 5.0, 6.0, -5.0, -6.0], spread) + mean
    four, five, six, minus_five, minus_six = model.feature_projection(
        tf.constant(at, tf.float32)
    ).numpy()
    np.testing.assert_allclose(six, five, atol=1e-3)
    np.testing.assert_allclose(minus_six, minus_five, atol=1e-3)
    assert np.abs(five - four).max() > 0.1


def test_who_keeps_the_projected_features_gets_the_same_scores(arrays) -> None:
    model = _loud(_untrained(arrays))
    inputs, _ = next(iter(_batches(_asking(arrays))))
    kept = {name: value for name, value in inputs.items() if name != "features"}
    kept["feature_projection"] = model.feature_projection(inputs["features"])
    np.testing.assert_allclose(model(kept), model(inputs), rtol=1e-4, atol=1e-3)


def test_an_untrained_score_is_the_blend_of_first_stage_chances_and_grade(arrays) -> None:
    """10 first stage + log probability by facet + 3 expected grade, of queried facets."""
    asking = _asking(arrays)
    inputs, _ = next(iter(_batches(asking)))
    probs = arrays["facet_probs"][arrays["positions"][:8]]
    cuts = np.cumsum([*FACETS.values()])[:-1]
    asked = asking["query_facets"][:8, None]
    chances = [
        np.clip(part.sum(axis=-1), 1e-4, 1 - 1e-4)
        for part in np.split(asked * probs, cuts, axis=2)
    ]
    named = [part.any(axis=2) for part in np.split(asked, cuts, axis=2)]
    expected = 10.0 * arrays["scores"][:8]
    for chance, is_named in zip(chances, named):
        expected = expected + np.where(is_named, np.log(0.001 + 0.999 * chance), 0.0)
    colour, kind = chances
    # Both: 4 for both, floor(3 / 2) for the kind alone, nothing without the kind.
    grade = np.where(
        named[0] & named[1],
        kind * (4 * colour + (1 - colour)),
        4 * np.where(named[0], colour, np.where(named[1], kind, 0.0)),
    )
    scores = _untrained(arrays)(inputs).numpy()
    np.testing.assert_allclose(scores, expected + 3.0 * grade, rtol=1e-3, atol=2e-3)
    assert {bool(one) + 2 * bool(two) for one, two in zip(*(n[:, 0] for n in named))} == {
        *(0, 1, 2, 3)
    }


def test_lists_learn_from_gains_that_add_up_to_one(arrays) -> None:
    """Softmax loss by hand: a list with many relevant products does not outweigh one."""
    grades = np.float32([[4, 0, 1, -1], [4, 4, 4, 4], [0, 0, 0, -1]])
    scores = np.float32([[2.0, 1.0, -1.0, 9.0], [0.5, 0.0, 1.0, 2.0], [1.0, 2.0, 0.0, 0.0]])
    gains = np.float32([[15 / 16, 0, 1 / 16, 0], [0.25] * 4, [0.0] * 4])
    real = grades >= 0
    raised = np.where(real, np.exp(scores), 0.0)
    shares = raised / raised.sum(axis=1, keepdims=True)
    loss = -(gains * np.log(np.where(real, shares, 1.0))).sum(axis=1)
    assert float(ranking_loss("softmax")(tf.constant(grades), tf.constant(scores))) == (
        pytest.approx(loss.sum() / 3, rel=1e-4)
    )
    np.testing.assert_array_equal(_gain(tf.constant(grades[0])), [15, 0, 1, 0])
    np.testing.assert_array_equal(_gain(tf.range(-1.0, 6.0)), [0, 0, 1, 2, 3, 15, 15])
    np.testing.assert_allclose(_gain(tf.constant([0.5, 3.25, 3.75])), [0.5, 6, 12])


@pytest.mark.parametrize("name", ["softmax", "pairwise_logistic"])
def test_weights_count_labels_and_what_is_unknown_counts_nothing(name: str) -> None:
    """By hand: a softmax's label, a pair by its better product, times the weight."""
    grades = np.float32([[1, 0, 2, -1, 0]])
    scores = np.float32([[0.5, 1.0, -1.0, 9.0, 0.2]])
    weights = np.float32([[2.0, 7.0, 3.0, 5.0, 7.0]])
    gains = np.array([1 / 3, 0, 2 / 3, -1, 0])
    if name == "softmax":
        raised = np.exp(scores[0, [0, 1, 2, 4]])
        logs = np.log(raised / raised.sum())
        expected = -(2.0 * gains[0] * logs[0] + 3.0 * gains[2] * logs[2])
    else:
        pairs = [
            weights[0, better] * np.log1p(np.exp(scores[0, worse] - scores[0, better]))
            for better in (0, 1, 2, 4)
            for worse in (0, 1, 2, 4)
            if gains[better] > gains[worse]
        ]
        expected = np.sum(pairs) / 5
    found = ranking_loss(name)(*map(tf.constant, (grades, scores, weights)))
    assert float(found) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_noise_moves_scores_in_training_alone(arrays, noise: float) -> None:
    config = RerankerConfig(hidden=(16, 8), dropout=0.0, noise=noise)
    model = build_reranker(config, arrays["features"], D, FACETS, "article_type")
    # Untrained, the last layer is zero and hides all that is seen.
    model.get_layer("correction").kernel.assign(tf.ones([8, 1]))
    inputs, _ = next(iter(_batches(arrays)))
    plain, learning = model(inputs).numpy(), model(inputs, training=True).numpy()
    np.testing.assert_array_equal(model(inputs), plain)
    assert np.allclose(learning, plain) == (noise == 0.0)


def test_contributions_add_up_to_the_score(arrays) -> None:
    """Less the list's mean, and nothing of padding."""
    model = _untrained(arrays)
    model.get_layer("correction").kernel.assign(tf.ones([8, 1]))
    inputs, _ = next(iter(_batches(_padded(_asking(arrays), 4))))
    scores, parts = model.explain(inputs)
    np.testing.assert_array_equal(scores, model(inputs))
    assert parts.shape == (8, L, 1 + len(FACETS) + 1)
    real = scores.numpy()[:, : L - 4]
    above_mean = real - real.mean(axis=1, keepdims=True)
    told = parts.numpy().sum(axis=-1)
    np.testing.assert_allclose(told[:, : L - 4], above_mean, atol=1e-4)
    asked = inputs["query_facets"].numpy()
    of_facets = np.split(asked, [*np.cumsum([*FACETS.values()])[:-1]], axis=1)
    for facet, query_facets in enumerate(of_facets, start=1):
        is_said = np.abs(parts.numpy()[..., facet]).max(axis=1) > 1e-6
        np.testing.assert_array_equal(is_said, query_facets.any(axis=1))
    np.testing.assert_array_equal(told[:, L - 4 :], 0.0)


def test_without_facets_the_first_stage_and_the_correction_are_left() -> None:
    features = np.random.default_rng(0).random((5, 4)).astype("float32")
    model = build_reranker(RerankerConfig(hidden=(8,)), features, D, {}, "")
    inputs = example_inputs(2, 3, D, 4, 0)
    inputs["first_stage"] = tf.constant([[0.3, 0.2, 0.1], [0.1, 0.2, 0.3]])
    scores, contributions = model.explain(inputs)
    np.testing.assert_allclose(scores, 10.0 * inputs["first_stage"], rtol=1e-5)
    assert contributions.shape == (2, 3, 2)
