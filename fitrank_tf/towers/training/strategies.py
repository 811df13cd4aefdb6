"""Distribution strategies by name: of tf.distribute, or of Keras on JAX."""

import contextlib
import json
import os
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import keras
from keras import ops

from fitrank_tf.core.errors import FitRankError


class Strategy(Protocol):
    """A distribution strategy, of tf.distribute or a wrapper of Keras' on JAX."""

    def scope(self) -> contextlib.AbstractContextManager[Any]:
        """Returns the context in which models must be built and trained."""


def strategy_named(name: str) -> Strategy:
    """Returns the distribution strategy of a name.

    Args:
        name: one of `STRATEGIES`. "auto" is a TPU if TPU_NAME is set or one is attached,
            else "mirrored" on two GPUs or more, else Keras' default device. "cpu" is one
            CPU device, "mirrored" all GPUs of this machine (without GPUs, its CPU devices),
            "multiworker" the machines that TF_CONFIG names. With KERAS_BACKEND=jax it is
            Keras' data parallelism on devices of that kind, set as Keras' distribution.

    Raises:
        FitRankError: for an unknown name, a TPU that is not there, or a TF_CONFIG that
            names no workers.
    """
    if name not in STRATEGIES:
        raise FitRankError(f"--strategy {name}: unknown; choose of {', '.join(STRATEGIES)}")
    if keras.backend.backend() == "jax":
        return _data_parallel(name)
    return STRATEGIES[name]()


def scope_of(model: keras.Model) -> contextlib.AbstractContextManager[Any]:
    """Returns the scope in which a model was built."""
    strategy = getattr(model, "distribute_strategy", None)
    return contextlib.nullcontext() if strategy is None else strategy.scope()


def replicas_of(model: keras.Model) -> int:
    """Returns the number of replicas of a model, 1 outside tf.distribute."""
    strategy = getattr(model, "distribute_strategy", None)
    return 1 if strategy is None else strategy.num_replicas_in_sync


def is_distributed(model: keras.Model) -> bool:
    """Returns whether the model runs on several replicas or a TPU."""
    return replicas_of(model) > 1 or _trained_with(model, "TPUStrategy")


def is_multiworker(model: keras.Model) -> bool:
    """Returns whether several processes train the model together."""
    return _trained_with(model, "MultiWorkerMirroredStrategy")


def _trained_with(model: keras.Model, strategy: str) -> bool:
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return isinstance(model.distribute_strategy, getattr(tf.distribute, strategy))


def ready_for_workers(model: keras.Model) -> None:
    """Patches two places where Keras 3.15's `fit` fails with several processes.

    Args:
        model: built, with a dict of inputs.
    """
    if not is_multiworker(model):
        return
    # Keras would build the model from the mean of a batch, which fails for a dict.
    model._maybe_symbolic_build = lambda **batch: None
    step = model.train_step
    # Keras takes the workers' mean over the first axis, which a scalar lacks.
    model.train_step = lambda batch: {
        name: ops.reshape(value, (1,)) for name, value in step(batch).items()
    }


def agree_on(model: keras.Model, step: int) -> None:
    """Checks that all workers resume after the same step.

    Args:
        model: that the workers train.
        step: after which this process would resume.

    Raises:
        FitRankError: if the workers' steps differ.
    """
    if not is_multiworker(model):
        return
    import tensorflow as tf

    strategy = model.distribute_strategy

    # Outside of a function a collective finds no partner.
    @tf.function(autograph=False)
    def everyones() -> tf.Tensor:
        return strategy.gather(strategy.run(lambda: tf.constant([step])), axis=0)

    steps = sorted(set(everyones().numpy().tolist()))
    if len(steps) > 1:
        raise FitRankError(
            f"the workers would resume after different steps ({steps}); copy one worker's "
            "unfinished stage to all of them, or delete it on all"
        )


def _auto() -> Strategy:
    import tensorflow as tf

    if _has_tpu():
        return _tpu()
    if len(tf.config.list_physical_devices("GPU")) > 1:
        return _mirrored()
    return tf.distribute.get_strategy()


def _cpu() -> Strategy:
    import tensorflow as tf

    return tf.distribute.OneDeviceStrategy("/cpu:0")


def _mirrored() -> Strategy:
    import tensorflow as tf

    return tf.distribute.MirroredStrategy()


def _multiworker() -> Strategy:
    _check_tf_config(os.environ.get("TF_CONFIG", ""))
    import tensorflow as tf

    return tf.distribute.MultiWorkerMirroredStrategy()


def _tpu() -> Strategy:
    import tensorflow as tf

    if not _has_tpu():
        raise FitRankError(
            "--strategy tpu: no TPU here; set TPU_NAME to the one to use, or choose "
            "another strategy"
        )
    name = os.environ.get("TPU_NAME", "local")
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(tpu=name)
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
        return tf.distribute.TPUStrategy(resolver)
    except Exception as error:  # of the resolver, the network and the device: many kinds
        raise FitRankError(
            f"--strategy tpu: TPU {name!r} does not answer ({error}); check TPU_NAME, or "
            "choose another strategy"
        ) from error


def _has_tpu() -> bool:
    import tensorflow as tf

    return bool(os.environ.get("TPU_NAME") or tf.config.list_physical_devices("TPU"))


def _check_tf_config(text: str) -> None:
    """Rejects what tf.distribute would take for a single worker, or wait for forever."""
    wanted = (
        'it looks like {"cluster": {"worker": ["host:port", ...]}, "task": {"type": '
        '"worker", "index": 0}}, with another index on each machine'
    )
    if not text:
        raise FitRankError(f"--strategy multiworker: TF_CONFIG is not set; {wanted}")
    try:
        config = json.loads(text)
    except json.JSONDecodeError as error:
        raise FitRankError(f"TF_CONFIG is not JSON ({error}); {wanted}") from error
    complaint = _complaint(config)
    if complaint:
        raise FitRankError(f"TF_CONFIG {complaint}; {wanted}")


def _complaint(config: Any) -> str | None:
    cluster, task = _mapping(config, "cluster"), _mapping(config, "task")
    if not cluster.get("worker"):
        return "names no workers"
    machines = cluster.get(task.get("type", ""))
    if not isinstance(machines, list):
        return f"has the task type {task.get('type')!r}, which is not in its cluster"
    index = task.get("index")
    if not isinstance(index, int) or not 0 <= index < len(machines):
        return f"has the task index {index!r}, of {len(machines)} machines of that type"
    return None


def _mapping(config: Any, field: str) -> Mapping[str, Any]:
    value = config.get(field) if isinstance(config, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _data_parallel(name: str) -> Strategy:
    """Keras' data parallelism on JAX's devices."""
    if name == "multiworker":
        raise FitRankError(
            "--strategy multiworker is TensorFlow's; unset KERAS_BACKEND, or choose "
            "another strategy"
        )
    kind = {"cpu": "cpu", "tpu": "tpu"}.get(name)
    try:
        devices = keras.distribution.list_devices(kind)
    except RuntimeError as error:
        raise FitRankError(
            f"--strategy {name}: JAX has no such device ({error}); choose another strategy"
        ) from error
    chosen = devices[:1] if name == "cpu" else devices
    distribution = keras.distribution.DataParallel(devices=chosen)
    keras.distribution.set_distribution(distribution)
    return distribution


STRATEGIES: Mapping[str, Callable[[], Strategy]] = {
    "auto": _auto,
    "cpu": _cpu,
    "mirrored": _mirrored,
    "multiworker": _multiworker,
    "tpu": _tpu,
}
