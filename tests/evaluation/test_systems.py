"""The systems on stand-in models whose rankings are known by hand."""

from collections.abc import Sequence

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.evaluation.systems import (
    SYSTEMS,
    EvaluatedCatalogue,
    check_systems,
    run_systems,
)
from fitrank_tf.retrieval.choose_index import build_index

IDS = ("a", "b", "c", "d")
# Products and queries lie on a circle, in degrees: the nearer, the more alike.
PRODUCTS = np.array([0.0, 30.0, 60.0, 90.0])
QUERIES = {"q0": "at 10", "q1": "at 85"}
_TUNED_TURN = 40.0


def _on_circle(degrees: np.ndarray) -> np.ndarray:
    radians = np.radians(degrees)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)


class Models:
    """The fine-tuned query tower is 40 degrees off; the re-ranker reverses its lists."""

    def encode_queries(self, texts: Sequence[str], baseline: bool) -> dict[str, np.ndarray]:
        degrees = np.array([float(text.split()[1]) for text in texts])
        turned = _on_circle(degrees if baseline else degrees + _TUNED_TURN)
        return {"embedding": turned, "query_facets": np.zeros((len(texts), 3), np.float32)}

    def embed_photos(self, photos, features) -> np.ndarray:
        return _on_circle(PRODUCTS)

    def predict_facets(self, embeddings, features) -> np.ndarray:
        return np.zeros((len(embeddings), 3), np.float32)

    def rerank(self, batches: tf.data.Dataset) -> tuple[np.ndarray, np.ndarray]:
        scores = np.concatenate([-inputs["first_stage"] for inputs, _ in batches])
        return scores, np.stack([scores, 2.0 * scores], axis=-1)

    def rank_titled(self, ids, titles, embeddings, features, texts, list_size):
        """By the number of letters that title and text share, whatever the photo."""
        shared = [[len(set(title) & set(text)) for title in titles] for text in texts]
        orders = [np.argsort([-n for n in of], kind="stable") for of in shared]
        return [
            [(ids[n], float(of[n])) for n in order[:list_size]]
            for of, order in zip(shared, orders)
        ]


def _catalogue() -> EvaluatedCatalogue:
    titles = ("-", "8", "a85", "at")
    return EvaluatedCatalogue(
        IDS, tf.data.Dataset.range(4), np.zeros((4, 1), np.float32), titles
    )


def _run(systems: Sequence[str], list_size: int, **options) -> dict:
    catalogue = _catalogue()
    return run_systems(Models(), catalogue, QUERIES, systems, list_size, **options).rankings


def _order(run: dict, query: str) -> str:
    return "".join(item for item, _ in run[query])


def test_each_system_ranks_by_its_own_models() -> None:
    runs = _run(SYSTEMS, list_size=4)
    assert tuple(runs) == SYSTEMS
    assert _order(runs["clip"], "q0") == "abcd"
    assert _order(runs["clip"], "q1") == "dcba"
    assert _order(runs["clip_lora"], "q0") == "cbda"  # at 50
    assert _order(runs["reranked"], "q0") == "adbc"


def test_the_served_search_is_run_beside_them_with_the_titles() -> None:
    runs = _run(("titled", "clip"), list_size=3)
    assert tuple(runs) == ("clip", "titled")
    assert _order(runs["titled"], "q1") == "cdb"


def test_text_search_and_its_fusions_need_titles_alone() -> None:
    """BM25 finds "a85" for no query word; "at" is a word of both queries."""
    runs = _run(("bm25+clip", "bm25"), list_size=4)
    assert tuple(runs) == ("bm25", "bm25+clip")
    assert _order(runs["bm25"], "q0") == _order(runs["bm25"], "q1") == "d"
    # d is 1st and 4th, a 1st of one, b 2nd, c 3rd.
    assert _order(runs["bm25+clip"], "q0") == "dabc"


def test_another_index_serves_the_fine_tuned_first_stage_alone() -> None:
    """Turned by 180 degrees, it finds what is farthest."""
    runs = _run(SYSTEMS, 2, tuned_index=lambda products: build_index(-products))
    assert _order(runs["clip"], "q0") == "ab"
    assert _order(runs["clip_lora"], "q0") == "ad"  # at 50, 50 away and 40 away
    assert set(_order(runs["reranked"], "q0")) == {"a", "d"}


def test_the_reranker_brings_back_nothing_that_retrieval_missed() -> None:
    runs = _run(SYSTEMS, list_size=2)
    for query in QUERIES:
        assert len(runs["reranked"][query]) == 2
        assert set(_order(runs["reranked"], query)) == set(_order(runs["clip_lora"], query))


def test_lists_longer_than_the_catalogue_hold_no_padding() -> None:
    runs = _run(("reranked",), list_size=9)
    assert sorted(_order(runs["reranked"], "q1")) == list(IDS)
    assert all(np.isfinite(score) for _, score in runs["reranked"]["q1"])


def test_only_the_systems_asked_for_are_run_in_their_fixed_order() -> None:
    assert tuple(_run(("clip",), list_size=4)) == ("clip",)
    assert check_systems(["titled", "clip"]) == ("clip", "titled")


@pytest.mark.parametrize(("names", "named"), [(["clip", "clap"], "clap"), ([], "none")])
def test_unknown_systems_are_named(names: list[str], named: str) -> None:
    with pytest.raises(FitRankError, match=named):
        check_systems(names)


def test_contributions_are_those_of_the_product_that_they_name() -> None:
    runs = run_systems(Models(), _catalogue(), QUERIES, SYSTEMS, 3)
    for query, ranking in runs.rankings["reranked"].items():
        told = runs.contributions[query]
        assert set(told) == {item for item, _ in ranking}
        for item, score in ranking:
            np.testing.assert_allclose(told[item], [score, 2.0 * score], rtol=1e-6)
