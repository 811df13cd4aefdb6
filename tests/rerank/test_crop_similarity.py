"""Cosines of queries and crops, beside numpy's."""

import numpy as np

from fitrank_tf.inputs.listwise import ListArrays
from fitrank_tf.rerank.crop_similarity import CropSimilarity


def test_numbers_are_the_cosine_and_how_far_the_best_is() -> None:
    generator = np.random.default_rng(0)
    crops, queries = (generator.normal(size=(n, 6)).astype("float32") for n in (5, 2))
    crops /= np.linalg.norm(crops, axis=1, keepdims=True)
    places = np.array([[4, 0, 2], [1, 3, -1]])
    lists = ListArrays(queries, np.zeros((2, 1)), places, *[np.zeros((2, 3))] * 3)
    columns = CropSimilarity(crops).columns(lists)
    for row, real in ((0, 3), (1, 2)):
        cosines = [float(queries[row] @ crops[place]) for place in places[row, :real]]
        np.testing.assert_allclose(columns[row, :real, 0], cosines, rtol=1e-5)
        behind = np.array(cosines) - max(cosines)
        np.testing.assert_allclose(columns[row, :real, 1], behind, atol=1e-6)
    assert (columns[1, 2] == 0.0).all()
