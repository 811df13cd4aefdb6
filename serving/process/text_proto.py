"""Configuration files in protobuf's text format."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

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

# A kind of field, see `message_classes`.
REPEATED_INT64 = "repeated int64"

M = TypeVar("M", bound=Message)


def read_text_proto(path: Path, message: M, flag: str) -> M:
    """Fills a message from a file.

    Args:
        path: the file.
        message: an empty message of the file's type.
        flag: the option that names the file, for the message of an error.

    Raises:
        FitRankError: the file cannot be read, or is no such message.
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
    """Classes for messages of TF-Serving that `tensorflow-serving-api` does not ship.

    Args:
        file: the proto file's name in tensorflow/serving, as the pool knows it.
        messages: message name -> field name -> `str`, `bool`, `REPEATED_INT64`, a class of
            `wrappers_pb2`, or the name of an earlier message; numbered from 1, as those
            messages are.
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
    # A pool of our own: a process that also loads TF-Serving's file has no conflict.
    pool = descriptor_pool.DescriptorPool()
    pool.Add(wrappers)
    pool.Add(proto)
    return {
        name: message_factory.GetMessageClass(
            pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")
        )
        for name in messages
    }


def _field_type(kind: object) -> dict[str, object]:
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
