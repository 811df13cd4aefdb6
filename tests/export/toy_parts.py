"""Parts of a search with hand-worked results, saved and loaded as real ones are."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from fitrank_tf.datasets.attributes import Attribute
from fitrank_tf.export.graphs.served_catalogue import SearchableCatalogue, SearchTables
from fitrank_tf.export.signatures import (
    DEFAULT_SIGNATURE,
    KEPT_EXPLAINED_SIGNATURE,
    KEPT_SIGNATURE,
    UNDERSTOOD_SIGNATURE,
)

D, T, V = 4, 2, 3
IDS = ("p0", "p1", "p2", "p3", "p4")
TITLES = ("Red Shirt", "Blue Shirt", "Café Kurta", "", "Bag")
GENDERS = ("Men", "Women", "Women", "Unisex", "")
FILTERS = (
    Attribute("gender"),
    Attribute("colour"),
    Attribute("usage"),
    Attribute("heel_height", "number"),
)
HEELS = ("5", "30", "45.5", "", "90")
# Black, dark grey, grey, light grey and white, each with a second colour of no share.
PALETTE = [[[lightness, 0, 0, 1], [0, 0, 0, 0]] for lightness in (0, 25, 50, 75, 100)]
COLOURS = ("Red", "Navy Blue", "red", "Blue", "Été")


def toy_catalogue() -> SearchableCatalogue:
    """Five products on a quarter circle, the first trait in no order of theirs."""
    angles = np.linspace(0, np.pi / 2, len(IDS))
    embeddings = np.stack([np.cos(angles), np.sin(angles), 0 * angles, 0 * angles], axis=1)
    feature_projection = np.array([[5, 0], [1, 0], [3, 0], [2, 0], [4, 0]])
    facet_probs = np.arange(len(IDS) * V).reshape(len(IDS), V) / 20.0
    tables = (embeddings, feature_projection, facet_probs, PALETTE)
    arrays = (np.asarray(table, np.float32) for table in tables)
    attributes = {"gender": GENDERS, "colour": COLOURS, "heel_height": HEELS}
    attributes["usage"] = ("",) * len(IDS)
    return SearchableCatalogue(IDS, TITLES, attributes, SearchTables(*arrays), FILTERS)


class ToyEncoder(tf.Module):
    """A query is its angle and then words; without a number the angle is 0."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="query")])
    def encode(self, query: tf.Tensor) -> dict[str, tf.Tensor]:
        number = tf.strings.regex_replace(query, r"^([0-9.]*).*$", r"\1")
        number = tf.where(number == "", "0", number)
        place = _on_circle(tf.strings.to_number(number))
        words = tf.strings.lower(tf.strings.regex_replace(query, r"^[0-9.]* *", ""))
        # "no first" denies the first facet value, which later products have more surely.
        denies = tf.strings.regex_full_match(words, ".*no first.*")[:, tf.newaxis]
        is_white = tf.strings.regex_full_match(words, ".*white.*")[
            :, tf.newaxis, tf.newaxis
        ]
        return {
            "embedding": place,
            "query_facets": tf.where(denies, [[-1.0] + [0.0] * (V - 1)], place[:, :V]),
            "words": tf.strings.regex_replace(words, " *not .*", ""),
            "unwanted_words": tf.strings.regex_replace(words, "^.*not |.*", ""),
            "colours": tf.where(is_white, [[[100.0, 0.0, 0.0, 1.0]]], [[[0.0] * 4]]),
        }

    @tf.function(input_signature=[tf.TensorSpec([None, V], tf.float32, "query_facets")])
    def understand(self, query_facets: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"understood": tf.strings.as_string(query_facets[:, 0], precision=1)}


class ToyImageEncoder(tf.Module):
    """A PNG's first pixel is the angle in hundredths."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image")])
    def encode(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        first = tf.map_fn(
            lambda data: tf.io.decode_image(data, channels=1)[0, 0, 0],
            image,
            fn_output_signature=tf.uint8,
        )
        return {"embedding": _on_circle(tf.cast(first, tf.float32) / 100.0)}


def _on_circle(angle: tf.Tensor) -> tf.Tensor:
    zero = tf.zeros_like(angle)
    return tf.stack([tf.cos(angle), tf.sin(angle), zero, zero], axis=1)


_SPECS = [
    tf.TensorSpec([None, D], tf.float32, name="query"),
    tf.TensorSpec([None, V], tf.float32, name="query_facets"),
    tf.TensorSpec([None, None, V], tf.float32, name="facet_probs"),
    tf.TensorSpec([None, None, T], tf.float32, name="feature_projection"),
    tf.TensorSpec([None, None], tf.float32, name="first_stage"),
    tf.TensorSpec([None, None], tf.bool, name="mask"),
]


class ToyReranker(tf.Module):
    """The first trait of a candidate, and a tenth of its first-stage score.

    Of its parts, the first is the first stage, the second the facet, the third the trait.
    """

    @tf.function(input_signature=_SPECS)
    def score(
        self, query, query_facets, facet_probs, feature_projection, first_stage, mask
    ):
        told = self.explain(
            query, query_facets, facet_probs, feature_projection, first_stage, mask
        )
        return {"scores": told["scores"]}

    @tf.function(input_signature=_SPECS)
    def explain(
        self, query, query_facets, facet_probs, feature_projection, first_stage, mask
    ):
        # All inputs take part, as they do in the real one.
        nothing = 0.0 * tf.reduce_sum(query, axis=-1)[:, tf.newaxis]
        facet = tf.reduce_sum(query_facets[:, tf.newaxis] * facet_probs, axis=-1)
        parts = [0.1 * first_stage + nothing, facet, feature_projection[..., 0]]
        scores = parts[0] + parts[2]
        return {
            "scores": tf.where(mask, scores, -1e9),
            "contributions": tf.stack(parts, axis=-1),
        }


def save_toy_parts(folder: Path) -> dict[str, tf.Module]:
    """{name in a bundle: loaded SavedModel}, saved in version 1."""
    encoder, images, reranker = ToyEncoder(), ToyImageEncoder(), ToyReranker()
    saved = {
        "query_encoder": (
            encoder,
            {
                DEFAULT_SIGNATURE: encoder.encode,
                UNDERSTOOD_SIGNATURE: encoder.understand,
            },
        ),
        "image_encoder": (images, {DEFAULT_SIGNATURE: images.encode}),
        "reranker": (
            reranker,
            {KEPT_SIGNATURE: reranker.score, KEPT_EXPLAINED_SIGNATURE: reranker.explain},
        ),
    }
    for name, (module, signatures) in saved.items():
        tf.saved_model.save(module, str(folder / name / "1"), signatures=signatures)
    return {name: tf.saved_model.load(str(folder / name / "1")) for name in saved}
