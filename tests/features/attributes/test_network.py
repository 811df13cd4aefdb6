"""The attribute network: its outputs, its probabilities, and its saved file."""

import keras
import numpy as np
import pytest

from fitrank_tf.features.attributes.network import (
    attribute_probabilities,
    build_attribute_network,
    without_auxiliary_outputs,
)


@pytest.fixture(scope="module")
def network() -> keras.Model:
    keras.utils.set_random_seed(0)
    return build_attribute_network({"pattern": 4, "kind": 7})


@pytest.fixture(scope="module")
def canvases() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, 96, 96, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        (None, {"sleeve": 5, "neckline": 6}),
        ({"pattern": 4}, {"sleeve": 5, "neckline": 6, "pattern": 4}),
    ],
)
def test_each_output_has_its_classes(extra, expected: dict[str, int]) -> None:
    built = build_attribute_network(extra)
    assert {name: logits.shape[1] for name, logits in built.output.items()} == expected
    assert built.input.shape[1:] == (96, 96, 3)


def _softmax(logits: np.ndarray) -> np.ndarray:
    raised = np.exp(logits.astype(np.float64))
    return raised / raised.sum(axis=1, keepdims=True)


def test_probabilities_are_sleeve_then_neckline(network, canvases) -> None:
    predicted = np.asarray(attribute_probabilities(network, canvases))
    logits = network.predict(canvases.astype(np.float32), verbose=0)
    assert predicted.shape == (3, 11)
    np.testing.assert_allclose(predicted[:, :5], _softmax(logits["sleeve"]), atol=1e-5)
    np.testing.assert_allclose(predicted[:, 5:], _softmax(logits["neckline"]), atol=1e-5)


def test_removing_auxiliary_outputs_keeps_the_predictions(network, canvases) -> None:
    small = without_auxiliary_outputs(network)
    assert set(small.output) == {"sleeve", "neckline"}
    assert small.count_params() < network.count_params()
    np.testing.assert_array_equal(
        attribute_probabilities(small, canvases), attribute_probabilities(network, canvases)
    )


def test_it_is_saved_and_loaded(network, canvases, tmp_path) -> None:
    without_auxiliary_outputs(network).save(tmp_path / "a.keras")
    loaded = keras.saving.load_model(tmp_path / "a.keras", compile=False)
    np.testing.assert_allclose(
        attribute_probabilities(loaded, canvases),
        attribute_probabilities(network, canvases),
        atol=1e-6,
    )


def test_predictions_do_not_depend_on_the_batch(network, canvases) -> None:
    together = np.asarray(attribute_probabilities(network, canvases))
    alone = np.asarray(attribute_probabilities(network, canvases[1:2]))
    np.testing.assert_allclose(alone[0], together[1], atol=1e-5)
    assert np.abs(together[0] - together[1]).max() > 1e-4
