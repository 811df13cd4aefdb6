"""Copies PyTorch's tensors into the layers of a KerasHub network.

This module is shared by both checkpoint formats and both families; their tensor names are
in the modules that read them.
"""

import dataclasses

import keras
import numpy as np

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.towers.backbones import TowerSizes
from fitrank_tf.towers.checkpoints.json_config import JsonConfig
from fitrank_tf.towers.checkpoints.safetensors_file import Tensors
from fitrank_tf.towers.towers import Towers


@dataclasses.dataclass(frozen=True)
class PhotoStatistics:
    """Mean and standard deviation by which the image tower's photos are normalised.

    Attributes:
        mean: of each channel, photos in 0..1.
        std: of each channel.
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


def read_statistics(
    config: JsonConfig, mean: str, std: str, default: PhotoStatistics
) -> PhotoStatistics:
    """Reads statistics from two fields.

    Args:
        config: that may hold the fields.
        default: where they are absent.
        mean: name of the field of the mean.
        std: name of the field of the standard deviation.

    Raises:
        FitRankError: if a field holds anything but three numbers, or a std of 0.
    """
    values = {
        mean: config.get(mean, list(default.mean)),
        std: config.get(std, list(default.std)),
    }
    for name, value in values.items():
        if not _three_numbers(value):
            raise config.error(name, "must be three numbers, one a colour channel")
    if min(values[std]) <= 0:
        raise config.error(std, "must be above 0")
    return PhotoStatistics(tuple(values[mean]), tuple(values[std]))


def _three_numbers(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 3
        and all(isinstance(number, int | float) for number in value)
    )


def check_sizes(sizes: TowerSizes, config: JsonConfig) -> None:
    """Checks what no single field tells.

    Args:
        sizes: of both towers.
        config: source of the sizes, named in errors.

    Raises:
        FitRankError: if a width does not divide into its heads, or the photo is
            smaller than a patch.
    """
    for tower, part in (("image", sizes.vision), ("text", sizes.text)):
        if part.width % part.heads:
            raise FitRankError(
                f"{config.path}: the {tower} tower's width {part.width} does not divide "
                f"into {part.heads} heads"
            )
    if sizes.image_size < sizes.patch_size:
        raise FitRankError(
            f"{config.path}: photos of {sizes.image_size} pixels are smaller than a patch "
            f"of {sizes.patch_size}"
        )


def fill(variable: keras.Variable, tensors: Tensors, name: str) -> None:
    """Assigns a tensor that KerasHub stores in the same shape."""
    variable.assign(tensors.take(name, variable.shape))


def fill_tokens(variable: keras.Variable, tensors: Tensors, name: str, rows: int) -> None:
    """Assigns the first of a token embedding's rows: added tokens are left out."""
    tokens, width = variable.shape
    variable.assign(tensors.take(name, (rows, width))[:tokens])


def fill_transposed(variable: keras.Variable, tensors: Tensors, name: str) -> None:
    """Assigns the weight of PyTorch's Linear, [out, in], to a kernel, [in, out]."""
    variable.assign(tensors.take(name, variable.shape[::-1]).T)


def fill_dense(layer: keras.layers.Dense, tensors: Tensors, name: str) -> None:
    """Assigns weight and bias of a Linear."""
    fill_transposed(layer.kernel, tensors, f"{name}.weight")
    fill(layer.bias, tensors, f"{name}.bias")


def fill_norm(layer: keras.layers.Layer, tensors: Tensors, name: str) -> None:
    """Assigns weight and bias of a layer norm."""
    fill(layer.gamma, tensors, f"{name}.weight")
    fill(layer.beta, tensors, f"{name}.bias")


def fill_attention(
    attention: keras.layers.MultiHeadAttention,
    inputs: tuple[np.ndarray, np.ndarray],
    output: tuple[np.ndarray, np.ndarray],
) -> None:
    """Assigns the four projections of an attention layer.

    Args:
        attention: of width D.
        inputs: weights [3, D, D] and biases [3, D] of query, key and value.
        output: weight [D, D] and bias [D].
    """
    denses = (attention.query_dense, attention.key_dense, attention.value_dense)
    for dense, weight, bias in zip(denses, *inputs):
        dense.kernel.assign(weight.T.reshape(dense.kernel.shape))
        dense.bias.assign(bias.reshape(dense.bias.shape))
    last = attention.output_dense
    last.kernel.assign(output[0].T.reshape(last.kernel.shape))
    last.bias.assign(output[1])


def fill_patches(
    towers: type[Towers],
    embedding: keras.layers.Layer,
    tensors: Tensors,
    names: tuple[str, str],
    statistics: PhotoStatistics,
) -> None:
    """Assigns patch convolution and positions, adapted to the family's normalisation.

    `Towers` normalises y = (x - m) / s with its family's m and s; a checkpoint with other
    statistics m' and s' expects (x - m') / s' = y s / s' + (m - m') / s'. The factor
    is merged into the kernel. Patches have no padding, so the summand is constant and is
    merged into the patches' positions. Both are exact.

    Args:
        towers: the family.
        embedding: KerasHub's embedding of photos, of width D.
        tensors: of the checkpoint.
        names: of the convolution's kernel, [D, 3, P, P], PyTorch's order, and of the
            positions, [class tokens + patches, D] or the same in a batch of one.
        statistics: the checkpoint's.
    """
    height, width, channels, filters = embedding.patch_embedding.kernel.shape
    kernel = tensors.take(names[0], (filters, channels, height, width))
    numbers = embedding.position_embedding.embeddings
    positions = tensors.take_unbatched(names[1], numbers.shape)
    mean, std = np.array(statistics.mean), np.array(statistics.std)
    kernel = np.transpose(kernel, (2, 3, 1, 0)).astype(np.float64)
    shift = np.einsum("hwio,i->o", kernel, (np.array(towers.mean) - mean) / std)
    scale = (np.array(towers.std) / std)[:, np.newaxis]
    embedding.patch_embedding.kernel.assign(kernel * scale)
    shifts = np.outer(np.arange(len(positions)) >= towers.class_tokens, shift)
    numbers.assign(positions + shifts)
