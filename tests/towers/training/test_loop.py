"""Training of the towers."""

import math
import os
import subprocess
import sys
import types
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.inputs.contrastive import BatchesBetween
from fitrank_tf.inputs.microbatches import split_into_microbatches
from fitrank_tf.towers.fusion import new_fusion
from fitrank_tf.towers.training import callbacks as training_callbacks
from fitrank_tf.towers.training.callbacks import KeepState, Position, TensorBoardLog
from fitrank_tf.towers.training.checkpoint import TrainingCheckpoint
from fitrank_tf.towers.training.contrastive import ContrastiveModel
from fitrank_tf.towers.training.global_batch import GlobalBatchAdamW
from fitrank_tf.towers.training.grad_cache import new_contrastive_model
from fitrank_tf.towers.training.loop import train_contrastive
from tests.towers.small_towers import quick_towers
from tests.towers.training.contrastive_formula import small_batch, small_config

HERE = Path(__file__).parent


def _always(batch: dict[str, np.ndarray]) -> BatchesBetween:
    """The same batch in every step."""
    return lambda first, end: tf.data.Dataset.from_tensors(batch).repeat(end - first)


@pytest.mark.slow
def test_the_last_epochs_see_whole_photos(towers, tmp_path) -> None:
    config = small_config(patch_dropout=0.5, whole_share=0.25)
    model = ContrastiveModel(towers, None, config, seed=0)
    traced = []
    encode = model._pool_images
    model._pool_images = lambda *inputs: (
        traced.append(model.patch_dropout) or encode(*inputs)
    )
    batches = _always(small_batch(4))
    history = train_contrastive(model, batches, 2, config, tmp_path / "backup")
    # Traced once with the dropout, and once more without.
    assert sorted(set(traced)) == [0.0, 0.5]
    assert model.patch_dropout == 0.0
    assert len(history.history["loss"]) == 4
    assert all(math.isfinite(loss) for loss in history.history["loss"])


@pytest.mark.parametrize("momentum", [0.5, pytest.param(0.9, marks=pytest.mark.slow)])
def test_the_moving_average_is_kept(towers, tmp_path, momentum) -> None:
    """Averaged by hand over the weights that each step left."""
    config = small_config(ema=momentum)
    model = ContrastiveModel(towers, None, config, seed=0)
    steps = []
    keep = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda step, logs: steps.append(
            np.asarray(model.backbone.vision_projection.kernel)
        )
    )
    batches = _always(small_batch(4))
    train_contrastive(model, batches, 1, config, tmp_path / "a", [keep])
    average = steps[0]
    for weights in steps[1:]:
        average = momentum * average + (1 - momentum) * weights
    assert len(steps) == 4
    kept = np.asarray(model.backbone.vision_projection.kernel)
    np.testing.assert_allclose(kept, average, atol=1e-6)
    assert np.abs(kept - steps[-1]).max() > 1e-4


def test_no_epochs_leave_the_towers_as_they_are(towers, tmp_path) -> None:
    config = small_config(epochs=0)
    model = ContrastiveModel(towers, None, config, seed=0)
    before = [np.asarray(weight) for weight in model.trainable_weights]
    batches = _always(small_batch(4))
    train_contrastive(model, batches, 1, config, tmp_path / "a")
    for old, new in zip(before, model.trainable_weights):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize(
    "fields",
    [
        {"accumulation": 2, "ema": 0.5},
        pytest.param({"precision": "mixed_bfloat16"}, marks=pytest.mark.slow),
        pytest.param(
            {"precision": "mixed_float16", "loss": "sigmoid"}, marks=pytest.mark.slow
        ),
        pytest.param({"depth_dropout": 0.5, "patch_dropout": 0.5}, marks=pytest.mark.slow),
        pytest.param({"mixup": 0.2, "steps_at_once": 2}, marks=pytest.mark.slow),
    ],
    ids=lambda fields: ",".join(fields),
)
def test_every_way_of_training_learns_four_pairs_by_heart(towers, tmp_path, fields) -> None:
    config = small_config(epochs=30, learning_rate=0.01, **fields)
    model = new_contrastive_model(towers, None, config, seed=0)
    batch = small_batch(4)
    before = model.compute_loss(x=batch, y_pred=model(batch))
    batches, steps = split_into_microbatches(_always(batch), 1, config.accumulation)
    train_contrastive(model, batches, steps, config, tmp_path / "a")
    after = model.compute_loss(x=batch, y_pred=model(batch))
    assert float(after) < 0.5 * float(before)
    assert {layer.compute_dtype for layer in model._flatten_layers()} == {"float32"}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("images", "images not finite in row 2, features finite; mend the images"),
        ("features", "images finite, features not finite in row 2; mend the features"),
    ],
)
def test_inputs_that_are_no_numbers_are_named_at_their_step(
    tmp_path, name: str, told: str
) -> None:
    towers = quick_towers()
    fusion = new_fusion("residual", towers, np.ones((1, 5)), group_dropout=0.0, seed=0)
    config = small_config(
        learning_rate=0.25, warmup_share=0.5, temperature=0.05, checkpoint_minutes=1e-9
    )
    model = ContrastiveModel(towers, fusion, config, seed=0)
    broken = small_batch(4)
    broken[name][2] = np.nan

    def batches(first: int, end: int) -> tf.data.Dataset:
        steps = [broken if step == 4 else small_batch(4) for step in range(first, end)]
        return tf.data.Dataset.from_tensor_slices(
            {name: np.stack([batch[name] for batch in steps]) for name in broken}
        )

    with pytest.raises(FitRankError) as error:
        train_contrastive(model, batches, 3, config, tmp_path)
    assert "became nan in step 5 of 12" in str(error.value)
    # Of six steps of warm-up four are done, from a hundredth of the peak.
    assert f"learning rate {0.25 * (0.01 + 0.99 * 4 / 6):.3g} " in str(error.value)
    assert told in str(error.value)
    # What was kept is the state before that step, with numbers in it.
    assert TrainingCheckpoint(tmp_path / "state.npz", model).restore() == 4
    assert all(np.isfinite(np.asarray(weight)).all() for weight in model.weights)


