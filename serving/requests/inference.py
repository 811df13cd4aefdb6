"""Running `Predict` and answering `GetModelMetadata`, for gRPC and for REST."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow_serving.apis.get_model_metadata_pb2 import (
    GetModelMetadataRequest,
    GetModelMetadataResponse,
    SignatureDefMap,
)
from tensorflow_serving.apis.model_pb2 import ModelSpec

from serving.batching.batches import LoadedServable
from serving.models.model_manager import ModelManager, model_spec_of
from serving.process.metrics import Metrics
from serving.requests.limits import Limits
from serving.requests.predict_request import (
    PredictCall,
    PredictMessage,
    read_predict_request,
)
from serving.status import invalid_argument

SIGNATURE_DEF_FIELD = "signature_def"

# Parsing more bytes than these takes milliseconds, in which no other request would be
# answered.
_MAX_BYTES_IN_LOOP = 32 * 1024

# On the wire and as JSON alike.
_BYTES_A_VALUE = 16

# A row that takes long takes much memory too, so parts grow only while they take less.
_QUICK_SECONDS = 0.02

T = TypeVar("T")


class Threads(ThreadPoolExecutor):
    """Threads that run TensorFlow, and whatever would hold up the event loop."""

    async def aside(self, size: int, function: Callable[[], T]) -> T:
        """Calls a function: in a thread if it works on many bytes, else at once."""
        if size <= _MAX_BYTES_IN_LOOP:
            return function()
        return await asyncio.get_running_loop().run_in_executor(self, function)


@dataclass(frozen=True)
class Prediction:
    """The result of a `Predict` request.

    Attributes:
        model_spec: the model, version and signature that ran.
        outputs: output alias -> array, strings as `bytes` objects.
    """

    model_spec: ModelSpec
    outputs: Mapping[str, np.ndarray]

    @property
    def encoded_bytes(self) -> int:
        """About what the outputs take in a response, to tell large ones from small ones."""
        return _BYTES_A_VALUE * sum(array.size for array in self.outputs.values())


@dataclass(frozen=True)
class Inference:
    """Runs signatures of the models that a `ModelManager` holds, within limits.

    Attributes:
        manager: the models.
        metrics: where requests are counted.
        limits: the largest request accepted.
        threads: run TensorFlow and whatever takes milliseconds.
    """

    manager: ModelManager
    metrics: Metrics
    limits: Limits
    threads: Threads

    async def predict(self, request: PredictMessage) -> Prediction:
        """Runs one signature, `serving_default` if the request names none.

        Raises:
            StatusError, tf.errors.OpError: the request failed.
        """
        servable = self.manager.find(request.model_spec)
        call = await self.threads.aside(
            sum(map(len, request.inputs.values())),
            lambda: read_predict_request(servable, request, self.limits),
        )
        return await self.predict_arrays(servable, call)

    async def predict_arrays(
        self, servable: LoadedServable, call: PredictCall
    ) -> Prediction:
        """Runs a signature on arrays that already have its inputs' dtypes.

        Args:
            servable: the model's version.
            call: the signature, its inputs and the outputs to return.

        Raises:
            StatusError, tf.errors.OpError: as `predict`.
        """
        outputs = await self.run(servable, call, "Predict")
        return Prediction(response_spec(servable, call.name), outputs)

    def metadata(self, request: GetModelMetadataRequest) -> GetModelMetadataResponse:
        """The SignatureDefs of a model, packed as `metadata["signature_def"]`.

        Raises:
            StatusError: another metadata field is requested, or the model is not served.
        """
        spec = model_spec_of(request)
        _check_metadata_fields(request.metadata_field)
        servable = self.manager.find(spec)
        response = GetModelMetadataResponse(model_spec=response_spec(servable))
        response.metadata[SIGNATURE_DEF_FIELD].Pack(
            SignatureDefMap(signature_def=servable.signature_defs)
        )
        return response

    async def run(
        self, servable: LoadedServable, call: PredictCall, api: str
    ) -> dict[str, np.ndarray]:
        """Runs a signature on inputs within the limits, and times it.

        Many rows run in parts, so that their memory does not grow with them, others get
        their turn in between, and the work ends when its client has gone.

        Args:
            servable: the model's version.
            call: the signature, its inputs and the outputs to return.
            api: the method for the metrics, such as "Predict".

        Returns:
            Output alias -> array.

        Raises:
            StatusError: an input or the outputs exceed a limit.
            tf.errors.OpError: an op rejected the values or shapes.
        """
        self.limits.check_inputs(call.inputs)
        rows, most = _rows_of(call.inputs.values()), self.limits.max_execution_batch
        with self.metrics.runtime(servable.name, api):
            if servable.is_batched or not 0 < most < rows:
                return await self._start(servable, call, call.inputs)
            if not _has_rows(servable.signature_defs[call.name]):
                return await self._start(servable, call, call.inputs)
            return await self._run_in_parts(servable, call, rows)

    async def _run_in_parts(
        self, servable: LoadedServable, call: PredictCall, rows: int
    ) -> dict[str, np.ndarray]:
        """Runs a few rows, then twice as many each time for as long as that is quick."""
        parts: list[dict[str, np.ndarray]] = []
        start, size = 0, self.limits.max_execution_batch
        while start < rows:
            began = time.perf_counter()
            part = {a: array[start : start + size] for a, array in call.inputs.items()}
            parts.append(await self._start(servable, call, part))
            if start == 0:
                self.limits.check_outputs(parts[0].values(), rows, size)
            start += size
            if time.perf_counter() - began < _QUICK_SECONDS:
                size *= 2
        return {a: np.concatenate([part[a] for part in parts]) for a in call.fetched}

    async def _start(
        self, servable: LoadedServable, call: PredictCall, inputs: Mapping[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        started = servable.start(self.threads, call.name, inputs, call.fetched)
        # If the client goes away before its turn, this cancels the work too.
        return await asyncio.wrap_future(started)


def response_spec(servable: LoadedServable, signature_name: str = "") -> ModelSpec:
    """The `model_spec` of a response, with the version that ran."""
    spec = ModelSpec(name=servable.name, signature_name=signature_name)
    spec.version.value = servable.version
    return spec


def _rows_of(arrays: Iterable[np.ndarray]) -> int:
    """The first dimension of arrays; 0 if it is not the same, or they have none."""
    sizes = {len(array) if array.ndim else 0 for array in arrays}
    return sizes.pop() if len(sizes) == 1 else 0


def _has_rows(signature: SignatureDef) -> bool:
    """Whether all inputs and outputs have a first dimension of any size."""
    tensors = [*signature.inputs.values(), *signature.outputs.values()]
    return all(one.tensor_shape.dim and one.tensor_shape.dim[0].size < 0 for one in tensors)


def _check_metadata_fields(fields: Iterable[str]) -> None:
    named = list(fields)
    if not named:
        raise invalid_argument(
            "GetModelMetadataRequest must specify at least one metadata_field"
        )
    for field in named:
        if field != SIGNATURE_DEF_FIELD:
            raise invalid_argument(f"Metadata field {field} is not supported")
