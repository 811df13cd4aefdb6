"""The same recipe on Keras' other backend: losses and weights of two steps."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.towers.training.one_step import small_model, take_steps

HERE = Path(__file__).parent


@pytest.mark.slow
@pytest.mark.parametrize(
    ("loss", "fusion"), [("info_nce", "residual"), ("sigmoid", "tokens"), ("own", "tokens")]
)
def test_jax_takes_the_same_steps(tmp_path, loss: str, fusion: str) -> None:
    pytest.importorskip("jax")
    model = small_model(loss, fusion)
    start, end = tmp_path / "start.npz", tmp_path / "end.npz"
    np.savez(start, *[np.asarray(variable) for variable in model.weights])
    losses = take_steps(model)
    path = str(HERE.parents[2])
    environment = {
        **os.environ,
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": path,
    }
    answer = subprocess.run(
        [sys.executable, str(HERE / "one_step.py"), start, end, loss, fusion],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr[-2000:]
    backend, *theirs = answer.stdout.split()
    assert (keras.backend.backend(), backend) == ("tensorflow", "jax")
    np.testing.assert_allclose([float(loss) for loss in theirs], losses, rtol=1e-4)
    with np.load(end) as arrays:
        for number, variable in enumerate(model.trainable_variables):
            np.testing.assert_allclose(
                arrays[f"arr_{number}"], variable, atol=2e-4, err_msg=variable.path
            )