@pytest.mark.slow
def test_too_large_steps_are_distinguished_from_broken_inputs(tmp_path) -> None:
    config = small_config(learning_rate=1e38, epochs=9)
    model = ContrastiveModel(quick_towers(), None, config, seed=0)
    with pytest.raises(FitRankError, match=r"images finite, .*smaller learning_rate"):
        train_contrastive(model, _always(small_batch(4)), 1, config, tmp_path)


@pytest.fixture
def trained(tmp_path):
    """A compiled model and the file of its state after seven steps."""
    model = ContrastiveModel(quick_towers(), None, small_config(), seed=0)
    model.compile(optimizer=GlobalBatchAdamW(0.1))
    path = tmp_path / "kept" / "state.npz"
    TrainingCheckpoint(path, model).save(7)
    return model, path


def test_all_of_the_state_comes_back(trained) -> None:
    model, path = trained
    variables = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
    kept = [np.asarray(variable) for variable in variables]
    for variable in variables:
        variable.assign(variable + ops.ones_like(variable))
    # A process that is killed while it writes leaves such a file.
    path.with_name(".state.npz.1.tmp").write_bytes(b"half of it")
    assert TrainingCheckpoint(path, model).restore() == 7
    for variable, value in zip(variables, kept):
        np.testing.assert_array_equal(variable, value)
    assert {variable.path.split("/")[-1] for variable in variables} >= {
        *("seed_generator_state", "iteration", "log_scale", "total")
    }


@pytest.mark.parametrize("share", [0.0, 0.3, 0.999])
def test_a_file_cut_short_is_named(trained, share: float) -> None:
    model, path = trained
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(FitRankError, match=r"kept/state\.npz is broken .*delete it"):
        TrainingCheckpoint(path, model).restore()


def test_a_changed_byte_is_noticed(trained) -> None:
    model, path = trained
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(FitRankError, match=r"state\.npz is broken .*delete it"):
        TrainingCheckpoint(path, model).restore()


def test_the_state_of_another_model_is_refused(trained, towers) -> None:
    _, path = trained
    other = ContrastiveModel(towers, None, small_config(), seed=0)
    other.compile(optimizer=GlobalBatchAdamW(0.1))
    with pytest.raises(FitRankError, match=r"state\.npz is of another model: .*delete it"):
        TrainingCheckpoint(path, other).restore()


def test_weights_of_another_shape_are_refused(trained) -> None:
    model, path = trained
    with np.load(path) as file:
        arrays = dict(file)
    arrays["00000"] = arrays["00000"][None]
    np.savez(path, **arrays)
    with pytest.raises(FitRankError, match=r"another model: .* is \(1,\) in it, .*delete"):
        TrainingCheckpoint(path, model).restore()


