"""Photos per second, by a fake clock."""

import pytest

from fitrank_tf.towers.training import throughput
from fitrank_tf.towers.training.throughput import Throughput


@pytest.mark.parametrize("at_once", [1, 2, 5])
def test_each_epoch_is_measured_by_itself(monkeypatch, at_once: int) -> None:
    now = [100.0]
    monkeypatch.setattr(throughput.time, "monotonic", lambda: now[0])
    measured = Throughput(images_per_step=64)
    for steps, seconds in ((5, 10.0), (5, 4.0)):
        logs = {"loss": 1.0}
        measured.on_epoch_begin(0)
        for first in range(0, steps, at_once):
            measured.on_train_batch_begin(first)
            measured.on_train_batch_end(min(first + at_once, steps) - 1)
        now[0] += seconds
        measured.on_epoch_end(0, logs)
        assert logs == {"loss": 1.0, "images/s": pytest.approx(64 * steps / seconds)}
