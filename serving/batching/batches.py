"""Merging concurrent requests to a servable into one batch."""

import functools
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from serving.batching.batch_scheduler import BatchQueue, BatchScheduler
from serving.batching.parameters import BatchingParameters
from serving.models.servable import Servable, as_array
from serving.status import REQUEST_ERRORS, StatusError, invalid_argument

_Arrays = Mapping[str, np.ndarray]


class BatchedServable:
    """A servable whose calls are merged along their first dimension, as in TF-Serving.

    Unlike in TF-Serving, a call that fails does not fail the calls merged with it: all
    of them are run again, one by one. So are calls whose arrays cannot be merged.

    Attributes:
        name: the model's name in the configuration.
        version: the number of the version.
        signature_defs: signature name -> SignatureDef.
        is_batched: whether calls are merged into batches of a size of their own.
    """

    is_batched = True

    def __init__(self, servable: Servable, scheduler: BatchScheduler) -> None:
        self.name = servable.name
        self.version = servable.version
        self.signature_defs = servable.signature_defs
        self._servable = servable
        self._scheduler = scheduler
        parameters = scheduler.parameters
        # They reference the servable, not `self`: a cycle would delay freeing its memory.
        self._queues = {
            name: BatchQueue(
                parameters, functools.partial(_run_pieces, servable, name, parameters)
            )
            for name in servable.signature_defs
        }

    def signature(self, name: str) -> SignatureDef:
        """The signature `name`, or FAILED_PRECONDITION if it cannot be run."""
        return self._servable.signature(name)

    def run(
        self,
        name: str,
        inputs: Mapping[str, np.ndarray | tf.Tensor],
        fetched: Sequence[str],
    ) -> dict[str, np.ndarray]:
        """Runs the signature `name`, merged with concurrent calls.

        Args:
            name: a name that `signature` accepts.
            inputs: input alias -> array [batch, ...], one for each input.
            fetched: the aliases of the outputs to return.

        Returns:
            Output alias -> array [batch, ...], in the order of `fetched`.

        Raises:
            StatusError: the inputs have no first dimension, or different ones
                (INVALID_ARGUMENT); an output has another first dimension
                (FAILED_PRECONDITION); too many calls are waiting (UNAVAILABLE).
            tf.errors.OpError: an op rejected the values, dtypes or shapes.
        """
        arrays = {alias: as_array(inputs[alias]) for alias in sorted(inputs)}
        if _rows_of(arrays) == 0:
            # Nothing to merge, and nothing to pad with.
            return self._servable.run(name, arrays, fetched)
        return self._enqueue(name, arrays, fetched).result()

    def start(
        self, threads: Executor, name: str, inputs: _Arrays, fetched: Sequence[str]
    ) -> "Future[dict[str, np.ndarray]]":
        """Starts `run` in the scheduler's threads; without rows, in one of `threads`.

        A call that is cancelled before its batch runs does not take part in it.
        """
        if _rows_of(inputs) == 0:
            return self._servable.start(threads, name, inputs, fetched)
        return self._enqueue(name, inputs, fetched)

    def _enqueue(
        self, name: str, inputs: _Arrays, fetched: Sequence[str]
    ) -> "Future[dict[str, np.ndarray]]":
        call = _Call(inputs, _rows_of(inputs), fetched)
        self._scheduler.put(self._queues[name], call)
        return call.future


LoadedServable = Servable | BatchedServable


class _Call:
    """One call of `run`.

    Attributes:
        inputs: input alias -> array [rows, ...].
        rows: the first dimension of the inputs.
        fetched: output aliases.
        future: gets the outputs [rows, ...], or the first error of a piece.
    """

    def __init__(self, inputs: _Arrays, rows: int, fetched: Sequence[str]) -> None:
        self.inputs = inputs
        self.rows = rows
        self.fetched = fetched
        self.future: Future[dict[str, np.ndarray]] = Future()
        self._pieces: list[_Piece] = []
        self._unfinished = 0
        self._lock = threading.Lock()

    def split(self, first: int, others: int) -> "list[_Piece]":
        """Splits the rows: one piece of at most `first`, the others of at most `others`."""
        starts = [0, *range(first, self.rows, others)]
        stops = [*starts[1:], self.rows]
        self._pieces = [_Piece(self, start, stop) for start, stop in zip(starts, stops)]
        self._unfinished = len(self._pieces)
        return self._pieces

    def begin(self) -> bool:
        """Whether the call is still wanted; from now on it cannot be cancelled."""
        with self._lock:
            if self.future.running():
                return True
            return not self.future.done() and self.future.set_running_or_notify_cancel()

    def end_piece(self, error: Exception | None = None) -> None:
        """Counts a piece as ended, and sets the result with the last one."""
        with self._lock:
            self._unfinished -= 1
            if error is not None and not self.future.done():
                if isinstance(error, REQUEST_ERRORS):
                    # Its traceback would keep the model alive.
                    error = error.with_traceback(None)
                self.future.set_exception(error)
                # In a cycle with the pieces, the error would wait for the collector.
                self._pieces = []
            if self._unfinished or self.future.done():
                return
            outputs = [piece.outputs for piece in self._pieces]
            self.future.set_result(
                {a: np.concatenate([one[a] for one in outputs]) for a in self.fetched}
                if len(outputs) > 1
                else outputs[0]
            )


