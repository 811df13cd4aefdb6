"""Feature fusion: no effect when untrained, and dropout of groups."""

import math

import keras
import numpy as np
import pytest

from fitrank_tf.config import FUSIONS
from fitrank_tf.towers.fusion import FeatureFusion, encode_with_features, new_fusion
from tests.towers.small_towers import embed

MASKS = np.array([[1, 1, 0], [0, 0, 1]], "float32")
EVERY_FUSION = pytest.mark.parametrize("kind", FUSIONS)


@pytest.fixture
def towers(towers):
    """With trained biases: new ones are zero and hide what adds them."""
    generator = np.random.default_rng(6)
    for variable in towers.backbone.weights:
        if variable.path.endswith("bias"):
            variable.assign(generator.normal(scale=0.3, size=variable.shape))
    return towers


def _fusion(towers, kind: str = "residual") -> FeatureFusion:
    return new_fusion(kind, towers, MASKS, group_dropout=0.5, seed=0)


def _trained(towers, kind: str) -> FeatureFusion:
    """With random weights in the place of those that start at zero."""
    fusion, generator = _fusion(towers, kind), np.random.default_rng(0)
    for variable in fusion.trainable_variables:
        variable.assign(generator.normal(size=variable.shape))
    return fusion


def _features(count: int = 3) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(count, 3)).astype("float32")


@EVERY_FUSION
def test_untrained_fusion_changes_nothing(towers, images, kind) -> None:
    embedded, _ = embed(towers, images)
    fused = encode_with_features(towers, _fusion(towers, kind), images, _features())
    np.testing.assert_allclose(fused, embedded, atol=1e-6)


@EVERY_FUSION
def test_untrained_fusion_can_learn(towers, images, kind) -> None:
    """A start that is the identity must not be one without a gradient."""
    tf = pytest.importorskip("tensorflow")
    fusion = _fusion(towers, kind)
    wanted = np.random.default_rng(2).normal(size=(3, 12)).astype("float32")
    with tf.GradientTape() as tape:
        fused = encode_with_features(towers, fusion, images, _features())
        loss = keras.ops.sum(fused * wanted)
    variables = [variable.value for variable in fusion.trainable_variables]
    gradients = tape.gradient(loss, variables)
    assert max(float(np.abs(np.asarray(gradient)).max()) for gradient in gradients) > 1e-3


@EVERY_FUSION
def test_trained_fusion_gives_unit_vectors_of_its_own(towers, images, kind) -> None:
    fusion = _trained(towers, kind)
    fused = np.asarray(encode_with_features(towers, fusion, images, _features()))
    np.testing.assert_allclose(np.linalg.norm(fused, axis=1), 1.0, rtol=1e-5)
    other = np.asarray(encode_with_features(towers, fusion, images, -_features()))
    assert np.abs(fused - other).max() > 1e-2


def test_fusion_standardises_and_ignores_constant_features(towers) -> None:
    features = np.array([[1, 7, 2], [3, 7, 4], [5, 7, 9]], "float32")
    fusion = _fusion(towers)
    fusion.adapt(features, np.ones(3))
    np.testing.assert_allclose(fusion.mean, features.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(
        fusion.inverse_scale,
        [1 / features[:, 0].std(), 0.0, 1 / features[:, 2].std()],
        rtol=1e-5,
    )


@pytest.mark.parametrize("dropout", [0.0, 0.1, 0.5, 0.8])
def test_group_dropout_hides_whole_groups_in_training(towers, dropout: float) -> None:
    fusion = new_fusion("residual", towers, MASKS, group_dropout=dropout, seed=0)
    features = np.tile(np.float32([2.0, -3.0, 0.5]), (1000, 1))
    np.testing.assert_array_equal(fusion.standardise(features), features)
    seen = np.asarray(fusion.standardise(features, training=True))
    assert ((seen == features) | (seen == 0.0)).all()
    first, second, other = (seen != 0.0).T
    np.testing.assert_array_equal(first, second)
    for kept in (first, other):
        assert kept.mean() == pytest.approx(1 - dropout, abs=0.06)
    both = (1 - dropout) ** 2
    assert (first & other).mean() == pytest.approx(both, abs=0.06)


def test_values_are_clipped_at_five_standard_deviations(towers) -> None:
    fusion = _fusion(towers)
    fusion.adapt(np.float32([[0, 0, 1], [2, 4, 3]]), np.ones(3))
    far = np.float32([[7, 2, -99], [-3, 14, 2], [6, -8, 6]])
    expected = [[5, 0, -5], [-4, 5, 0], [5, -5, 4]]
    np.testing.assert_allclose(fusion.standardise(far), expected, atol=1e-5)


@EVERY_FUSION
def test_groups_that_are_switched_off_are_never_seen(towers, images, kind) -> None:
    fusion, features = _trained(towers, kind), _features()
    fusion.adapt(_features(20), seen=np.array([0, 0, 1]))
    fused = np.asarray(encode_with_features(towers, fusion, images, features))
    hidden = features + np.array([5, -3, 0], "float32")
    np.testing.assert_array_equal(
        encode_with_features(towers, fusion, images, hidden), fused
    )
    shown = features + np.array([0, 0, 1], "float32")
    other = np.asarray(encode_with_features(towers, fusion, images, shown))
    assert np.abs(other - fused).max() > 1e-3


def test_a_block_attends_to_the_group_tokens_as_in_the_paper(towers) -> None:
    """One block against plain numpy: softmax over the groups, a gate a head."""
    fusion, generator = _trained(towers, "tokens"), np.random.default_rng(3)
    block = towers.backbone.vision_encoder.encoder_layers[1]
    tokens = generator.normal(size=(1, 5, 24)).astype("float32")
    groups = generator.normal(size=(1, 2, 24)).astype("float32")
    normed = np.asarray(block.layer_norm_1(tokens))
    attention = block.attention
    query, key, value = (
        np.einsum("tw,whd->thd", rows, np.asarray(dense.kernel)) + np.asarray(dense.bias)
        for rows, dense in (
            (normed[0], attention.query_dense),
            (groups[0], attention.key_dense),
            (groups[0], attention.value_dense),
        )
    )
    expected = np.zeros((5, 24))
    for head in range(2):
        gate = math.tanh(float(fusion.gates[1, head]))
        for token in range(5):
            scores = key[:, head] @ query[token, head] / math.sqrt(12)
            shares = np.exp(scores) / np.exp(scores).sum()
            looked = gate * (shares @ value[:, head])
            expected[token] += looked @ np.asarray(attention.output_dense.kernel)[head]
    seen = np.asarray(fusion._attend_to_groups(1, block, normed, groups))
    np.testing.assert_allclose(seen[0], expected, atol=1e-4)
