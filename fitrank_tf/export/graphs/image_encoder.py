"""The served image encoders: photos to unit embeddings.

Decoding, resizing and padding are part of the graph, so that nobody has to repeat them in
front of the server. Of a photo that `core.photos.clean` left as it was they give the pixels
of training to the bit.
"""

import functools
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from fitrank_tf.export.signatures import DEFAULT_SIGNATURE, ServedModule, served_function
from fitrank_tf.inputs.image_file import decode_upright, is_image_file
from fitrank_tf.inputs.images import resize_and_pad
from fitrank_tf.towers.fusion import FeatureFusion, encode_with_features
from fitrank_tf.towers.towers import Towers

PIXELS_SIGNATURE = "pixels"
FEATURES_SIGNATURE = "with_features"


@functools.cache
def example_photo() -> bytes:
    """A grey JPEG: what is on it changes nothing of what decoding and encoding cost.

    Not made on import: TensorFlow's threads could not be set after it.
    """
    return tf.io.encode_jpeg(np.full((224, 168, 3), 128, np.uint8)).numpy()


_IMAGE = tf.TensorSpec([None], tf.string, name="image")


class ImageEncoder(ServedModule):
    """The image tower alone.

    Signatures: `serving_default` takes `image` string [batch], bytes of the
    formats of `inputs.image_file.decode_upright`; `pixels` takes `pixels` uint8
    [batch, S, S, 3] made by `inputs.images`; both give `embedding` float32 [batch, D].

    Args:
        towers: trained.
        name: of the module.
    """

    def __init__(self, towers: Towers, name: str = "image_encoder"):
        super().__init__(name=name)
        self._variables = [variable.value for variable in towers.backbone.variables]
        self._towers_encode = towers.encode_images
        self._size = towers.image_size

    def examples(self) -> Mapping[str, bytes]:
        """A photo to warm up with."""
        return {"image": example_photo()}

    def signatures(self) -> Mapping[str, tf.types.experimental.PolymorphicFunction]:
        """See the class."""

        @served_function([_IMAGE])
        def encode(image: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"embedding": self._towers_encode(decode_batch(image, self._size))}

        @served_function([_pixels_spec(self._size)])
        def encode_pixels(pixels: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"embedding": self._towers_encode(pixels)}

        return {DEFAULT_SIGNATURE: encode, PIXELS_SIGNATURE: encode_pixels}


class FusedImageEncoder(ImageEncoder):
    """The fine-tuned image tower with feature fusion.

    Signatures: `serving_default` takes `image` string [batch] and leaves the
    features out; `with_features` takes `image` and `features` float32
    [batch, F]; `pixels` takes `pixels` uint8 [batch, S, S, 3] and `features`.
    All give `embedding` float32 [batch, D].

    Args:
        towers: fine-tuned.
        fusion: trained with them.
        num_features: F.
    """

    def __init__(self, towers: Towers, fusion: FeatureFusion, num_features: int):
        super().__init__(towers, name="fused_image_encoder")
        self._fusion_variables = [variable.value for variable in fusion.variables]
        self._fuse: Callable[..., tf.Tensor] = functools.partial(
            encode_with_features, towers, fusion
        )
        self._features = tf.TensorSpec([None, num_features], tf.float32, name="features")

    def signatures(self) -> Mapping[str, tf.types.experimental.PolymorphicFunction]:
        """See the class."""

        @served_function([_IMAGE, self._features])
        def encode_with_features(
            image: tf.Tensor, features: tf.Tensor
        ) -> dict[str, tf.Tensor]:
            return self._fused(decode_batch(image, self._size), features)

        @served_function([_pixels_spec(self._size), self._features])
        def encode_pixels(pixels: tf.Tensor, features: tf.Tensor) -> dict[str, tf.Tensor]:
            return self._fused(pixels, features)

        return {
            **super().signatures(),
            FEATURES_SIGNATURE: encode_with_features,
            PIXELS_SIGNATURE: encode_pixels,
        }

    def _fused(self, pixels: tf.Tensor, features: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"embedding": self._fuse(pixels, features)}


def decode_batch(images: tf.Tensor, size: int) -> tf.Tensor:
    """Encoded photos to uint8 [batch, size, size, 3]; says which is of another format."""
    places = tf.strings.as_string(tf.where(~is_image_file(images))[:, 0] + 1)
    message = tf.strings.join(
        [
            "photo ",
            tf.strings.reduce_join(places, separator=", "),
            " of the request is no JPEG, PNG, GIF, BMP or WebP: convert it, as "
            "fitrank_tf's SearchClient does",
        ]
    )
    spec = tf.TensorSpec([size, size, 3], tf.uint8)
    with tf.control_dependencies([tf.debugging.Assert(tf.size(places) == 0, [message])]):
        return tf.map_fn(
            lambda data: resize_and_pad(decode_upright(data), size),
            images,
            fn_output_signature=spec,
        )


def _pixels_spec(size: int) -> tf.TensorSpec:
    return tf.TensorSpec([None, size, size, 3], tf.uint8, name="pixels")
