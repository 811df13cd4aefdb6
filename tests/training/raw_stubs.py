"""A search by the stubs of tensorflow-serving-api, with nothing of ours imported.

Run with the server's port and {input: text} as JSON; prints ids and scores as JSON.
"""

import json
import sys

import grpc
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

port, inputs = int(sys.argv[1]), json.loads(sys.argv[2])
request = predict_pb2.PredictRequest()
request.model_spec.name = "search"
if len(inputs) > 1:
    request.model_spec.signature_name = "filtered"
    request.inputs["top_k"].CopyFrom(tf.make_tensor_proto([20]))
for name, text in inputs.items():
    request.inputs[name].CopyFrom(tf.make_tensor_proto([text]))
with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    outputs = stub.Predict(request, timeout=60).outputs
ids, scores = (tf.make_ndarray(outputs[name])[0].tolist() for name in ("ids", "scores"))
assert not {"fitrank_tf", "serving", "pipelines"} & set(sys.modules)
print(json.dumps({"ids": [item.decode() for item in ids], "scores": scores}))
