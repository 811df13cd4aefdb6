"""Predict and GetModelMetadata through tensorflow-serving-api's own stubs.

Responses are compared with the SavedModel called directly, or computed by hand.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis import get_model_metadata_pb2, prediction_service_pb2_grpc

from tests.serving.toy_models import IDS, QUERIES, SCORES, SERVING_DEFAULT, TITLES
from tests.serving.toy_requests import affine_request, arrays, predict_request

Code = grpc.StatusCode


@pytest.fixture(scope="module")
def stub(address: str) -> Iterator[prediction_service_pb2_grpc.PredictionServiceStub]:
    with grpc.insecure_channel(address) as channel:
        yield prediction_service_pb2_grpc.PredictionServiceStub(channel)


@pytest.mark.parametrize("queries", [[QUERIES[0]], QUERIES, ["unknown", ""], []])
def test_response_equals_the_saved_model_called_directly(stub, bundle: Path, queries: list):
    loaded = tf.saved_model.load(str(bundle / "search" / "2"))
    query = tf.constant(queries, tf.string)
    direct = loaded.signatures[SERVING_DEFAULT](query=query)

    request = predict_request("search")
    request.inputs["query"].CopyFrom(tf.make_tensor_proto(queries, tf.string))
    response = stub.Predict(request, timeout=30)

    assert sorted(response.outputs) == sorted(direct)
    for alias, array in arrays(response).items():
        np.testing.assert_array_equal(array, direct[alias].numpy())
        assert response.outputs[alias].dtype == direct[alias].dtype.as_datatype_enum
        assert array.shape == (len(queries), 3)


def test_strings_and_numbers_arrive_as_the_table_has_them(stub):
    served = arrays(stub.Predict(predict_request("search", query=QUERIES), timeout=30))
    assert [[cell.decode() for cell in row] for row in served["ids"]] == IDS[1:]
    assert [[cell.decode() for cell in row] for row in served["titles"]] == TITLES[1:]
    np.testing.assert_array_equal(served["scores"], SCORES[1:])


def test_numbers_are_those_of_a_hand_calculation(stub):
    served = arrays(stub.Predict(affine_request(), timeout=30))
    # [1 + 300 + 4, 20 + 300 + 4]
    np.testing.assert_array_equal(served["y"], [[305.0, 324.0]])
    np.testing.assert_array_equal(served["shape"], [[1, 3]])


def test_named_signature_and_model_spec_of_the_response(stub):
    request = predict_request("affine", x=np.array([[1, 2, 3]], np.float32))
    request.model_spec.signature_name = "total"
    response = stub.Predict(request, timeout=30)
    np.testing.assert_array_equal(arrays(response)["total"], [6.0])
    assert response.model_spec.name == "affine"
    assert response.model_spec.version.value == 7
    assert response.model_spec.signature_name == "total"


def test_empty_signature_name_means_serving_default(stub):
    response = stub.Predict(affine_request(), timeout=30)
    assert response.model_spec.signature_name == SERVING_DEFAULT


def test_output_filter_limits_the_outputs(stub):
    request = affine_request()
    request.output_filter.append("shape")
    assert list(stub.Predict(request, timeout=30).outputs) == ["shape"]


@pytest.mark.parametrize(
    ("select", "version"),
    [
        (lambda spec: None, 2),
        (lambda spec: setattr(spec.version, "value", 1), 1),
        (lambda spec: setattr(spec, "version_label", "stable"), 1),
        (lambda spec: setattr(spec, "version_label", "canary"), 2),
    ],
    ids=["latest", "version-1", "stable", "canary"],
)
def test_version_is_the_requested_one(stub, select: Callable, version: int):
    request = predict_request("search", query=QUERIES)
    select(request.model_spec)
    response = stub.Predict(request, timeout=30)
    assert response.model_spec.version.value == version
    ranks = arrays(response)["first_stage_ranks"]
    np.testing.assert_array_equal(ranks, [[version, version + 1, version + 2]] * 2)


def test_request_larger_than_grpc_s_default_limit(stub):
    # 6 MB; gRPC's default limit on receiving is 4 MiB.
    x = np.ones([500_000, 3], np.float32)
    request = predict_request("affine", x=x)
    request.model_spec.signature_name = "total"
    served = arrays(stub.Predict(request, timeout=60))["total"]
    np.testing.assert_array_equal(served, np.full(500_000, 3.0, np.float32))


def test_concurrent_clients_get_their_own_outputs(stub):
    def served(number: int) -> float:
        request = predict_request("affine", x=np.full([1, 3], number, np.float32))
        request.model_spec.signature_name = "total"
        return float(arrays(stub.Predict(request, timeout=60))["total"][0])

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(served, range(64))) == [3.0 * n for n in range(64)]


def metadata_request(*fields: str) -> get_model_metadata_pb2.GetModelMetadataRequest:
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=fields)
    request.model_spec.name = "affine"
    return request


def test_metadata_holds_the_signature_defs_of_the_file(stub, bundle: Path):
    response = stub.GetModelMetadata(metadata_request("signature_def"), timeout=30)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)

    # TensorFlow's own reader of the same file.
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        graph = tf.compat.v1.saved_model.load(
            session, ["serve"], str(bundle / "affine" / "7")
        )
    assert dict(signatures.signature_def) == dict(graph.signature_def)
    assert response.model_spec.name == "affine"
    assert response.model_spec.version.value == 7


def test_metadata_states_alias_dtype_shape_and_method(stub):
    response = stub.GetModelMetadata(metadata_request("signature_def"), timeout=30)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    response.metadata["signature_def"].Unpack(signatures)
    signature = signatures.signature_def["total"]
    assert signature.method_name == "tensorflow/serving/predict"
    assert list(signature.inputs) == ["x"]
    assert signature.inputs["x"].dtype == types_pb2.DT_FLOAT
    assert [dim.size for dim in signature.inputs["x"].tensor_shape.dim] == [-1, 3]
    assert list(signature.outputs) == ["total"]


@pytest.mark.parametrize(
    ("fields", "gist"),
    [
        ((), "must specify at least one metadata_field"),
        (("signature",), "Metadata field signature is not supported"),
        (("signature_def", "assets"), "Metadata field assets is not supported"),
    ],
)
def test_metadata_field_must_be_signature_def(stub, fields: tuple[str, ...], gist: str):
    with pytest.raises(grpc.RpcError) as raised:
        stub.GetModelMetadata(metadata_request(*fields), timeout=30)
    assert raised.value.code() is Code.INVALID_ARGUMENT
    assert gist in raised.value.details()


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda r: r.ClearField("model_spec"), Code.INVALID_ARGUMENT),
        (lambda r: setattr(r.model_spec, "name", "other"), Code.NOT_FOUND),
        (lambda r: setattr(r.model_spec.version, "value", 8), Code.NOT_FOUND),
    ],
    ids=["no-spec", "no-model", "no-version"],
)
def test_metadata_of_what_is_not_served(stub, spoil: Callable, code: Code):
    request = metadata_request("signature_def")
    spoil(request)
    with pytest.raises(grpc.RpcError) as raised:
        stub.GetModelMetadata(request, timeout=30)
    assert raised.value.code() is code
