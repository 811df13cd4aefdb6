"""Sees a whole photo as a network that has learned ImageNet's thousand kinds of things.

Unlike the towers it has never seen the training products, so what it says of them is as
good as what it says of others.
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

# What of a converter changes a photo.
_DECISIVE = (
    *("image_size", "scale", "offset", "interpolation", "antialias"),
    *("crop_to_aspect_ratio", "pad_to_aspect_ratio"),
)


class AppearanceNetwork:
    """A backbone with the way photos are handed to it.

    Args:
        backbone: photos [B, S, S, 3] to [B, s, s, 1280].
        converter: photos of any size, 0..255, to what the backbone reads.

    Raises:
        FitRankError: if the backbone gives another width.
    """

    def __init__(
        self,
        backbone: keras_hub.models.Backbone,
        converter: keras_hub.layers.ImageConverter,
    ):
        width = backbone.output_shape[-1]
        if width != APPEARANCE:
            raise FitRankError(
                f"the appearance network tells {width} numbers of a photo, the features "
                f"have room for {APPEARANCE}: take a backbone of that width"
            )
        self._backbone, self._converter = backbone, converter

    def __call__(self, photos: KerasTensor) -> KerasTensor:
        """What it sees, float32 [B, 1280].

        Args:
            photos: [B, S, S, 3], 0..255, any numeric dtype.
        """
        inputs = self._converter(ops.cast(photos, "float32"))
        return ops.mean(self._backbone(inputs, training=False), axis=(1, 2))

    def fingerprint(self) -> str:
        """SHA-256 (hex) of all that its answers depend on."""
        converter = self._converter.get_config()
        told = {name: converter[name] for name in _DECISIVE}
        digest = hashlib.sha256(json.dumps(told).encode())
        for array in self._backbone.get_weights():
            digest.update(array.tobytes())
        return digest.hexdigest()

    def save(self, folder: Path) -> None:
        """Writes a KerasHub preset of half precision, whole or not at all."""
        with folder_written_aside(folder) as unfinished:
            _halved(self._backbone).save_to_preset(str(unfinished))
            self._converter.save_to_preset(str(unfinished))


def load_appearance(preset: str) -> AppearanceNetwork:
    """A trained network.

    Args:
        preset: the name of a KerasHub preset, or a folder of one, in the working directory
            or shipped with the repository.

    Raises:
        FitRankError: if it cannot be read.
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
    """The same in half precision: in a file, seven digits are not worth twice the size."""
    usual = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float16")
    try:
        # Its layers take Keras' policy, whatever the backbone's own is.
        halved = type(backbone).from_config({**backbone.get_config(), "dtype": "float16"})
    finally:
        keras.config.set_dtype_policy(usual)
    halved.set_weights(backbone.get_weights())
    return halved
