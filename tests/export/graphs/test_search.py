"""The served search against its parts run one after the other in numpy."""

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.core.ciede2000 import ciede2000
from fitrank_tf.export.graphs.candidate_stage import ExactStage, ScannStage
from fitrank_tf.export.graphs.search import ScannSearch, Search
from fitrank_tf.export.graphs.served_catalogue import ServedCatalogue
from fitrank_tf.export.graphs.text_match import title_match
from fitrank_tf.export.signatures import (
    DEFAULT_SIGNATURE,
    EXPLAINED_SIGNATURE,
    FILTERED_SIGNATURE,
    save_served,
)
from tests.export.toy_parts import FILTERS, IDS, TITLES

NAMES = tuple(attribute.name for attribute in FILTERS)

OUTPUTS = ("ids", "titles", "scores", "first_stage_ranks")


@pytest.fixture(scope="module", params=[(Search, ExactStage), (ScannSearch, ScannStage)])
def served(request, parts, catalogue, tmp_path_factory):
    """Saved with its parts and loaded, as a server has it; lists of three."""
    kind, stage = request.param
    held = ServedCatalogue(catalogue)
    models = (parts["query_encoder"], parts["reranker"], held)
    search = kind(*models, stage(held, 3), title_match(catalogue.titles), ["shape"])
    path = save_served(search, tmp_path_factory.mktemp("models") / "search", version=7)
    assert path.name == "7"
    return tf.saved_model.load(str(path))


def _search(served, queries, filters=None, signature=FILTERED_SIGNATURE, top_k=3):
    inputs = {"query": tf.constant(queries, tf.string)}
    if filters is None:
        answer = served.signatures[DEFAULT_SIGNATURE](**inputs)
    else:
        for name in NAMES:
            texts = filters.get(name, [""] * len(queries))
            inputs[name] = tf.constant(texts, tf.string)
        inputs["top_k"] = tf.broadcast_to(tf.constant(top_k, tf.int32), [len(queries)])
        answer = served.signatures[signature](**inputs)
    return {name: value.numpy() for name, value in answer.items()}


def _expected(catalogue, query: str, admitted: list[int]):
    """Rows in the order of the re-ranker, their scores and first-stage ranks."""
    angle = float(query)
    similarity = catalogue.tables.embeddings @ [np.cos(angle), np.sin(angle), 0, 0]
    candidates = sorted(admitted, key=lambda row: -similarity[row])[:3]
    scores = (
        catalogue.tables.feature_projection[candidates, 0] + 0.1 * similarity[candidates]
    )
    order = np.argsort(-scores)
    return np.array(candidates)[order], scores[order], order + 1


def test_a_title_brings_its_product_in_and_up(served, catalogue) -> None:
    """The three nearest to an angle of 0 are the first three; the bag is the last."""
    plain, asked = (_search(served, [query]) for query in ("0", "0 bag"))
    assert b"p4" not in plain["ids"][0]
    place = asked["ids"][0].tolist().index(b"p4")
    # Trait 4, the first-stage score of an angle of 90 degrees, and the best title.
    np.testing.assert_allclose(asked["scores"][0, place], 4.0 + 3.0, rtol=1e-5)
    assert asked["first_stage_ranks"][0, place] == 4
    two = _search(served, ["0 shirt blue"], {}, EXPLAINED_SIGNATURE)
    best = two["ids"][0].tolist()
    assert {b"p0", b"p1"} <= set(best) and two["understood"].tolist() == [b"1.0"]
    explained = two["explanations"][0, best.index(b"p1")].decode()
    assert "text +" in explained
    none = _search(served, ["0 bag"], {"gender": ["Women"]})
    assert b"p4" not in none["ids"][0]


def test_palettes_near_the_asked_colour_come_up(served) -> None:
    """The bag is white; it loses nothing, and black and dark grey as far as they are."""
    plain, asked = _search(served, ["1.5"]), _search(served, ["1.5 white"])
    lost = {
        item: plain["scores"][0][plain["ids"][0].tolist().index(item)] - score
        for item, score in zip(asked["ids"][0].tolist(), asked["scores"][0])
    }
    white = np.array([100.0, 0.0, 0.0])
    for item, lightness in ((b"p2", 50), (b"p3", 75), (b"p4", 100)):
        expected = 0.05 * float(ciede2000(white, np.array([lightness, 0.0, 0.0])))
        assert lost[item] == pytest.approx(expected, abs=1e-4)
    explained = _search(served, ["1.5 white"], {}, EXPLAINED_SIGNATURE)
    place = explained["ids"][0].tolist().index(b"p4")
    assert "palette +" in explained["explanations"][0, place].decode()


