"""Warm-up: running the requests that ship with a version before it is served.

The file is that of TF-Serving: `<version>/assets.extra/tf_serving_warmup_requests`, a
TFRecord of `PredictionLog`. Limits and errors are those of `saved_model_warmup_util.cc`.
"""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis.input_pb2 import Input
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from fitrank_tf.core.errors import FitRankError
from serving.batching.batches import LoadedServable
from serving.requests.limits import Limits
from serving.requests.predict_request import PredictMessage, read_predict_request
from serving.requests.serialized_examples import encoded_examples, examples_array
from serving.status import StatusError

WARMUP_FILE = Path("assets.extra", "tf_serving_warmup_requests")
MAX_RECORDS = 1000

# The only input of `Classify` and `Regress` signatures.
_EXAMPLES = tf.saved_model.CLASSIFY_INPUTS

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class WarmupOptions:
    """Whether and how often the warm-up requests of a version are run.

    Attributes:
        enable_model_warmup: whether they are run.
        num_request_iterations_for_warmup: how often each request is run; 0, which is
            TF-Serving's "not set", means once.

    Raises:
        FitRankError: the number is negative.
    """

    enable_model_warmup: bool = True
    num_request_iterations_for_warmup: int = 0

    def __post_init__(self) -> None:
        if self.num_request_iterations_for_warmup < 0:
            raise FitRankError(
                "--num_request_iterations_for_warmup="
                f"{self.num_request_iterations_for_warmup}: give 0 or more"
            )


def warm_up(servable: LoadedServable, directory: Path, options: WarmupOptions) -> int:
    """Runs the requests of a version's warm-up file, in the order of the file.

    Args:
        servable: the loaded version.
        directory: the version's directory; the warm-up file is optional.
        options: whether and how often to run them.

    Returns:
        The number of records.

    Raises:
        FitRankError: a record cannot be read or run, or there are more than
            `MAX_RECORDS`; the cause holds TF-Serving's status code.
    """
    path = directory / WARMUP_FILE
    if not options.enable_model_warmup or not path.is_file():
        return 0
    started = time.monotonic()
    count = 0
    for count, record in enumerate(_records(path), start=1):
        try:
            _check_count(count)
            log = PredictionLog.FromString(record)
            for _ in range(options.num_request_iterations_for_warmup or 1):
                _run_record(servable, log)
        except (StatusError, DecodeError, tf.errors.OpError) as error:
            raise _failed(path, f"record {count}", error) from _as_status(error)
    seconds = time.monotonic() - started
    logger.info("%s: %d warm-up records in %.2f s", path, count, seconds)
    return count


def _records(path: Path) -> Iterator[bytes]:
    try:
        yield from tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    except tf.errors.DataLossError as error:
        raise _failed(path, "no TFRecord, or cut short", error) from error


def _check_count(count: int) -> None:
    if count > MAX_RECORDS:
        raise StatusError(
            grpc.StatusCode.INVALID_ARGUMENT,
            f"Number of warmup records exceeds the maximum ({MAX_RECORDS})",
        )


def _run_record(servable: LoadedServable, log: PredictionLog) -> None:
    """Runs the request of a record; its response and its model name are ignored."""
    kind = log.WhichOneof("log_type")
    if kind == "predict_log":
        _predict(servable, log.predict_log.request)
    elif kind == "classify_log":
        request = log.classify_log.request
        _run_examples(servable, request.model_spec, request.input)
    elif kind == "regress_log":
        request = log.regress_log.request
        _run_examples(servable, request.model_spec, request.input)
    elif kind == "multi_inference_log":
        request = log.multi_inference_log.request
        for task in request.tasks:
            _run_examples(servable, task.model_spec, request.input)
    elif kind is not None:
        raise StatusError(
            grpc.StatusCode.UNIMPLEMENTED, f"Unsupported log_type for warmup: {kind}"
        )


def _predict(servable: LoadedServable, request: PredictRequest) -> None:
    message = PredictMessage.parse(request.SerializeToString())
    call = read_predict_request(servable, message, Limits())
    servable.run(call.name, call.inputs, call.fetched)


def _run_examples(servable: LoadedServable, spec: ModelSpec, given: Input) -> None:
    """Runs a signature whose only input is serialised tf.Examples [batch]."""
    name = spec.signature_name or tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY
    signature = servable.signature(name)
    if list(signature.inputs) != [_EXAMPLES]:
        raise StatusError(
            grpc.StatusCode.INVALID_ARGUMENT,
            f'signature "{name}" has the inputs {sorted(signature.inputs)}, not only '
            f"'{_EXAMPLES}'",
        )
    examples = examples_array(encoded_examples(given.SerializeToString()))
    servable.run(name, {_EXAMPLES: examples}, sorted(signature.outputs))


def _as_status(error: Exception) -> Exception:
    if isinstance(error, DecodeError):
        return StatusError(
            grpc.StatusCode.INVALID_ARGUMENT, f"Failed to parse warmup record: {error}"
        )
    return error


def _failed(path: Path, where: str, error: Exception) -> FitRankError:
    reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return FitRankError(
        f"{path}: {where}: warm-up fails ({reason}): write the file anew, delete it, or "
        "start with --enable_model_warmup=false"
    )
