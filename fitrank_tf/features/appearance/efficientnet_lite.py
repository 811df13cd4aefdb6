"""EfficientNet-Lite0 as a KerasHub backbone, with the weights that Google trained.

https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite; PyTorch
packages distribute them with the tensor names of `efficientnet_pytorch`.
"""

import re
from collections.abc import Mapping

import keras_hub
import numpy as np

from fitrank_tf.core.errors import FitRankError

# The network's input is (pixel - 127) / 128.
PIXEL_SCALE, PIXEL_OFFSET = 1 / 128, -127 / 128

_STACKS = 7
# KerasHub's name of a layer -> the checkpoint's name.
_OF_BLOCK = {
    "expand_conv": "_expand_conv",
    "expand_bn": "_bn0",
    "dwconv2": "_depthwise_conv",
    "bn": "_bn1",
    "project_conv": "_project_conv",
    "project_bn": "_bn2",
}
_OF_NETWORK = {
    "stem_conv": "_conv_stem",
    "stem_bn": "_bn0",
    "top_conv": "_conv_head",
    "top_bn": "_bn1",
}
_OF_LAYER = {
    "kernel": "weight",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
# Tensors that are not used: the classifier on top, and counters of training steps.
_UNREAD = re.compile(r"^_fc\.|num_batches_tracked$")


def new_lite0(dtype: str = "float32") -> keras_hub.models.EfficientNetBackbone:
    """Builds EfficientNet-Lite0 with random weights.

    KerasHub's own preset pads as PyTorch does, which shifts every strided window by one
    pixel; Google's weights were trained with TensorFlow's "same" padding, which the unfused
    blocks use.

    Args:
        dtype: of the weights.

    Returns:
        A backbone from photos float [B, S, S, 3] to float [B, S / 32, S / 32, 1280].
    """
    return keras_hub.models.EfficientNetBackbone(
        stackwise_width_coefficients=[1.0] * _STACKS,
        stackwise_depth_coefficients=[1.0] * _STACKS,
        stackwise_kernel_sizes=[3, 3, 5, 3, 5, 5, 3],
        stackwise_num_repeats=[1, 2, 2, 3, 3, 4, 1],
        stackwise_input_filters=[32, 16, 24, 40, 80, 112, 192],
        stackwise_output_filters=[16, 24, 40, 80, 112, 192, 320],
        stackwise_expansion_ratios=[1, 6, 6, 6, 6, 6, 6],
        stackwise_squeeze_and_excite_ratios=[0] * _STACKS,
        stackwise_strides=[1, 2, 2, 2, 1, 2, 1],
        stackwise_block_types=["unfused"] * _STACKS,
        min_depth=None,
        include_stem_padding=False,
        stem_conv_padding="same",
        use_depth_divisor_as_min_depth=True,
        cap_round_filter_decrease=True,
        activation="relu6",
        projection_activation=None,
        batch_norm_epsilon=1e-3,
        dropout=0.0,
        dtype=dtype,
    )


def fill_lite0(
    backbone: keras_hub.models.EfficientNetBackbone, tensors: Mapping[str, np.ndarray]
) -> None:
    """Copies the weights of a checkpoint into the backbone.

    Args:
        backbone: from `new_lite0`; changed in place.
        tensors: {name in `efficientnet_pytorch`: array in PyTorch's layout}.

    Raises:
        FitRankError: if a tensor is missing, not used, or of another shape.
    """
    left = {name for name in tensors if not _UNREAD.search(name)}
    blocks: dict[str, int] = {}
    for weight in backbone.weights:
        *_, layer, kind = weight.path.split("/")
        name = f"{_their_layer(layer, blocks)}.{_OF_LAYER[kind]}"
        if name not in tensors:
            raise FitRankError(
                f"the checkpoint has no {name}: it is of no EfficientNet-Lite"
            )
        array = _as_keras_has_it(np.asarray(tensors[name]), layer)
        if array.shape != tuple(weight.shape):
            raise FitRankError(
                f"the checkpoint's {name} has the shape {array.shape}, Lite0 has "
                f"{tuple(weight.shape)}: take a checkpoint of lite0"
            )
        weight.assign(array)
        left.discard(name)
    if left:
        raise FitRankError(
            f"the checkpoint holds {sorted(left)[0]} and {len(left) - 1} more that Lite0 "
            "does not have: take a checkpoint of lite0"
        )


def _their_layer(layer: str, blocks: dict[str, int]) -> str:
    """The checkpoint's name of a layer; `blocks` collects the blocks' numbers."""
    if layer in _OF_NETWORK:
        return _OF_NETWORK[layer]
    block, part = layer.split("_", 1)
    return f"_blocks.{blocks.setdefault(block, len(blocks))}.{_OF_BLOCK[part]}"


def _as_keras_has_it(array: np.ndarray, layer: str) -> np.ndarray:
    if array.ndim != 4:
        return array
    if layer.endswith("dwconv2"):
        return array.transpose(2, 3, 0, 1)
    kernel = array.transpose(2, 3, 1, 0)
    # In a block without expansion KerasHub projects by 3 x 3: the checkpoint's 1 x 1 kernel
    # goes into its centre.
    if layer == "block1a_project_conv":
        return np.pad(kernel, [(1, 1), (1, 1), (0, 0), (0, 0)])
    return kernel
