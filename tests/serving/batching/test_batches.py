"""Merged calls return what single calls return, within the limits of their queue.

A servable that can be held occupies the only batch thread, so calls that wait behind it are
merged: no test depends on the speed of the machine.
"""

import gc
import weakref

import grpc
import numpy as np
import pytest
import tensorflow as tf

from serving.batching.batch_scheduler import BatchScheduler
from serving.batching.batches import BatchedServable
from serving.batching.parameters import BatchingParameters
from serving.models.servable import Servable
from serving.status import StatusError
from tests.serving.batching.held_servable import (
    PATIENCE,
    enqueued,
    hold,
    hold_and_enqueue,
    rows_of,
    total,
    wait_until,
)

Code = grpc.StatusCode
HOUR = 3_600_000_000
WEIGHTS = np.array([[1, 0], [0, 10], [100, 100]], np.float32)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"num_batch_threads": 3, "batch_timeout_micros": 500},
        {"allowed_batch_sizes": (1, 4, 8)},
        {"enable_large_batch_splitting": True, "max_execution_batch_size": 3},
    ],
    ids=["plain", "threads", "padded", "split"],
)
def test_concurrent_calls_return_what_single_calls_return(batch, pool, parameters: dict):
    _, batched = batch(max_enqueued_batches=1000, **parameters)
    calls = [(start, 1 + start % 6) for start in range(150)]

    def affine(call: tuple[int, int]) -> dict[str, np.ndarray]:
        x, shift = rows_of(*call), np.full([call[1], 1], call[0], np.int32)
        return batched.run("serving_default", {"x": x, "shift": shift}, ["y"])

    for call, outputs in zip(calls, pool.map(affine, calls)):
        np.testing.assert_allclose(outputs["y"], rows_of(*call) @ WEIGHTS + call[0])


def test_waiting_calls_are_merged_up_to_the_batch_size(batch, pool):
    held, batched = batch()
    sizes = [3, 3, 3, 1, 2, 5]
    calls = [lambda n=n: total(batched, rows_of(n, n)) for n in sizes]
    futures = hold_and_enqueue(pool, held, batched, calls)
    for size, future in zip(sizes, futures):
        np.testing.assert_array_equal(
            future.result(PATIENCE), rows_of(size, size).sum(axis=1)
        )
    # 3 + 3 | 3 + 1 + 2 | 5, after the call that held the thread.
    assert held.rows == [1, 6, 6, 5]


def test_each_call_gets_the_outputs_that_it_fetches(batch, pool):
    held, batched = batch()
    shift = np.array([[1]], np.int32)
    calls = [
        lambda fetched=fetched: batched.run(
            "serving_default", {"x": rows_of(0, 1), "shift": shift}, fetched
        )
        for fetched in (["y"], ["shape", "y"], ["shape"])
    ]
    futures = hold_and_enqueue(pool, held, batched, calls, "serving_default")
    outputs = [future.result(PATIENCE) for future in futures]
    assert [list(output) for output in outputs] == [["y"], ["shape", "y"], ["shape"]]
    np.testing.assert_allclose(outputs[1]["y"], [[201.0, 211.0]])
    # The signature returns the size of its batch, that of all three calls.
    assert outputs[2]["shape"].tolist() == [[3, 3]]
    assert held.rows == [1, 3]


def test_batch_is_padded_with_a_row_and_cut_again(batch, pool):
    held, batched = batch(allowed_batch_sizes=(1, 4, 8))
    calls = [lambda n=n: total(batched, rows_of(n, n)) for n in (2, 3)]
    futures = hold_and_enqueue(pool, held, batched, calls)
    assert [len(future.result(PATIENCE)) for future in futures] == [2, 3]
    assert held.rows == [1, 8]
    # As in TF-Serving the last call's first row is repeated.
    padded = [rows_of(2, 2), rows_of(3, 3), *[rows_of(3, 1)] * 3]
    np.testing.assert_array_equal(held.inputs[1]["x"], np.concatenate(padded))
    assert len(total(batched, rows_of(0, 2))) == 2
    assert held.rows == [1, 8, 4]


