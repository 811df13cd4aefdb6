"""Photos in the order of the records, some of them chosen."""

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.datasets.catalogue import CatalogueSource, open_catalogue
from fitrank_tf.datasets.splits import ALL
from fitrank_tf.inputs.images import resize_and_pad
from fitrank_tf.inputs.photos import chosen_photos, garment_photos, photos


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    return open_catalogue(
        CatalogueSource(num_items=8), str(tmp_path_factory.mktemp("data"))
    )


def test_photos_are_in_the_order_of_the_items(catalogue) -> None:
    squares = photos(catalogue, ALL, 24)
    assert int(squares.cardinality()) == 8
    for square, item in zip(squares, catalogue.items(ALL), strict=True):
        np.testing.assert_array_equal(square, resize_and_pad(item["image"], 24))


@pytest.mark.parametrize("rows", [[0, 1], [2, 5, 7], list(range(8))])
def test_chosen_photos_are_numbered_among_the_chosen(catalogue, rows) -> None:
    everything = list(photos(catalogue, ALL, 24))
    chosen = chosen_photos(photos(catalogue, ALL, 24), np.array(rows))
    assert int(chosen.cardinality()) == len(rows)
    for (place, photo), (number, row) in zip(chosen, enumerate(rows), strict=True):
        assert int(place) == number
        tf.debugging.assert_equal(photo, everything[row])


def test_each_photo_is_cropped_to_its_own_box(catalogue) -> None:
    boxes = np.zeros((8, 4), np.float32)
    boxes[3] = (0.0, 0.25, 0.5, 0.75)
    crops = list(garment_photos(catalogue, ALL, 24, boxes))
    for row, (crop, item) in enumerate(zip(crops, catalogue.items(ALL), strict=True)):
        image = item["image"].numpy()
        if row == 3:
            height, width = image.shape[:2]
            image = image[: -(-height // 2), width // 4 : -(-3 * width // 4)]
        np.testing.assert_array_equal(crop, resize_and_pad(tf.constant(image), 24))
