"""Converts photos from the ICC profile of a JPEG to sRGB, in a graph.

Profiles of three colorants and curves are applied, which are those of cameras, phones and
editors: Adobe RGB, Display P3, ProPhoto (ICC.1:2010, 8.3.3). Others, and those spread over
several segments, count as sRGB.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from fitrank_tf.inputs.file_numbers import number_reader

_START, _WHOLE = b"ICC_PROFILE\0", b"\x01\x01"  # the first segment of one
_MAX_TAGS = 100
_LEVELS = 256
# As `core.photos.clean` does it: what moves no colour further counts as sRGB.
_SAME_COLOUR = 3.0
# XYZ under D50 of sRGB's colorants, one a column (IEC 61966-2-1, adapted by Bradford).
_SRGB = np.array(
    [[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]]
)


def to_srgb(image: tf.Tensor, head: tf.Tensor) -> tf.Tensor:
    """Converts a photo, or returns it where its profile changes no colour.

    Args:
        image: uint8 [H, W, 3].
        head: string scalar, the JPEG's bytes up to its pixels.

    Returns:
        uint8 [H, W, 3].
    """
    parts = tf.strings.split(head, _START, maxsplit=1)
    rest = tf.concat([parts, [""]], axis=0)[1]
    profile = tf.strings.substr(rest, tf.minimum(2, tf.strings.length(rest)), 2**16)
    # The length of a segment counts itself, the name and the two numbers.
    segment = tf.strings.substr(tf.strings.join([b"\0\0", parts[0]]), -2, 2)
    sizes = number_reader(tf.strings.join([segment, tf.strings.substr(profile, 0, 4)]))
    room = sizes(tf.constant([0], tf.int64), 2)[0] - 2 - len(_START) - len(_WHOLE)
    size = sizes(tf.constant([2], tf.int64), 4)[0]
    profile = tf.strings.substr(
        profile, 0, tf.cast(tf.clip_by_value(size, 0, 2**16), tf.int32)
    )
    is_whole = (tf.strings.substr(rest, 0, 2) == _WHOLE) & (size <= room)
    is_rgb = tf.strings.regex_full_match(profile, r"\C{16}RGB \C*")
    return tf.cond(is_whole & is_rgb, lambda: _converted(image, profile), lambda: image)


def _converted(image: tf.Tensor, profile: tf.Tensor) -> tf.Tensor:
    read = number_reader(profile)
    count = tf.minimum(read(tf.constant([128], tf.int64), 4)[0], _MAX_TAGS)
    entries = 132 + 12 * tf.range(count)
    names, places = read(entries, 4), read(entries + 4, 4)

    def tag(name: bytes) -> tf.Tensor:
        """Its place, 0 without one."""
        found = tf.boolean_mask(places, names == int.from_bytes(name))
        return tf.concat([found, [0]], axis=0)[0]

    colorants = [tag(name) for name in (b"rXYZ", b"gXYZ", b"bXYZ")]
    curves = [_curve(read, tag(name)) for name in (b"rTRC", b"gTRC", b"bTRC")]
    matrix = tf.constant(np.linalg.inv(_SRGB), tf.float32) @ tf.stack(
        [_fixed(read, place + 8, 3) for place in colorants], axis=1
    )

    def convert(pixels: tf.Tensor) -> tf.Tensor:
        channels = [tf.gather(curve, pixels[..., n]) for n, curve in enumerate(curves)]
        linear = tf.einsum("...c,kc->...k", tf.stack(channels, axis=-1), matrix)
        linear = tf.clip_by_value(linear, 0.0, 1.0)
        bent = 1.055 * tf.maximum(linear, 1e-6) ** (1 / 2.4) - 0.055
        encoded = tf.where(linear <= 0.0031308, 12.92 * linear, bent)
        return tf.round(encoded * (_LEVELS - 1))

    # Every 17th level of each channel. Numbers that are none compare as false.
    levels = tf.range(0, _LEVELS, 17)
    grid = tf.stack(tf.meshgrid(levels, levels, levels, indexing="ij"), axis=-1)
    moved = tf.reduce_max(tf.abs(convert(grid) - tf.cast(grid, tf.float32)))
    is_known = tf.reduce_all([place > 0 for place in colorants])
    is_other = is_known & (moved > _SAME_COLOUR)
    return tf.cond(
        is_other,
        lambda: tf.cast(convert(tf.cast(image, tf.int32)), tf.uint8),
        lambda: image,
    )


def _fixed(
    read: Callable[[tf.Tensor, int], tf.Tensor], place: tf.Tensor, count: int
) -> tf.Tensor:
    """Numbers of 16 bits before and 16 behind the point, as float32 [count]."""
    raw = read(place + 4 * tf.range(count, dtype=tf.int64), 4)
    return tf.cast(tf.where(raw >= 2**31, raw - 2**32, raw), tf.float32) / 65536.0


def _curve(read: Callable[[tf.Tensor, int], tf.Tensor], place: tf.Tensor) -> tf.Tensor:
    """The linear light, float32 [256], of each level of a channel (10.5 and 10.15)."""
    x = tf.range(_LEVELS, dtype=tf.float32) / (_LEVELS - 1)
    count = tf.minimum(read(place[tf.newaxis] + 8, 4)[0], 2**14)

    def sampled() -> tf.Tensor:
        table = read(place + 12 + 2 * tf.range(count), 2)
        table = tf.cast(table, tf.float32) / 65535.0
        at = x * tf.cast(count - 1, tf.float32)
        low = tf.cast(tf.floor(at), tf.int32)
        high = tf.minimum(low + 1, tf.cast(count, tf.int32) - 1)
        share = at - tf.floor(at)
        return tf.gather(table, low) * (1 - share) + tf.gather(table, high) * share

    def power() -> tf.Tensor:
        gamma = tf.cast(read(place[tf.newaxis] + 12, 2)[0], tf.float32) / 256.0
        return tf.where(count == 0, x, x**gamma)

    def parametric() -> tf.Tensor:
        kind = read(place[tf.newaxis] + 8, 2)[0]
        g, a, b, c, d, e, f = tf.unstack(_fixed(read, place + 12, 7))
        bent = tf.maximum(a * x + b, 0.0) ** g
        by_kind = [
            x**g,
            tf.where(a * x >= -b, bent, 0.0),
            tf.where(a * x >= -b, bent + c, c),
            tf.where(x >= d, bent, c * x),
            tf.where(x >= d, bent + e, c * x + f),
        ]
        return tf.gather(tf.stack(by_kind), tf.minimum(kind, 4))

    is_parametric = read(place[tf.newaxis], 4)[0] == int.from_bytes(b"para")
    return tf.cond(is_parametric, parametric, lambda: tf.cond(count > 1, sampled, power))
