"""Loss and step of a batch on several devices equal those on one device."""

import functools
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.towers.training.global_batch import GlobalBatchAdamW, gather, share_of_loss
from tests.towers.training.replica_steps import STEPS, take_steps

HERE = Path(__file__).parent


def _start(strategy: str, devices: int, loss: str, folder: Path, **environment: str):
    folder.mkdir(exist_ok=True)
    path = str(HERE.parents[2])
    program = [str(HERE / "replica_steps.py"), strategy, str(devices), loss, str(folder)]
    return subprocess.Popen(
        [sys.executable, *program],
        env={**os.environ, "PYTHONPATH": path, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _check_same(
    process: subprocess.Popen, replicas: int, alone: dict, folder: Path
) -> None:
    answer, errors = process.communicate()
    assert process.returncode == 0, errors[-2000:]
    assert answer.split() == [str(replicas)]
    with np.load(folder / "spread.npz") as spread:
        assert len(spread["losses"]) == STEPS
        assert len(spread.files) == len(alone)
        # By their order: names count what the process made before.
        for name, ours in zip(spread.files, alone.values()):
            np.testing.assert_allclose(spread[name], ours, atol=1e-5, err_msg=name)


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> Callable[[str], dict[str, np.ndarray]]:
    """What one device makes of the steps under a loss."""

    @functools.cache
    def steps(loss: str) -> dict[str, np.ndarray]:
        return take_steps(loss, tmp_path_factory.mktemp("alone"))

    return steps


@pytest.mark.slow
@pytest.mark.parametrize(("replicas", "loss"), [(2, "info_nce"), (4, "sigmoid")])
def test_devices_take_the_steps_of_one_device(tmp_path, alone, replicas, loss) -> None:
    process = _start("mirrored", replicas, loss, tmp_path)
    _check_same(process, replicas, alone(loss), tmp_path)


@pytest.mark.slow
def test_workers_take_the_steps_of_one_device(tmp_path, alone) -> None:
    with socket.socket() as one, socket.socket() as two:
        for free in (one, two):
            free.bind(("localhost", 0))
        ports = [free.getsockname()[1] for free in (one, two)]
    cluster = {"worker": [f"localhost:{port}" for port in ports]}
    folders = [tmp_path / str(index) for index in range(2)]
    processes = []
    for index, folder in enumerate(folders):
        task = {"type": "worker", "index": index}
        config = json.dumps({"cluster": cluster, "task": task})
        processes.append(_start("multiworker", 1, "info_nce", folder, TF_CONFIG=config))
    try:
        for process, folder in zip(processes, folders):
            _check_same(process, 2, alone("info_nce"), folder)
    finally:
        # One that lost its partner would wait for it.
        for process in processes:
            process.kill()


def test_one_device_has_the_whole_batch() -> None:
    rows = tf.constant([[1.0], [2.0]])
    assert gather(rows) is rows
    assert share_of_loss(rows) is rows


@pytest.mark.parametrize("rows", [[1], [1, 1]], ids=["token once", "token twice"])
def test_the_norm_that_is_clipped_is_of_the_summed_gradient(rows: list[int]) -> None:
    """The first moment after one step is a tenth of the clipped gradient."""
    table = tf.Variable(tf.ones([3, 2]))
    optimizer = GlobalBatchAdamW(0.1, global_clipnorm=1.0)
    values = tf.constant([[3.0, 4.0]] * len(rows))
    optimizer.build([table])
    optimizer.apply([tf.IndexedSlices(values, tf.constant(rows), tf.constant([3, 2]))])
    moment = next(v for v in optimizer.variables if v.path.endswith("momentum"))
    clipped = np.array([[0, 0], [0.6, 0.8], [0, 0]])
    np.testing.assert_allclose(moment, 0.1 * clipped, atol=1e-6)


def test_apply_average_replaces_the_weights() -> None:
    weight = tf.Variable([[2.0]])
    optimizer = GlobalBatchAdamW(0.5, weight_decay=0.0, use_ema=True, ema_momentum=0.75)
    seen = []
    for _ in range(3):
        optimizer.apply_gradients([(tf.constant([[1.0]]), weight)])
        seen.append(float(weight[0, 0]))
    optimizer.finalize_variable_values([weight])
    assert float(weight[0, 0]) == seen[-1]
    optimizer.apply_average()
    average = seen[0]
    for value in seen[1:]:
        average = 0.75 * average + 0.25 * value
    assert float(weight[0, 0]) == pytest.approx(average, abs=1e-6)
    assert abs(average - seen[-1]) > 0.1


@pytest.mark.parametrize("ratio", [1.0, 16.0])
def test_second_matrices_of_adapters_learn_faster(ratio: float) -> None:
    """AdamW's first step is the rate, for any gradient: m / sqrt(v) is its sign."""
    paths = ("lora_kernel_a", "lora_kernel_b", "kernel")
    variables = [keras.Variable(np.zeros(2, "float32"), name=path) for path in paths]
    optimizer = GlobalBatchAdamW(1e-3, weight_decay=0.0, adapter_ratio=ratio)
    optimizer.build(variables)
    optimizer.apply([tf.constant([3.0, -0.5])] * 3, variables)
    for variable, factor in zip(variables, (1.0, ratio, 1.0)):
        expected = 1e-3 * factor * np.array([-1.0, 1.0])
        np.testing.assert_allclose(np.array(variable), expected, rtol=1e-3)