class _Piece:
    """Some rows of a call, with their outputs once they have run."""

    def __init__(self, call: _Call, start: int, stop: int) -> None:
        self.rows = stop - start
        self.fetched = call.fetched
        self.outputs: dict[str, np.ndarray] = {}
        self.begin = call.begin
        self.set_error = call.end_piece
        self._call = call
        self._span = slice(start, stop)

    @property
    def inputs(self) -> dict[str, np.ndarray]:
        """Input alias -> array [rows, ...]."""
        return {alias: array[self._span] for alias, array in self._call.inputs.items()}

    def set_outputs(self, outputs: _Arrays, start: int) -> None:
        """Takes this piece's rows, from `start` on, of a batch's outputs [batch, ...]."""
        stop = start + self.rows
        self.outputs = {alias: outputs[alias][start:stop] for alias in self.fetched}
        self._call.end_piece()


class _NotMergeableError(Exception):
    """The arrays of different calls cannot be concatenated."""


def _rows_of(arrays: _Arrays) -> int:
    """The first dimension that all inputs share; checks and messages are TF-Serving's."""
    if not arrays:
        raise invalid_argument("Batching Run() must have at least one input tensor")
    if any(array.ndim == 0 for array in arrays.values()):
        raise invalid_argument(
            "Batching Run() input tensors must have at least one dimension"
        )
    sizes = {len(array) for array in arrays.values()}
    if len(sizes) > 1:
        raise invalid_argument(
            "Batching Run() input tensors must have equal 0th-dimension size"
        )
    return sizes.pop()


def _run_pieces(
    servable: Servable, name: str, parameters: BatchingParameters, pieces: list[_Piece]
) -> None:
    """Runs pieces as one batch; if that fails, runs each alone."""
    pieces = [piece for piece in pieces if piece.begin()]
    if not pieces:
        return
    try:
        rows = sum(piece.rows for piece in pieces)
        size = parameters.padded(rows)
        inputs = _merged([piece.inputs for piece in pieces], size - rows, parameters)
        fetched = sorted({alias for piece in pieces for alias in piece.fetched})
        outputs = servable.run(name, inputs, fetched)
        _check_outputs(outputs, size)
    except Exception as error:
        if len(pieces) == 1:
            pieces[0].set_error(error)
            return
        for piece in pieces:
            _run_pieces(servable, name, parameters, [piece])
        return
    start = 0
    for piece in pieces:
        piece.set_outputs(outputs, start)
        start += piece.rows


def _merged(
    inputs: Sequence[_Arrays], padding: int, parameters: BatchingParameters
) -> dict[str, np.ndarray]:
    """Input alias -> array of all rows followed by `padding` rows."""
    if any(arrays.keys() != inputs[0].keys() for arrays in inputs):
        raise _NotMergeableError
    merged = {}
    for alias in inputs[0]:
        parts = [arrays[alias] for arrays in inputs]
        if parameters.pad_variable_length_inputs:
            parts = _padded_to_largest(parts)
        if len({(part.dtype, part.shape[1:]) for part in parts}) > 1:
            raise _NotMergeableError
        if padding:
            # Repeats the last call's first row, which is valid, as TF-Serving does.
            parts.append(np.repeat(parts[-1][:1], padding, axis=0))
        merged[alias] = np.concatenate(parts) if len(parts) > 1 else parts[0]
    return merged


def _padded_to_largest(parts: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Pads all but the first dimension to the largest, each with its first element."""
    if len({part.ndim for part in parts}) > 1:
        raise _NotMergeableError
    largest = np.max([part.shape[1:] for part in parts], axis=0).astype(int)
    return [_padded_to(part, (len(part), *largest)) for part in parts]


def _padded_to(part: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    if part.shape == shape:
        return part
    if part.size == 0:
        raise _NotMergeableError
    padded = np.full(shape, part.flat[0], part.dtype)
    padded[tuple(slice(size) for size in part.shape)] = part
    return padded


def _check_outputs(outputs: _Arrays, rows: int) -> None:
    for array in outputs.values():
        if array.ndim == 0:
            raise StatusError(
                grpc.StatusCode.FAILED_PRECONDITION,
                "Batched output tensor has 0 dimensions",
            )
        if len(array) != rows:
            raise StatusError(
                grpc.StatusCode.FAILED_PRECONDITION,
                "Batched output tensor's 0th dimension does not equal the sum of the "
                "0th dimension sizes of the input tensors",
            )
