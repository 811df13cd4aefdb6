"""Dropout before a projection's adapter (Hu et al., 2021; `lora_dropout` in peft).

Keras adds an adapter to the kernel itself, so that no dropout can be applied to its inputs.
The layers here keep that sum and add the change by dropout:
W x + s B A dropout(x) = (W + s B A) x + s B A (dropout(x) - x). A layer's activation comes
after that.
"""

from collections.abc import Callable

import keras
from keras import KerasTensor, ops


class _WithDropout:
    """Mixin that precedes Keras' layer in the bases of a class."""

    lora_alpha: float
    lora_rank: int
    lora_dropout: float
    lora_seeds: keras.random.SeedGenerator
    lora_activation: Callable[[KerasTensor], KerasTensor]
    _through_adapter: Callable[[KerasTensor], KerasTensor]

    def call(self, inputs: KerasTensor, training: bool | None = None) -> KerasTensor:
        """Returns the projection, with dropout of the adapter's inputs in training."""
        outputs = super().call(inputs, training=training)  # type: ignore[misc]
        if training:
            dropped = keras.random.dropout(inputs, self.lora_dropout, seed=self.lora_seeds)
            change = self._through_adapter(dropped - inputs)
            outputs = outputs + (self.lora_alpha / self.lora_rank) * change
        return self.lora_activation(outputs)


class _DropoutDense(_WithDropout, keras.layers.Dense):
    def _through_adapter(self, inputs: KerasTensor) -> KerasTensor:
        return ops.matmul(ops.matmul(inputs, self.lora_kernel_a), self.lora_kernel_b)


class _DropoutEinsumDense(_WithDropout, keras.layers.EinsumDense):
    def _through_adapter(self, inputs: KerasTensor) -> KerasTensor:
        # A has the kernel's axes, except that the last is the rank.
        narrow = ops.einsum(self.equation, inputs, self.lora_kernel_a)
        return ops.matmul(narrow, self.lora_kernel_b)


_CLASSES = {
    keras.layers.Dense: _DropoutDense,
    keras.layers.EinsumDense: _DropoutEinsumDense,
}


def drop_adapter_inputs(layer: keras.layers.Layer, share: float, seed: int) -> None:
    """Adds dropout of the adapter's inputs to a layer.

    Args:
        layer: a Dense or EinsumDense with an adapter; changed in place. Its saved form
            stays the same.
        share: of the inputs to drop, in [0, 1).
        seed: of the dropout.
    """
    # A built layer accepts no new state; Keras' own `enable_lora` unlocks it the same way.
    layer._tracker.unlock()
    layer.lora_dropout = share
    layer.lora_seeds = keras.random.SeedGenerator(seed)
    layer.lora_activation, layer.activation = layer.activation, keras.activations.linear
    layer._tracker.lock()
    layer.__class__ = _CLASSES[type(layer)]
