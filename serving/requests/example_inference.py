"""`Classify`, `Regress` and `MultiInference`: signatures that take tf.Examples.

Checks and messages are those of TF-Serving's `classifier.cc`, `regressor.cc`,
`multi_inference.cc` and `util.cc`. As in TF-Serving a signature's method name is ignored by
default, because TensorFlow 2 writes "predict" for every signature.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow_serving.apis.classification_pb2 import (
    Class,
    ClassificationResponse,
    ClassificationResult,
    Classifications,
)
from tensorflow_serving.apis.inference_pb2 import (
    InferenceResult,
    InferenceTask,
    MultiInferenceResponse,
)
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.regression_pb2 import (
    Regression,
    RegressionResponse,
    RegressionResult,
)

from serving.batching.batches import LoadedServable
from serving.models.model_manager import model_spec_of
from serving.requests.inference import Inference, response_spec
from serving.requests.predict_request import PredictCall, check_dtypes, signature_name_of
from serving.requests.serialized_examples import examples_array
from serving.status import StatusError, invalid_argument

CLASSIFY = tf.saved_model.CLASSIFY_METHOD_NAME
REGRESS = tf.saved_model.REGRESS_METHOD_NAME
_INPUTS = tf.saved_model.CLASSIFY_INPUTS
_CLASSES = tf.saved_model.CLASSIFY_OUTPUT_CLASSES
_SCORES = tf.saved_model.CLASSIFY_OUTPUT_SCORES
_REGRESSION = tf.saved_model.REGRESS_OUTPUTS


@dataclass(frozen=True)
class ExampleInference:
    """Runs the signatures that take tf.Examples.

    Attributes:
        inference: finds and runs signatures.
        check_method_names: whether a signature's method name has to match the request
            (`--enable_signature_method_name_check`).
    """

    inference: Inference
    check_method_names: bool = False

    async def classify(
        self, spec: ModelSpec | None, examples: Sequence[bytes]
    ) -> ClassificationResponse:
        """Classes and scores for each example.

        Args:
            spec: the model; None if the request has none.
            examples: encoded tf.Examples.

        Raises:
            StatusError, tf.errors.OpError: the request failed.
        """
        servable = self.inference.manager.find(spec)
        name = signature_name_of(spec or ModelSpec())
        self._check_classify(_signature(servable, name))
        outputs = await self._run(servable, name, examples, "Classify")
        return ClassificationResponse(
            model_spec=response_spec(servable, name), result=_classifications(outputs)
        )

    async def regress(
        self, spec: ModelSpec | None, examples: Sequence[bytes]
    ) -> RegressionResponse:
        """A value for each example; arguments as those of `classify`.

        Raises:
            StatusError, tf.errors.OpError: the request failed.
        """
        servable = self.inference.manager.find(spec)
        name = signature_name_of(spec or ModelSpec())
        self._check_regress(_signature(servable, name))
        outputs = await self._run(servable, name, examples, "Regress")
        return RegressionResponse(
            model_spec=response_spec(servable, name), result=_regressions(outputs)
        )

    async def multi_inference(
        self, tasks: Sequence[InferenceTask], examples: Sequence[bytes]
    ) -> MultiInferenceResponse:
        """Several classifications and regressions of the same examples.

        Raises:
            StatusError, tf.errors.OpError: the request failed.
        """
        if not tasks:
            raise invalid_argument("Missing ModelSpec")
        servable = self.inference.manager.find(model_spec_of(tasks[0]))
        self._check_tasks(servable, tasks)
        return MultiInferenceResponse(
            results=[await self._result(servable, task, examples) for task in tasks]
        )

    async def _result(
        self, servable: LoadedServable, task: InferenceTask, examples: Sequence[bytes]
    ) -> InferenceResult:
        name = signature_name_of(task.model_spec)
        outputs = await self._run(servable, name, examples, "MultiInference")
        spec = response_spec(servable, name)
        if task.method_name == CLASSIFY:
            return InferenceResult(
                model_spec=spec, classification_result=_classifications(outputs)
            )
        return InferenceResult(model_spec=spec, regression_result=_regressions(outputs))

    async def _run(
        self, servable: LoadedServable, name: str, examples: Sequence[bytes], api: str
    ) -> "_ExampleOutputs":
        serialized = examples_array(examples)
        self.inference.metrics.examples(servable.name, len(serialized))
        signature = servable.signature_defs[name]
        call = PredictCall(name, {_INPUTS: serialized}, sorted(signature.outputs))
        check_dtypes(signature, {_INPUTS: tf.string})
        outputs = await self.inference.run(servable, call, api)
        return _ExampleOutputs(len(serialized), outputs)

    def _check_tasks(
        self, servable: LoadedServable, tasks: Sequence[InferenceTask]
    ) -> None:
        signature_names: set[str] = set()
        input_tensors: set[str] = set()
        for task in tasks:
            name = signature_name_of(task.model_spec)
            _check_task_spec(task, tasks[0], name, signature_names)
            signature_names.add(name)
            signature = servable.signature_defs.get(name)
            if signature is None:
                raise invalid_argument(
                    f"Requested signature not found in model graph: {name}"
                )
            self._check_task_method(task, signature)
            input_tensors.add(signature.inputs[_INPUTS].name)
            if len(input_tensors) > 1:
                raise invalid_argument("Input tensor must be the same for all Signatures.")

    def _check_task_method(self, task: InferenceTask, signature: SignatureDef) -> None:
        if task.method_name == CLASSIFY:
            self._check_classify(signature)
        elif task.method_name == REGRESS:
            self._check_regress(signature)
        else:
            raise StatusError(
                grpc.StatusCode.UNIMPLEMENTED,
                f"Unsupported signature method_name: {task.method_name}",
            )

    def _check_classify(self, signature: SignatureDef) -> None:
        self._check_method_name(signature, CLASSIFY, "classification")
        _check_single_input(signature)
        if len(signature.outputs) not in (1, 2):
            raise invalid_argument(
                f"Expected one or two output Tensors, found {len(signature.outputs)}"
            )
        _check_alias(signature.inputs, _INPUTS, "No classification inputs found in")
        if _CLASSES not in signature.outputs and _SCORES not in signature.outputs:
            raise StatusError(
                grpc.StatusCode.FAILED_PRECONDITION,
                "Expected classification signature outputs to contain at least one of "
                f'"{_CLASSES}" or "{_SCORES}". Signature was: {signature}',
            )

    def _check_regress(self, signature: SignatureDef) -> None:
        self._check_method_name(signature, REGRESS, "regression")
        _check_single_input(signature)
        if len(signature.outputs) != 1:
            raise invalid_argument("Expected one output Tensor.")
        _check_alias(signature.inputs, _INPUTS, "No regression inputs found in")
        _check_alias(signature.outputs, _REGRESSION, "No regression outputs found in")

    def _check_method_name(self, signature: SignatureDef, name: str, kind: str) -> None:
        if self.check_method_names and signature.method_name != name:
            raise invalid_argument(
                f"Expected {kind} signature method_name to be {name}. Was: "
                f"{signature.method_name}"
            )


@dataclass(frozen=True)
class _ExampleOutputs:
    """The outputs of a signature for a number of examples."""

    examples: int
    arrays: Mapping[str, np.ndarray]


def _signature(servable: LoadedServable, name: str) -> SignatureDef:
    if name not in servable.signature_defs:
        raise invalid_argument(f"No signature was found with the name: {name}")
    return servable.signature_defs[name]


def _check_task_spec(
    task: InferenceTask, first: InferenceTask, name: str, seen: Iterable[str]
) -> None:
    if not task.model_spec.name:
        raise invalid_argument("Found ModelSpec with an empty model name.")
    if task.model_spec.name != first.model_spec.name:
        raise invalid_argument(
            "All ModelSpecs in a MultiInferenceRequest must access the same model name."
        )
    if name in seen:
        raise invalid_argument(f"Duplicate evaluation of signature: {name}")


def _check_single_input(signature: SignatureDef) -> None:
    if len(signature.inputs) != 1:
        raise invalid_argument("Expected one input Tensor.")


def _check_alias(tensors: Mapping[str, object], alias: str, gist: str) -> None:
    if alias not in tensors:
        raise StatusError(
            grpc.StatusCode.FAILED_PRECONDITION,
            f"{gist} SignatureDef: it has {sorted(tensors)}, not '{alias}'",
        )


def _classifications(outputs: _ExampleOutputs) -> ClassificationResult:
    classes, scores = outputs.arrays.get(_CLASSES), outputs.arrays.get(_SCORES)
    _check_classification(classes, _CLASSES, tf.string, outputs.examples)
    _check_classification(scores, _SCORES, tf.float32, outputs.examples)
    if classes is not None and scores is not None and classes.shape != scores.shape:
        raise invalid_argument(
            "Tensors class and score should match in dim_size(1). Got "
            f"{classes.shape[1]} vs. {scores.shape[1]}"
        )
    if scores is None:
        assert classes is not None  # a signature has one of both
        rows = [[Class(label=label) for label in row] for row in classes]
    elif classes is None:
        rows = [[Class(score=score) for score in row] for row in scores]
    else:
        rows = [
            [Class(label=label, score=score) for label, score in zip(*pair)]
            for pair in zip(classes, scores)
        ]
    return ClassificationResult(
        classifications=[Classifications(classes=row) for row in rows]
    )


def _check_classification(
    array: np.ndarray | None, alias: str, dtype: tf.DType, examples: int
) -> None:
    if array is None:
        return
    if array.ndim != 2:
        raise invalid_argument(
            f"Expected Tensor shape: [batch_size num_classes] but got {list(array.shape)}"
        )
    _check_output_dtype(array, f"{alias} Tensor", dtype)
    if len(array) != examples:
        raise invalid_argument(
            f"Expected {alias} output batch size of {examples}. Got: {len(array)}"
        )


def _regressions(outputs: _ExampleOutputs) -> RegressionResult:
    array = outputs.arrays[_REGRESSION]
    if array.ndim != 1 and not (array.ndim == 2 and array.shape[1] == 1):
        raise invalid_argument(
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] "
            f"but got {list(array.shape)}"
        )
    if len(array) != outputs.examples:
        raise invalid_argument(
            "Input batch size did not match output batch size: "
            f"{outputs.examples} vs. {len(array)}"
        )
    _check_output_dtype(array, "output Tensor", tf.float32)
    return RegressionResult(
        regressions=[Regression(value=value) for value in array.ravel()]
    )


def _check_output_dtype(array: np.ndarray, what: str, dtype: tf.DType) -> None:
    given = tf.dtypes.as_dtype(array.dtype)
    if given != dtype:
        raise invalid_argument(
            f"Expected {what} of DT_{_enum_name(dtype)}. Got: DT_{_enum_name(given)}"
        )


def _enum_name(dtype: tf.DType) -> str:
    return {"float32": "FLOAT", "float64": "DOUBLE"}.get(dtype.name, dtype.name.upper())
