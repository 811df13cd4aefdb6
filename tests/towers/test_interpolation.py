"""WiSE-FT: weights between start and end, by the formula."""

import keras
import numpy as np
import pytest

from fitrank_tf.config import LoraConfig
from fitrank_tf.towers.interpolation import Interpolation
from fitrank_tf.towers.lora import apply_lora


def _variable(values, path: str = "kernel") -> keras.Variable:
    return keras.Variable(np.array(values, np.float32), name=path)


@pytest.mark.parametrize("best", [0.0, 0.25, 1.0])
def test_the_share_that_scores_highest_is_kept(best: float) -> None:
    start, end = np.array([[1.0, -2.0]]), np.array([[3.0, 6.0]])
    variable = _variable(start)
    interpolation = Interpolation([variable])
    variable.assign(end)
    wanted = (1 - best) * start + best * end

    def score() -> float:
        return -float(np.abs(np.array(variable) - wanted).sum())

    scores = interpolation.keep_best([1.0, 0.25, 0.0], score)
    np.testing.assert_allclose(np.array(variable), wanted, atol=1e-6)
    assert list(scores) == [0.0, 0.25, 1.0]
    assert max(scores, key=scores.__getitem__) == best


def test_of_equal_scores_the_larger_share_is_kept() -> None:
    variable = _variable([0.0])
    interpolation = Interpolation([variable])
    variable.assign([8.0])
    interpolation.keep_best([0.0, 0.5, 0.75], lambda: 1.0)
    assert float(variable.value[0]) == 6.0


def test_the_sum_of_kernel_and_adapter_is_linear_in_the_share(towers) -> None:
    """Kernel plus share times adapter: both factors together would be quadratic."""
    adapted = apply_lora(towers.backbone, LoraConfig(rank=2))
    layer = next(iter(adapted.layers.values()))
    base = np.array(layer.kernel)
    interpolation = Interpolation(towers.backbone.trainable_variables)
    generator = np.random.default_rng(0)
    for variable in towers.backbone.trainable_variables:
        variable.assign(generator.normal(size=variable.shape))
    tuned = np.array(layer.kernel)
    interpolation.keep_best([0.3], lambda: 0.0)
    np.testing.assert_allclose(layer.kernel, 0.7 * base + 0.3 * tuned, atol=1e-5)