@pytest.mark.parametrize("queries", [["0.1"], ["0.8", "1.5", "0.0"]])
def test_candidates_of_the_first_stage_in_the_order_of_the_reranker(
    served, catalogue, queries
) -> None:
    answer = _search(served, queries)
    for row, query in enumerate(queries):
        wanted, scores, ranks = _expected(catalogue, query, list(range(len(IDS))))
        assert [item.decode() for item in answer["ids"][row]] == [IDS[w] for w in wanted]
        titles = [title.decode() for title in answer["titles"][row]]
        assert titles == [TITLES[w] for w in wanted]
        np.testing.assert_allclose(answer["scores"][row], scores, rtol=1e-5)
        np.testing.assert_array_equal(answer["first_stage_ranks"][row], ranks)


@pytest.mark.parametrize(
    ("filters", "admitted"),
    [
        ({}, [0, 1, 2, 3, 4]),
        ({"gender": "Women"}, [1, 2]),
        ({"gender": " wOMEN  "}, [1, 2]),
        ({"gender": "Women|Unisex"}, [1, 2, 3]),
        ({"gender": "Women|"}, [1, 2]),
        ({"gender": "Women", "colour": "RED"}, [2]),
        ({"colour": "navy  blue"}, [1]),
        ({"colour": "ÉTÉ"}, [4]),
        # A value of another attribute, one that nobody has, one that no product has.
        ({"colour": "Women"}, []),
        ({"gender": "Cats"}, []),
        ({"usage": "Casual"}, []),
        ({"heel_height": "30..45.5"}, [1, 2]),
        ({"heel_height": ">=30 <90", "gender": "Women"}, [1, 2]),
        ({"heel_height": "<30|90"}, [0, 4]),
        ({"heel_height": "Women"}, []),
    ],
)
def test_filters_admit_products_with_the_value(
    served, catalogue, filters, admitted
) -> None:
    query = "0.5"
    answer = _search(served, [query], {name: [text] for name, text in filters.items()})
    wanted, scores, _ = _expected(catalogue, query, admitted)
    assert [i.decode() for i in answer["ids"][0] if i] == [IDS[w] for w in wanted]
    np.testing.assert_allclose(answer["scores"][0][: len(wanted)], scores, rtol=1e-5)
    # Padding is at the end, has no explanation and the lowest scores.
    for name in ("ids", "titles"):
        assert set(answer[name][0][len(wanted) :]) <= {b""}
    assert (answer["scores"][0][len(wanted) :] < -1e6).all()


def test_products_outside_a_bound_come_after_all_others(served, catalogue) -> None:
    """Two are within, and a list has three; in the other query nothing is bounded."""
    queries = ["0.5 heel height between 30 and 45.5", "0.5"]
    bounded, plain = _search(served, queries)["ids"].tolist()
    assert set(bounded[:2]) == {b"p1", b"p2"}
    assert plain == [IDS[w].encode() for w in _expected(catalogue, "0.5", range(5))[0]]
    scores = _search(served, queries)["scores"][0]
    assert scores[1] - scores[2] > 10.0
    women = {"gender": ["Men"], "heel_height": [""]}
    answer = _search(served, queries[:1], women, EXPLAINED_SIGNATURE)
    # A filter holds whatever a request says.
    assert [item for item in answer["ids"][0] if item] == [b"p0"]
    assert answer["understood"][0].endswith(b"heel height >=30 <=45.5")


def test_each_query_of_a_batch_has_its_own_filters(served) -> None:
    filters = {"gender": ["Men", "", "Women"], "colour": ["", "blue", ""]}
    answer = _search(served, ["0.5"] * 3, filters)
    found = [{i.decode() for i in row if i} for row in answer["ids"]]
    assert found == [{"p0"}, {"p3"}, {"p1", "p2"}]


@pytest.mark.parametrize("filters", [{}, {"gender": ["Women"]}])
def test_an_explained_search_gives_the_same_results(served, filters) -> None:
    plain = _search(served, ["0.4"], filters)
    explained = _search(served, ["0.4"], filters, EXPLAINED_SIGNATURE)
    assert explained.keys() - plain.keys() == {"explanations", "understood"}
    for name, values in plain.items():
        np.testing.assert_array_equal(explained[name], values)


