"""The list model: it starts as the first stage, ignores order, and learns."""

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.config import RANKING_LOSSES, RerankerConfig
from fitrank_tf.inputs.listwise import ListArrays, ProductTables
from fitrank_tf.rerank.model import Reranker, build_reranker, train_reranker

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
    lists = ListArrays(*(arrays[name] for name in names))
    tables = ProductTables(
        *(arrays[name] for name in ("images", "features", "facet_probs"))
    )
    return lists.batches(tables, batch_size)


def _trained(arrays, tmp_path, **options) -> tuple[Reranker, list[float]]:
    config = RerankerConfig(epochs=8, hidden=(16, 8), learning_rate=1e-2, **options)
    model = build_reranker(config, arrays["features"], D, FACETS)
    batches = _batches(arrays)
    history = train_reranker(model, batches, batches, config, tmp_path, verbose=0)
    return model, history.history["val_ndcg_10"]


def _untrained(arrays) -> Reranker:
    return build_reranker(RerankerConfig(hidden=(16, 8)), arrays["features"], D, FACETS)


def test_untrained_keeps_the_first_stage_order(arrays) -> None:
    model = _untrained(arrays)
    inputs, _ = next(iter(_batches(arrays)))
    order = np.argsort(-model(inputs).numpy(), axis=1, kind="stable")
    np.testing.assert_array_equal(order, np.tile(np.arange(L), (8, 1)))


def test_what_is_asked_for_counts_by_its_chance(arrays) -> None:
    """Two values of one facet add up; the other facet, not asked for, says nothing."""
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


@pytest.mark.parametrize("loss", RANKING_LOSSES)
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


def test_padding_neither_scores_nor_matters(arrays, tmp_path) -> None:
    model, _ = _trained(arrays, tmp_path)
    short = {**arrays, "positions": arrays["positions"].copy()}
    short["positions"][:, L - 4 :] = -1
    padded, _ = next(iter(_batches(short)))
    cut = {
        name: value if name in _OF_QUERY else value[:, : L - 4]
        for name, value in padded.items()
    }
    scores = model(padded).numpy()
    np.testing.assert_allclose(scores[:, : L - 4], model(cut), atol=1e-4)
    assert scores[:, L - 4 :].max() < scores[:, : L - 4].min()


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_noise_moves_scores_in_training_alone(arrays, noise: float) -> None:
    config = RerankerConfig(hidden=(16, 8), dropout=0.0, noise=noise)
    model = build_reranker(config, arrays["features"], D, FACETS)
    # Untrained, the last layer is zero and hides all that is seen.
    model.get_layer("correction").kernel.assign(tf.ones([8, 1]))
    inputs, _ = next(iter(_batches(arrays)))
    plain, learning = model(inputs).numpy(), model(inputs, training=True).numpy()
    np.testing.assert_array_equal(model(inputs), plain)
    assert np.allclose(learning, plain) == (noise == 0.0)


def test_what_explains_a_score_adds_up_to_it(arrays, tmp_path) -> None:
    """Less the list's mean, and nothing of padding."""
    model, _ = _trained(arrays, tmp_path)
    short = {**arrays, "positions": arrays["positions"].copy()}
    short["positions"][:, L - 4 :] = -1
    inputs, _ = next(iter(_batches(short)))
    scores, parts = model.explain(inputs)
    np.testing.assert_array_equal(scores, model(inputs))
    assert parts.shape == (8, L, 1 + len(FACETS) + 1)
    real = scores.numpy()[:, : L - 4]
    above_mean = real - real.mean(axis=1, keepdims=True)
    told = parts.numpy().sum(axis=-1)
    np.testing.assert_allclose(told[:, : L - 4], above_mean, atol=1e-4)
    np.testing.assert_array_equal(told[:, L - 4 :], 0.0)