def test_bad_call_does_not_fail_its_neighbours(batch, pool):
    held, batched = batch()

    def affine(shift: int) -> np.ndarray:
        inputs = {"x": rows_of(0, 1), "shift": np.array([[shift]], np.int32)}
        return batched.run("serving_default", inputs, ["y"])["y"]

    calls = [lambda shift=shift: affine(shift) for shift in (1, -1, 2)]
    futures = hold_and_enqueue(pool, held, batched, calls, "serving_default")
    for shift, future in ((1, futures[0]), (2, futures[2])):
        np.testing.assert_allclose(future.result(PATIENCE), rows_of(0, 1) @ WEIGHTS + shift)
    with pytest.raises(tf.errors.InvalidArgumentError, match="shift must not be negative"):
        futures[1].result(PATIENCE)
    assert held.rows == [1, 3, 1, 1, 1]


@pytest.mark.parametrize(
    "other",
    [np.zeros([1, 5], np.float32), np.zeros([1, 3]), np.zeros([1], np.float32)],
    ids=["shape", "dtype", "rank"],
)
def test_call_that_cannot_be_merged_fails_alone(batch, pool, other: np.ndarray):
    held, batched = batch()
    calls = [
        lambda x=x: batched.run("serving_default", {"x": x, "shift": shift}, ["y"])["y"]
        for x in (rows_of(0, 1), other)
    ]
    shift = np.zeros([1, 1], np.int32)
    good, bad = hold_and_enqueue(pool, held, batched, calls, "serving_default")
    np.testing.assert_array_equal(good.result(PATIENCE), [[200.0, 210.0]])
    with pytest.raises(tf.errors.InvalidArgumentError):
        bad.result(PATIENCE)
    assert held.rows == [1, 1, 1]


def test_queue_that_is_full_is_unavailable(batch, pool):
    held, batched = batch(max_enqueued_batches=2)
    calls = [lambda: total(batched, rows_of(0, 8)), lambda: total(batched, rows_of(0, 5))]
    first = hold(pool, held, batched)
    futures = []
    for count, call in enumerate(calls, start=1):
        futures.append(pool.submit(call))
        wait_until(lambda count=count: enqueued(batched, "total") == count)
    with pytest.raises(StatusError, match="to which this task was submitted is full") as e:
        total(batched, rows_of(0, 4))
    assert e.value.code is Code.UNAVAILABLE
    # A call that fits the last batch is still accepted; other signatures have own queues.
    futures.append(pool.submit(total, batched, rows_of(0, 3)))
    wait_until(lambda: enqueued(batched, "total") == 3)
    inputs = {"x": rows_of(0, 8), "shift": np.zeros([8, 1], np.int32)}
    futures.append(pool.submit(batched.run, "serving_default", inputs, ["y"]))
    held.free.set()
    for future in (first, *futures):
        future.result(PATIENCE)


def test_large_call_is_split_over_batches_that_others_share(batch, pool):
    held, batched = batch(
        max_batch_size=10, enable_large_batch_splitting=True, max_execution_batch_size=4
    )
    calls = [
        lambda: total(batched, rows_of(0, 3)),
        lambda: total(batched, rows_of(3, 10)),
    ]
    first = hold(pool, held, batched)
    small = pool.submit(calls[0])
    wait_until(lambda: enqueued(batched, "total") == 1)
    large = pool.submit(calls[1])
    wait_until(lambda: enqueued(batched, "total") == 5)
    held.free.set()
    first.result(PATIENCE)
    np.testing.assert_array_equal(small.result(PATIENCE), rows_of(0, 3).sum(axis=1))
    np.testing.assert_array_equal(large.result(PATIENCE), rows_of(3, 10).sum(axis=1))
    assert held.rows == [1, 4, 4, 4, 1]


def test_split_call_that_exceeds_the_queue_is_unavailable(batch):
    _, batched = batch(
        max_batch_size=10,
        enable_large_batch_splitting=True,
        max_execution_batch_size=2,
        max_enqueued_batches=3,
    )
    assert len(total(batched, rows_of(0, 6))) == 6
    with pytest.raises(StatusError) as raised:
        total(batched, rows_of(0, 7))
    assert raised.value.code is Code.UNAVAILABLE


def test_error_in_one_part_of_a_split_call_is_its_error(batch):
    _, batched = batch(enable_large_batch_splitting=True, max_execution_batch_size=2)
    shift = np.array([[0], [0], [0], [-1]], np.int32)
    with pytest.raises(tf.errors.InvalidArgumentError, match="shift must not be negative"):
        batched.run("serving_default", {"x": rows_of(0, 4), "shift": shift}, ["y"])


