"""Facet heads: the loss by hand, folds that have not seen what they predict, the file."""

import numpy as np
import pytest
from scipy.special import expit, log_softmax

from fitrank_tf.config import FacetHeadsConfig
from fitrank_tf.datasets.attributes import CATEGORIES, Attribute
from fitrank_tf.queries.lexicon import FacetLexicon
from fitrank_tf.rerank.facet_heads import FacetHeads, cross_fitted, facet_loss

LEXICON = FacetLexicon((("colour", ("Blue", "Red")), ("kind", ("Bag", "Hat", "Shoe"))))
CONFIG = FacetHeadsConfig(
    folds=2, hidden=16, epochs=30, batch_size=16, learning_rate=1e-2, dropout=0.0
)
N, D, F = 96, 4, 3
ALL = np.ones(F, bool)


def _products(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Colour shows in the embedding, kind in the features."""
    draw = np.random.default_rng(seed)
    codes = np.stack([draw.integers(0, 2, N), draw.integers(0, 3, N)], axis=1)
    embeddings = 0.1 * draw.normal(size=(N, D))
    embeddings[:, 0] += 2.0 * codes[:, 0] - 1.0
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    features = 0.3 * draw.normal(size=(N, F)) + np.eye(3)[codes[:, 1]]
    return codes.astype("int32"), embeddings.astype("float32"), features.astype("float32")


def test_the_loss_is_the_cross_entropy_of_the_facets_that_are_known() -> None:
    logits = np.random.default_rng(0).normal(size=(3, 5)).astype("float32")
    codes = np.array([[1, 2], [-1, 0], [-1, -1]], "int32")
    colour, kind = log_softmax(logits[:, :2], axis=1), log_softmax(logits[:, 2:], axis=1)
    expected = [-colour[0, 1] - kind[0, 2], -kind[1, 0], 0.0]
    np.testing.assert_allclose(
        facet_loss(codes, logits, (2, 3), (False, False)), expected, rtol=1e-5
    )


def test_the_loss_of_several_values_is_the_cross_entropy_of_each() -> None:
    logits = np.random.default_rng(0).normal(size=(3, 5)).astype("float32")
    codes = np.array([[1, 0, 1, 2], [0, 0, 0, -1], [-1, -1, -1, 1]], "int32")
    chance = expit(logits[:, :3].astype(float))
    kind = log_softmax(logits[:, 3:].astype(float), axis=1)
    expected = [
        -np.log([chance[0, 0], 1 - chance[0, 1], chance[0, 2]]).sum(),
        -np.log(1 - chance[1]).sum(),
        -kind[2, 1],
    ]
    codes[0, 3], expected[0] = 0, expected[0] - kind[0, 0]
    found = facet_loss(codes, logits, (3, 2), (True, False))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_product_has_several_values_at_once() -> None:
    """Two values that show in two features, each half of the time."""
    draw = np.random.default_rng(0)
    codes = draw.integers(0, 2, (N, 2)).astype("int32")
    lexicon = FacetLexicon(
        (("occasion", ("Party", "Sports")),),
        attributes=(Attribute("occasion", CATEGORIES),),
    )
    embeddings = np.full((N, D), 0.5, "float32")
    features = np.concatenate([codes, np.zeros((N, 1))], axis=1) + 0.1 * draw.normal(
        size=(N, F)
    )
    features = features.astype("float32")
    heads, crossed = cross_fitted(lexicon, codes, embeddings, features, ALL, CONFIG, 0)
    assert ((crossed > 0.5) == codes).mean() > 0.95
    both = heads.predict_all(embeddings, features)[codes.all(axis=1)]
    assert both.sum(axis=1).mean() > 1.5


def test_unseen_products_are_predicted_and_probabilities_add_up() -> None:
    codes, embeddings, features = _products()
    heads, crossed = cross_fitted(LEXICON, codes, embeddings, features, ALL, CONFIG, seed=0)
    other_codes, *other = _products(seed=1)
    for facet_probs, right in ((crossed, codes), (heads.predict_all(*other), other_codes)):
        assert facet_probs.shape == (N, 5) and facet_probs.dtype == np.float32
        np.testing.assert_allclose(facet_probs[:, :2].sum(axis=1), 1.0, rtol=1e-5)
        np.testing.assert_allclose(facet_probs[:, 2:].sum(axis=1), 1.0, rtol=1e-5)
        assert (facet_probs[:, :2].argmax(axis=1) == right[:, 0]).mean() > 0.95
        assert (facet_probs[:, 2:].argmax(axis=1) == right[:, 1]).mean() > 0.8


def test_no_product_is_predicted_by_a_head_that_learned_it() -> None:
    """Labels of pure chance: who had learned them would know them."""
    codes, embeddings, features = _products()
    codes = np.random.default_rng(5).permutation(codes)
    heads, crossed = cross_fitted(LEXICON, codes, embeddings, features, ALL, CONFIG, seed=0)
    own = heads.predict_all(embeddings, features)
    assert (own[:, :2].argmax(axis=1) == codes[:, 0]).mean() > 0.7
    assert (crossed[:, :2].argmax(axis=1) == codes[:, 0]).mean() < 0.65


def test_a_masked_feature_changes_no_prediction() -> None:
    codes, embeddings, features = _products()
    seen = np.array([True, False, False])
    heads, _ = cross_fitted(LEXICON, codes, embeddings, features, seen, CONFIG, seed=0)
    other = np.where(seen, features, 7.0).astype("float32")
    facet_probs = heads.predict_all(embeddings, features)
    np.testing.assert_array_equal(heads.predict_all(embeddings, other), facet_probs)
    # The kind depends on the features: with one of three it is predicted less well.
    assert (facet_probs[:, 2:].argmax(axis=1) == codes[:, 1]).mean() < 0.9


def test_what_was_saved_predicts_the_same(tmp_path) -> None:
    codes, embeddings, features = _products()
    heads, _ = cross_fitted(LEXICON, codes, embeddings, features, ALL, CONFIG, seed=0)
    heads.save(tmp_path)
    loaded = FacetHeads.load(tmp_path, CONFIG)
    assert loaded.lexicon == LEXICON
    np.testing.assert_array_equal(
        loaded.predict_all(embeddings, features), heads.predict_all(embeddings, features)
    )


@pytest.mark.parametrize("lexicon", [FacetLexicon(()), LEXICON])
def test_too_little_to_learn_from_predicts_nothing(lexicon: FacetLexicon, tmp_path) -> None:
    """No facets at all, or fewer products than folds: nothing is likelier than another."""
    few = np.zeros((3, len(lexicon.facets)), "int32")
    rows = np.ones((3, D), "float32"), np.ones((3, F), "float32")
    heads, crossed = cross_fitted(lexicon, few, *rows, ALL, CONFIG, seed=0)
    assert crossed.shape == (3, lexicon.size)
    heads.save(tmp_path)
    facet_probs = FacetHeads.load(tmp_path, CONFIG).predict_all(*rows)
    np.testing.assert_array_equal(facet_probs, np.zeros((3, lexicon.size)))
