"""Feature fusion: it starts as nothing, and works with groups missing."""

import numpy as np
from small_towers import embed

from fitrank_tf.models.fusion import FeatureFusion


def _fusion() -> FeatureFusion:
    fusion = FeatureFusion([[1, 1, 0], [0, 0, 1]], hidden=4, group_dropout=0.5)
    fusion.build((None, 12), (None, 3))
    return fusion


def test_untrained_fusion_changes_nothing(towers, images) -> None:
    embedded, _ = embed(towers, images)
    features = np.random.default_rng(1).normal(size=(3, 3)).astype("float32")
    np.testing.assert_allclose(_fusion()(embedded, features), embedded, atol=1e-6)


def test_fusion_standardises_and_ignores_constant_features() -> None:
    features = np.array([[1, 7, 2], [3, 7, 4], [5, 7, 9]], "float32")
    fusion = _fusion()
    fusion.adapt(features, np.ones(3))
    np.testing.assert_allclose(fusion.mean, features.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(
        fusion.scale, [1 / features[:, 0].std(), 0.0, 1 / features[:, 2].std()], rtol=1e-5
    )


def test_group_dropout_hides_whole_groups() -> None:
    kept = np.asarray(_fusion()._keep(400))
    np.testing.assert_array_equal(kept[:, 0], kept[:, 1])
    assert 0.3 < kept[:, 0].mean() < 0.7
    assert (kept[:, 0] != kept[:, 2]).any()


def test_groups_that_are_switched_off_are_never_seen() -> None:
    generator = np.random.default_rng(0)
    features = generator.normal(size=(6, 3)).astype("float32")
    fusion = _fusion()
    fusion.adapt(features, seen=np.array([0, 0, 1]))
    fusion.project.kernel.assign(generator.normal(size=(4, 12)))
    embedded = generator.normal(size=(6, 12)).astype("float32")
    fused = np.asarray(fusion(embedded, features))
    other = features + generator.normal(size=(6, 3)) * [1, 1, 0]
    np.testing.assert_array_equal(fusion(embedded, other.astype("float32")), fused)
    other = (features + [0, 0, 1]).astype("float32")
    assert np.abs(np.asarray(fusion(embedded, other)) - fused).max() > 1e-3
