"""The graph around an engine, given the candidates that the search in one graph takes."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from fitrank_tf.export.graphs.candidate_stage import ExactStage
from fitrank_tf.export.graphs.engine_search import EngineSearch, product_side
from fitrank_tf.export.graphs.search import Search
from fitrank_tf.export.graphs.served_catalogue import ServedCatalogue
from fitrank_tf.export.graphs.text_match import title_match
from fitrank_tf.export.signatures import DEFAULT_SIGNATURE, EXPLAINED_SIGNATURE, save_served
from fitrank_tf.export.warmup import BATCH_SIZES
from fitrank_tf.queries.query_words import query_words
from fitrank_tf.retrieval.bm25 import Bm25Index
from fitrank_tf.retrieval.title_terms import TitleTerms
from tests.export.toy_parts import FILTERS, IDS, TITLES

TERMS = TitleTerms.of(map(query_words, TITLES))


@pytest.fixture(scope="module")
def folder(parts, tmp_path_factory):
    models = (parts["query_encoder"], parts["reranker"])
    module = EngineSearch(*models, FILTERS, TERMS, ["shape"], 5, 2, "f00")
    return save_served(module, tmp_path_factory.mktemp("models") / "engine_search", 1)


@pytest.fixture(scope="module")
def served(folder):
    return tf.saved_model.load(str(folder))


@pytest.fixture(scope="module")
def whole(parts, catalogue):
    held = ServedCatalogue(catalogue)
    models = (parts["query_encoder"], parts["reranker"], held)
    text_match = title_match(catalogue.titles)
    search = Search(*models, ExactStage(held, 5), text_match, ["shape"])
    return search.signatures()[EXPLAINED_SIGNATURE]


def _read(served, queries):
    outputs = served.signatures[DEFAULT_SIGNATURE](query=tf.constant(queries))
    return {name: value.numpy() for name, value in outputs.items()}


def _candidates(catalogue, read, queries, outside, padding=2):
    """All products as candidates of each query, and padding of no meaning behind them."""
    batch = len(queries)
    matches = Bm25Index.of(TITLES).scores([q.partition(" ")[2] for q in queries])
    best = matches.max(axis=1, keepdims=True)
    share = np.divide(matches, best, out=np.zeros_like(matches), where=best > 0)

    def padded(values):
        shape = [(0, 0), (0, padding), *[(0, 0)] * (values.ndim - 2)]
        return tf.constant(np.pad(values, shape, constant_values=1))

    tables = catalogue.tables
    return {
        "query": tf.constant(read["embedding"]),
        "query_facets": tf.constant(read["query_facets"]),
        "colours": tf.constant(read["colours"]),
        "embedding": padded(np.stack([tables.embeddings] * batch)),
        "product": padded(np.stack([product_side(tables)] * batch)),
        "title_match": padded(share),
        "unwanted_title_match": padded(np.zeros_like(share)),
        "outside": padded(np.array(outside)),
        "mask": tf.pad(tf.ones([batch, len(IDS)], tf.bool), [[0, 0], [0, padding]]),
    }


def test_candidates_are_ranked_as_by_the_search_in_one_graph(
    served, whole, catalogue
) -> None:
    queries = ["0.2 blue shirt", "1.4 white", "0.7 heel height above 40"]
    outside = [[False] * 5, [False] * 5, [True, True, False, True, False]]
    given = _candidates(catalogue, _read(served, queries), queries, outside)
    expected = whole(
        tf.constant(queries), tf.constant([5] * 3), *[tf.constant([""] * 3)] * len(FILTERS)
    )
    for name in ("rerank", "rerank_explained"):
        scored = served.signatures[name](**given)
        order = np.argsort(-scored["scores"].numpy()[:, : len(IDS)], axis=1)
        assert np.array(IDS)[order].tolist() == [
            [item.decode() for item in row] for row in expected["ids"].numpy()
        ]
        best = np.take_along_axis(scored["scores"].numpy(), order, axis=1)
        np.testing.assert_allclose(best, expected["scores"].numpy(), atol=1e-5)
    texts = np.take_along_axis(scored["explanations"].numpy(), order, axis=1)
    assert texts.tolist() == expected["explanations"].numpy().tolist()
    assert set(scored["explanations"].numpy()[:, len(IDS) :].ravel()) == {b""}


def test_a_request_is_read(served) -> None:
    read = _read(served, ["0.5 blue shirts", "0.1 heel height under 30", ""])
    wanted = [[t for t in row if t >= 0] for row in read["terms"].tolist()]
    assert wanted[0] == [TERMS.words["blue"], TERMS.words["shirt"]]
    assert wanted[2] == []
    low, high = read["bounds_heel_height"].T
    assert low.tolist() == [-np.inf] * 3 and 29.9 < high[1] < 30
    assert np.isinf(high[[0, 2]]).all()
    assert read["fingerprint"].tolist() == [b"f00"] * 3
    assert read["list_size"].tolist() == [5] * 3
    assert b"heel height <30" in read["understood"][1]


def test_every_signature_is_warmed_up(folder) -> None:
    """In every size of a batch that the batching configuration allows."""
    path = folder / "assets.extra" / "tf_serving_warmup_requests"
    seen = []
    for record in tf.data.TFRecordDataset(str(path)):
        request = PredictionLog.FromString(record.numpy()).predict_log.request
        some = next(iter(request.inputs.values()))
        size = some.tensor_shape.dim[0].size
        seen.append((request.model_spec.signature_name, size))
    names = (DEFAULT_SIGNATURE, "rerank", "rerank_explained")
    assert sorted(seen) == sorted((n, size) for n in names for size in BATCH_SIZES)


def test_its_ops_are_in_every_server(folder) -> None:
    graph = SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    definition = graph.meta_graphs[0].graph_def
    functions = definition.library.function
    ops = {node.op for node in definition.node}
    ops |= {node.op for function in functions for node in function.node_def}
    assert {"LookupTableFindV2", "Einsum"} <= ops
    assert not [op for op in ops if op in ("PyFunc", "EagerPyFunc") or ">" in op]


def test_terms_and_fingerprint_lie_beside_the_model(folder) -> None:
    extra = folder / "assets.extra"
    assert (extra / "fingerprint.txt").read_text() == "f00"
    kept = TitleTerms.from_json((extra / "title_terms.json").read_text())
    assert kept.words == TERMS.words
    assert kept.weights("blue shirts") == TERMS.weights("blue shirts")
