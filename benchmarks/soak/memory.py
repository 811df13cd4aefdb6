"""Soak test: the server's memory stays constant under queries that are all distinct."""

import dataclasses
import random
import string
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import grpc
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub
from tqdm import tqdm

from benchmarks.soak.clients import search
from benchmarks.soak.server import bundle_server
from fitrank_tf.core.errors import FitRankError

_BATCH = 32
_READINGS = 10
_WORDS = 6


@dataclasses.dataclass(frozen=True)
class MemoryReading:
    """A reading of the server's memory.

    Attributes:
        queries: number of queries so far.
        mebibytes: resident memory in MiB.
    """

    queries: int
    mebibytes: float


def soak_memory(bundle: Path, queries: int) -> Sequence[MemoryReading]:
    """Sends distinct random queries and reads the server's memory in between.

    Args:
        bundle: directory of the bundle whose `search` is served.
        queries: number of queries.

    Returns:
        Ten readings, evenly spaced.

    Raises:
        FitRankError: if there are too few queries, or the server does not start.
    """
    if queries < _BATCH * _READINGS:
        raise FitRankError(f"--queries {queries}: write {_BATCH * _READINGS} or more")
    batches = queries // _BATCH
    readings: list[MemoryReading] = []
    with tempfile.TemporaryDirectory() as name:
        server = bundle_server(bundle, ["search"], Path(name))
        with server as (address, process), grpc.insecure_channel(address) as channel:
            stub, texts = PredictionServiceStub(channel), _distinct_texts()
            for number in tqdm(range(batches), desc="queries", disable=None):
                search(stub, [next(texts) for _ in range(_BATCH)])
                if (number + 1) * _READINGS // batches > len(readings):
                    sent = (number + 1) * _BATCH
                    readings.append(MemoryReading(sent, resident_mebibytes(process.pid)))
    return readings


def _distinct_texts() -> Iterator[str]:
    """Distinct random texts of 1 to 6 words; the same in every run."""
    draw, seen = random.Random(0), set()
    while True:
        words = (
            "".join(draw.choices(string.ascii_lowercase, k=draw.randint(2, 12)))
            for _ in range(draw.randint(1, _WORDS))
        )
        text = " ".join(words)
        if text not in seen:
            seen.add(text)
            yield text


def resident_mebibytes(pid: int) -> float:
    """Resident memory of a process in MiB, from /proc."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise FitRankError(f"process {pid} has ended: see the server's log")
