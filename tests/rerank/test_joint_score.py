"""Joint scores of words and patches, beside loops in numpy."""

import math

import keras
import numpy as np
import pytest

from fitrank_tf.rerank.joint_score import (
    CrossAttention,
    JointScore,
    LateInteraction,
    graded_softmax_loss,
)

KINDS = [LateInteraction, CrossAttention]
LISTS, WORDS, CANDIDATES, PATCHES, WIDTH = 3, 4, 5, 6, 8


@pytest.fixture
def inputs() -> dict[str, np.ndarray]:
    """Lists of queries of one to four words, the last with two padded candidates."""
    draw = np.random.default_rng(0)
    mask = np.ones((LISTS, CANDIDATES), np.float32)
    mask[2, 3:] = 0
    return {
        "words": draw.normal(size=(LISTS, WORDS, 7)).astype("float32"),
        "is_word": np.tri(LISTS, WORDS, k=0, dtype=np.float32),
        "patches": draw.normal(size=(LISTS, CANDIDATES, PATCHES, 9)).astype("float16"),
        "first_stage": draw.normal(size=(LISTS, CANDIDATES)).astype("float32"),
        "mask": mask,
    }


def trained(kind: type[JointScore], inputs: dict) -> JointScore:
    """A model none of whose weights is 0."""
    model = kind(seed=1, width=WIDTH)
    model(inputs)
    draw = np.random.default_rng(2)
    for weight in model.trainable_variables:
        weight.assign(draw.normal(size=weight.shape).astype("float32"))
    return model


def maxsim(model: LateInteraction, words: np.ndarray, patches: np.ndarray) -> float:
    """Of one query's words and one product's patches."""

    def unit(vector: np.ndarray) -> np.ndarray:
        return vector / np.linalg.norm(vector)

    asked = [unit(word @ model.of_words.kernel.numpy()) for word in words]
    kept = [unit(patch @ model.of_patches.kernel.numpy()) for patch in patches]
    best = [max(float(word @ patch) for patch in kept) for word in asked]
    return float(model.gain.numpy()) * sum(best) / len(best)


def attended(model: CrossAttention, words: np.ndarray, patches: np.ndarray) -> float:
    """Of one query's words and one product's patches."""
    read = []
    for word in words:
        asked = word @ model.of_words.kernel.numpy()
        both = [patch @ model.of_patches.kernel.numpy() for patch in patches]
        powers = [math.exp(asked @ one[:WIDTH] / math.sqrt(WIDTH)) for one in both]
        seen = sum(p / sum(powers) * one[WIDTH:] for p, one in zip(powers, both))
        x = np.concatenate([asked, seen, asked * seen]) @ model.hidden.kernel.numpy()
        x += model.hidden.bias.numpy()
        gelu = np.array([v * (1 + math.erf(v / math.sqrt(2))) / 2 for v in x])
        read.append(float((gelu @ model.read.kernel.numpy())[0]))
    return sum(read) / len(read)


@pytest.mark.parametrize(
    ("kind", "reference"), [(LateInteraction, maxsim), (CrossAttention, attended)]
)
def test_scores_are_those_of_the_definition(kind, reference, inputs) -> None:
    model = trained(kind, inputs)
    scores = keras.ops.convert_to_numpy(model(inputs))
    for row in range(LISTS):
        words = inputs["words"][row, : row + 1]
        for place in range(CANDIDATES):
            if not inputs["mask"][row, place]:
                assert scores[row, place] < -1e8
                continue
            patches = inputs["patches"][row, place].astype("float32")
            towers = float(model.weight.numpy()) * inputs["first_stage"][row, place]
            expected = towers + reference(model, words, patches)
            np.testing.assert_allclose(scores[row, place], expected, rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_an_untrained_score_is_the_towers_order(kind, inputs) -> None:
    scores = keras.ops.convert_to_numpy(kind(seed=0)(inputs))
    real = inputs["mask"] > 0
    np.testing.assert_allclose(scores[real], 20 * inputs["first_stage"][real], rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_are_those_of_the_seed(kind, inputs) -> None:
    def weights(seed: int) -> list[np.ndarray]:
        model = kind(seed)
        model(inputs)
        return [
            weight.numpy() for weight in (model.of_words.kernel, model.of_patches.kernel)
        ]

    first, again, other = weights(3), weights(3), weights(4)
    for one, same, another in zip(first, again, other):
        np.testing.assert_array_equal(one, same)
        assert not np.allclose(one, another)


@pytest.mark.parametrize("kind", KINDS)
def test_what_only_patches_tell_is_learned(kind) -> None:
    """The right candidate has a patch that says the word; the towers say nothing."""
    draw = np.random.default_rng(0)
    count, names = 256, np.eye(4, 7, dtype="float32")
    of_query = draw.integers(0, 4, count)
    of_candidate = np.stack([draw.permutation(4) for _ in range(count)])
    patches = draw.normal(size=(count, 4, 3, 7)).astype("float32") * 0.1
    patches[:, :, 1] += names[of_candidate]
    labels = np.where(of_candidate == of_query[:, None], 4.0, 0.0).astype("float32")
    inputs = {
        "words": names[of_query][:, None],
        "is_word": np.ones((count, 1), "float32"),
        "patches": patches,
        "first_stage": np.zeros((count, 4), "float32"),
        "mask": np.ones((count, 4), "float32"),
    }
    model = kind(seed=0, width=16)
    model.compile(keras.optimizers.Adam(1e-2), graded_softmax_loss)
    model.fit(inputs, labels, batch_size=32, epochs=20, verbose=0, shuffle=False)
    found = model.predict(inputs, verbose=0).argmax(axis=1)
    assert (labels[np.arange(count), found] == 4).mean() > 0.95


def test_the_loss_is_that_of_the_definition() -> None:
    labels = np.array([[4, 0, 1], [0, 2, -1], [0, 0, 0]], "float32")
    scores = np.array([[1, 2, 3], [0.5, -1, -1e9], [1, 2, 3]], "float32")
    expected = []
    for grades, row in zip(labels, scores):
        gains = [2**grade - 1 if grade > 0 else 0 for grade in grades]
        total = sum(math.exp(score) for score in row)
        logs = [math.log(math.exp(score) / total or 1) for score in row]
        expected.append(-sum(g / max(sum(gains), 1) * x for g, x in zip(gains, logs)))
    np.testing.assert_allclose(graded_softmax_loss(labels, scores), expected, rtol=1e-5)
