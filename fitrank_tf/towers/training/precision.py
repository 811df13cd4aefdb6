"""Mixed precision for towers that are built already."""

import contextlib
from collections.abc import Iterator

import keras


@contextlib.contextmanager
def computing_with_precision(model: keras.Model, precision: str) -> Iterator[None]:
    """Context manager that sets the compute precision of a model's layers.

    Weights keep their dtype, so that small optimizer updates are not lost
    (Micikevicius et al., "Mixed Precision Training", 2018).

    Args:
        model: changed inside the context, restored at its end.
        precision: a Keras dtype policy, one of `config.PRECISIONS`.
    """
    layers = [layer for layer in model._flatten_layers() if layer.variable_dtype]
    before = [layer.dtype_policy for layer in layers]
    try:
        for layer in layers:
            layer.dtype_policy = precision
        yield
    finally:
        for layer, policy in zip(layers, before):
            layer.dtype_policy = policy
