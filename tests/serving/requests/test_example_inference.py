"""Classify, Regress and MultiInference on a SavedModel with TensorFlow 1's signatures.

Codes and messages are those of TF-Serving's `classifier.cc`, `regressor.cc`,
`multi_inference.cc` and `util.cc`; values are computed by hand.
"""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
import tensorflow as tf
from tensorflow.core.example.example_pb2 import Example
from tensorflow_serving.apis.classification_pb2 import ClassificationRequest
from tensorflow_serving.apis.inference_pb2 import MultiInferenceRequest
from tensorflow_serving.apis.input_pb2 import Input
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub
from tensorflow_serving.apis.regression_pb2 import RegressionRequest

from tests.serving.toy_requests import arrays, predict_request

Code = grpc.StatusCode
CLASSIFY = tf.saved_model.CLASSIFY_METHOD_NAME
REGRESS = tf.saved_model.REGRESS_METHOD_NAME


@pytest.fixture(scope="module")
def stub(start_models, example_model: Path) -> Iterator[PredictionServiceStub]:
    server = start_models(example_model)
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield PredictionServiceStub(channel)


def example(**features: float) -> Example:
    made = Example()
    for name, value in features.items():
        made.features.feature[name].float_list.value.append(value)
    return made


def example_list(*values: float) -> Input:
    made = Input()
    made.example_list.examples.extend(example(x=value) for value in values)
    return made


def with_context(offset: float, *values: float) -> Input:
    made = Input()
    made.example_list_with_context.context.CopyFrom(example(offset=offset))
    made.example_list_with_context.examples.extend(example(x=value) for value in values)
    return made


def regression_request(signature: str, examples: Input) -> RegressionRequest:
    request = RegressionRequest(input=examples)
    request.model_spec.name = "examples"
    request.model_spec.signature_name = signature
    return request


def classification_request(signature: str, examples: Input) -> ClassificationRequest:
    request = ClassificationRequest(input=examples)
    request.model_spec.name = "examples"
    request.model_spec.signature_name = signature
    return request


def multi_request(examples: Input, *tasks: tuple[str, str, str]) -> MultiInferenceRequest:
    request = MultiInferenceRequest(input=examples)
    for model, signature, method in tasks:
        task = request.tasks.add(method_name=method)
        task.model_spec.name = model
        task.model_spec.signature_name = signature
    return request


@pytest.mark.parametrize(
    ("examples", "values"),
    [
        (example_list(80.0), [42.0]),
        (example_list(1.0, 2.0, 3.0), [2.5, 3.0, 3.5]),
        (with_context(100.0, 1.0, 2.0), [102.5, 103.0]),
    ],
    ids=["one", "several", "context"],
)
def test_regress_gives_a_value_for_each_example(stub, examples: Input, values: list):
    response = stub.Regress(regression_request("regress", examples), timeout=30)
    assert [one.value for one in response.result.regressions] == values
    assert response.model_spec.name == "examples"
    assert response.model_spec.version.value == 3
    assert response.model_spec.signature_name == "regress"


@pytest.mark.parametrize(
    ("signature", "classes"),
    [
        ("classify", [[("up", 2.0), ("down", -2.0)], [("up", 0.5), ("down", -0.5)]]),
        ("scores_only", [[("", 2.0), ("", -2.0)], [("", 0.5), ("", -0.5)]]),
        ("classes_only", [[("up", 0.0), ("down", 0.0)]] * 2),
    ],
)
def test_classify_gives_classes_for_each_example(stub, signature: str, classes: list):
    request = classification_request(signature, example_list(2.0, 0.5))
    result = stub.Classify(request, timeout=30).result
    assert [
        [(one.label, one.score) for one in row.classes] for row in result.classifications
    ] == classes


def test_multi_inference_gives_the_result_of_each_task(stub):
    request = multi_request(
        with_context(1.0, 2.0),
        ("examples", "regress", REGRESS),
        ("examples", "classify", CLASSIFY),
    )
    regress, classify = stub.MultiInference(request, timeout=30).results
    assert [one.value for one in regress.regression_result.regressions] == [4.0]
    [row] = classify.classification_result.classifications
    assert [(one.label, one.score) for one in row.classes] == [("up", 2.0), ("down", -2.0)]
    assert regress.model_spec.signature_name == "regress"
    assert classify.model_spec.version.value == 3


def test_predict_takes_a_signature_on_examples(stub):
    request = predict_request("examples", inputs=[example(x=80.0).SerializeToString()])
    request.model_spec.signature_name = "regress"
    assert arrays(stub.Predict(request, timeout=30))["outputs"].tolist() == [[42.0]]


