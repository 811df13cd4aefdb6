"""LoRA on the towers' attention projections (Hu et al., 2021, arXiv 2106.09685)."""

import dataclasses
import logging

import keras
import keras_hub

from fitrank_tf.config import LoraConfig
from fitrank_tf.errors import FitRankError
from fitrank_tf.models.towers import count_parameters

logger = logging.getLogger(__name__)

# Keras' MultiHeadAttention calls its output projection "attention_output".
_LAYER_NAMES = {
    "query": "query",
    "key": "key",
    "value": "value",
    "output": "attention_output",
}


@dataclasses.dataclass(frozen=True)
class Adapted:
    """What `apply_lora` did.

    Attributes:
        layers: the layers with an adapter, in the order of the network.
        trainable: parameters of the adapters.
        total: parameters of the backbone, adapters included.
    """

    layers: tuple[keras.layers.Layer, ...]
    trainable: int
    total: int


def apply_lora(backbone: keras_hub.models.CLIPBackbone, config: LoraConfig) -> Adapted:
    """Freezes the backbone and gives its attention projections adapters.

    A kernel W becomes W + (alpha / rank) A B with B = 0, so that the adapted
    towers start as the base. Everything else is frozen: KerasHub's own
    `enable_lora` would leave biases, norms and embeddings trainable.

    Args:
        backbone: changed in place.
        config: rank, alpha and targets.

    Raises:
        FitRankError: if no layer matches the targets.
    """
    names = {_LAYER_NAMES[target] for target in config.targets}
    found = [
        layer
        for layer in backbone._flatten_layers()
        if layer.name in names and hasattr(layer, "enable_lora")
    ]
    if not found:
        raise FitRankError(
            f"LoRA targets {config.targets} match no layer of {backbone.name}; "
            f"choose of {tuple(_LAYER_NAMES)}"
        )
    for variable in backbone.weights:
        variable.trainable = False
    for layer in found:
        layer.enable_lora(config.rank, lora_alpha=config.alpha)
        layer._kernel.trainable = False
        layer.lora_kernel_a.trainable = layer.lora_kernel_b.trainable = True
    adapted = Adapted(
        tuple(found),
        count_parameters(backbone.trainable_variables),
        count_parameters(backbone.weights),
    )
    logger.info(
        "LoRA rank %d on %d layers: %d of %d parameters are trained (%.1f %%)",
        config.rank,
        len(found),
        adapted.trainable,
        adapted.total,
        100 * adapted.trainable / adapted.total,
    )
    return adapted
