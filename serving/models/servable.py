"""One loaded version of one model."""

import contextlib
import functools
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.framework.graph_pb2 import GraphDef
from tensorflow.core.protobuf.config_pb2 import CallableOptions
from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef, SignatureDef
from tensorflow.core.protobuf.rewriter_config_pb2 import RewriterConfig
from tensorflow.python.saved_model.loader_impl import SavedModelLoader

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.saved_models import without_pattern
from serving.process.tensorflow_import import load_text_ops
from serving.status import StatusError

load_text_ops()
# Registers ScaNN's ops where ScaNN exists (Linux); only `search_scann` needs them.
with contextlib.suppress(ImportError, tf.errors.NotFoundError):
    from scann.scann_ops.py import scann_ops  # noqa: F401

_SAVED_MODEL_FILE = "saved_model.pb"
_SERVE_TAG = "serve"

# Signatures that TensorFlow adds to a SavedModel for its own loader.
_LOADER_SIGNATURES = frozenset({"__saved_model_init_op", "__saved_model_train_op"})

# TensorFlow's errors on damaged files; a truncated variables shard is an IndexError.
_LOAD_ERRORS = (OSError, ValueError, RuntimeError, LookupError, tf.errors.OpError)

# Otherwise all signatures are optimised for each, and for what loads the variables.
_GRAPH_OPTIONS = tf.compat.v1.GraphOptions(
    place_pruned_graph=True,
    rewrite_options=RewriterConfig(meta_optimizer_iterations=RewriterConfig.ONE),
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SessionOptions:
    """TensorFlow's numbers of threads; 0 leaves a number to TensorFlow.

    Attributes:
        tensorflow_session_parallelism: sets both of the others.
        tensorflow_intra_op_parallelism: threads that one op may use.
        tensorflow_inter_op_parallelism: ops that run concurrently.

    Raises:
        FitRankError: a number is negative, or the first is given together with another.
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
        """The session configuration with these options."""
        both = self.tensorflow_session_parallelism
        return tf.compat.v1.ConfigProto(
            intra_op_parallelism_threads=both or self.tensorflow_intra_op_parallelism,
            inter_op_parallelism_threads=both or self.tensorflow_inter_op_parallelism,
            allow_soft_placement=True,
            graph_options=_GRAPH_OPTIONS,
            # Several models share a device, so none may take all of its memory.
            gpu_options=tf.compat.v1.GPUOptions(allow_growth=True),
        )


class Servable:
    """A version of a SavedModel, loaded into a session of its own.

    A stock `tensorflow_model_server` uses a session too, so error messages are the same.
    `run` is thread-safe. The memory is freed with the last reference to the servable.

    Attributes:
        name: the model's name in the configuration.
        version: the number of the version's directory.
        signature_defs: signature name -> SignatureDef, as in the file.
        is_batched: whether calls are merged into batches of a size of their own.
    """

    is_batched = False

    def __init__(
        self,
        name: str,
        version: int,
        directory: Path,
        options: SessionOptions = SessionOptions(),
    ) -> None:
        """Loads the SavedModel in `directory`.

        Args:
            name: the model's name in the configuration.
            version: the version's number.
            directory: the version's directory.
            options: TensorFlow's numbers of threads.

        Raises:
            FitRankError: the directory holds no complete SavedModel, or the model needs
                an op that this process lacks.
        """
        self.name = name
        self.version = version
        loader = _loader(directory)
        graph = _meta_graph(loader, directory)
        self.signature_defs = dict(graph.signature_def)
        _optimise_once(graph.graph_def)
        self._session = tf.compat.v1.Session(graph=tf.Graph(), config=options.config())
        try:
            with self._session.graph.as_default():
                loader.load(self._session, [_SERVE_TAG])
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

    def start(
        self,
        threads: Executor,
        name: str,
        inputs: Mapping[str, np.ndarray],
        fetched: Sequence[str],
    ) -> "Future[dict[str, np.ndarray]]":
        """Starts `run` in a thread of `threads`."""
        return threads.submit(self.run, name, inputs, fetched)

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
            fetched: the aliases of the outputs to return. TensorFlow computes all
                outputs of a signature anyway, so fewer are not faster.

        Returns:
            Output alias -> array, in the order of `fetched`; strings as bytes.

        Raises:
            tf.errors.OpError: an op rejected the values, dtypes or shapes.
        """
        feeds = [as_array(inputs[alias]) for alias in sorted(inputs)]
        values = self._callables[name](*feeds)
        outputs = dict(zip(sorted(self.signature_defs[name].outputs), values))
        return {alias: as_array(outputs[alias]) for alias in fetched}


def as_array(value: np.ndarray | tf.Tensor | bytes) -> np.ndarray:
    """Converts a value to an array that a session can feed; strings have dtype object.

    NumPy's string dtypes would drop zero bytes at the end of a string.
    """
    if isinstance(value, tf.Tensor):
        value = value.numpy()
    if isinstance(value, bytes | str):
        return np.array(value, dtype=object)
    array = np.asarray(value)
    return array.astype(object) if array.dtype.kind in "SU" else array


def _loader(directory: Path) -> Any:
    """TensorFlow's loader of a SavedModel, with the file read."""
    if not (directory / _SAVED_MODEL_FILE).is_file():
        raise FitRankError(
            f"{directory}: no {_SAVED_MODEL_FILE}, so the version is half written: "
            "delete the directory and export it again"
        )
    try:
        return SavedModelLoader(without_pattern(directory))
    except _LOAD_ERRORS as error:
        raise _damaged(directory, error) from error


def _meta_graph(loader: Any, directory: Path) -> MetaGraphDef:
    """The graph to be served."""
    for graph in loader.saved_model.meta_graphs:
        if _SERVE_TAG in graph.meta_info_def.tags:
            return graph
    raise FitRankError(
        f"{directory / _SAVED_MODEL_FILE}: no graph with the tag '{_SERVE_TAG}': export it "
        "with tf.saved_model.save"
    )


def _optimise_once(graph: GraphDef) -> None:
    """Lets TensorFlow go through each function once, not until nothing changes.

    Answers are as fast, and the start takes half as long.
    """
    once = tf.compat.v1.ConfigProto(graph_options=_GRAPH_OPTIONS).SerializeToString()
    for nodes in (graph.node, *(one.node_def for one in graph.library.function)):
        for node in nodes:
            if "config_proto" in node.attr:
                node.attr["config_proto"].s = once


def _prepare_all(
    session: tf.compat.v1.Session, signature_defs: Mapping[str, SignatureDef]
) -> dict[str, Callable[..., list[Any]]]:
    """Signature name -> function that runs it, for the signatures to be served."""
    served = {name: one for name, one in signature_defs.items() if _is_served(name, one)}
    # TensorFlow optimises the graph of each signature alone, on one core.
    with ThreadPoolExecutor() as threads:
        prepared = threads.map(functools.partial(_prepare, session), served.values())
        return dict(zip(served, prepared))


def _is_served(name: str, signature: SignatureDef) -> bool:
    """Whether a signature is the exporter's and has only tensors as inputs and outputs."""
    tensors = [*signature.inputs.values(), *signature.outputs.values()]
    return name not in _LOADER_SIGNATURES and all(tensor.name for tensor in tensors)


def _prepare(
    session: tf.compat.v1.Session, signature: SignatureDef
) -> Callable[..., list[Any]]:
    """A function from a signature's inputs to its outputs, both sorted by alias."""
    options = CallableOptions(
        feed=[signature.inputs[alias].name for alias in sorted(signature.inputs)],
        fetch=[signature.outputs[alias].name for alias in sorted(signature.outputs)],
    )
    # Not the public `make_callable`: its shape checks have other codes and messages than
    # TF-Serving's, and it parses its arguments at every call.
    return session._make_callable_from_options(options)


def _damaged(directory: Path, error: Exception) -> FitRankError:
    reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return FitRankError(
        f"{directory}: the SavedModel cannot be loaded ({reason}): "
        "delete the directory and export it again"
    )