ONE = example_list(1.0)
TWO = example_list(1.0, 2.0)
WRONG_REQUESTS = {
    "no example": (
        regression_request("regress", Input()),
        Code.INVALID_ARGUMENT,
        "Input is empty.",
    ),
    "empty list": (
        classification_request("classify", with_context(1.0)),
        Code.INVALID_ARGUMENT,
        "Input is empty.",
    ),
    "example without its feature": (
        regression_request("regress", Input(example_list={"examples": [Example()]})),
        Code.INVALID_ARGUMENT,
        "Feature: x (data type: float) is required but could not be found.",
    ),
    "no model": (RegressionRequest(input=ONE), Code.INVALID_ARGUMENT, "Missing ModelSpec"),
    "unknown signature": (
        regression_request("other", ONE),
        Code.INVALID_ARGUMENT,
        "No signature was found with the name: other",
    ),
    "default signature": (
        classification_request("", ONE),
        Code.INVALID_ARGUMENT,
        "No signature was found with the name: serving_default",
    ),
    "regress by a classify signature": (
        regression_request("classify", ONE),
        Code.INVALID_ARGUMENT,
        "Expected one output Tensor.",
    ),
    "classify by a regress signature": (
        classification_request("regress", ONE),
        Code.FAILED_PRECONDITION,
        'to contain at least one of "classes" or "scores"',
    ),
    "regress without outputs": (
        regression_request("predict", ONE),
        Code.FAILED_PRECONDITION,
        "No regression outputs found in SignatureDef",
    ),
    "regression of a matrix": (
        regression_request("regress_matrix", ONE),
        Code.INVALID_ARGUMENT,
        "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but "
        "got [1, 2]",
    ),
    "regression of one row": (
        regression_request("regress_one", TWO),
        Code.INVALID_ARGUMENT,
        "Input batch size did not match output batch size: 2 vs. 1",
    ),
    "regression of doubles": (
        regression_request("regress_double", ONE),
        Code.INVALID_ARGUMENT,
        "Expected output Tensor of DT_FLOAT. Got: DT_DOUBLE",
    ),
    "classes of a vector": (
        classification_request("classify_vector", TWO),
        Code.INVALID_ARGUMENT,
        "Expected Tensor shape: [batch_size num_classes] but got [2]",
    ),
    "scores that are strings": (
        classification_request("classify_labels", ONE),
        Code.INVALID_ARGUMENT,
        "Expected scores Tensor of DT_FLOAT. Got: DT_STRING",
    ),
    "classes of one row": (
        classification_request("classify_one", TWO),
        Code.INVALID_ARGUMENT,
        "Expected scores output batch size of 2. Got: 1",
    ),
    "more classes than scores": (
        classification_request("classify_uneven", ONE),
        Code.INVALID_ARGUMENT,
        "Tensors class and score should match in dim_size(1). Got 2 vs. 1",
    ),
    "no task": (
        MultiInferenceRequest(input=ONE),
        Code.INVALID_ARGUMENT,
        "Missing ModelSpec",
    ),
    "task of another model": (
        multi_request(ONE, ("examples", "regress", REGRESS), ("b", "classify", CLASSIFY)),
        Code.INVALID_ARGUMENT,
        "All ModelSpecs in a MultiInferenceRequest must access the same model name.",
    ),
    "task without a model": (
        multi_request(ONE, ("examples", "regress", REGRESS), ("", "classify", CLASSIFY)),
        Code.INVALID_ARGUMENT,
        "Found ModelSpec with an empty model name.",
    ),
    "same task twice": (
        multi_request(ONE, *[("examples", "regress", REGRESS)] * 2),
        Code.INVALID_ARGUMENT,
        "Duplicate evaluation of signature: regress",
    ),
    "task of an unknown signature": (
        multi_request(ONE, ("examples", "other", REGRESS)),
        Code.INVALID_ARGUMENT,
        "Requested signature not found in model graph: other",
    ),
    "task of another method": (
        multi_request(ONE, ("examples", "regress", "tensorflow/serving/predict")),
        Code.UNIMPLEMENTED,
        "Unsupported signature method_name: tensorflow/serving/predict",
    ),
    "tasks on two inputs": (
        multi_request(
            ONE, ("examples", "regress", REGRESS), ("examples", "regress_others", REGRESS)
        ),
        Code.INVALID_ARGUMENT,
        "Input tensor must be the same for all Signatures.",
    ),
}


@pytest.mark.parametrize("case", WRONG_REQUESTS)
def test_status_of_a_wrong_request(stub, case: str):
    request, code, gist = WRONG_REQUESTS[case]
    method = {
        RegressionRequest: stub.Regress,
        ClassificationRequest: stub.Classify,
        MultiInferenceRequest: stub.MultiInference,
    }[type(request)]
    with pytest.raises(grpc.RpcError) as raised:
        method(request, timeout=30)
    assert raised.value.code() is code
    assert gist in raised.value.details()


@pytest.mark.parametrize(
    ("model", "signature", "gist"),
    [
        ("affine", "", "Expected one input Tensor."),
        ("search", "", "Expected one output Tensor."),
        ("affine", "total", "No regression inputs found in SignatureDef"),
    ],
)
def test_models_on_tensors_cannot_regress(address: str, model, signature, gist):
    request = regression_request(signature, ONE)
    request.model_spec.name = model
    with grpc.insecure_channel(address) as channel, pytest.raises(grpc.RpcError) as raised:
        PredictionServiceStub(channel).Regress(request, timeout=30)
    assert gist in raised.value.details()


def test_method_name_is_checked_on_demand(start_models, example_model: Path):
    server = start_models(example_model, enable_signature_method_name_check=True)
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = PredictionServiceStub(channel)
        assert stub.Regress(regression_request("regress", ONE), timeout=30).HasField(
            "result"
        )
        with pytest.raises(grpc.RpcError) as raised:
            stub.Regress(regression_request("predict", ONE), timeout=30)
    assert raised.value.code() is Code.INVALID_ARGUMENT
    assert (
        "Expected regression signature method_name to be tensorflow/serving/regress. Was: "
        "tensorflow/serving/predict"
    ) in raised.value.details()
