"""gRPC requests that lie, or cost more than they weigh: a right status, and no crash.

The server runs in a process of its own, so a crash and its memory are seen.
"""

import gzip
import json
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow.core.framework.tensor_pb2 import TensorProto, VariantTensorDataProto
from tensorflow_serving.apis.predict_pb2 import PredictRequest

from tests.serving.conftest import start_server_command
from tests.serving.toy_http import call, free_port
from tests.serving.toy_models import QUERIES
from tests.serving.toy_requests import predict_request

Code = grpc.StatusCode
SERVICE = "/tensorflow.serving.PredictionService"
REFUSALS = {Code.INVALID_ARGUMENT, Code.RESOURCE_EXHAUSTED, Code.FAILED_PRECONDITION}
MIB = 1024 * 1024


class Costly(tf.Module):
    """Takes 128 kB of memory for each row while it runs, as a search does."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="query")])
    def search(self, query: tf.Tensor) -> dict[str, tf.Tensor]:
        rows = tf.random.uniform([tf.shape(query)[0], 32 * 1024])
        return {"scores": tf.reduce_max(rows, axis=1)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="query")])
    def wide(self, query: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"wide": tf.ones([tf.shape(query)[0], 32 * 1024])}


class Process:
    """A server process, and its two ports."""

    def __init__(self, process, port: int, rest_port: int) -> None:
        self.process = process
        self.rest_port = rest_port
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")

    @property
    def resident(self) -> float:
        """Resident memory in MiB."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise AssertionError("the process has ended")

    def send(self, content: bytes, method: str = "Predict", **options: object) -> Code:
        method = self.channel.unary_unary(f"{SERVICE}/{method}")
        try:
            method(content, timeout=60, **options)
        except grpc.RpcError as error:
            return error.code()
        return Code.OK

    def assert_alive(self) -> None:
        assert self.process.poll() is None
        good = predict_request("search", query=QUERIES).SerializeToString()
        assert self.send(good) is Code.OK


@pytest.fixture(scope="module")
def server(bundle: Path, tmp_path_factory) -> Iterator[Process]:
    folder = tmp_path_factory.mktemp("hostile")
    costly = Costly()
    tf.saved_model.save(
        costly,
        str(folder / "costly" / "1"),
        signatures={"serving_default": costly.search, "wide": costly.wide},
    )
    config = folder / "models.config"
    entries = "".join(
        f'config {{ name: "{name}" base_path: "{path}" model_platform: "tensorflow" }}\n'
        for name, path in (
            ("search", bundle / "search"),
            ("affine", bundle / "affine"),
            ("costly", folder / "costly"),
        )
    )
    config.write_text(f"model_config_list {{\n{entries}}}")
    rest_port = free_port()
    with start_server_command(
        f"--model_config_file={config}",
        f"--rest_api_port={rest_port}",
        "--tensorflow_session_parallelism=2",
    ) as process:
        address = process.stdout.readline().split()[2].rstrip(",")
        yield Process(process, int(address.rpartition(":")[2]), rest_port)


def tensor(shape: list[int], dtype: int, **values: object) -> TensorProto:
    proto = TensorProto(dtype=dtype, **values)
    for size in shape:
        proto.tensor_shape.dim.add(size=size)
    return proto


def search_with(proto: TensorProto) -> bytes:
    request = PredictRequest()
    request.model_spec.name = "search"
    request.inputs["query"].CopyFrom(proto)
    return request.SerializeToString()


STRING = types_pb2.DT_STRING
variant = VariantTensorDataProto(type_name="tensorflow::TensorList", metadata=b"\xff" * 20)
TENSORS = {
    "33 dimensions": tensor([1] * 33, STRING, string_val=[b"a"]),
    "64 dimensions": tensor([1] * 64, STRING, string_val=[b"a"]),
    "254 dimensions": tensor([1] * 254, STRING, string_val=[b"a"]),
    "10,000 dimensions": tensor([1] * 10_000, STRING, string_val=[b"a"]),
    "a list of garbage": tensor([], types_pb2.DT_VARIANT, variant_val=[variant]),
    "a resource": tensor([1], types_pb2.DT_RESOURCE),
    "a reference": tensor([1], types_pb2.DT_STRING_REF, string_val=[b"a"]),
    "every dtype that there is": tensor([1], 2**31 - 1, string_val=[b"a"]),
    "negative dtype": tensor([1], -1, string_val=[b"a"]),
    "30 million strings": tensor([1, 30_000_000], STRING, string_val=[b"a"]),
    "30 million rows": tensor([30_000_000], STRING, string_val=[b"a"]),
    "2**62 strings": tensor([2**31, 2**31], STRING, string_val=[b"a"]),
    "no row of 2**62": tensor([0, 2**62, 2**62], STRING),
    "negative size": tensor([-5], STRING, string_val=[b"a"]),
    "packed strings": tensor([3], STRING, tensor_content=b"\x05\x05\x05abc"),
    "packed garbage": tensor([2], STRING, tensor_content=b"\xff" * 30),
    "quarter of a million strings": tensor([1], STRING, string_val=[b""] * 250_000),
    "numbers of another dtype": tensor([2], types_pb2.DT_HALF, half_val=[1, 2]),
}


