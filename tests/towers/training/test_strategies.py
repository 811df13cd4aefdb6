"""The strategy of each name, and the error where there is none."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest
import tensorflow as tf

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.towers.training.strategies import (
    is_distributed,
    is_multiworker,
    replicas_of,
    scope_of,
    strategy_named,
)

REPOSITORY = Path(__file__).parents[3]
WORKERS = {"worker": ["one:1", "two:2"]}


@pytest.fixture(autouse=True)
def nothing_is_named(monkeypatch) -> None:
    for name in ("TPU_NAME", "TF_CONFIG"):
        monkeypatch.delenv(name, raising=False)


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(FitRankError, match=r"--strategy gpu: .*auto, cpu, mirrored, multi"):
        strategy_named("gpu")


def test_without_accelerators_auto_is_keras_own_choice() -> None:
    assert strategy_named("auto") is tf.distribute.get_strategy()


def test_two_gpus_are_mirrored(monkeypatch) -> None:
    monkeypatch.setattr(
        tf.config, "list_physical_devices", lambda kind: ["a", "b"] if kind == "GPU" else []
    )
    assert isinstance(strategy_named("auto"), tf.distribute.MirroredStrategy)


def test_cpu_is_one_device() -> None:
    strategy = strategy_named("cpu")
    assert isinstance(strategy, tf.distribute.OneDeviceStrategy)
    with strategy.scope():
        model = keras.Sequential([keras.layers.Dense(1)])
        model.build((None, 1))
    assert "CPU:0" in model.weights[0].value.device
    assert replicas_of(model) == 1
    assert not is_distributed(model) and not is_multiworker(model)
    with scope_of(model):
        assert tf.distribute.get_strategy() is strategy


def test_no_tpu_is_said_at_once() -> None:
    with pytest.raises(FitRankError, match="no TPU here; set TPU_NAME"):
        strategy_named("tpu")


@pytest.mark.parametrize("name", ["auto", "tpu"])
def test_a_tpu_that_does_not_answer_is_named(monkeypatch, name: str) -> None:
    monkeypatch.setenv("TPU_NAME", "mine")

    def resolve(tpu: str):
        raise ValueError(f"no {tpu}")

    monkeypatch.setattr(tf.distribute.cluster_resolver, "TPUClusterResolver", resolve)
    with pytest.raises(FitRankError, match=r"TPU 'mine' does not answer \(no mine\)"):
        strategy_named(name)


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ("", "is not set"),
        ("{", "is not JSON"),
        ("[]", "names no workers"),
        (json.dumps({"cluster": {"worker": []}}), "names no workers"),
        (json.dumps({"cluster": WORKERS}), "has the task type None"),
        (
            json.dumps({"cluster": WORKERS, "task": {"type": "ps", "index": 0}}),
            "has the task type 'ps'",
        ),
        (
            json.dumps({"cluster": WORKERS, "task": {"type": "worker", "index": 2}}),
            "has the task index 2, of 2 machines",
        ),
        (
            json.dumps({"cluster": WORKERS, "task": {"type": "worker", "index": "0"}}),
            "has the task index '0'",
        ),
    ],
)
def test_a_tf_config_that_would_hang_or_train_alone_is_refused(
    monkeypatch, config: str, complaint: str
) -> None:
    monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(FitRankError, match=f"TF_CONFIG {complaint}.*host:port"):
        strategy_named("multiworker")


_ON_JAX = """
import keras
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.towers.training.strategies import strategy_named
for name in ("auto", "mirrored", "cpu"):
    strategy = strategy_named(name)
    assert keras.distribution.distribution() is strategy
    with strategy.scope():
        print(name, strategy.device_mesh.devices.size)
for name in ("tpu", "multiworker"):
    try:
        strategy_named(name)
    except FitRankError as error:
        print(error)
"""


def test_on_jax_it_is_keras_data_parallelism() -> None:
    pytest.importorskip("jax")
    answer = subprocess.run(
        [sys.executable, "-c", _ON_JAX],
        env={
            **os.environ,
            "KERAS_BACKEND": "jax",
            "JAX_PLATFORMS": "cpu",
            "XLA_FLAGS": "--xla_force_host_platform_device_count=4",
            "PYTHONPATH": str(REPOSITORY),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr[-2000:]
    lines = answer.stdout.splitlines()
    assert lines[:3] == ["auto 4", "mirrored 4", "cpu 1"]
    assert lines[3].startswith("--strategy tpu: JAX has no such device")
    assert lines[4].startswith("--strategy multiworker is TensorFlow's")
