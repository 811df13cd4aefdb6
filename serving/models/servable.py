"""One loaded version of one model."""

import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401  registers the tokenisers' ops
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf.config_pb2 import CallableOptions
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from fitrank_tf.core.errors import FitRankError
from serving.status import StatusError

# Registers ScaNN's ops where ScaNN exists (Linux); only `search_scann` needs them.
with contextlib.suppress(ImportError, tf.errors.NotFoundError):
    from scann.scann_ops.py import scann_ops  # noqa: F401

_SAVED_MODEL_FILE = "saved_model.pb"
_SERVE_TAG = "serve"

# The loader's own, which TensorFlow writes beside the exporter's.
_LOADER_SIGNATURES = frozenset({"__saved_model_init_op", "__saved_model_train_op"})

# What TensorFlow raises on broken files; a cut shard of variables is an IndexError.
_LOAD_ERRORS = (OSError, ValueError, RuntimeError, LookupError, tf.errors.OpError)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SessionOptions:
    """How many threads TensorFlow computes with; 0 leaves it to TensorFlow.

    Attributes:
        tensorflow_session_parallelism: both of the others at once.
        tensorflow_intra_op_parallelism: threads that one op may use.
        tensorflow_inter_op_parallelism: ops that run at once.

    Raises:
        FitRankError: a number is negative, or the first is given with another one.
    """

    tensorflow_session_parallelism: int = 0
    tensorflow_intra_op_parallelism: int = 0
    tensorflow_inter_op_parallelism: int = 0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value < 0:
                raise FitRankError(f"--{name}={value}: give a number of threads, or 0")
        single = self.tensorflow_intra_op_parallelism + self.tensorflow_inter_op_parallelism
        if self.tensorflow_session_parallelism and single:
            raise FitRankError(
                f"--tensorflow_session_parallelism={self.tensorflow_session_parallelism} "
                "sets intra_op and inter_op too: give either it or those"
            )

    def config(self) -> tf.compat.v1.ConfigProto:
        """The options as a session takes them."""
        both = self.tensorflow_session_parallelism
        return tf.compat.v1.ConfigProto(
            intra_op_parallelism_threads=both or self.tensorflow_intra_op_parallelism,
            inter_op_parallelism_threads=both or self.tensorflow_inter_op_parallelism,
            allow_soft_placement=True,
            # Several models share a device, so none may take all of its memory.
            gpu_options=tf.compat.v1.GPUOptions(allow_growth=True),
        )


class Servable:
    """A SavedModel in a session of its own, with the signatures that its file states.

    The session is what a stock `tensorflow_model_server` runs, so errors have its
    words. Any number of threads may call `run` at once. The memory is freed when the
    last reference to the servable goes.

    Attributes:
        name: the model's name in the configuration.
        version: the number of its directory.
        signature_defs: signature name -> SignatureDef, as written by the exporter.
    """

    def __init__(
        self,
        name: str,
        version: int,
        directory: Path,
        options: SessionOptions = SessionOptions(),
    ) -> None:
        """Loads the SavedModel in `directory`.

        Raises:
            FitRankError: the directory is no whole SavedModel, or needs an op that
                this process does not have.
        """
        self.name = name
        self.version = version
        self.signature_defs = _read_signature_defs(directory)
        self._session = tf.compat.v1.Session(graph=tf.Graph(), config=options.config())
        try:
            _load(self._session, directory)
            # Not with the first request: it takes a second for a large graph.
            self._callables = _prepare_all(self._session, self.signature_defs)
        except _LOAD_ERRORS as error:
            raise _damaged(directory, error) from error
        logger.info("loaded version %d of %s from %s", version, name, directory)

    def signature(self, name: str) -> SignatureDef:
        """The signature `name`, or FAILED_PRECONDITION if it cannot be run."""
        if name not in self._callables:
            raise StatusError(
                grpc.StatusCode.FAILED_PRECONDITION,
                f'Serving signature key "{name}" not found.',
            )
        return self.signature_defs[name]

    def run(
        self,
        name: str,
        inputs: Mapping[str, np.ndarray | tf.Tensor],
        fetched: Sequence[str],
    ) -> dict[str, np.ndarray]:
        """Runs the signature `name`.

        Args:
            name: a name that `signature` accepts.
            inputs: input alias -> array, one for each input of the signature; strings
                as bytes in an array of dtype object, or as a string tensor.
            fetched: the aliases of the outputs to answer with. TensorFlow computes the
                function behind a signature as a whole, so the others cost nothing more.

        Returns:
            Output alias -> array, in the order of `fetched`; strings as bytes.

        Raises:
            tf.errors.OpError: an op refused the values, dtypes or shapes.
        """
        feeds = [as_array(inputs[alias]) for alias in sorted(inputs)]
        values = self._callables[name](*feeds)
        outputs = dict(zip(sorted(self.signature_defs[name].outputs), values))
        return {alias: as_array(outputs[alias]) for alias in fetched}


def as_array(value: np.ndarray | tf.Tensor | bytes) -> np.ndarray:
    """A value as a session feeds and fetches it, strings as objects.

    NumPy's own string dtypes drop the zeros at the end of a string.
    """
    if isinstance(value, tf.Tensor):
        value = value.numpy()
    if isinstance(value, bytes | str):
        return np.array(value, dtype=object)
    array = np.asarray(value)
    return array.astype(object) if array.dtype.kind in "SU" else array


def _read_signature_defs(directory: Path) -> dict[str, SignatureDef]:
    """Reads the signatures first: a file that is no SavedModel is named as such."""
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


def _load(session: tf.compat.v1.Session, directory: Path) -> None:
    with session.graph.as_default():
        tf.compat.v1.saved_model.loader.load(session, [_SERVE_TAG], str(directory))


def _prepare_all(
    session: tf.compat.v1.Session, signature_defs: Mapping[str, SignatureDef]
) -> dict[str, Callable[..., list]]:
    """Signature name -> what runs it, for those that can be served."""
    return {
        name: _prepare(session, signature)
        for name, signature in signature_defs.items()
        if _is_served(name, signature)
    }


def _is_served(name: str, signature: SignatureDef) -> bool:
    """Whether a signature is the exporter's, and takes and gives nothing but tensors."""
    tensors = [*signature.inputs.values(), *signature.outputs.values()]
    return name not in _LOADER_SIGNATURES and all(tensor.name for tensor in tensors)


def _prepare(session: tf.compat.v1.Session, signature: SignatureDef) -> Callable[..., list]:
    """What computes a signature's outputs, each side in the order of its aliases."""
    options = CallableOptions(
        feed=[signature.inputs[alias].name for alias in sorted(signature.inputs)],
        fetch=[signature.outputs[alias].name for alias in sorted(signature.outputs)],
    )
    # `make_callable` checks shapes before TensorFlow sees them, with other codes and
    # words than TF-Serving's, and parses its arguments anew on every call.
    return session._make_callable_from_options(options)


def _damaged(directory: Path, error: Exception) -> FitRankError:
    reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return FitRankError(
        f"{directory}: the SavedModel cannot be loaded ({reason}): "
        "delete the directory and export it again"
    )
