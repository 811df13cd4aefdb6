"""BM25 in a graph, saved and loaded, against the index."""

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.export.graphs.text_match import TextMatch, title_match
from fitrank_tf.queries.query_words import query_words
from fitrank_tf.retrieval.bm25 import Bm25Index

WORDS = [
    "red",
    "navy",
    "shirt",
    "shirts",
    "sandal",
    "sandals",
    "sweater",
    "of",
    "42",
    "crème",
]


def _served(index: Bm25Index, folder) -> tf.types.experimental.ConcreteFunction:
    """`query` string [batch] -> `scores`, after saving and loading."""
    module = TextMatch(index)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="query")])
    def search(query: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"scores": module(tf.strings.split(query).to_tensor(""))}

    tf.saved_model.save(module, str(folder), search)
    loaded = tf.saved_model.load(str(folder))
    signature = loaded.signatures["serving_default"]
    signature.module = loaded
    return signature


def _texts(draw: np.random.Generator, count: int) -> list[str]:
    return [" ".join(draw.choice(WORDS, size)) for size in draw.integers(0, 7, count)]


@pytest.mark.parametrize(
    "texts",
    [_texts(np.random.default_rng(0), 300), ["red shirt"], ["", "!"], ["", "shirt", ""]],
    ids=["many", "one", "no words", "one with words"],
)
def test_a_loaded_graph_gives_the_scores_of_the_index(texts: list[str], tmp_path) -> None:
    index = Bm25Index.of(texts)
    served = _served(index, tmp_path)
    queries = [
        "",
        "unknown words",
        "red",
        "Ｒed SHIRTS, of wool",
        "red shirt red shirts",
        "snadals of wool",
        *_texts(np.random.default_rng(1), 40),
    ]
    expected = index.scores(queries)
    queries = [" ".join(query_words(query)) for query in queries]
    scores = served(query=tf.constant(queries))["scores"].numpy()
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, expected, rtol=1e-6)
    for query, row in zip(queries, expected):
        alone = served(query=tf.constant([query]))["scores"].numpy()
        np.testing.assert_allclose(alone, [row], rtol=1e-6)
    nothing = served(query=tf.constant([], tf.string))["scores"]
    assert nothing.shape == (0, len(texts))


def test_padding_is_no_word() -> None:
    index = Bm25Index.of(["red shirt", "blue shirt"])
    words = tf.constant([["", "red", "", "shirt", ""], ["", "", "", "", ""]])
    scores = TextMatch(index)(words).numpy()
    np.testing.assert_allclose(scores, index.scores(["red shirt", ""]), rtol=1e-6)
    assert TextMatch(index)(tf.zeros([3, 0], tf.string)).shape == (3, 2)


def test_its_ops_are_in_every_server() -> None:
    graph = tf.function(TextMatch(Bm25Index.of(["red shirt"]))).get_concrete_function(
        tf.TensorSpec([None, None], tf.string)
    )
    functions = graph.graph.as_graph_def().library.function
    nodes = [*graph.graph.as_graph_def().node, *(n for f in functions for n in f.node_def)]
    assert {node.op for node in nodes} >= {"LookupTableFindV2", "RaggedGather"}
    assert not [n.op for n in nodes if n.op in ("PyFunc", "EagerPyFunc") or ">" in n.op]


@pytest.mark.parametrize(
    ("titles", "matches"),
    [(["", "red shirt"], True), (["", "  "], False), ([], False)],
)
def test_titles_are_matched_where_there_are_any(titles: list[str], matches: bool) -> None:
    assert (title_match(titles) is not None) == matches
