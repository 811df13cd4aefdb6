"""Mixed photos: proportions, partners, and the loss as a sum over both texts."""

import keras
import numpy as np
import pytest

from fitrank_tf.towers.training.losses import info_nce
from fitrank_tf.towers.training.mixtures import draw_share, mix, mixed_loss
from tests.towers.training.contrastive_formula import info_nce_formula, unit


@pytest.mark.parametrize("alpha", [0.1, 1.0, 8.0])
def test_shares_follow_a_folded_beta(alpha: float) -> None:
    seeds = keras.random.SeedGenerator(0)
    shares = np.array([float(draw_share(alpha, seeds)) for _ in range(300)])
    assert ((shares >= 0.5) & (shares <= 1)).all()
    drawn = np.random.default_rng(0).beta(alpha, alpha, 20000)
    expected = np.maximum(drawn, 1 - drawn).mean()
    assert shares.mean() == pytest.approx(expected, abs=0.02)


def test_each_row_is_mixed_with_its_partner() -> None:
    rows = np.arange(10, dtype="float32").reshape(5, 2)
    mixed = np.asarray(mix(rows, 0.75))
    for i in range(5):
        np.testing.assert_allclose(mixed[i], 0.75 * rows[i] + 0.25 * rows[4 - i])


@pytest.mark.parametrize("count", [4, 5])
@pytest.mark.parametrize("share", [0.5, 0.8, 1.0])
def test_the_loss_is_that_of_both_texts(count: int, share: float) -> None:
    draw = np.random.default_rng(2)
    image, text = (unit(draw.normal(size=(count, 6))) for _ in range(2))
    hidden = draw.random((count, count)) < 0.2
    partner = np.eye(count, dtype=bool)[::-1]
    own = info_nce_formula(image, text, 5.0, hidden | partner)
    # The partners' texts in their place: what was hidden moves with them.
    other = info_nce_formula(image, text[::-1], 5.0, hidden[:, ::-1] | partner)

    def loss_of(image, text, hidden):
        return info_nce(image, text, np.log(5.0).astype("float32"), hidden)

    made = float(mixed_loss(loss_of, image, text, hidden, share))
    assert made == pytest.approx(share * own + (1 - share) * other, rel=1e-5)
