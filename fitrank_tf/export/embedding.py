"""Encodes whole catalogues and query sets by an encoder's signature, in batches."""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from fitrank_tf.core.progress import tracked

_BATCH = 64


def embed_texts(
    encode: Callable[..., dict[str, tf.Tensor]], texts: Sequence[str]
) -> np.ndarray:
    """Returns unit embeddings of texts.

    Args:
        encode: a query encoder's signature, `query` -> `embedding`.
        texts: at least one.

    Returns:
        float32 [len(texts), D].
    """
    return encode_texts(encode, texts)["embedding"]


def encode_texts(
    encode: Callable[..., dict[str, tf.Tensor]],
    texts: Sequence[str],
    what: str = "embedding queries",
) -> dict[str, np.ndarray]:
    """Returns a query encoder's outputs, `embedding` and, of some, `query_facets`.

    Args:
        encode: takes `query`, string [batch].
        texts: at least one.
        what: is done, for the lines of progress.
    """
    starts = range(0, len(texts), _BATCH)
    parts = [
        encode(query=tf.constant(list(texts[start : start + _BATCH])))
        for start in tracked(starts, what, "batches")
    ]
    return {
        name: np.concatenate([part[name].numpy() for part in parts]) for name in parts[0]
    }


def embed_photos(
    encode: Callable[..., dict[str, tf.Tensor]],
    photos: tf.data.Dataset,
    features: np.ndarray | None = None,
) -> np.ndarray:
    """Returns unit embeddings of photos.

    Args:
        encode: an image encoder's `pixels` signature, -> `embedding`.
        photos: uint8 [S, S, 3] each, at least one.
        features: float32 [N, F] in the photos' order, for an encoder that fuses.

    Returns:
        float32 [N, D].
    """
    embedded: list[np.ndarray] = []
    total = -(-int(photos.cardinality()) // _BATCH)
    batches = photos.batch(_BATCH).prefetch(2)
    for number, pixels in enumerate(tracked(batches, "embedding photos", "batches", total)):
        rows = slice(number * _BATCH, (number + 1) * _BATCH)
        extra = {} if features is None else {"features": tf.constant(features[rows])}
        embedded.append(encode(pixels=pixels, **extra)["embedding"].numpy())
    return np.concatenate(embedded)
