"""TensorProto -> NumPy as by TensorFlow's own parser, and back."""

import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow.core.framework.tensor_pb2 import TensorProto

from serving.requests.tensor_proto import decode, encode, read_tensor
from serving.status import StatusError

ARRAYS = {
    "float": np.array([[0.1, -1.5], [np.nan, np.inf]], np.float32),
    "double": np.array([1 / 3, 1e300]),
    "half": np.array([0.5, 2.0], np.float16),
    "bfloat16": np.array([0.5, 2.0], ml_dtypes.bfloat16),
    "int8": np.array([-128, 127], np.int8),
    "int16": np.array([[-300], [300]], np.int16),
    "int32": np.array([-(2**31), 2**31 - 1], np.int32),
    "int64": np.array([-(2**63), 2**63 - 1], np.int64),
    "uint8": np.array([0, 255], np.uint8),
    "uint16": np.array([0, 65535], np.uint16),
    "uint32": np.array([0, 2**32 - 1], np.uint32),
    "uint64": np.array([0, 2**64 - 1], np.uint64),
    "bool": np.array([True, False]),
    "small int8": np.array([0, 127], np.int8),
    "small int64": np.array([[0, 1, 127]], np.int64),
    "small uint32": np.arange(128, dtype=np.uint32),
    "not so small": np.arange(129, dtype=np.uint32),
    "complex64": np.array([1 + 2j], np.complex64),
    "string": np.array([[b"a\0", "é".encode()], [b"", b"\xff"]], object),
    "scalar": np.array(3.5, np.float32),
    "string scalar": np.array(b"abc", object),
    "no rows": np.zeros([0, 3], np.float32),
    "no strings": np.zeros([0], object),
    "large": np.arange(5000, dtype=np.float32).reshape(50, 100),
}


def decoded(proto: TensorProto) -> np.ndarray:
    return decode("query", read_tensor("query", proto.SerializeToString()))


def same(left: np.ndarray, right: np.ndarray) -> None:
    assert left.dtype == right.dtype
    assert left.shape == right.shape
    np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("name", ARRAYS)
def test_decoded_array_is_the_encoded_one(name: str):
    proto = TensorProto()
    encode(ARRAYS[name], proto)
    same(decoded(proto), ARRAYS[name])
    # TensorFlow's own reader, which is what clients use.
    same(np.asarray(tf.make_ndarray(proto), ARRAYS[name].dtype), ARRAYS[name])


@pytest.mark.parametrize("name", ARRAYS)
def test_protos_of_clients_are_decoded(name: str):
    array = ARRAYS[name]
    dtype = tf.as_dtype(array.dtype)
    same(decoded(tf.make_tensor_proto(array, dtype=dtype, shape=array.shape)), array)


def test_values_are_in_the_field_that_clients_read():
    proto = TensorProto()
    encode(np.array([[0.5, 0.25]], np.float32), proto)
    assert list(proto.float_val) == [0.5, 0.25]
    assert not proto.tensor_content
    assert [dim.size for dim in proto.tensor_shape.dim] == [1, 2]


def proto_of(shape: list[int], dtype: int, **values: object) -> TensorProto:
    proto = TensorProto(dtype=dtype, **values)
    for size in shape:
        proto.tensor_shape.dim.add(size=size)
    return proto


FLOAT, INT8, STRING = types_pb2.DT_FLOAT, types_pb2.DT_INT8, types_pb2.DT_STRING
# Protos that TensorFlow's parser accepts, though no client should send them.
UNUSUAL = {
    "one value for all": proto_of([3], FLOAT, float_val=[2.0]),
    "last value repeated": proto_of([4], FLOAT, float_val=[1.0, 2.0]),
    "no values": proto_of([2], FLOAT),
    "too many values": proto_of([2], FLOAT, float_val=[1.0, 2.0, 3.0]),
    "values of another dtype": proto_of([2], FLOAT, int_val=[1, 2]),
    "content before values": proto_of(
        [1], FLOAT, tensor_content=b"\0\0\x80\x3f", float_val=[9.0]
    ),
    "number above its dtype": proto_of([2], INT8, int_val=[300, -1]),
    "one string for all": proto_of([2], STRING, string_val=[b"a"]),
    "quantised": proto_of([2], types_pb2.DT_QINT8, int_val=[1, 2]),
    "zero rows of many": proto_of([0, 1000], FLOAT),
    "unknown rank": TensorProto(
        dtype=FLOAT, float_val=[1.0], tensor_shape={"unknown_rank": True}
    ),
}


@pytest.mark.parametrize("case", UNUSUAL)
def test_unusual_protos_are_read_as_tensorflow_reads_them(case: str):
    proto = UNUSUAL[case]
    expected = tf.io.parse_tensor(proto.SerializeToString(), tf.as_dtype(proto.dtype))
    same(decoded(proto), np.asarray(expected.numpy()))


REFUSED = {
    "content of another size": proto_of([3], FLOAT, tensor_content=b"abc"),
    "negative dimension": proto_of([-1], FLOAT, float_val=[1.0]),
    "no dtype": proto_of([1], types_pb2.DT_INVALID, float_val=[1.0]),
    "dtype of nothing": proto_of([1], 99, float_val=[1.0]),
    "size beyond int64": proto_of([2**40, 2**40], FLOAT),
    "string content": proto_of([1], STRING, tensor_content=b"\xff"),
    "resource": proto_of([1], types_pb2.DT_RESOURCE),
}


@pytest.mark.parametrize("case", REFUSED)
def test_invalid_protos_are_rejected(case: str):
    with pytest.raises(StatusError, match="tensor parsing error: query"):
        decoded(REFUSED[case])
