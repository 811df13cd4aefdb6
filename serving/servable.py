"""One loaded version of one model."""

import contextlib
import logging
from collections.abc import Mapping
from pathlib import Path

import grpc
import tensorflow as tf
import tensorflow_text  # noqa: F401  registers the tokenisers' ops
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from fitrank_tf.errors import FitRankError
from serving.status import StatusError

# Registers ScaNN's ops where ScaNN exists (Linux); only `search_scann` needs them.
with contextlib.suppress(ImportError, tf.errors.NotFoundError):
    from scann.scann_ops.py import scann_ops  # noqa: F401

_SAVED_MODEL_FILE = "saved_model.pb"
_SERVE_TAG = "serve"

# What TensorFlow raises on broken files; a cut shard of variables is an IndexError.
_LOAD_ERRORS = (OSError, ValueError, RuntimeError, LookupError, tf.errors.OpError)

logger = logging.getLogger(__name__)


class Servable:
    """A SavedModel in memory, with the signatures that its file states.

    Attributes:
        name: the model's name in the configuration.
        version: the number of its directory.
        signature_defs: signature name -> SignatureDef, as written by the exporter.
    """

    def __init__(self, name: str, version: int, directory: Path) -> None:
        """Loads the SavedModel in `directory`.

        Raises:
            FitRankError: the directory is no whole SavedModel, or needs an op that
                this process does not have.
        """
        self.name = name
        self.version = version
        self.signature_defs = _read_signature_defs(directory)
        # Signatures hold their variables weakly: the module has to outlive them.
        self._module = _load_module(directory)
        logger.info("loaded version %d of %s from %s", version, name, directory)

    def signature(self, name: str) -> SignatureDef:
        """The signature `name`, or FAILED_PRECONDITION if it cannot be run."""
        if name not in self.signature_defs or name not in self._module.signatures:
            raise StatusError(
                grpc.StatusCode.FAILED_PRECONDITION,
                f'Serving signature key "{name}" not found.',
            )
        return self.signature_defs[name]

    def run(self, name: str, inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Runs the signature `name`.

        Args:
            name: a name that `signature` accepts.
            inputs: input alias -> tensor, one for each input of the signature.

        Returns:
            Output alias -> tensor.

        Raises:
            tf.errors.OpError: an op refused the values or shapes.
        """
        return self._module.signatures[name](**inputs)


def _read_signature_defs(directory: Path) -> dict[str, SignatureDef]:
    """Reads what the loaded module no longer knows: real aliases, names and methods."""
    path = directory / _SAVED_MODEL_FILE
    if not path.is_file():
        raise FitRankError(
            f"{directory}: no {_SAVED_MODEL_FILE}, so the version is half written: "
            "delete the directory and export it again"
        )
    saved_model = SavedModel()
    try:
        saved_model.ParseFromString(path.read_bytes())
    except DecodeError as error:
        raise _damaged(directory, error) from error
    for graph in saved_model.meta_graphs:
        if _SERVE_TAG in graph.meta_info_def.tags:
            return dict(graph.signature_def)
    raise FitRankError(
        f"{path}: no graph with the tag '{_SERVE_TAG}': export it with tf.saved_model.save"
    )


def _load_module(directory: Path) -> tf.Module:
    try:
        return tf.saved_model.load(str(directory), tags=[_SERVE_TAG])
    except _LOAD_ERRORS as error:
        raise _damaged(directory, error) from error


def _damaged(directory: Path, error: Exception) -> FitRankError:
    reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return FitRankError(
        f"{directory}: the SavedModel cannot be loaded ({reason}): "
        "delete the directory and export it again"
    )
