"""The whole batch of a step, on each of the devices that have a part of it.

A contrastive loss is no mean over examples: every pair's negatives are the rest of the
batch, wherever that is. So each replica gathers the embeddings of all and takes the loss of
the whole batch. Summed over the replicas, as tf.distribute sums gradients, that is one
device's loss as many times as there are replicas: hence `share_of_loss`.
"""

from typing import Any

import keras
from keras import KerasTensor


def gather(tensor: KerasTensor) -> KerasTensor:
    """The rows of all replicas, in their order; gradients go back to where they came from.

    Args:
        tensor: [B / R, ...], a replica's rows of a batch of B, R being the replicas of the
            tf.distribute strategy that runs the step.

    Returns:
        [B, ...]. The tensor itself on one device, outside a step, and on JAX, whose
        data-parallel step sees the whole batch already.
    """
    context = _replicas()
    if context is None:
        return tensor
    import tensorflow as tf

    # What comes from the input has no device, and a worker of one device looks for it.
    return context.all_gather(tf.identity(tensor), axis=0)


def share_of_loss(loss: KerasTensor) -> KerasTensor:
    """A replica's share of a loss that each took of the whole batch, to be summed up."""
    context = _replicas()
    return loss if context is None else loss / context.num_replicas_in_sync


class GlobalBatchAdamW(keras.optimizers.AdamW):
    """AdamW whose global clip norm is that of the whole batch's gradient.

    Keras clips each replica's part by itself and sums up after that. On one device too it
    takes another norm: a token that a batch has twice has two gradients there, not their
    sum. It also replaces the weights by their moving average (`use_ema`) at the end of
    every `fit`; here `keep_average` does, when training is over.
    """

    def keep_average(self) -> None:
        """Replaces the weights by their moving average, if one is kept."""
        super().finalize_variable_values(self._trainable_variables)

    def finalize_variable_values(self, var_list: Any) -> None:
        """Leaves the weights as they are: `fit` may be called again."""

    def _clip_gradients(self, grads: list[KerasTensor]) -> list[KerasTensor]:
        return super()._clip_gradients(_sum_over_replicas(_dense(grads)))

    def _all_reduce_sum_gradients(self, grads_and_vars: Any) -> Any:
        return list(grads_and_vars)


def _dense(gradients: list[KerasTensor]) -> list[KerasTensor]:
    """The gradient of an embedding comes as rows with their numbers; here as a whole."""
    if keras.backend.backend() != "tensorflow":
        return gradients
    import tensorflow as tf

    # Keras' own conversion leaves such rows as they are.
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