def test_parts_that_wait_behind_a_failed_one_do_not_run(batch, pool):
    held, batched = batch(enable_large_batch_splitting=True, max_execution_batch_size=2)
    inputs = {"x": rows_of(0, 6), "shift": np.array([[0], [-1], [0], [0], [0], [0]])}
    inputs["shift"] = inputs["shift"].astype(np.int32)
    call = lambda: batched.run("serving_default", inputs, ["y"])  # noqa: E731
    (failed,) = hold_and_enqueue(pool, held, batched, [call], "serving_default")
    with pytest.raises(tf.errors.InvalidArgumentError, match="shift must not be negative"):
        failed.result(PATIENCE)
    assert total(batched, rows_of(0, 1)).tolist() == [3.0]
    assert held.rows == [1, 2, 1]


@pytest.mark.parametrize("cancelled", [(), (0,), (1,), (0, 1)])
def test_a_call_that_is_cancelled_while_it_waits_does_not_run(batch, pool, cancelled):
    held, batched = batch()
    first = hold(pool, held, batched)
    inputs = [rows_of(2, 2), rows_of(3, 3)]
    futures = [batched.start(pool, "total", {"x": x}, ["total"]) for x in inputs]
    assert all(futures[place].cancel() for place in cancelled)
    held.free.set()
    first.result(PATIENCE)
    left = [place for place in range(2) if place not in cancelled]
    for place in left:
        found = futures[place].result(PATIENCE)["total"]
        np.testing.assert_array_equal(found, inputs[place].sum(axis=1))
    assert total(batched, rows_of(0, 4)).shape == (4,)
    assert held.rows == [1, *([sum(len(inputs[n]) for n in left)] if left else []), 4]


def test_a_call_without_rows_is_started_in_the_given_threads(batch, pool):
    held, batched = batch(allowed_batch_sizes=(4, 8))
    started = batched.start(pool, "total", {"x": rows_of(0, 0)}, ["total"])
    assert started.result(PATIENCE)["total"].shape == (0,)
    assert held.rows == [0]


def test_what_a_batched_servable_says_of_itself(batch):
    held, batched = batch()
    assert (batched.name, batched.version, batched.is_batched) == ("affine", 7, True)
    assert batched.signature_defs == held.signature_defs
    assert batched.signature("total") == held.signature("total")


def test_batch_waits_until_it_is_full(batch, pool):
    held, batched = batch(max_batch_size=4, batch_timeout_micros=HOUR)
    futures = [pool.submit(total, batched, rows_of(0, 1)) for _ in range(3)]
    wait_until(lambda: enqueued(batched, "total") == 3)
    assert not any(future.done() for future in futures)
    assert total(batched, rows_of(0, 1)).tolist() == [3.0]
    assert [future.result(PATIENCE).tolist() for future in futures] == [[3.0]] * 3
    assert held.rows == [4]


def test_batch_that_is_not_full_runs_after_the_timeout(batch):
    held, batched = batch(batch_timeout_micros=1000)
    assert total(batched, rows_of(0, 1)).tolist() == [3.0]
    assert held.rows == [1]


@pytest.mark.parametrize(
    ("inputs", "gist"),
    [
        ({}, "must have at least one input tensor"),
        ({"x": np.float32(1)}, "input tensors must have at least one dimension"),
        (
            {"x": rows_of(0, 2), "shift": np.zeros([1, 1], np.int32)},
            "input tensors must have equal 0th-dimension size",
        ),
        ({"x": rows_of(0, 9)}, "Task size 9 is larger than maximum input batch size 8"),
    ],
)
def test_inputs_without_a_batch_dimension(batch, inputs: dict, gist: str):
    _, batched = batch()
    with pytest.raises(StatusError, match=gist) as raised:
        batched.run("total", inputs, ["total"])
    assert raised.value.code is Code.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("name", "gist"),
    [("whole", "0th dimension does not equal the sum"), ("scalar", "has 0 dimensions")],
)
def test_output_without_the_batch_dimension(batch, lengths, name: str, gist: str):
    _, batched = batch(lengths)
    with pytest.raises(StatusError, match=gist) as raised:
        batched.run(name, {"x": np.array([1, 2, 3])}, [name])
    assert raised.value.code is Code.FAILED_PRECONDITION


def test_empty_batch_is_run_alone(batch):
    held, batched = batch(allowed_batch_sizes=(4, 8))
    assert total(batched, rows_of(0, 0)).shape == (0,)
    assert held.rows == [0]


