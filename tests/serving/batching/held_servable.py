"""A servable that can be held, so that the calls behind it are merged."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from serving.batching.batches import BatchedServable
from serving.models.servable import Servable

PATIENCE = 60.0


class HeldServable(Servable):
    """Records the inputs of each run, and blocks while it is held."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)
        self.rows: list[int] = []
        self.inputs: list[dict[str, np.ndarray]] = []
        self.entered = threading.Event()
        self.free = threading.Event()
        self.free.set()

    def run(self, name, inputs, fetched):
        self.entered.set()
        assert self.free.wait(PATIENCE)
        self.rows.append(len(next(iter(inputs.values()))))
        self.inputs.append(inputs)
        return super().run(name, inputs, fetched)


def total(batched: BatchedServable, x: np.ndarray) -> np.ndarray:
    return batched.run("total", {"x": x}, ["total"])["total"]


def rows_of(start: int, count: int) -> np.ndarray:
    return np.arange(3 * start, 3 * (start + count), dtype=np.float32).reshape(count, 3)


def enqueued(batched: BatchedServable, name: str) -> int:
    return sum(len(batch.pieces) for batch in list(batched._queues[name].batches))


def hold(pool: ThreadPoolExecutor, held: HeldServable, batched: BatchedServable) -> Future:
    """Holds the batch thread with a call, which is returned, until `held.free` is set."""
    held.free.clear()
    first = pool.submit(total, batched, rows_of(0, 1))
    assert held.entered.wait(PATIENCE)
    return first


def hold_and_enqueue(
    pool: ThreadPoolExecutor,
    held: HeldServable,
    batched: BatchedServable,
    calls: list[Callable[[], object]],
    name: str = "total",
) -> list[Future]:
    """Holds the batch thread with a first call, enqueues the others, then releases it."""
    first = hold(pool, held, batched)
    futures = []
    for count, call in enumerate(calls, start=1):
        futures.append(pool.submit(call))
        wait_until(lambda count=count: enqueued(batched, name) >= count)
    held.free.set()
    assert first.result(PATIENCE).tolist() == [3.0]
    return futures


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.001)
