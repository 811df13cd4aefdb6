"""Features of whole photos from a network trained on ImageNet.

Unlike the towers it was not trained on this catalogue, so its features are as good on new
products as on the training products.
"""

import hashlib
import json
from pathlib import Path

import keras
import keras_hub
from keras import KerasTensor, ops

from fitrank_tf.core.errors import FitRankError, first_line
from fitrank_tf.core.files import folder_written_aside
from fitrank_tf.core.shipped import folder_here_or_shipped
from fitrank_tf.features.appearance.columns import APPEARANCE

# Settings of a converter that change its output.
_DECISIVE = (
    *("image_size", "scale", "offset", "interpolation", "antialias"),
    *("crop_to_aspect_ratio", "pad_to_aspect_ratio"),
)


class AppearanceNetwork:
    """An image backbone with its preprocessing.

    Args:
        backbone: maps photos [B, S, S, 3] to [B, s, s, 1280].
        converter: maps photos of any size, 0..255, to the backbone's input.

    Raises:
        FitRankError: if the backbone's output has another width.
    """

    def __init__(
        self,
        backbone: keras_hub.models.Backbone,
        converter: keras_hub.layers.ImageConverter,
    ):
        width = backbone.output_shape[-1]
        if width != APPEARANCE:
            raise FitRankError(
                f"the appearance network has {width} outputs, the features have room for "
                f"{APPEARANCE}: take a backbone of that width"
            )
        self._backbone, self._converter = backbone, converter

    def __call__(self, photos: KerasTensor) -> KerasTensor:
        """Returns the backbone's mean activations, float32 [B, 1280].

        Args:
            photos: [B, S, S, 3], 0..255, any numeric dtype.
        """
        inputs = self._converter(ops.cast(photos, "float32"))
        return ops.mean(self._backbone(inputs, training=False), axis=(1, 2))

    def fingerprint(self) -> str:
        """Returns the SHA-256 (hex) of weights and preprocessing."""
        converter = self._converter.get_config()
        settings = {name: converter[name] for name in _DECISIVE}
        digest = hashlib.sha256(json.dumps(settings).encode())
        for array in self._backbone.get_weights():
            digest.update(array.tobytes())
        return digest.hexdigest()

    def save(self, folder: Path) -> None:
        """Writes a KerasHub preset in half precision, atomically."""
        with folder_written_aside(folder) as unfinished:
            _halved(self._backbone).save_to_preset(str(unfinished))
            self._converter.save_to_preset(str(unfinished))


def load_appearance(preset: str) -> AppearanceNetwork:
    """Loads a trained network.

    Args:
        preset: name or folder of a KerasHub preset; a folder in the working directory or
            shipped with the package.

    Raises:
        FitRankError: if the preset cannot be read.
    """
    here = folder_here_or_shipped(preset)
    name = preset if here is None else str(here)
    try:
        backbone = keras_hub.models.Backbone.from_preset(name, dtype="float32")
        converter = keras_hub.layers.ImageConverter.from_preset(name)
    except Exception as error:  # KerasHub and its hubs raise many kinds
        raise FitRankError(
            f"appearance network {preset!r} cannot be loaded ({first_line(error)}); "
            "name a KerasHub image backbone or its folder"
        ) from error
    return AppearanceNetwork(backbone, converter)


def _halved(backbone: keras_hub.models.Backbone) -> keras_hub.models.Backbone:
    """A float16 copy: in a file, float32 is not worth twice the size."""
    usual = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float16")
    try:
        # The layers take Keras' global policy, whatever the backbone's own is.
        halved = type(backbone).from_config({**backbone.get_config(), "dtype": "float16"})
    finally:
        keras.config.set_dtype_policy(usual)
    halved.set_weights(backbone.get_weights())
    return halved