@pytest.mark.parametrize("case", TENSORS)
def test_tensor_that_lies_is_refused(server: Process, case: str):
    before = server.resident
    assert server.send(search_with(TENSORS[case])) in REFUSALS
    server.assert_alive()
    assert server.resident < before + 200


@pytest.mark.parametrize("dtype", sorted(types_pb2.DataType.values()))
def test_no_dtype_ends_the_process(server: Process, dtype: int):
    for proto in (
        tensor([1], dtype, tensor_content=b"\xff" * 16),
        tensor([1], dtype, variant_val=[variant], string_val=[b"a"]),
    ):
        assert server.send(search_with(proto)) in {*REFUSALS, Code.OK}
    server.assert_alive()


@pytest.mark.parametrize(
    "method", ["Predict", "Classify", "Regress", "MultiInference", "GetModelMetadata"]
)
def test_random_bytes_are_an_invalid_argument(server: Process, method: str):
    draw = random.Random(0)
    good = predict_request("search", query=QUERIES).SerializeToString()
    for _ in range(100):
        noise = bytearray(good if draw.random() < 0.7 else draw.randbytes(60))
        for _ in range(draw.randint(1, 8)):
            noise[draw.randrange(len(noise))] = draw.randrange(256)
        assert server.send(bytes(noise), method) in {*REFUSALS, Code.NOT_FOUND, Code.OK}
    server.assert_alive()


def many_inputs() -> bytes:
    return b"\x12\x00" * 500_000


def many_examples() -> bytes:
    """500,000 examples with 64 kB of context each."""
    context = b"\x12\x80\x80\x04" + b"a" * 65_536
    examples = context + b"\x0a\x00" * 500_000
    given = b"\x12" + varint(len(examples)) + examples
    return b"\x0a\x0a\x0a\x08examples" + b"\x12" + varint(len(given)) + given


def varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    return bytes([*encoded, number])


@pytest.mark.parametrize(
    ("method", "content"), [("Predict", many_inputs), ("Regress", many_examples)]
)
def test_message_of_many_parts_stays_small(
    server: Process, method: str, content: Callable[[], bytes]
):
    before = server.resident
    assert server.send(content(), method) in REFUSALS
    assert server.resident < before + 300
    server.assert_alive()


def test_compressed_message_is_limited_by_what_it_unpacks_to(server: Process):
    before = server.resident
    bomb = search_with(tensor([1], STRING, string_val=[b"\0" * 300 * MIB]))
    code = server.send(bomb, compression=grpc.Compression.Gzip)
    assert code is Code.RESOURCE_EXHAUSTED
    assert server.resident < before + 400
    server.assert_alive()


@pytest.mark.parametrize("entry", ["gRPC", "REST"])
def test_many_cheap_rows_run_in_parts(server: Process, entry: str):
    """10,000 empty strings would take 1.3 GB at once."""
    before, peak = server.resident, 0.0
    rows = [""] * 10_000
    request = predict_request("costly", query=rows)
    with ThreadPoolExecutor(1) as pool:
        if entry == "gRPC":
            running = pool.submit(server.send, request.SerializeToString())
        else:
            path = "/v1/models/costly:predict"
            running = pool.submit(call, server.rest_port, "POST", path, {"inputs": rows})
        while not running.done():
            # Others are answered meanwhile.
            server.assert_alive()
            peak = max(peak, server.resident)
        answer = running.result()
    assert answer is Code.OK if entry == "gRPC" else answer.code == 200
    assert peak < before + 500


def test_outputs_too_large_are_refused_after_the_first_rows(server: Process):
    before = server.resident
    request = predict_request("costly", query=[""] * 20_000)
    request.model_spec.signature_name = "wide"
    assert server.send(request.SerializeToString()) is Code.RESOURCE_EXHAUSTED
    assert server.resident < before + 300


def test_gzip_of_lists_is_refused_before_it_is_parsed(server: Process):
    before = server.resident
    body = gzip.compress(b'{"inputs": [' + b"[]," * (60 * MIB) + b"[]]}")
    headers = {"Content-Encoding": "gzip"}
    path = "/v1/models/search:predict"
    reply = call(server.rest_port, "POST", path, body, headers)
    assert reply.code == 429
    assert "--max_json_values" in reply.error
    server.assert_alive()
    assert server.resident < before + 300


def test_memory_returns_after_large_requests(server: Process):
    floats = predict_request("affine", x=np.ones([100_000, 3], np.float32))
    floats.model_spec.signature_name = "total"
    texts = json.dumps({"inputs": ["a" * 100] * 20_000}).encode()
    server.send(floats.SerializeToString())
    before = server.resident
    for _ in range(5):
        assert server.send(floats.SerializeToString()) is Code.OK
        assert (
            call(server.rest_port, "POST", "/v1/models/search:predict", texts).code == 200
        )
    server.assert_alive()
    assert server.resident < 1.2 * before
