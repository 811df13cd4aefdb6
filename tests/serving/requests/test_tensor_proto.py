"""TensorProto -> NumPy as by TensorFlow's own parser, and back."""

import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow.core.framework.tensor_pb2 import TensorProto

from serving.requests.tensor_proto import decode, encode, read_tensor, session_name
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


@pytest.mark.parametrize(
    ("shape", "size"), [([], 1), ([3], 3), ([2, 3, 4], 24), ([5, 0, 2], 0), ([1] * 32, 1)]
)
def test_a_shape_has_the_product_of_its_sizes(shape: list[int], size: int):
    tensor = read_tensor("x", proto_of(shape, FLOAT).SerializeToString())
    assert (tensor.shape, tensor.size, tensor.dtype) == (tuple(shape), size, tf.float32)


def test_an_unknown_rank_is_none():
    proto = TensorProto(dtype=FLOAT, tensor_shape={"unknown_rank": True})
    assert read_tensor("x", proto.SerializeToString()).shape is None
    proto.tensor_shape.unknown_rank = False
    assert read_tensor("x", proto.SerializeToString()).shape == ()


@pytest.mark.parametrize("rank", [33, 40])
def test_more_dimensions_than_numpy_has_are_refused(rank: int):
    message = "input x has more than 32 dimensions: send it with fewer"
    with pytest.raises(StatusError, match=message):
        read_tensor("x", proto_of([1] * rank, FLOAT).SerializeToString())


@pytest.mark.parametrize(
    ("shape", "is_read"),
    [
        ([2**62], True),
        ([2**31, 2**31], True),
        ([2**62, 0, 2], False),
        ([2**63 - 1], True),
        ([2**32, 2**31], False),
        ([3, -1], False),
        ([-1, 3], False),
        ([0, -1], False),
    ],
)
def test_sizes_are_from_0_to_what_int64_counts(shape: list[int], is_read: bool):
    content = proto_of(shape, FLOAT).SerializeToString()
    if is_read:
        assert read_tensor("x", content).shape == tuple(shape)
        return
    with pytest.raises(StatusError, match="tensor parsing error: x"):
        read_tensor("x", content)


@pytest.mark.parametrize("shape", [[3], [2000], []])
@pytest.mark.parametrize("dtype", ["STRING", "INT32"])
def test_surplus_values_are_ignored_up_to_1024(shape: list[int], dtype: str):
    field, value = {"STRING": ("string_val", b"a"), "INT32": ("int_val", 7)}[dtype]
    kind, size = getattr(types_pb2, f"DT_{dtype}"), int(np.prod(shape))
    read = decoded(proto_of(shape, kind, **{field: [value] * (size + 1024)}))
    assert read.shape == tuple(shape) and np.all(read == value)
    with pytest.raises(StatusError, match="tensor parsing error: query"):
        decoded(proto_of(shape, kind, **{field: [value] * (size + 1025)}))


@pytest.mark.parametrize(
    "array",
    [
        np.array([127, 0, 127]),
        np.array([128, 0]),
        np.array([0, -1]),
        np.array([5]),
        np.array([[1], [126]], np.uint8),
        np.array([200], np.uint8),
    ],
    ids=str,
)
def test_integers_of_a_byte_and_larger_ones_are_encoded_alike(array: np.ndarray):
    proto = TensorProto()
    encode(array, proto)
    same(tf.make_ndarray(proto), array)
    assert list(proto.int64_val or proto.int_val) == array.ravel().tolist()


def test_parts_of_other_types_are_passed_over():
    """Fields with the wire type of another field, which protobuf skips as unknown."""
    tensor = proto_of([2], FLOAT, float_val=[1.0, 2.0]).SerializeToString()
    # Field 1 (dtype) as bytes, field 2 (shape) as a number; in the shape, dim as a number.
    strange = b"\x0a\x01\x07" + b"\x10\x05" + b"\x12\x02\x10\x09"
    same(decode("x", read_tensor("x", tensor + strange)), np.array([1, 2], np.float32))


@pytest.mark.parametrize("content", [b"\x08", b"\xff" * 12, b"\x12\x05\x12"])
def test_bytes_that_are_no_message_are_rejected(content: bytes):
    with pytest.raises(StatusError, match="tensor parsing error: x"):
        read_tensor("x", content)


@pytest.mark.parametrize(
    ("dtype", "name"),
    [
        (tf.float32, "float"),
        (tf.float64, "double"),
        (tf.float16, "half"),
        (tf.bfloat16, "bfloat16"),
        (tf.int64, "int64"),
        (tf.string, "string"),
    ],
)
def test_dtypes_are_named_as_in_cpp(dtype: tf.DType, name: str):
    assert session_name(dtype) == name
