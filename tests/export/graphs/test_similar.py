"""Products like a photo, against the same sums in numpy."""

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.export.graphs.candidate_stage import ExactStage
from fitrank_tf.export.graphs.served_catalogue import ServedCatalogue
from fitrank_tf.export.graphs.similar import Similar
from fitrank_tf.export.signatures import (
    DEFAULT_SIGNATURE,
    FILTERED_SIGNATURE,
    save_served,
)
from tests.export.toy_parts import FILTERS, IDS

NAMES = tuple(attribute.name for attribute in FILTERS)


@pytest.fixture(scope="module")
def served(parts, catalogue, tmp_path_factory):
    """Saved and loaded; lists of four."""
    held = ServedCatalogue(catalogue)
    encoders = (parts["image_encoder"], parts["query_encoder"])
    similar = Similar(*encoders, parts["reranker"], held, ExactStage(held, 4))
    path = save_served(similar, tmp_path_factory.mktemp("models") / "similar", version=1)
    return tf.saved_model.load(str(path))


def _photo(angle: float) -> tf.Tensor:
    """A PNG that the toy encoder reads as this angle."""
    return tf.io.encode_png(np.full((2, 2, 1), round(100 * angle), np.uint8))


def _modified(served, angle: float, text: str, top_k: int = 4, **filters: str):
    inputs = {name: tf.constant([filters.get(name, "")]) for name in NAMES}
    inputs |= {"image": _photo(angle)[tf.newaxis], "text": tf.constant([text])}
    inputs["top_k"] = tf.constant([top_k])
    answer = served.signatures[FILTERED_SIGNATURE](**inputs)
    return [item.decode() for item in answer["ids"].numpy()[0]], answer["scores"].numpy()[0]


def _circle(angle: float) -> np.ndarray:
    return np.array([np.cos(angle), np.sin(angle), 0, 0])


@pytest.mark.parametrize("angle", [0.1, 0.9, 1.5])
def test_without_a_text_the_nearest_photo_is_first(served, catalogue, angle) -> None:
    similarity = catalogue.tables.embeddings @ _circle(angle)
    nearest = np.argsort(-similarity)[:4]
    answer = served.signatures[DEFAULT_SIGNATURE](image=_photo(angle)[tf.newaxis])
    ids = [item.decode() for item in answer["ids"].numpy()[0]]
    assert ids == [IDS[row] for row in nearest]
    np.testing.assert_allclose(answer["scores"][0], similarity[nearest], rtol=1e-5)
    np.testing.assert_array_equal(answer["first_stage_ranks"][0], [1, 2, 3, 4])


@pytest.mark.parametrize(("angle", "text"), [(0.1, "1.4"), (1.5, "0.2"), (0.7, "0.7")])
def test_a_text_moves_the_photo_and_its_facets_count(
    served, catalogue, angle, text
) -> None:
    place = _circle(angle) + _circle(float(text))
    similarity = catalogue.tables.embeddings @ (place / np.linalg.norm(place))
    nearest = np.argsort(-similarity)[:4]
    # The toy re-ranker's first two parts; the third stands for the correction.
    facet = catalogue.tables.facet_probs[nearest] @ _circle(float(text))[:3]
    scores = 0.1 * similarity[nearest] + facet
    order = np.argsort(-scores)
    ids, told = _modified(served, angle, text)
    assert ids == [IDS[row] for row in nearest[order]]
    np.testing.assert_allclose(told, scores[order], rtol=1e-4)


def test_a_filter_leaves_the_others_out(served) -> None:
    ids, _ = _modified(served, 0.3, "0.4", gender="women")
    assert sorted(ids) == ["", "", "p1", "p2"]


@pytest.mark.parametrize("top_k", [1, 3])
def test_no_more_products_than_are_wanted(served, top_k) -> None:
    whole, cut = (_modified(served, 0.3, "0.4", k) for k in (4, top_k))
    assert cut[0] == whole[0][:top_k]
    np.testing.assert_array_equal(cut[1], whole[1][:top_k])


def test_bytes_that_are_no_image_are_refused(served) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError):
        served.signatures[DEFAULT_SIGNATURE](image=tf.constant([b"not an image"]))
