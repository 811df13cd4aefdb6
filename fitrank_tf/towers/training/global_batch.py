"""Contrastive loss and gradient clipping over the whole batch of several replicas.

A contrastive loss is not a mean over examples: the negatives of a pair are the rest of the
batch, on whatever device. So each replica gathers all embeddings and computes the loss of
the whole batch. tf.distribute sums gradients over the replicas, so each replica's loss is
divided by their number (`share_of_loss`).
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import KerasTensor

# What Keras calls B of an adapter A B.
_SECOND_MATRIX = "lora_kernel_b"


def gather(tensor: KerasTensor) -> KerasTensor:
    """Gathers the rows of all replicas, in order; differentiable.

    Args:
        tensor: [B / R, ...], this replica's rows of a batch of B, R being the number of
            replicas of the tf.distribute strategy that runs the step.

    Returns:
        [B, ...]. The tensor itself on one device, outside a step, and on JAX, whose
        data-parallel step sees the whole batch already.
    """
    context = _replicas()
    if context is None:
        return tensor
    import tensorflow as tf

    # Input tensors have no device, but a worker with one device requires it.
    return context.all_gather(tf.identity(tensor), axis=0)


def share_of_loss(loss: KerasTensor) -> KerasTensor:
    """Divides the loss of the whole batch by the number of replicas that sum it."""
    context = _replicas()
    return loss if context is None else loss / context.num_replicas_in_sync


class GlobalBatchAdamW(keras.optimizers.AdamW):
    """AdamW whose global clip norm is that of the whole batch's gradient.

    Keras clips each replica's gradient separately before summing. On one device its norm
    differs too: a token that occurs twice in a batch has two sparse gradients, not their
    sum. Keras also replaces the weights by their moving average (`use_ema`) at the end of
    every `fit`; here `apply_average` does so at the end of training.

    Args:
        *arguments: `AdamW`'s.
        adapter_ratio: factor of the learning rate of adapters' second matrices.
        **named: `AdamW`'s.
    """

    def __init__(self, *arguments: Any, adapter_ratio: float = 1.0, **named: Any):
        super().__init__(*arguments, **named)
        self._adapter_ratio = adapter_ratio

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Makes the optimizer's state, and each variable's factor of the rate."""
        self._ratios = [
            self._adapter_ratio if _SECOND_MATRIX in variable.name else 1.0
            for variable in variables
        ]
        super().build(variables)

    def update_step(
        self, gradient: KerasTensor, variable: Any, learning_rate: KerasTensor
    ) -> None:
        """AdamW's step, with the rate of the variable."""
        ratio = self._ratios[self._get_variable_index(variable)]
        super().update_step(gradient, variable, learning_rate * ratio)

    def apply_average(self) -> None:
        """Replaces the weights by their moving average, if one is kept."""
        super().finalize_variable_values(self._trainable_variables)

    def finalize_variable_values(self, var_list: Any) -> None:
        """Does nothing, because `fit` may be called again."""

    def _clip_gradients(self, grads: list[KerasTensor]) -> list[KerasTensor]:
        return super()._clip_gradients(_sum_over_replicas(_dense(grads)))

    def _all_reduce_sum_gradients(self, grads_and_vars: Any) -> Any:
        return list(grads_and_vars)


def _dense(gradients: list[KerasTensor]) -> list[KerasTensor]:
    """Converts the sparse gradients of embeddings to dense ones."""
    if keras.backend.backend() != "tensorflow":
        return gradients
    import tensorflow as tf

    # Keras' own conversion leaves sparse gradients unchanged.
    return [tf.convert_to_tensor(gradient) for gradient in gradients]


def _sum_over_replicas(gradients: list[KerasTensor]) -> list[KerasTensor]:
    context = _replicas()
    return gradients if context is None else context.all_reduce("SUM", gradients)


def _replicas() -> Any:
    """The replica context of a step on several replicas; None elsewhere."""
    if keras.backend.backend() != "tensorflow":
        return None
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return None
    return context
