"""Batched servables of toy models."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import tensorflow as tf

from serving.batching.batch_scheduler import BatchScheduler
from serving.batching.batches import BatchedServable
from serving.batching.parameters import BatchingParameters
from tests.serving.batching.held_servable import HeldServable


class Lengths(tf.Module):
    """Row sums of any length; an output that sums over the batch; a scalar."""

    @tf.function(input_signature=[tf.TensorSpec(None, tf.int64, name="x")])
    def sums(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"sums": tf.reduce_sum(tf.reshape(x, [tf.shape(x)[0], -1]), axis=1)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, name="x")])
    def whole(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"whole": tf.concat([x, x, [0]], axis=0)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, name="x")])
    def scalar(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"scalar": tf.reduce_sum(x)}


@pytest.fixture(scope="module")
def lengths(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("lengths") / "1"
    module = Lengths()
    signatures = {"sums": module.sums, "whole": module.whole, "scalar": module.scalar}
    tf.saved_model.save(module, str(directory), signatures=signatures)
    return directory


@pytest.fixture
def batch(bundle: Path) -> Iterator[Callable[..., tuple[HeldServable, BatchedServable]]]:
    """Makes a servable, `affine` unless another is given, and wraps it."""
    schedulers: list[BatchScheduler] = []

    def make(directory: Path | None = None, **parameters: object):
        held = HeldServable("affine", 7, directory or bundle / "affine" / "7")
        given = {"num_batch_threads": 1, "max_batch_size": 8, **parameters}
        schedulers.append(BatchScheduler(BatchingParameters(**given)))
        return held, BatchedServable(held, schedulers[-1])

    yield make
    for scheduler in schedulers:
        scheduler.close()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(64) as executor:
        yield executor
