"""LoRA adapters of the towers (Hu et al., 2021, arXiv 2106.09685) and their files."""

import dataclasses
import logging
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import keras
import keras_hub
import numpy as np

from fitrank_tf.config import LoraConfig
from fitrank_tf.core.arrays import load_arrays, save_arrays
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.towers.blocks import parts_of
from fitrank_tf.towers.lora_dropout import drop_adapter_inputs
from fitrank_tf.towers.towers import count_parameters

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Adapted:
    """Towers that are ready for a fine-tuning.

    Attributes:
        layers: name, e.g. "image/0/query" -> the layer with an adapter, in the order of
            the network. The names depend on the architecture only, so that an adapter
            fits every base of the same architecture.
        trainable: number of parameters that are trained.
        total: number of parameters of the backbone, adapters included.
    """

    layers: Mapping[str, keras.layers.Layer]
    trainable: int
    total: int

    def save(self, path: Path) -> None:
        """Writes only the adapters, atomically; `load_adapters` reads them."""
        arrays = {}
        for name, layer in self.layers.items():
            arrays[f"{name}/a"] = np.asarray(layer.lora_kernel_a)
            arrays[f"{name}/b"] = np.asarray(layer.lora_kernel_b)
            arrays[f"{name}/alpha"] = np.asarray(layer.lora_alpha, np.float32)
        save_arrays(path, arrays)


def apply_lora(backbone: keras_hub.models.Backbone, config: LoraConfig) -> Adapted:
    """Freezes the backbone and adds adapters to some of its projections.

    A kernel W becomes W + (alpha / rank) A B with B = 0, so that the adapted
    towers start as the base. Everything else is frozen: KerasHub's own
    `enable_lora` would leave biases, norms and embeddings trainable.

    Args:
        backbone: changed in place.
        config: rank, alpha, targets, towers and dropout.

    Raises:
        FitRankError: if no layer matches the targets.
    """
    chosen = {
        name: layer
        for name, layer in _projections(backbone)
        if _matches(name, config.targets, config.towers)
    }
    if not chosen:
        raise FitRankError(
            f"LoRA targets {config.targets} of {config.towers} match no layer of "
            f"{backbone.name}"
        )
    freeze(backbone)
    for number, layer in enumerate(chosen.values()):
        _adapt(layer, config.rank, config.alpha)
        if config.dropout:
            drop_adapter_inputs(layer, config.dropout, seed=number)
    return report(backbone, chosen)


def load_adapters(backbone: keras_hub.models.Backbone, path: Path) -> Adapted:
    """Loads saved adapters onto a base; adapters that it has already are overwritten.

    Args:
        backbone: changed in place; of the architecture that the adapters were made for.
        path: what `Adapted.save` wrote.

    Raises:
        FitRankError: if the file cannot be read, or is for other towers.
    """
    arrays = load_arrays(path, "train")
    layers = dict(_projections(backbone))
    names = list(dict.fromkeys(key.rpartition("/")[0] for key in arrays))
    for name in names:
        if name not in layers or not _fits(layers[name], arrays[f"{name}/a"]):
            raise FitRankError(
                f"{path}: the adapter of {name} does not fit these towers; load it on the "
                "base that it was trained on"
            )
    freeze(backbone)
    for name in names:
        rank = arrays[f"{name}/b"].shape[0]
        _adapt(layers[name], rank, float(arrays[f"{name}/alpha"]))
        layers[name].lora_kernel_a.assign(arrays[f"{name}/a"])
        layers[name].lora_kernel_b.assign(arrays[f"{name}/b"])
    _zero_adapters(layer for name, layer in layers.items() if name not in names)
    return report(backbone, {name: layers[name] for name in names})


def _projections(
    backbone: keras_hub.models.Backbone,
) -> Iterator[tuple[str, keras.layers.Layer]]:
    """Yields ("image/0/query", layer) and so on, in the order of the network."""
    for tower, encoder in (
        ("image", backbone.vision_encoder),
        ("text", backbone.text_encoder),
    ):
        for number, block in enumerate(encoder.encoder_layers):
            parts = parts_of(block)
            yield f"{tower}/{number}/query", parts.attention.query_dense
            yield f"{tower}/{number}/key", parts.attention.key_dense
            yield f"{tower}/{number}/value", parts.attention.value_dense
            yield f"{tower}/{number}/output", parts.attention.output_dense
            yield f"{tower}/{number}/mlp_in", parts.mlp_in
            yield f"{tower}/{number}/mlp_out", parts.mlp_out


def _matches(name: str, targets: tuple[str, ...], towers: tuple[str, ...]) -> bool:
    tower, _, projection = name.split("/")
    return (
        tower in towers and projection.removesuffix("_in").removesuffix("_out") in targets
    )


def freeze(backbone: keras_hub.models.Backbone) -> None:
    """Makes no weight trainable."""
    for variable in backbone.weights:
        variable.trainable = False


def _adapt(layer: keras.layers.Layer, rank: int, alpha: float) -> None:
    """Adds a trainable adapter of this rank to the layer, or keeps one of equal rank."""
    if layer.lora_enabled and layer.lora_rank != rank:
        raise FitRankError(
            f"the towers have adapters of rank {layer.lora_rank}, these are of rank "
            f"{rank}; load the base anew"
        )
    if not layer.lora_enabled:
        layer.enable_lora(rank)
    layer.lora_alpha = alpha
    layer.lora_kernel_a.trainable = layer.lora_kernel_b.trainable = True


def _zero_adapters(layers: Iterable[keras.layers.Layer]) -> None:
    """Sets adapters to zero that were loaded from another file."""
    for layer in layers:
        if layer.lora_enabled:
            layer.lora_kernel_b.assign(np.zeros(layer.lora_kernel_b.shape))


def _fits(layer: keras.layers.Layer, kernel_a: np.ndarray) -> bool:
    return tuple(layer._kernel.shape[:-1]) == kernel_a.shape[:-1]


def report(
    backbone: keras_hub.models.Backbone, layers: Mapping[str, keras.layers.Layer]
) -> Adapted:
    """Counts and logs what is trainable.

    Args:
        backbone: ready for a fine-tuning.
        layers: those with an adapter, by name.
    """
    adapted = Adapted(
        layers,
        count_parameters(backbone.trainable_variables),
        count_parameters(backbone.weights),
    )
    logger.info(
        "%s: %d of %d parameters are trained (%.1f %%)",
        f"LoRA on {len(layers)} layers" if layers else "towers without adapters",
        adapted.trainable,
        adapted.total,
        100 * adapted.trainable / adapted.total,
    )
    return adapted