# Women are p1 and p2: the third place is padding, which has nothing to explain.
@pytest.mark.parametrize("gender", ["", "Women"])
def test_each_product_is_explained_by_its_own_parts(served, catalogue, gender) -> None:
    # Beyond half a turn likenesses and the facet speak against a product.
    queries = ["0.0", "0.4", "0.8", "1.5", "3.0", "4.0"]
    filters = {"gender": [gender] * len(queries)}
    answer = _search(served, queries, filters, EXPLAINED_SIGNATURE)
    texts = [[text.decode() for text in row] for row in answer["explanations"]]
    for row, query in enumerate(queries):
        found = [item.decode() for item in answer["ids"][row]]
        by_hand = [_explained(catalogue, query, IDS.index(i)) if i else "" for i in found]
        assert texts[row] == by_hand
    ranks = answer["first_stage_ranks"]
    assert (ranks[:, 0] != 1).any() and (ranks[:, 0] == 1).any()
    if not gender:
        every = [text for row in texts for text in row]
        assert texts[0][0] == "photo +5.00, similarity +0.10"
        assert {text.count(",") for text in every} == {1, 2}
        assert any("similarity -" in text for text in every)


def _explained(catalogue, query: str, row: int) -> str:
    """The parts of the toy re-ranker, the strongest first, without what is next to 0."""
    place = np.float32([np.cos(float(query)), np.sin(float(query)), 0, 0])
    parts = {
        "similarity": 0.1 * catalogue.tables.embeddings[row] @ place,
        "shape": catalogue.tables.facet_probs[row] @ place[:3],
        "photo": catalogue.tables.feature_projection[row, 0],
    }
    strongest = sorted(parts, key=lambda name: -abs(parts[name]))
    return ", ".join(
        f"{name} {parts[name]:+.2f}" for name in strongest if abs(parts[name]) >= 0.005
    )


def test_every_output_has_the_batch_in_front(served) -> None:
    for batch in (0, 1, 4):
        for filters in (None, {}):
            answer = _search(served, ["0.5"] * batch, filters)
            shapes = {name: value.shape for name, value in answer.items()}
            # No query wants a product where there is none.
            width = 0 if batch == 0 and filters == {} else 3
            assert shapes == dict.fromkeys(OUTPUTS, (batch, width))


@pytest.mark.parametrize("signature", [FILTERED_SIGNATURE, EXPLAINED_SIGNATURE])
@pytest.mark.parametrize("top_k", [[1, 1, 1], [2, 0, 1], [100, 2, -1], [0, 0, 0]])
def test_no_more_products_than_each_query_wants(served, signature, top_k) -> None:
    queries = ["0.1", "0.8", "1.5"]
    whole = _search(served, queries, {}, signature, 3)
    cut = _search(served, queries, {}, signature, top_k)
    width = min(max(top_k), 3)
    for name, values in whole.items():
        if name == "understood":
            np.testing.assert_array_equal(cut[name], values)
            continue
        assert cut[name].shape == (3, width)
        for row, count in enumerate(top_k):
            count = max(count, 0)
            np.testing.assert_array_equal(cut[name][row, :count], values[row, :count])
            if values.dtype == object:
                assert set(cut[name][row, count:]) <= {b""}
            elif name == "scores":
                assert (cut[name][row, count:] < -1e6).all()


def test_a_catalogue_smaller_than_the_list_is_returned_whole(parts, catalogue) -> None:
    held = ServedCatalogue(catalogue)
    models = (parts["query_encoder"], parts["reranker"], held)
    titles = title_match(catalogue.titles)
    search = Search(*models, ExactStage(held, 100), titles, ["shape"])
    answer = search.signatures()[DEFAULT_SIGNATURE](tf.constant(["0.3"]))
    assert sorted(answer["ids"][0].numpy()) == [item.encode() for item in IDS]


def test_a_title_with_an_unwanted_word_is_last(served) -> None:
    """Of the first three by angle, one is no kurta."""
    plain, denied = (_search(served, [query]) for query in ("0", "0 shirt not kurta"))
    assert plain["ids"][0].tolist().index(b"p2") < 2
    assert b"p2" not in denied["ids"][0] or denied["ids"][0].tolist()[-1] == b"p2"


def test_products_with_an_unwanted_value_are_no_candidates(served, catalogue) -> None:
    """The first value's probability is 0, 0.15, 0.3, 0.45 and 0.6."""
    assert (catalogue.tables.facet_probs[:, 0] >= 0.5).tolist() == [False] * 4 + [True]
    near, denied = (_search(served, [query]) for query in ("1.5", "1.5 no first"))
    assert b"p4" in near["ids"][0] and b"p4" not in denied["ids"][0]
    assert all(denied["ids"][0])
    # Fewer than three others: then it may be found.
    women = {"gender": ["Women"]}
    assert sorted(filter(None, _search(served, ["1.5 no first"], women)["ids"][0])) == [
        b"p1",
        b"p2",
    ]
