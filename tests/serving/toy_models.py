"""Toy models whose answers are known by hand."""

import tensorflow as tf

# Row 0 answers every query that the table does not know. "" pads.
QUERIES = ["red shirt", "été 👗"]
IDS = [["", "", ""], ["11", "12", "13"], ["21", "", ""]]
TITLES = [
    ["", "", ""],
    ["Red Shirt", "Plain Shirt", "Check Shirt"],
    ["Robe d'été 👗", "", ""],
]
SCORES = [[0.0, 0.0, 0.0], [0.875, 0.5, 0.25], [0.75, 0.0, 0.0]]

SERVING_DEFAULT = "serving_default"


class ToySearch(tf.Module):
    """Answers from a table; `version` is added to every first-stage rank."""

    def __init__(self, version: int) -> None:
        super().__init__()
        self.version = version
        self.rows = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(
                tf.constant(QUERIES), tf.range(1, len(QUERIES) + 1)
            ),
            default_value=0,
        )

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="query")])
    def search(self, query: tf.Tensor) -> dict[str, tf.Tensor]:
        rows = self.rows.lookup(query)
        ranks = tf.broadcast_to(tf.range(3) + self.version, [tf.size(query), 3])
        return {
            "ids": tf.gather(tf.constant(IDS), rows),
            "titles": tf.gather(tf.constant(TITLES), rows),
            "scores": tf.gather(tf.constant(SCORES), rows),
            "first_stage_ranks": ranks,
        }


class ToyAffine(tf.Module):
    """y = x @ [[1, 0], [0, 10], [100, 100]] + shift, and the size of the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = tf.Variable([[1.0, 0.0], [0.0, 10.0], [100.0, 100.0]])

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, 3], tf.float32, name="x"),
            tf.TensorSpec([None, 1], tf.int32, name="shift"),
        ]
    )
    def affine(self, x: tf.Tensor, shift: tf.Tensor) -> dict[str, tf.Tensor]:
        tf.debugging.assert_non_negative(shift, message="shift must not be negative")
        return {
            "y": x @ self.weights + tf.cast(shift, tf.float32),
            "shape": tf.tile(tf.shape(x)[None, :], [tf.shape(x)[0], 1]),
        }

    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32, name="x")])
    def total(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"total": tf.reduce_sum(x, axis=1)}
