"""What a fine-tuning trains of the towers: adapters, or all their weights."""

from collections.abc import Callable, Mapping

import keras_hub

from fitrank_tf.config import LoraConfig
from fitrank_tf.towers.lora import Adapted, apply_lora, freeze, report


def adapt(backbone: keras_hub.models.Backbone, config: LoraConfig) -> Adapted:
    """Makes trainable what the configuration's `method` trains, and freezes the rest.

    Args:
        backbone: changed in place.
        config: of the fine-tuning.

    Returns:
        The trained parameters; without layers where there are no adapters.

    Raises:
        FitRankError: if adapters match no layer.
    """
    return _METHODS[config.method](backbone, config)


def _train_all(backbone: keras_hub.models.Backbone, config: LoraConfig) -> Adapted:
    """Makes all weights of the chosen towers trainable, with their projections."""
    parts = {"image": ("vision_encoder", "vision_projection")}
    parts["text"] = ("text_encoder", "text_projection")
    # SigLIP's towers have no projection behind them.
    layers = [
        getattr(backbone, part, None) for name in config.towers for part in parts[name]
    ]
    trained = [v for layer in layers if layer for v in layer.trainable_variables]
    freeze(backbone)
    for variable in trained:
        variable.trainable = True
    return report(backbone, {})


_METHODS: Mapping[str, Callable[[keras_hub.models.Backbone, LoraConfig], Adapted]] = {
    "adapters": apply_lora,
    "full": _train_all,
}