def test_weights_that_are_no_numbers_are_not_kept(trained) -> None:
    model, path = trained
    before = path.read_bytes()
    model.log_scale.assign(np.nan)
    with pytest.raises(FitRankError, match=r"after step 8 .*log_scale is no longer"):
        TrainingCheckpoint(path, model).save(8)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("minutes", "kept"), [(10.0, [3, 6]), (2.0, [2, 3, 5, 6]), (0.5, [1, 2, 3, 4, 5, 6])]
)
def test_the_state_is_kept_when_it_is_time(monkeypatch, minutes, kept) -> None:
    """A minute a step, three steps an epoch."""
    now, saved = [0.0], []
    monkeypatch.setattr(training_callbacks.time, "monotonic", lambda: now[0])
    checkpoint = types.SimpleNamespace(save=saved.append)
    position = Position(0)
    keep = KeepState(checkpoint, position, minutes, means=None)
    keep.set_model(keras.Sequential())
    for epoch in range(2):
        keep.on_epoch_begin(epoch)
        for batch in range(3):
            now[0] += 60.0
            position.step += 1
            keep.on_train_batch_end(batch)
        keep.on_epoch_end(epoch)
    assert saved == kept


@pytest.mark.slow
def test_a_killed_training_resumes_with_the_same_result(tmp_path) -> None:
    path = str(HERE.parents[2])
    answer = subprocess.run(
        [sys.executable, str(HERE / "killed_training.py"), tmp_path],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr[-2000:]
    assert int((tmp_path / "kills.txt").read_text()) >= 1
    alone, killed = (
        np.loadtxt(tmp_path / run / "losses.txt") for run in ("alone", "killed")
    )
    np.testing.assert_array_equal(alone[:, 0], np.arange(1, 16))
    assert set(killed[:, 0]) == set(alone[:, 0])
    expected = alone[killed[:, 0].astype(int) - 1, 1]
    np.testing.assert_allclose(killed[:, 1], expected, rtol=1e-5)
    with (
        np.load(tmp_path / "alone" / "weights.npz") as ours,
        np.load(tmp_path / "killed" / "weights.npz") as theirs,
    ):
        assert ours.files == theirs.files
        for name in ours.files:
            np.testing.assert_allclose(theirs[name], ours[name], atol=1e-6, err_msg=name)


def test_the_state_outlives_the_training_for_whoever_saves_the_result(tmp_path) -> None:
    """Called again after its end, training has nothing to do and the same result."""
    results = []
    for _ in range(2):
        model = ContrastiveModel(quick_towers(), None, small_config(ema=0.5), seed=0)
        history = train_contrastive(
            model, _always(small_batch(4)), 2, small_config(ema=0.5), tmp_path
        )
        results.append([np.asarray(weight) for weight in model.weights])
    assert not history.history
    for first, second in zip(*results):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"accumulation": 2}, "accumulation is 2 on 4 devices"),
        ({"mixup": 0.3}, r"mixup is 0\.3 on 4 devices"),
    ],
)
def test_what_is_for_one_device_is_not_spread(towers, tmp_path, fields, message) -> None:
    config = small_config(**fields)
    model = new_contrastive_model(towers, None, config, seed=0)
    model._distribute_strategy = types.SimpleNamespace(num_replicas_in_sync=4)
    with pytest.raises(FitRankError, match=message):
        train_contrastive(model, _always(small_batch(4)), 2, config, tmp_path)


def test_tensorboard_gets_a_point_a_step(tmp_path) -> None:
    config = small_config(epochs=2, warmup_share=0.5, learning_rate=0.01)
    model = ContrastiveModel(quick_towers(), None, config, seed=0)
    temperatures = []
    watch = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda step, logs: temperatures.append(
            1 / np.exp(float(model.log_scale))
        )
    )
    board = TensorBoardLog(tmp_path / "logs", images_per_step=4)
    batches = _always(small_batch(4))
    history = train_contrastive(
        model, batches, 3, config, tmp_path / "backup", [board, watch]
    )
    curves = {}
    for file in sorted((tmp_path / "logs").iterdir()):
        for event in tf.compat.v1.train.summary_iterator(str(file)):
            for value in event.summary.value:
                number = float(tf.make_ndarray(value.tensor))
                curves.setdefault(value.tag, []).append((event.step, number))
    assert set(curves) == {"loss", "learning_rate", "temperature", "images/s"}
    points = {tag: dict(curve) for tag, curve in curves.items()}
    assert all(list(curve) == [1, 2, 3, 4, 5, 6] for curve in points.values())
    for epoch, mean in enumerate(history.history["loss"]):
        losses = [points["loss"][3 * epoch + step] for step in (1, 2, 3)]
        assert np.mean(losses) == pytest.approx(mean, rel=1e-4)
    # The peak is where the warm-up of three steps ends.
    assert points["learning_rate"][3] == pytest.approx(0.01)
    assert points["learning_rate"][6] == pytest.approx(1e-5)
    np.testing.assert_allclose(
        list(points["temperature"].values()), temperatures, rtol=1e-4
    )
    assert min(points["images/s"].values()) > 0