@pytest.mark.parametrize(
    ("padded", "runs", "sums"),
    # TF-Serving pads a tensor with its first element: to 7 7 7 and to 8 7 7.
    [(True, [2, 3], [21, 22]), (False, [2, 2, 1], [7, 8])],
)
def test_inputs_of_another_length(batch, lengths, pool, padded: bool, runs, sums):
    held, batched = batch(lengths, pad_variable_length_inputs=padded)
    inputs = [np.array([[7], [8]]), np.array([[5, 6, 7]])]
    held.free.clear()
    first = pool.submit(batched.run, "sums", {"x": np.array([[1], [2]])}, ["sums"])
    assert held.entered.wait(PATIENCE)
    futures = []
    for count, x in enumerate(inputs, start=1):
        futures.append(pool.submit(batched.run, "sums", {"x": x}, ["sums"]))
        wait_until(lambda count=count: enqueued(batched, "sums") == count)
    held.free.set()
    first.result(PATIENCE)
    shorter, longer = (future.result(PATIENCE)["sums"].tolist() for future in futures)
    assert (shorter, longer) == (sums, [18])
    assert held.rows == runs


def test_strings_are_merged_as_objects(bundle, batch, pool):
    _, batched = batch(bundle / "search" / "1", allowed_batch_sizes=(1, 8))
    queries = [b"red shirt", "été 👗".encode(), b"unknown"]

    def ids(query: bytes) -> list:
        inputs = {"query": np.array([query, query], object)}
        return batched.run("serving_default", inputs, ["ids"])["ids"].tolist()

    answers = list(pool.map(ids, queries * 10))
    wanted = [[b"11", b"12", b"13"], [b"21", b"", b""], [b"", b"", b""]]
    assert answers == [[row, row] for row in wanted] * 10


def test_memory_goes_with_the_last_reference(batch):
    held, batched = batch()
    total(batched, rows_of(0, 1))
    with pytest.raises(tf.errors.InvalidArgumentError):
        total(batched, np.zeros([1, 3], np.float64))
    servable = weakref.ref(held)
    gc.disable()
    try:
        del held, batched
        # The batch thread may still be on its way back to waiting.
        wait_until(lambda: servable() is None)
    finally:
        gc.enable()


def test_closed_scheduler_finishes_waiting_calls_and_accepts_no_more(bundle, pool):
    scheduler = BatchScheduler(
        BatchingParameters(num_batch_threads=1, batch_timeout_micros=HOUR)
    )
    batched = BatchedServable(Servable("affine", 7, bundle / "affine" / "7"), scheduler)
    waiting = pool.submit(total, batched, rows_of(0, 1))
    wait_until(lambda: enqueued(batched, "total") == 1)
    scheduler.close()
    assert waiting.result(PATIENCE).tolist() == [3.0]
    with pytest.raises(StatusError) as raised:
        total(batched, rows_of(0, 1))
    assert raised.value.code is Code.UNAVAILABLE


@pytest.mark.parametrize(
    ("inputs", "sums", "runs"),
    [
        # Each dimension is padded to the largest: to 1 2 1 1 and to 3 3 4 3.
        ([np.array([[[1, 2]]]), np.array([[[3], [4]]])], [5, 13], [2]),
        ([np.array([[7]]), np.array([[5, 6]])], [14, 11], [2]),
        # Of another rank, and without a first element to pad with.
        ([np.array([[7]]), np.array([[[5]]])], [7, 5], [1, 1]),
        ([np.array([[7]]), np.zeros([1, 0], np.int64)], [7, 0], [1, 1]),
        ([np.zeros([1, 0], np.int64)] * 2, [0, 0], [2]),
        ([np.array([4]), np.array([5])], [4, 5], [2]),
    ],
    ids=["dimensions", "length", "rank", "empty", "both empty", "vectors"],
)
def test_padding_of_inputs_of_another_shape(batch, lengths, pool, inputs, sums, runs):
    held, batched = batch(lengths, pad_variable_length_inputs=True)
    held.free.clear()
    first = pool.submit(batched.run, "sums", {"x": np.array([[1], [2]])}, ["sums"])
    assert held.entered.wait(PATIENCE)
    futures = [batched.start(pool, "sums", {"x": x}, ["sums"]) for x in inputs]
    held.free.set()
    first.result(PATIENCE)
    found = [future.result(PATIENCE)["sums"].tolist() for future in futures]
    assert found == [[number] for number in sums]
    assert held.rows == [2, *runs]
