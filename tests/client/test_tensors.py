"""Tensors of a client, against TensorFlow's own reading and writing."""

import hypothesis.extra.numpy as arrays
import hypothesis.strategies as st
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from tensorflow.core.framework.tensor_pb2 import TensorProto

from fitrank_tf.client import messages
from fitrank_tf.client.tensors import (
    dtype_name,
    read_array,
    read_tensor,
    write_array,
    write_tensor,
)
from fitrank_tf.core.errors import FitRankError

NUMBERS = ("float32", "float64", "int32", "int64", "bool")
DTYPES = (*NUMBERS, "object")


def _random(dtype: str) -> st.SearchStrategy[np.ndarray]:
    shapes = arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
    if dtype == "object":
        return arrays.arrays(object, shapes, elements=st.binary(max_size=6), fill=None)
    return arrays.arrays(dtype, shapes)


def _theirs(proto) -> TensorProto:
    return TensorProto.FromString(proto.SerializeToString())


def _ours(proto: TensorProto):
    return messages.TensorProto.FromString(proto.SerializeToString())


def _same(found: np.ndarray, wanted: np.ndarray) -> None:
    assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape)
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("dtype", DTYPES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_tensorflow_reads_what_is_written_and_back(dtype: str, data) -> None:
    array = data.draw(_random(dtype))
    written = write_array(array, dtype)
    _same(tf.make_ndarray(_theirs(written)), array)
    _same(read_array(written, "x"), array)
    _same(read_array(_ours(tf.make_tensor_proto(array)), "x"), array)
    shape, values, name = read_tensor(written, "x")
    assert (shape, list(values), name) == (array.shape, array.ravel().tolist(), dtype) or (
        np.isnan(np.array(values, float)).any()
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", [1, 2, 6])
def test_values_in_fields_of_their_type_are_read(dtype: str, count: int) -> None:
    """Where some are left out, the last stands for them."""
    number = tf.as_dtype("string" if dtype == "object" else dtype).as_datatype_enum
    field = {1: "float_val", 2: "double_val", 3: "int_val", 7: "string_val"}
    field |= {9: "int64_val", 10: "bool_val"}
    values = [b"a", b"bc", b"", b"d", b"e", b"f"][:count]
    if dtype != "object":
        values = [bool(v) if dtype == "bool" else len(v) for v in values]
    proto = TensorProto(dtype=number, **{field[number]: values})
    for length in (2, 3):
        proto.tensor_shape.dim.add(size=length)
    _same(read_array(_ours(proto), "x"), tf.make_ndarray(proto))


@pytest.mark.parametrize("values", [[], [b"a", b""], [b"\xff"]])
def test_a_list_of_texts_is_one_dimension(values) -> None:
    _same(
        tf.make_ndarray(_theirs(write_tensor(values, "object"))), np.array(values, object)
    )
    numbers = tf.make_ndarray(_theirs(write_tensor([3, -1], "int32")))
    _same(numbers, np.array([3, -1], np.int32))


def _lying(shape: list[int], **fields) -> object:
    proto = messages.TensorProto(**{"dtype": 1, **fields})
    for length in shape:
        proto.tensor_shape.dim.add(size=length)
    return proto


@pytest.mark.parametrize(
    "proto",
    [
        _lying([1, 30_000_000], dtype=7, string_val=[b""]),
        _lying([2**40, 2**40], float_val=[1.0]),
        _lying([2**62] * 300, float_val=[1.0]),
        _lying([3], float_val=[1.0] * 4),
        _lying([-1, -3], float_val=[1.0] * 3),
        _lying([-1], float_val=[1.0]),
        _lying([4], tensor_content=b"\0" * 12),
        _lying([3], tensor_content=b"\0" * 13),
        _lying([1] * 65, float_val=[1.0]),
        messages.TensorProto(dtype=1, float_val=[1], tensor_shape={"unknown_rank": True}),
    ],
    ids=range(10),
)
@pytest.mark.parametrize("read", [read_tensor, read_array])
def test_a_shape_that_is_none_of_the_values_is_refused(proto, read) -> None:
    with pytest.raises(
        FitRankError, match="output 'ids' is said to be of the shape"
    ) as told:
        read(proto, "ids")
    assert len(str(told.value)) < 500 and "\n" not in str(told.value)


@pytest.mark.parametrize("number", [0, 8, 19, 20, 21])
def test_other_types_are_named(number: int) -> None:
    with pytest.raises(
        FitRankError, match=f"output 'ids' is of TensorFlow's type {number}"
    ):
        read_tensor(messages.TensorProto(dtype=number), "ids")
    with pytest.raises(FitRankError, match=f"input 'x' is of TensorFlow's type {number}"):
        dtype_name(number, "x")


@pytest.mark.parametrize(
    ("values", "dtype"),
    [([1.5], "int32"), ([3.5], "bool"), ([b"a"], "float32"), ([1], "object")]
    + [([[1], [2, 3]], "int64"), ([None], "float64")],
)
def test_values_of_another_type_are_refused(values, dtype: str) -> None:
    with pytest.raises(FitRankError, match="give an array of"):
        write_array(values, dtype)


@pytest.mark.parametrize(("values", "dtype"), [([1, 2], "float32"), ([1.5], "float32")])
def test_lists_get_the_type_that_is_asked_for(values, dtype: str) -> None:
    _same(read_array(write_array(values, dtype), "x"), np.array(values, dtype))
    _same(
        read_array(write_array(["é", b"b"], "object"), "x"),
        np.array(["é".encode(), b"b"], object),
    )
