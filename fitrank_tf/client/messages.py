"""TensorFlow Serving's messages and methods, without an import of TensorFlow.

The stubs of `tensorflow-serving-api` import all of TensorFlow, which takes seconds. The
messages here have the names and field numbers of those, as far as a client uses them, so
that what one writes the other reads; unknown fields are kept. They are in a descriptor
pool of their own and so live beside TensorFlow's in one process. Enums are read as their
numbers.
"""

import re
from typing import Any, NamedTuple

from google.protobuf import any_pb2, message_factory, wrappers_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.protobuf.descriptor_pool import DescriptorPool

# {package: {message: fields, as in .proto files}}.
_PACKAGES = {
    "tensorflow": {
        "TensorShapeProto.Dim": "int64 size = 1; string name = 2",
        "TensorShapeProto": "repeated TensorShapeProto.Dim dim = 2; bool unknown_rank = 3",
        "TensorProto": "int32 dtype = 1; TensorShapeProto tensor_shape = 2; "
        "int32 version_number = 3; bytes tensor_content = 4; repeated float float_val = 5; "
        "repeated double double_val = 6; repeated int32 int_val = 7; "
        "repeated bytes string_val = 8; repeated int64 int64_val = 10; "
        "repeated bool bool_val = 11",
        "TensorInfo": "string name = 1; int32 dtype = 2; TensorShapeProto tensor_shape = 3",
        "SignatureDef": "map<string, TensorInfo> inputs = 1; "
        "map<string, TensorInfo> outputs = 2; string method_name = 3",
    },
    "tensorflow.serving": {
        "ModelSpec": "string name = 1; google.protobuf.Int64Value version = 2; "
        "string signature_name = 3; string version_label = 4",
        "PredictRequest": "ModelSpec model_spec = 1; "
        "map<string, tensorflow.TensorProto> inputs = 2; repeated string output_filter = 3",
        "PredictResponse": "map<string, tensorflow.TensorProto> outputs = 1; "
        "ModelSpec model_spec = 2",
        "GetModelMetadataRequest": "ModelSpec model_spec = 1; "
        "repeated string metadata_field = 2",
        "GetModelMetadataResponse": "ModelSpec model_spec = 1; "
        "map<string, google.protobuf.Any> metadata = 2",
        "SignatureDefMap": "map<string, tensorflow.SignatureDef> signature_def = 1",
        "GetModelStatusRequest": "ModelSpec model_spec = 1",
        "StatusProto": "int32 error_code = 1; string error_message = 2",
        "ModelVersionStatus": "int64 version = 1; int32 state = 2; StatusProto status = 3",
        "GetModelStatusResponse": "repeated ModelVersionStatus model_version_status = 1",
    },
}
_FIELD = re.compile(
    r"(repeated )?(?:map<string, (?P<value>[\w.]+)>|(?P<type>[\w.]+)) (\w+) = (\d+)"
)


def _pool() -> DescriptorPool:
    pool = DescriptorPool()
    for module in (any_pb2, wrappers_pb2):
        pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
    needed = [any_pb2.DESCRIPTOR.name, wrappers_pb2.DESCRIPTOR.name]
    for package, messages in _PACKAGES.items():
        file = FileDescriptorProto(
            name=f"{package}.proto", package=package, syntax="proto3", dependency=needed
        )
        made = {"": file.message_type}
        for name in sorted(messages, key=lambda name: name.count(".")):
            outer, _, own = name.rpartition(".")
            message = made[outer].add(name=own)
            made[name] = message.nested_type
            for field in _FIELD.finditer(messages[name]):
                _add_field(message, package, f".{package}.{name}", field)
        pool.AddSerializedFile(file.SerializeToString())
        needed.append(file.name)
    return pool


def _add_field(
    message: DescriptorProto, package: str, path: str, field: re.Match[str]
) -> None:
    name, number = field[4], int(field[5])
    if field["value"]:
        entry = message.nested_type.add(name=f"{name.title().replace('_', '')}Entry")
        entry.options.map_entry = True
        for place, (part, kind) in enumerate(
            (("key", "string"), ("value", field["value"])), 1
        ):
            _set_type(entry.field.add(name=part, number=place), package, kind)
        kind = f"{path}.{entry.name}"
    else:
        kind = field["type"]
    added = message.field.add(name=name, number=number)
    _set_type(added, package, kind)
    if field[1] or field["value"]:
        added.label = FieldDescriptorProto.LABEL_REPEATED


def _set_type(field: FieldDescriptorProto, package: str, kind: str) -> None:
    """Types of other packages are written with their package."""
    field.label = FieldDescriptorProto.LABEL_OPTIONAL
    if kind in ("int32", "int64", "float", "double", "bool", "string", "bytes"):
        field.type = FieldDescriptorProto.Type.Value(f"TYPE_{kind.upper()}")
        return
    field.type = FieldDescriptorProto.TYPE_MESSAGE
    is_whole = kind.startswith((".", "google.", "tensorflow."))
    field.type_name = f".{kind.lstrip('.')}" if is_whole else f".{package}.{kind}"


_POOL = _pool()


def message_class(full_name: str) -> Any:
    """The class of a message, such as "tensorflow.TensorProto"."""
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(full_name))


TensorProto = message_class("tensorflow.TensorProto")
ModelSpec = message_class("tensorflow.serving.ModelSpec")
PredictRequest = message_class("tensorflow.serving.PredictRequest")
GetModelMetadataRequest = message_class("tensorflow.serving.GetModelMetadataRequest")
SignatureDefMap = message_class("tensorflow.serving.SignatureDefMap")
GetModelStatusRequest = message_class("tensorflow.serving.GetModelStatusRequest")


class Method(NamedTuple):
    """A method of a gRPC service.

    Attributes:
        path: "/<service>/<method>".
        response: class of its answers.
    """

    path: str
    response: Any


PREDICTION_SERVICE = "tensorflow.serving.PredictionService"
MODEL_SERVICE = "tensorflow.serving.ModelService"


def _method(service: str, name: str) -> Method:
    response = message_class(f"tensorflow.serving.{name}Response")
    return Method(f"/{service}/{name}", response)


PREDICT = _method(PREDICTION_SERVICE, "Predict")
GET_MODEL_METADATA = _method(PREDICTION_SERVICE, "GetModelMetadata")
GET_MODEL_STATUS = _method(MODEL_SERVICE, "GetModelStatus")
