"""Our messages and those of tensorflow-serving-api read each other's bytes."""

import math

import hypothesis.strategies as st
import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from hypothesis import given, settings
from tensorflow.core.framework import tensor_pb2
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    predict_pb2,
)

from fitrank_tf.client import messages
from fitrank_tf.client.messages import message_class

THEIRS = (
    tensor_pb2.TensorProto,
    meta_graph_pb2.SignatureDef,
    predict_pb2.PredictRequest,
    predict_pb2.PredictResponse,
    get_model_metadata_pb2.GetModelMetadataRequest,
    get_model_metadata_pb2.GetModelMetadataResponse,
    get_model_metadata_pb2.SignatureDefMap,
    get_model_status_pb2.GetModelStatusRequest,
    get_model_status_pb2.GetModelStatusResponse,
)
PAIRS = [(message_class(theirs.DESCRIPTOR.full_name), theirs) for theirs in THEIRS]
both_ways = pytest.mark.parametrize(
    ("ours", "theirs"), PAIRS, ids=lambda cls: cls.DESCRIPTOR.name
)

_SCALARS = {
    FieldDescriptor.TYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_FLOAT: st.floats(width=32, allow_nan=False),
    FieldDescriptor.TYPE_DOUBLE: st.floats(allow_nan=False),
    FieldDescriptor.TYPE_BOOL: st.booleans(),
    FieldDescriptor.TYPE_STRING: st.text(st.characters(exclude_categories=["Cs"])),
    FieldDescriptor.TYPE_BYTES: st.binary(),
}
# Enums are numbers here; some that TensorFlow declares.
_ENUMS = {"dtype": (0, 1, 3, 7, 10), "state": (0, 10, 30, 50), "error_code": (0, 3, 5)}


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


@st.composite
def _plain(draw: st.DrawFn, descriptor: Descriptor) -> dict:
    """Random values of a message's fields, as {name: value}."""
    values = {}
    for field in descriptor.fields:
        if not draw(st.booleans()):
            continue
        # Of the two, TensorFlow's message holds one at a time.
        if field.name == "version_label" and "version" in values:
            continue
        if _is_map(field):
            kind = field.message_type.fields_by_name["value"]
            one = st.dictionaries(st.text("abc", max_size=2), _one(kind), max_size=2)
        elif field.is_repeated:
            one = st.lists(_one(field), max_size=3)
        else:
            one = _one(field)
        values[field.name] = draw(one)
    return values


def _one(field: FieldDescriptor) -> st.SearchStrategy:
    if field.message_type is not None:
        return _plain(field.message_type)
    if field.name in _ENUMS:
        return st.sampled_from(_ENUMS[field.name])
    return _SCALARS[field.type]


def _made(cls: type[Message], values: dict) -> Message:
    message = cls()
    _fill(message, values)
    return message


def _fill(message: Message, values: dict) -> None:
    for name, value in values.items():
        field = message.DESCRIPTOR.fields_by_name[name]
        target = getattr(message, name)
        if _is_map(field):
            for key, one in value.items():
                target[key].SetInParent()
                _fill(target[key], one)
        elif field.message_type is not None and field.is_repeated:
            for one in value:
                _fill(target.add(), one)
        elif field.message_type is not None:
            target.SetInParent()
            _fill(target, value)
        elif field.is_repeated:
            target.extend(value)
        else:
            setattr(message, name, value)


def _read(message: Message, descriptor: Descriptor) -> dict:
    """All fields of a message that `descriptor` has, as {name: value}."""
    values = {}
    for field in descriptor.fields:
        value = getattr(message, field.name)
        if _is_map(field):
            kind = field.message_type.fields_by_name["value"].message_type
            value = {key: _read(one, kind) for key, one in value.items()}
        elif field.message_type is not None and field.is_repeated:
            value = [_read(one, field.message_type) for one in value]
        elif field.message_type is not None:
            there = message.HasField(field.name)
            value = _read(value, field.message_type) if there else None
        elif field.is_repeated:
            value = list(value)
        values[field.name] = value
    return values


@both_ways
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_each_reads_what_the_other_writes(ours, theirs, data) -> None:
    values = data.draw(_plain(ours.DESCRIPTOR))
    written, known = _made(ours, values), ours.DESCRIPTOR
    by_them = theirs.FromString(written.SerializeToString())
    wanted = _read(written, known)
    assert _read(by_them, known) == wanted == _read(_made(theirs, values), known)
    assert _read(ours.FromString(by_them.SerializeToString()), known) == wanted


@both_ways
def test_numbers_and_types_are_theirs(ours, theirs) -> None:
    _check(ours.DESCRIPTOR, theirs.DESCRIPTOR, set())


def _check(ours: Descriptor, theirs: Descriptor, seen: set[str]) -> None:
    if ours.full_name in seen:
        return
    seen.add(ours.full_name)
    assert ours.full_name == theirs.full_name
    for field in ours.fields:
        other = theirs.fields_by_name[field.name]
        assert (field.number, field.is_repeated) == (other.number, other.is_repeated)
        if other.enum_type is not None:
            assert field.type == FieldDescriptor.TYPE_INT32
        else:
            assert field.type == other.type
        if field.message_type is not None:
            _check(field.message_type, other.message_type, seen)


def test_unknown_fields_are_kept() -> None:
    theirs = tensor_pb2.TensorProto(dtype=2, uint64_val=[3], half_val=[4])
    through = messages.TensorProto.FromString(theirs.SerializeToString())
    back = tensor_pb2.TensorProto.FromString(through.SerializeToString())
    assert back == theirs


def test_a_packed_map_of_signatures_is_theirs() -> None:
    theirs = get_model_metadata_pb2.GetModelMetadataResponse()
    packed = get_model_metadata_pb2.SignatureDefMap()
    packed.signature_def["a"].inputs["query"].dtype = 7
    theirs.metadata["signature_def"].Pack(packed)
    ours = messages.GET_MODEL_METADATA.response.FromString(theirs.SerializeToString())
    unpacked = messages.SignatureDefMap()
    assert ours.metadata["signature_def"].Unpack(unpacked)
    assert unpacked.signature_def["a"].inputs["query"].dtype == 7


def test_floats_that_are_no_numbers_go_through() -> None:
    ours = messages.TensorProto(float_val=[math.nan, math.inf])
    theirs = tensor_pb2.TensorProto.FromString(ours.SerializeToString())
    assert math.isnan(theirs.float_val[0]) and theirs.float_val[1] == math.inf
