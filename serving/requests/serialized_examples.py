"""Serialising the tf.Examples of a request for the parser in a graph."""

import numpy as np
from tensorflow_serving.apis.input_pb2 import Input

from serving.status import invalid_argument


def serialized_examples(examples: Input) -> np.ndarray:
    """The serialised examples of a request, bytes in an object array [batch].

    A context is prepended to each example: parsing the joined bytes merges the messages.

    Raises:
        StatusError: INVALID_ARGUMENT, there is no example.
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
