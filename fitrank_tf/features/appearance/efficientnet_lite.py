"""EfficientNet-Lite0 as KerasHub's backbone, with the weights that Google trained.

https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite, which
PyTorch packages carry under the names of `efficientnet_pytorch`.
"""

import re
from collections.abc import Mapping

import keras_hub
import numpy as np

from fitrank_tf.core.errors import FitRankError

# What the network reads is (pixel - 127) / 128.
PIXEL_SCALE, PIXEL_OFFSET = 1 / 128, -127 / 128

_STACKS = 7
# Names of the layers of a block, here and there.
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
# The classifier on top and counters of training steps: nothing here reads them.
_UNREAD = re.compile(r"^_fc\.|num_batches_tracked$")


def new_lite0(dtype: str = "float32") -> keras_hub.models.EfficientNetBackbone:
    """Lite0 with random weights.

    KerasHub's own preset pads as PyTorch does, which moves every strided window by a
    pixel; Google's weights have learned with TensorFlow's "same", as the unfused blocks do.

    Args:
        dtype: of its weights.

    Returns:
        Photos float [B, S, S, 3] to float [B, S / 32, S / 32, 1280].
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
    """Gives the backbone the weights of a checkpoint.

    Args:
        backbone: of `new_lite0`.
        tensors: {name in `efficientnet_pytorch`: array in PyTorch's layout}.

    Raises:
        FitRankError: if one is missing, left over, or of another shape.
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
    """The other name of a layer; `blocks` numbers the blocks as they come."""
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
    # KerasHub ends a block that expands nothing with 3 x 3: the middle one is all it needs.
    if layer == "block1a_project_conv":
        return np.pad(kernel, [(1, 1), (1, 1), (0, 0), (0, 0)])
    return kernel
