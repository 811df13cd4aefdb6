"""The examples of a request as a parser in a graph reads them."""

import numpy as np
from tensorflow_serving.apis.input_pb2 import Input

from serving.status import invalid_argument


def serialized_examples(examples: Input) -> np.ndarray:
    """The examples of a request, serialised, as an object array [batch].

    A context comes before each example: a parser reads both messages as one.

    Raises:
        StatusError: INVALID_ARGUMENT if there is none.
    """
    kind = examples.WhichOneof("kind")
    given = getattr(examples, kind).examples if kind else ()
    if not given:
        raise invalid_argument("Input is empty.")
    context = b""
    if kind == "example_list_with_context":
        context = examples.example_list_with_context.context.SerializeToString()
    return np.array(
        [context + example.SerializeToString() for example in given], dtype=object
    )
