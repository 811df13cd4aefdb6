"""Threads that run batches, and the queues in which batches form.

As TF-Serving's SharedBatchScheduler does, the threads are shared and serve the queues in
turn. The last batch of a queue accepts tasks until it is full, or until its timeout has
passed and a thread is free.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import grpc

from serving.batching.parameters import BatchingParameters
from serving.status import StatusError


class Piece(Protocol):
    """A request, or a part of one, that goes into one batch.

    Attributes:
        rows: its number of rows, the first dimension of its arrays.
    """

    rows: int


class Task(Protocol):
    """A request to be batched.

    Attributes:
        rows: its number of rows, the first dimension of its arrays.
    """

    rows: int

    def split(self, first: int, others: int) -> Sequence[Piece]:
        """Splits the rows: one piece of at most `first`, the others of at most `others`."""


@dataclass
class _Batch:
    """Attributes: due: when a batch that is not full runs, in monotonic seconds."""

    due: float
    rows: int = 0
    pieces: list[Piece] = field(default_factory=list)


class BatchScheduler:
    """Runs the batches of its queues on `num_batch_threads` threads.

    Attributes:
        parameters: how batches are formed.
    """

    def __init__(self, parameters: BatchingParameters) -> None:
        self.parameters = parameters
        self._changed = threading.Condition(threading.Lock())
        # Only queues with a batch: an empty queue is not referenced, so it can be freed.
        self._queues: deque[BatchQueue] = deque()
        self._closed = False
        self._threads = [
            threading.Thread(
                target=self._work, name=f"{parameters.thread_pool_name}-{i}", daemon=True
            )
            for i in range(parameters.num_batch_threads)
        ]
        for thread in self._threads:
            thread.start()

    def put(self, queue: "BatchQueue", task: Task) -> None:
        """Adds a task to the batches of a queue.

        Args:
            queue: the queue of the task's model and signature.
            task: the request.

        Raises:
            StatusError: the task is too large (INVALID_ARGUMENT), or the queue is full
                (UNAVAILABLE).
        """
        with self._changed:
            if self._closed:
                raise StatusError(
                    grpc.StatusCode.UNAVAILABLE, "the batch scheduler is closed"
                )
            was_empty = not queue.batches
            self._changed.notify(queue.add(task, time.monotonic()))
            if was_empty:
                self._queues.append(queue)

    def close(self) -> None:
        """Runs the enqueued batches, then ends the threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while (found := self._wait_for_batch()) is not None:
            queue, pieces = found
            queue.run(pieces)
            # Otherwise this thread would keep the model alive until its next batch.
            del found, queue, pieces

    def _wait_for_batch(self) -> "tuple[BatchQueue, list[Piece]] | None":
        """The next batch that is due; None when the scheduler is closed and empty."""
        with self._changed:
            while True:
                now = time.monotonic()
                found = self._next(now)
                if found is not None or self._closed:
                    return found
                due = min((queue.batches[0].due for queue in self._queues), default=None)
                self._changed.wait(None if due is None else max(0.0, due - now))

    def _next(self, now: float) -> "tuple[BatchQueue, list[Piece]] | None":
        for _ in range(len(self._queues)):
            queue = self._queues.popleft()
            pieces = queue.take(now, self._closed)
            if queue.batches:
                self._queues.append(queue)
            if pieces:
                return queue, pieces
        return None


class BatchQueue:
    """The batches of one signature of one model; guarded by the scheduler's lock.

    Attributes:
        batches: oldest first; only the last one accepts tasks.
        run: runs the pieces of a batch; must not raise.
    """

    def __init__(
        self, parameters: BatchingParameters, run: Callable[[list[Piece]], None]
    ) -> None:
        self.batches: deque[_Batch] = deque()
        self.run = run
        self._parameters = parameters

    def add(self, task: Task, now: float) -> int:
        """Adds a task.

        Args:
            task: the request.
            now: the monotonic time in seconds.

        Returns:
            How many waiting threads to wake.

        Raises:
            StatusError: as `BatchScheduler.put`.
        """
        full = self._parameters.full_batch
        if task.rows > self._parameters.max_batch_size:
            raise StatusError(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"Task size {task.rows} is larger than maximum input batch size "
                f"{self._parameters.max_batch_size}",
            )
        self._check_capacity(task.rows)
        before = len(self.batches)
        room = full - self.batches[-1].rows if self.batches else full
        if self._parameters.enable_large_batch_splitting:
            pieces = task.split(room or full, full)
        else:
            pieces = task.split(task.rows, full)
        for piece in pieces:
            self._append(piece, now)
        new = len(self.batches) - before
        # The batch that was open until now may be full with these pieces.
        closed = before > 0 and (new > 0 or self.batches[-1].rows == full)
        return new + closed

    def take(self, now: float, at_once: bool) -> list[Piece]:
        """Removes the oldest batch if it is full or due.

        Args:
            now: the monotonic time in seconds.
            at_once: whether to take it in any case.

        Returns:
            The pieces of the batch; empty if the batch has to wait.
        """
        oldest = self.batches[0]
        is_full = len(self.batches) > 1 or oldest.rows >= self._parameters.full_batch
        if is_full or at_once or oldest.due <= now:
            return self.batches.popleft().pieces
        return []

    def _append(self, piece: Piece, now: float) -> None:
        if not self.batches or (
            self.batches[-1].rows + piece.rows > self._parameters.full_batch
        ):
            timeout = self._parameters.batch_timeout_micros / 1e6
            self.batches.append(_Batch(due=now + timeout))
        self.batches[-1].pieces.append(piece)
        self.batches[-1].rows += piece.rows

    def _check_capacity(self, rows: int) -> None:
        full, most = self._parameters.full_batch, self._parameters.max_enqueued_batches
        open_rows = self.batches[-1].rows if self.batches else 0
        # TF-Serving counts the open batch of an empty queue too.
        unused = most - max(1, len(self.batches))
        room = full - open_rows
        if self._parameters.enable_large_batch_splitting:
            room += unused * full
        elif unused:
            room = full
        if rows > room:
            raise StatusError(
                grpc.StatusCode.UNAVAILABLE,
                "The batch scheduling queue to which this task was submitted is full; "
                f"currently {len(self.batches)} batches enqueued and "
                f"max_enqueued_batches is {most}",
            )
