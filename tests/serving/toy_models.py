"""Toy models whose outputs are known by hand."""

from pathlib import Path

import tensorflow as tf

# Queries that are not in the table get row 0. "" is padding.
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
    """Looks results up in a table; `version` is added to every first-stage rank."""

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


class SlowModel(tf.Module):
    """Writes the file `entered`, then returns once the file `release` exists."""

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, name="entered"),
            tf.TensorSpec([None], tf.string, name="release"),
        ]
    )
    def wait(self, entered: tf.Tensor, release: tf.Tensor) -> dict[str, tf.Tensor]:
        tf.io.write_file(entered[0], "")
        rounds = tf.while_loop(
            lambda _: tf.equal(tf.size(tf.io.matching_files(release[0])), 0),
            lambda count: (count + 1,),
            (tf.constant(0),),
        )[0]
        return {"done": tf.fill(tf.shape(entered), rounds >= 0)}


def save_example_model(directory: Path) -> None:
    """A SavedModel with TensorFlow 1's signatures on tf.Examples.

    `regress` is x / 2 + 2 + offset; `classify` names two classes with the scores x and
    -x; both read the same tensor. The other signatures are wrong in one way each.
    """
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        examples = v1.placeholder(tf.string, [None], name="examples")
        others = v1.placeholder(tf.string, [None], name="others")
        value = _example_value(examples)
        labels = tf.tile([["up", "down"]], [tf.size(examples), 1])
        scores = tf.concat([value["x"], -value["x"]], axis=1)
        regression = value["x"] / 2 + 2 + value["offset"]
        other = _example_value(others)["x"]
        classify, regress = (
            tf.saved_model.CLASSIFY_METHOD_NAME,
            tf.saved_model.REGRESS_METHOD_NAME,
        )
        signatures = {
            "regress": (regress, examples, {"outputs": regression}),
            "classify": (classify, examples, {"classes": labels, "scores": scores}),
            "scores_only": (classify, examples, {"scores": scores}),
            "classes_only": (classify, examples, {"classes": labels}),
            "predict": (tf.saved_model.PREDICT_METHOD_NAME, examples, {"y": regression}),
            "regress_others": (regress, others, {"outputs": other}),
            "regress_matrix": (regress, examples, {"outputs": scores}),
            "regress_one": (regress, examples, {"outputs": regression[:1]}),
            "regress_double": (
                regress,
                examples,
                {"outputs": tf.cast(value["x"], "double")},
            ),
            "classify_vector": (classify, examples, {"scores": value["x"][:, 0]}),
            "classify_labels": (classify, examples, {"scores": labels}),
            "classify_one": (classify, examples, {"scores": scores[:1]}),
            "classify_uneven": (
                classify,
                examples,
                {"classes": labels, "scores": value["x"]},
            ),
        }
        builder = v1.saved_model.Builder(str(directory))
        builder.add_meta_graph_and_variables(
            session,
            ["serve"],
            signature_def_map={
                name: v1.saved_model.signature_def_utils.build_signature_def(
                    {"inputs": v1.saved_model.utils.build_tensor_info(source)},
                    {
                        alias: v1.saved_model.utils.build_tensor_info(tensor)
                        for alias, tensor in outputs.items()
                    },
                    method,
                )
                for name, (method, source, outputs) in signatures.items()
            },
        )
        builder.save()


def _example_value(examples: tf.Tensor) -> dict[str, tf.Tensor]:
    """x and offset of serialised tf.Examples, [batch, 1] each."""
    return tf.io.parse_example(
        examples,
        {
            "x": tf.io.FixedLenFeature([1], tf.float32),
            "offset": tf.io.FixedLenFeature([1], tf.float32, default_value=[0.0]),
        },
    )
