"""Augmentation of studio photos: the figure is cut out and pasted on another backdrop.

A shop's photos have white backdrops; a network trained only on these learns the white as
a part of the product.
"""

import tensorflow as tf

# A pixel belongs to the figure if its channels (0..255) differ from the corners' colour by
# more than this on average: more than JPEG noise, less than the shade of white cloth.
_FIGURE = 9.0
# Size of the morphological closing of the figure's mask, in pixels.
_CLOSE = 5
# With a figure that covers less or more of the photo, the backdrop was not a plain one.
_LEAST_FIGURE, _MOST_FIGURE = 0.03, 0.9
_CELLS = 6
_WHITE = 255.0


def paste_on_backdrop(image: tf.Tensor, other: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """A photo whose backdrop is replaced at random.

    Half of the new backdrops are smooth noise of two colours; half are another photo,
    enlarged until no object in it is recognisable.

    Args:
        image: uint8 [S, S, 3], a studio photo padded to a white square.
        other: uint8 [S, S, 3], any photo.
        seed: int [2], stateless seed of this photo.

    Returns:
        uint8 [S, S, 3]; `image` itself where no figure can be separated from its backdrop.
    """
    figure = figure_mask(image)
    share = tf.reduce_mean(figure)
    seeds = tf.random.split(seed, 2)
    use_photo = tf.random.stateless_uniform([], seeds[0]) < 0.5
    backdrop = tf.cond(
        use_photo,
        lambda: _enlarged(other, seeds[1]),
        lambda: _blots(image.shape[0], seeds[1]),
    )
    # Blend inside the outline only: outside of it the pixels are the old backdrop.
    blurred = tf.nn.avg_pool2d(figure[tf.newaxis, ..., tf.newaxis], 3, 1, "SAME")[0]
    soft = blurred * figure[..., tf.newaxis]
    pasted = tf.cast(image, tf.float32) * soft + backdrop * (1.0 - soft)
    can = (share > _LEAST_FIGURE) & (share < _MOST_FIGURE)
    return tf.where(can, tf.cast(tf.round(pasted), tf.uint8), image)


def figure_mask(image: tf.Tensor) -> tf.Tensor:
    """The mask of the figure: where a photo differs from white and from its corners.

    Only a square photo has its own backdrop in the corners; the figure of a padded photo
    is found only before white. Small holes are closed, so that a white collar belongs to
    the figure.

    Args:
        image: uint8 [S, S, 3].

    Returns:
        float32 [S, S], 1 inside the figure, else 0.
    """
    pixels = tf.cast(image, tf.float32)
    corners = tf.stack([pixels[0, 0], pixels[0, -1], pixels[-1, 0], pixels[-1, -1]])
    # The white padding of the square counts as backdrop too.
    distance = tf.minimum(
        tf.reduce_mean(tf.abs(pixels - tf.reduce_mean(corners, axis=0)), axis=-1),
        tf.reduce_mean(_WHITE - pixels, axis=-1),
    )
    mask = tf.cast(distance > _FIGURE, tf.float32)[tf.newaxis, ..., tf.newaxis]
    grown = tf.nn.max_pool2d(mask, _CLOSE, 1, "SAME")
    return (-tf.nn.max_pool2d(-grown, _CLOSE, 1, "SAME"))[0, ..., 0]


def _blots(size: int, seed: tf.Tensor) -> tf.Tensor:
    """Smooth noise of two colours, float32 [S, S, 3]."""
    seeds = tf.random.split(seed, 2)
    colours = tf.random.stateless_uniform([2, 3], seeds[0], 0.0, _WHITE)
    noise = tf.random.stateless_uniform([_CELLS, _CELLS, 1], seeds[1])
    mixed = tf.image.resize(noise, [size, size], "bicubic")
    return tf.clip_by_value(colours[0] * mixed + colours[1] * (1.0 - mixed), 0.0, _WHITE)


def _enlarged(photo: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """A small window near the photo's centre, resized to float32 [S, S, 3]."""
    size = photo.shape[0]
    side = size // 6
    low = tf.random.stateless_uniform([2], seed, size // 4, size // 2, tf.int32)
    window = photo[low[0] : low[0] + side, low[1] : low[1] + side]
    return tf.image.resize(tf.cast(window, tf.float32), [size, size])
