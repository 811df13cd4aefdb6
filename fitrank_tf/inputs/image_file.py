"""Decodes image files in a graph, as a person sees them, from TensorFlow's own ops.

A served graph takes photos as clients send them. Those of a catalogue, and those that this
package's clients send, were cleaned before (`core.photos.clean`) and decode unchanged.
"""

import tensorflow as tf

from fitrank_tf.inputs.colour_profile import to_srgb
from fitrank_tf.inputs.file_numbers import number_reader

# Metadata stand in front of the pixels, each segment in at most 64 KiB.
_HEAD_BYTES = 2**17
_JPEG_START, _EXIF_SEGMENT, _EXIF_START = b"\xff\xd8", b"\xff\xe1", b"Exif\0\0"
_ORIENTATION_TAG, _LONG = 0x0112, 4
_ENTRY_BYTES = 12
_OPAQUE = 255


def decode_upright(data: tf.Tensor) -> tf.Tensor:
    """Decodes a photo, the first frame of an animation.

    A JPEG is turned by its EXIF orientation and converted from its ICC profile to sRGB; a
    PNG or WebP is blended with white where it is transparent.

    Args:
        data: string scalar, the bytes of a JPEG, PNG, GIF, BMP or WebP.

    Returns:
        uint8 [H, W, 3].
    """
    start = tf.strings.substr(data, 0, 16)
    is_png = tf.strings.regex_full_match(start, r"\C{12}IHDR")
    is_webp = tf.strings.regex_full_match(start, r"RIFF\C{4}WEBPVP8[LX]")
    image = tf.case(
        [
            # Below 8 bits a channel TensorFlow cannot tell transparency.
            (is_png & (_byte(data, 24) >= 8), lambda: _png_on_white(data)),
            (is_webp, lambda: _webp_on_white(data)),
        ],
        default=lambda: tf.io.decode_image(data, channels=3, expand_animations=False),
    )
    image = tf.ensure_shape(image, [None, None, 3])
    is_jpeg = tf.strings.substr(data, 0, 2) == _JPEG_START
    head = tf.where(is_jpeg, tf.strings.substr(data, 0, _HEAD_BYTES), "")
    image = to_srgb(image, head)
    orientation = exif_orientation(head)
    return tf.cond(orientation > 1, lambda: _turned(image, orientation), lambda: image)


def is_image_file(data: tf.Tensor) -> tf.Tensor:
    """Whether the first bytes are those of a format that `decode_upright` reads.

    Args:
        data: string [...], bytes of files.

    Returns:
        bool [...].
    """
    start = tf.strings.substr(data, 0, 12)
    is_jpeg = tf.strings.substr(data, 0, 2) == _JPEG_START
    formats = r"\CPNG\r\n|GIF8[79]a|BM|RIFF\C{4}WEBP"
    return is_jpeg | tf.strings.regex_full_match(start, rf"(?:{formats})\C*")


def exif_orientation(data: tf.Tensor) -> tf.Tensor:
    """The EXIF orientation of a JPEG (EXIF 2.32, 4.6.4): how it is to be turned.

    Args:
        data: string scalar, the bytes of an image file, or those up to its pixels.

    Returns:
        int64 scalar, 1 to 8; 1 is upright, as is any other format or damaged EXIF.
    """
    parts = tf.strings.split(data, _EXIF_START, maxsplit=1)
    upright = tf.constant(1, tf.int64)
    is_jpeg = tf.strings.substr(data, 0, 2) == _JPEG_START
    has_exif = is_jpeg & (tf.size(parts) > 1) & (tf.strings.length(parts[0]) >= 6)
    return tf.cond(has_exif, lambda: _orientation_in(parts[0], parts[1]), lambda: upright)


def _orientation_in(before: tf.Tensor, exif: tf.Tensor) -> tf.Tensor:
    """The orientation in a TIFF structure, [byte order, 42, offset of the first directory],
    that directory being [number of entries, entries of tag, type, count and value]."""
    little = tf.strings.substr(exif, 0, 2) == b"II"
    read, size = number_reader(exif, little), tf.strings.length(exif)
    directory = read(tf.constant([4], tf.int64), 4)
    count = tf.minimum(read(directory, 2)[0], tf.cast(size, tf.int64) // _ENTRY_BYTES)
    entries = directory + 2 + _ENTRY_BYTES * tf.range(count)
    is_long = read(entries + 2, 2) == _LONG
    found = tf.where(is_long, read(entries + 8, 4), read(entries + 8, 2))
    found = tf.boolean_mask(found, read(entries, 2) == _ORIENTATION_TAG)
    orientation = tf.reduce_max(tf.concat([found[-1:], [1]], axis=0))
    # The segment's marker and length stand before it.
    is_segment = tf.strings.substr(before, -4, 2) == _EXIF_SEGMENT
    return tf.where(is_segment & (orientation <= 8), orientation, 1)


def _turned(image: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    def among(*orientations: int) -> tf.Tensor:
        return tf.reduce_any(orientation == tf.constant(orientations, tf.int64))

    image = tf.cond(orientation >= 5, lambda: tf.transpose(image, [1, 0, 2]), lambda: image)
    image = tf.cond(among(2, 3, 6, 7), lambda: tf.reverse(image, [1]), lambda: image)
    return tf.cond(among(3, 4, 7, 8), lambda: tf.reverse(image, [0]), lambda: image)


def _png_on_white(data: tf.Tensor) -> tf.Tensor:
    return _on_white(tf.io.decode_png(data, channels=4))


def _webp_on_white(data: tf.Tensor) -> tf.Tensor:
    image = tf.io.decode_webp(data)[0]  # of 3 channels or 4, as the file has
    opaque = tf.fill(tf.shape(image[..., :1]), tf.constant(_OPAQUE, tf.uint8))
    return _on_white(tf.concat([image, opaque], axis=-1)[..., :4])


def _on_white(image: tf.Tensor) -> tf.Tensor:
    """Blends uint8 [H, W, 4] with white, rounded to the nearest level."""
    colours, alpha = tf.cast(image[..., :3], tf.int32), tf.cast(image[..., 3:], tf.int32)
    blended = colours * alpha + _OPAQUE * (_OPAQUE - alpha)
    return tf.cast((blended + _OPAQUE // 2) // _OPAQUE, tf.uint8)


def _byte(data: tf.Tensor, place: int) -> tf.Tensor:
    """The byte at a place as int32, 0 behind the end."""
    padded = tf.strings.join([tf.strings.substr(data, 0, place + 1), b"\0" * (place + 1)])
    return tf.cast(
        tf.io.decode_raw(tf.strings.substr(padded, place, 1), tf.uint8)[0], tf.int32
    )
