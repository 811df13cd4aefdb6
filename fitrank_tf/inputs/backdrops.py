"""Studio photos before other backdrops: cut out of their plain one, pasted on another.

A shop's photos stand before white; a network that has seen nothing else takes the
white for a part of the product.
"""

import tensorflow as tf

# Mean difference of the channels (of 255) from the photo's corner colour above which a
# pixel is the figure's: more than JPEG noise, less than the shade of white cloth.
_FIGURE = 9.0
# The figure's outline is closed over gaps of so many pixels.
_CLOSE = 5
# A cut-out that covers less or more of the photo was not cut out of a plain backdrop.
_LEAST_FIGURE, _MOST_FIGURE = 0.03, 0.9
_CELLS = 6
_WHITE = 255.0


def paste_on_backdrop(image: tf.Tensor, other: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """The figure of a photo before another backdrop.

    Half of the backdrops are soft blots of two colours, half are another photo,
    enlarged until nothing in it is a thing.

    Args:
        image: uint8 [S, S, 3], a studio photo in its white square.
        other: uint8 [S, S, 3], any photo.
        seed: int [2], of this photo.

    Returns:
        uint8 [S, S, 3]; the photo as it was where no figure can be told from the
        backdrop.
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
    # Soft inside the outline only: outside of it the photo is still its old backdrop.
    blurred = tf.nn.avg_pool2d(figure[tf.newaxis, ..., tf.newaxis], 3, 1, "SAME")[0]
    soft = blurred * figure[..., tf.newaxis]
    pasted = tf.cast(image, tf.float32) * soft + backdrop * (1.0 - soft)
    can = (share > _LEAST_FIGURE) & (share < _MOST_FIGURE)
    return tf.where(can, tf.cast(tf.round(pasted), tf.uint8), image)


def figure_mask(image: tf.Tensor) -> tf.Tensor:
    """float32 [S, S], 1 where a uint8 [S, S, 3] square differs from white and its corners.

    Only a square photo shows its own ground in the corners: one that is padded must
    stand before white to be cut out. Small holes are closed: a white collar inside a
    figure is the figure's.
    """
    pixels = tf.cast(image, tf.float32)
    corners = tf.stack([pixels[0, 0], pixels[0, -1], pixels[-1, 0], pixels[-1, -1]])
    # The square's own white counts as backdrop too.
    distance = tf.minimum(
        tf.reduce_mean(tf.abs(pixels - tf.reduce_mean(corners, axis=0)), axis=-1),
        tf.reduce_mean(_WHITE - pixels, axis=-1),
    )
    mask = tf.cast(distance > _FIGURE, tf.float32)[tf.newaxis, ..., tf.newaxis]
    grown = tf.nn.max_pool2d(mask, _CLOSE, 1, "SAME")
    return (-tf.nn.max_pool2d(-grown, _CLOSE, 1, "SAME"))[0, ..., 0]


def _blots(size: int, seed: tf.Tensor) -> tf.Tensor:
    """float32 [S, S, 3]: two colours, mixed by smooth noise."""
    seeds = tf.random.split(seed, 2)
    colours = tf.random.stateless_uniform([2, 3], seeds[0], 0.0, _WHITE)
    noise = tf.random.stateless_uniform([_CELLS, _CELLS, 1], seeds[1])
    mixed = tf.image.resize(noise, [size, size], "bicubic")
    return tf.clip_by_value(colours[0] * mixed + colours[1] * (1.0 - mixed), 0.0, _WHITE)


def _enlarged(photo: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """float32 [S, S, 3]: a small window of the photo's middle, filling the square."""
    size = photo.shape[0]
    side = size // 6
    low = tf.random.stateless_uniform([2], seed, size // 4, size // 2, tf.int32)
    window = photo[low[0] : low[0] + side, low[1] : low[1] + side]
    return tf.image.resize(tf.cast(window, tf.float32), [size, size])
