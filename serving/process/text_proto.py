"""Reading configuration files in protobuf's text format."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from google.protobuf import (
    descriptor_pool,
    message_factory,
    text_format,
    wrappers_pb2,
)
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.message import Message

from fitrank_tf.core.errors import FitRankError

_PACKAGE = "tensorflow.serving"

# A field type for `message_classes`.
REPEATED_INT64 = "repeated int64"

M = TypeVar("M", bound=Message)


def read_text_proto(path: Path, message: M, flag: str) -> M:
    """Fills a message from a text proto file.

    Args:
        path: the file.
        message: an empty message of the file's type.
        flag: the command-line flag that names the file, for error messages.

    Returns:
        `message`.

    Raises:
        FitRankError: the file cannot be read, or does not hold such a message.
    """
    try:
        text_format.Parse(path.read_text(encoding="utf-8"), message)
    except (OSError, UnicodeDecodeError) as error:
        raise FitRankError(f"{path}: cannot be read ({error}): check {flag}") from error
    except text_format.ParseError as error:
        kind = message.DESCRIPTOR.name
        raise FitRankError(f"{path}:{error}: write it as a {kind}") from error
    return message


def message_classes(
    file: str, messages: Mapping[str, Mapping[str, object]]
) -> dict[str, type[Message]]:
    """Builds classes for TF-Serving messages that `tensorflow-serving-api` does not ship.

    Args:
        file: the path of the proto file in tensorflow/serving.
        messages: message name -> field name -> `str`, `bool`, `REPEATED_INT64`, a class of
            `wrappers_pb2`, or the name of an earlier message. Fields are numbered from 1
            in the order given, as in those proto files.

    Returns:
        Message name -> class.
    """
    wrappers = FileDescriptorProto()
    wrappers_pb2.DESCRIPTOR.CopyToProto(wrappers)
    proto = FileDescriptorProto(
        name=file, package=_PACKAGE, syntax="proto3", dependency=[wrappers.name]
    )
    for name, fields in messages.items():
        message = proto.message_type.add(name=name)
        for number, (field, kind) in enumerate(fields.items(), start=1):
            message.field.add(name=field, number=number, **_field_type(kind))
    # A separate pool avoids a conflict in a process that also loads TF-Serving's file.
    pool = descriptor_pool.DescriptorPool()
    pool.Add(wrappers)
    pool.Add(proto)
    return {
        name: message_factory.GetMessageClass(
            pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")
        )
        for name in messages
    }


def _field_type(kind: Any) -> dict[str, object]:
    proto = FieldDescriptorProto
    if kind is REPEATED_INT64:
        return {"label": proto.LABEL_REPEATED, "type": proto.TYPE_INT64}
    plain = {str: proto.TYPE_STRING, bool: proto.TYPE_BOOL}
    if kind in plain:
        return {"label": proto.LABEL_OPTIONAL, "type": plain[kind]}
    name = f"{_PACKAGE}.{kind}" if isinstance(kind, str) else kind.DESCRIPTOR.full_name
    return {
        "label": proto.LABEL_OPTIONAL,
        "type": proto.TYPE_MESSAGE,
        "type_name": f".{name}",
    }
