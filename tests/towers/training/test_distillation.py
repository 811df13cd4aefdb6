"""The teachers' similarities and the student's divergence, against plain NumPy."""

import dataclasses

import keras
import numpy as np
import pytest
from scipy.special import log_softmax
from scipy.stats import entropy

from fitrank_tf.towers.clip_towers import towers_from_sizes
from fitrank_tf.towers.towers import Towers
from fitrank_tf.towers.training.contrastive import ContrastiveModel
from fitrank_tf.towers.training.distillation import Teachers, distillation_loss
from fitrank_tf.towers.vocabulary import learn_vocabulary
from tests.towers.small_towers import SIZES, TITLES, quick_towers
from tests.towers.training.contrastive_formula import small_batch, small_config, unit


def _teacher(seed: int, embedding_dim: int) -> Towers:
    sizes = dataclasses.replace(SIZES, vision_layers=1, embedding_dim=embedding_dim)
    return towers_from_sizes(sizes, learn_vocabulary(TITLES, 600), seed)


@pytest.mark.parametrize("scale", [1.0, 20.0])
def test_the_loss_is_the_divergence_both_ways(scale: float) -> None:
    draw = np.random.default_rng(0)
    teacher_image, teacher_text = draw.normal(size=(2, 5, 7)).astype("float32")
    image, text = (unit(draw.normal(size=(5, 4))) for _ in range(2))
    taught, told = teacher_image @ teacher_text.T, scale * image @ text.T
    expected = np.mean(
        [
            entropy(np.exp(log_softmax(a)), np.exp(log_softmax(b)))
            for ours, theirs in ((taught, told), (taught.T, told.T))
            for a, b in zip(ours, theirs)
        ]
    )
    made = distillation_loss(
        teacher_image, teacher_text, image, text, np.log(scale).astype("float32")
    )
    assert float(made) == pytest.approx(expected, rel=1e-4)


def test_products_are_the_teachers_mean_logits() -> None:
    towers = [_teacher(1, 12), _teacher(2, 8)]
    batch = small_batch(4)
    image, text = Teachers(towers)(batch["images"], batch["token_ids"])
    expected = np.mean(
        [
            np.asarray(one.encode_images(batch["images"]))
            @ np.asarray(one.encode_tokens(batch["token_ids"])).T
            / one.temperature
            for one in towers
        ],
        axis=0,
    )
    assert image.shape == (4, 20)
    np.testing.assert_allclose(np.asarray(image) @ np.asarray(text).T, expected, rtol=1e-4)


def test_a_student_learns_the_similarities_of_its_teacher() -> None:
    """The teacher does not change; the student does not learn which pairs match."""
    teacher, student = _teacher(5, 12), quick_towers()
    config = small_config(teacher_weight=1.0)
    model = ContrastiveModel(student, None, config, seed=0, teachers=Teachers([teacher]))
    assert not {id(weight) for weight in teacher.backbone.weights} & {
        id(weight) for weight in model.trainable_variables
    }
    before = [np.asarray(weight) for weight in teacher.backbone.weights]
    model.compile(keras.optimizers.Adam(0.02))
    batch = small_batch(4)
    losses = [float(model.train_on_batch(batch)) for _ in range(1)]
    for _ in range(30):
        model.reset_metrics()
        losses.append(float(model.train_on_batch(batch)))
    assert losses[-1] < 0.2 * losses[0]
    for weight, old in zip(teacher.backbone.weights, before):
        np.testing.assert_array_equal(np.asarray(weight), old)
