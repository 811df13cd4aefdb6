"""Mixed precision for towers that are there already."""

import contextlib
from collections.abc import Iterator

import keras


@contextlib.contextmanager
def computing_in(model: keras.Model, precision: str) -> Iterator[None]:
    """The model's layers compute in a precision, and afterwards in their own again.

    Weights keep their dtype, so that small steps of the optimizer are not lost
    (Micikevicius et al., "Mixed Precision Training", 2018).

    Args:
        model: changed while the context lasts.
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
