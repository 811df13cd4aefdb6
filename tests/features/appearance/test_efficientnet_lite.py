"""Lite0's weights, against the outputs of PyTorch's package for the same photos."""

from pathlib import Path

import numpy as np
import pytest
from keras import ops

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.features.appearance.efficientnet_lite import fill_lite0, new_lite0
from fitrank_tf.features.appearance.network import load_appearance

# Written by `python tests/features/appearance/write_lite0_answers.py CHECKPOINT`.
ANSWERS = Path(__file__).parent / "lite0_answers.npz"
SHIPPED = "saved_models/features/appearance"


def _tensors() -> dict[str, np.ndarray]:
    """A checkpoint of random weights, in PyTorch's names and layout."""
    draw = np.random.default_rng(0)
    # Expansion, kernel, channels in and out of each block (table 1 of the paper, "Lite").
    stacks = [
        (1, 3, 32, 16, 1),
        (6, 3, 16, 24, 2),
        (6, 5, 24, 40, 2),
        (6, 3, 40, 80, 3),
        (6, 5, 80, 112, 3),
        (6, 5, 112, 192, 4),
        (6, 3, 192, 320, 1),
    ]
    shapes: dict[str, tuple[int, ...]] = {"_conv_stem": (32, 3, 3, 3), "_bn0": (32,)}
    number = 0
    for expansion, kernel, first, width, repeats in stacks:
        for narrow in (first, *[width] * (repeats - 1)):
            wide, block = narrow * expansion, f"_blocks.{number}."
            if expansion > 1:
                shapes[f"{block}_expand_conv"] = (wide, narrow, 1, 1)
                shapes[f"{block}_bn0"] = (wide,)
            shapes[f"{block}_depthwise_conv"] = (wide, 1, kernel, kernel)
            shapes[f"{block}_bn1"] = (wide,)
            shapes[f"{block}_project_conv"] = (width, wide, 1, 1)
            shapes[f"{block}_bn2"] = (width,)
            number += 1
    shapes |= {"_conv_head": (1280, 320, 1, 1), "_bn1": (1280,)}
    tensors = {"_fc.weight": np.zeros((1000, 1280)), "_bn0.num_batches_tracked": 0}
    for layer, shape in shapes.items():
        kinds = ["weight", "bias", "running_mean", "running_var"]
        for kind in kinds if len(shape) == 1 else ["weight"]:
            tensors[f"{layer}.{kind}"] = draw.random(shape, np.float32)
    return tensors


def test_the_shipped_network_equals_the_original() -> None:
    with np.load(ANSWERS) as saved:
        photos, answers = saved["photos"], saved["answers"]
    predicted = ops.convert_to_numpy(load_appearance(SHIPPED)(photos))
    assert predicted.shape == answers.shape == (len(photos), 1280)
    assert np.abs(answers).mean() > 0.05
    # The shipped file keeps three digits of each weight.
    np.testing.assert_allclose(predicted, answers, atol=0.06)
    assert np.abs(predicted - answers).mean() < 2e-3


def test_every_weight_of_a_checkpoint_is_used() -> None:
    backbone, tensors = new_lite0(), _tensors()
    fill_lite0(backbone, tensors)
    named = {weight.path: np.asarray(weight) for weight in backbone.weights}
    np.testing.assert_array_equal(
        named["stem_conv/kernel"], tensors["_conv_stem.weight"].transpose(2, 3, 1, 0)
    )
    np.testing.assert_array_equal(
        named["block3b_/block3b_dwconv2/kernel"][..., 0],
        tensors["_blocks.4._depthwise_conv.weight"][:, 0].transpose(1, 2, 0),
    )
    np.testing.assert_array_equal(
        named["block7a_/block7a_project_bn/moving_variance"],
        tensors["_blocks.15._bn2.running_var"],
    )


def _lacking(tensors: dict) -> None:
    del tensors["_blocks.3._bn1.bias"]


def _too_much(tensors: dict) -> None:
    tensors["_blocks.16._bn1.bias"] = np.zeros(3)


def _wider(tensors: dict) -> None:
    tensors["_conv_head.weight"] = np.zeros((1408, 320, 1, 1))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_lacking, r"no _blocks\.3\._bn1\.bias"),
        (_too_much, r"_blocks\.16\._bn1\.bias and 0 more"),
        (_wider, r"_conv_head\.weight has the shape \(1, 1, 320, 1408\)"),
    ],
)
def test_another_checkpoint_is_refused(damage, message) -> None:
    tensors = _tensors()
    damage(tensors)
    with pytest.raises(FitRankError, match=message):
        fill_lite0(new_lite0(), tensors)
