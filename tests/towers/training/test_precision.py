"""Mixed precision: another compute dtype inside the context, the same weights."""

import numpy as np
import pytest

from fitrank_tf.towers.training.contrastive import ContrastiveModel
from fitrank_tf.towers.training.precision import computing_with_precision
from tests.towers.training.contrastive_formula import small_batch, small_config


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_the_layers_compute_in_it_and_then_as_before(towers, precision) -> None:
    model, batch = ContrastiveModel(towers, None, small_config(), seed=0), small_batch(4)
    block = towers.backbone.vision_encoder.encoder_layers[0]
    tokens = np.ones((1, 5, 24), "float32")
    exact = {name: np.asarray(values) for name, values in model(batch).items()}
    with computing_with_precision(model, precision):
        assert str(block(tokens).dtype).endswith(precision.removeprefix("mixed_") + "'>")
        rough = {name: np.asarray(values) for name, values in model(batch).items()}
    assert block.compute_dtype == "float32"
    floats = {weight.dtype for weight in model.weights if "int" not in weight.dtype}
    assert floats == {"float32"}
    for name, values in exact.items():
        assert rough[name].dtype == np.float32  # the loss is not computed in halves
        np.testing.assert_allclose(rough[name], values, atol=0.03)
        assert (rough[name] != values).any()
        np.testing.assert_array_equal(model(batch)[name], values)


def test_an_error_inside_leaves_the_layers_as_they_were(towers) -> None:
    model = ContrastiveModel(towers, None, small_config(), seed=0)
    with (
        pytest.raises(ZeroDivisionError),
        computing_with_precision(model, "mixed_bfloat16"),
    ):
        raise ZeroDivisionError
    assert {layer.dtype_policy.name for layer in model._flatten_layers()} == {"float32"}
