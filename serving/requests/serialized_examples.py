"""The tf.Examples of a request, still encoded, for the parser in a graph."""

from collections.abc import Sequence

import numpy as np
from tensorflow_serving.apis.input_pb2 import Input

from serving.requests.wire import WireError, messages
from serving.status import invalid_argument

_EXAMPLE_LIST, _WITH_CONTEXT = (
    Input.DESCRIPTOR.fields_by_name[name].number
    for name in ("example_list", "example_list_with_context")
)
# A context is repeated for each example, so a small request could fill the memory.
_MAX_JOINED_BYTES = 256 * 1024 * 1024

# Fields of ExampleList and of ExampleListWithContext.
_EXAMPLES, _CONTEXT = 1, 2


def encoded_examples(content: bytes) -> list[bytes]:
    """The examples in an encoded `Input`.

    A context is prepended to each example: parsing the joined bytes merges the messages.

    Raises:
        StatusError: INVALID_ARGUMENT, the bytes are no `Input`.
    """
    examples: list[bytes] = []
    context = b""
    try:
        for kind, given in messages(content):
            # A oneof: the last one counts.
            examples, context = [], b""
            for number, value in messages(given):
                if number == _EXAMPLES:
                    examples.append(bytes(value))
                elif number == _CONTEXT and kind == _WITH_CONTEXT:
                    context += value
            if kind not in (_EXAMPLE_LIST, _WITH_CONTEXT):
                raise WireError(f"field {kind}")
    except WireError as error:
        raise invalid_argument(f"the bytes are no Input: {error}") from error
    return joined(context, examples)


def joined(context: bytes, examples: list[bytes]) -> list[bytes]:
    """Prepends an encoded context to each example; INVALID_ARGUMENT if that is too much."""
    if len(context) * len(examples) > _MAX_JOINED_BYTES:
        raise invalid_argument(
            f"{len(examples)} examples with {len(context)} bytes of context each: send "
            "them in several requests"
        )
    return [context + example for example in examples] if context else examples


def examples_array(examples: Sequence[bytes]) -> np.ndarray:
    """Encoded examples as an object array [batch]; INVALID_ARGUMENT if there are none."""
    if not examples:
        raise invalid_argument("Input is empty.")
    array = np.empty(len(examples), object)
    array[:] = examples
    return array
