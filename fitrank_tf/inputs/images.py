"""Image preprocessing of the towers: decoding, resizing, white padding, augmentation.

The same functions run in training's tf.data and inside the served image encoder, so that
both read the same pixels to the bit. A catalogue's photos are clean and need only be
decoded; `image_file.decode_upright` gives the same of them, and more of others.
"""

import tensorflow as tf

_WHITE = 255.0


def resize_and_pad(image: tf.Tensor, size: int) -> tf.Tensor:
    """Fits a photo into a white square, with its aspect ratio kept.

    Args:
        image: uint8 or float32 [H, W, 3], values 0..255.
        size: side of the square, in pixels.

    Returns:
        uint8 [size, size, 3]. The photo is centred; the longer side fills the
        square. Shrinking is antialiased: without it thin stripes turn to noise.
    """
    shape = tf.shape(image)
    height, width = shape[0], shape[1]
    scale = tf.cast(size, tf.float32) / tf.cast(tf.maximum(height, width), tf.float32)
    new_height = _scaled(height, scale)
    new_width = _scaled(width, scale)
    resized = tf.image.resize(image, [new_height, new_width], antialias=True)
    top, left = (size - new_height) // 2, (size - new_width) // 2
    padded = tf.pad(
        resized,
        [
            [top, size - new_height - top],
            [left, size - new_width - left],
            [0, 0],
        ],
        constant_values=_WHITE,
    )
    padded = tf.ensure_shape(padded, [size, size, 3])
    return tf.cast(tf.round(tf.clip_by_value(padded, 0.0, _WHITE)), tf.uint8)


def _scaled(side: tf.Tensor, scale: tf.Tensor) -> tf.Tensor:
    return tf.maximum(1, tf.cast(tf.round(tf.cast(side, tf.float32) * scale), tf.int32))


def decode_photo(data: tf.Tensor, size: int) -> tf.Tensor:
    """Decodes JPEG, PNG, BMP or GIF bytes and fits them with `resize_and_pad`.

    Args:
        data: string scalar, the bytes of the image file.
        size: side of the square, in pixels.

    Returns:
        uint8 [size, size, 3].
    """
    return resize_and_pad(_decode(data), size)


def decode_crop(data: tf.Tensor, box: tf.Tensor, size: int) -> tf.Tensor:
    """Decodes a photo as `decode_photo` does, and keeps a box of it.

    Args:
        data: string scalar, JPEG, PNG, BMP or GIF bytes.
        box: float32 [4], [ymin, xmin, ymax, xmax] in 0..1 of the photo. A box without area,
            which stands for "nothing detected", keeps the whole photo.
        size: side of the square, in pixels.

    Returns:
        uint8 [size, size, 3].
    """
    image = _decode(data)
    whole = tf.constant([0.0, 0.0, 1.0, 1.0])
    has_area = tf.reduce_all(box[2:] > box[:2])
    low, high = tf.split(tf.where(has_area, box, whole), 2)
    sides = tf.cast(tf.shape(image)[:2], tf.float32)
    first = tf.cast(tf.floor(low * sides), tf.int32)
    last = tf.maximum(tf.cast(tf.math.ceil(high * sides), tf.int32), first + 1)
    return resize_and_pad(image[first[0] : last[0], first[1] : last[1]], size)


def _decode(data: tf.Tensor) -> tf.Tensor:
    image = tf.io.decode_image(data, channels=3, expand_animations=False)
    image.set_shape([None, None, 3])
    return image


def augment(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Random zoom, shift and horizontal flip of each photo of a batch.

    Colours stay unchanged because shoppers ask for them: hue, saturation and grey scale are
    not augmented.

    Args:
        images: uint8 [B, S, S, 3].
        seed: int64 [2], the stateless seed of this batch.

    Returns:
        float32 [B, S, S, 3], values 0..255.
    """
    batch, size = images.shape[0] or tf.shape(images)[0], images.shape[1]
    seeds = tf.random.split(seed, 3)
    window = tf.random.stateless_uniform([batch, 1], seeds[0], 0.7, 1.1)
    corner = tf.random.stateless_uniform([batch, 2], seeds[1]) * (1.0 - window)
    mirrored = tf.random.stateless_uniform([batch, 1], seeds[2]) < 0.5
    y1, x1 = corner[:, :1], corner[:, 1:]
    y2, x2 = y1 + window, x1 + window
    left, right = tf.where(mirrored, x2, x1), tf.where(mirrored, x1, x2)
    # Where the window exceeds the photo it is white, like the padding.
    return tf.image.crop_and_resize(
        tf.cast(images, tf.float32),
        tf.concat([y1, left, y2, right], axis=1),
        tf.range(batch),
        [size, size],
        extrapolation_value=_WHITE,
    )
