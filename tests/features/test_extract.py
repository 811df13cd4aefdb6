"""Features of photos: equal in tf.data and in memory, and kept with their item."""

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.config import FEATURE_GROUPS
from fitrank_tf.features.extract import FeatureExtractor, feature_schema
from tests.small_feature_models import small_models

# Photos of several sizes and colours, one of them grey, one blank.
PHOTOS = [
    ((60, 40), (200, 30, 30)),
    ((30, 90), (30, 60, 180)),
    ((128, 128), (120, 120, 120)),
    ((33, 7), (255, 255, 255)),
    ((50, 50), (30, 160, 60)),
]
# sRGB and CIE L, a, b, from any table of colours.
COLOURS = [
    ((255, 0, 0), (53.2, 80.1, 67.2)),
    ((0, 0, 255), (32.3, 79.2, -107.9)),
    ((0, 128, 0), (46.2, -51.7, 49.9)),
    ((128, 128, 128), (53.6, 0.0, 0.0)),
    ((0, 0, 0), (0.0, 0.0, 0.0)),
]


def _photo(shape: tuple[int, int], colour: tuple[int, ...], rim: int = 2) -> np.ndarray:
    """A plain product before white."""
    photo = np.full((*shape, 3), 255, np.uint8)
    photo[rim : shape[0] - rim, rim : shape[1] - rim] = colour
    return photo


def _items() -> tf.data.Dataset:
    def generate():
        for number, (shape, colour) in enumerate(PHOTOS):
            bbox = np.full((number, 4), 0.5, np.float32)
            image = _photo(shape, colour)
            yield {"id": str(number), "image": image, "objects": {"bbox": bbox}}

    return tf.data.Dataset.from_generator(
        generate,
        output_signature={
            "id": tf.TensorSpec([], tf.string),
            "image": tf.TensorSpec([None, None, 3], tf.uint8),
            "objects": {"bbox": tf.TensorSpec([None, 4], tf.float32)},
        },
    )


@pytest.fixture(scope="module")
def extracted(extractor) -> np.ndarray:
    return extractor.extract(_items(), len(PHOTOS))


def test_attached_items_are_whole(extractor) -> None:
    for item, before in zip(extractor.attach(_items()), _items(), strict=True):
        assert item["id"] == before["id"]
        np.testing.assert_array_equal(item["image"], before["image"])
        assert item["objects"]["bbox"].shape == before["objects"]["bbox"].shape
        assert item["detected"]["boxes"].shape == (2, 4)


def test_features_stay_with_their_photo_when_items_are_shuffled(
    extractor, extracted
) -> None:
    shuffled = extractor.attach(_items().shuffle(5, seed=3)).as_numpy_iterator()
    rows = {int(item["id"]): item["features"] for item in shuffled}
    assert list(rows) != sorted(rows)
    for number, features in enumerate(extracted):
        np.testing.assert_allclose(rows[number], features, atol=1e-4)
    # If all rows were equal, the above would test nothing.
    assert np.ptp(extracted, axis=0).max() > 0.1


@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_the_batch_size_does_not_matter(extractor, extracted, batch_size: int) -> None:
    features = extractor.extract(_items(), len(PHOTOS), batch_size=batch_size)
    np.testing.assert_allclose(features, extracted, atol=1e-4)


def test_photos_in_memory_have_the_features_of_a_catalogue(extractor, extracted) -> None:
    photos = [_photo(*photo) for photo in PHOTOS]
    alone = [extractor.extract_photos([photo])[0] for photo in photos]
    for row, (seen, by_itself) in enumerate(zip(extractor.extract_photos(photos), alone)):
        np.testing.assert_allclose(seen.features, extracted[row], atol=1e-4)
        np.testing.assert_allclose(by_itself.features, extracted[row], atol=1e-4)
        assert seen.boxes.shape == (2, 4)
        np.testing.assert_array_equal(seen.classes, by_itself.classes)


def test_boxes_are_of_the_photo_not_of_its_square(extractor) -> None:
    # Mean colour 128: the box is 0.25..0.65 of the square, whose middle half (rows) is
    # a photo twice as wide as high.
    [seen] = extractor.extract_photos([np.full((30, 60, 3), 1, np.uint8)])
    # White above and below: the square's mean is 128.
    np.testing.assert_allclose(seen.boxes[0], [0.0, 0.25, 0.8, 0.65], atol=0.02)
    box = seen.features[feature_schema().slice("garment_box")]
    np.testing.assert_allclose(box, [0.25, 0.0, 0.65, 0.8], atol=0.02)


@pytest.mark.parametrize(
    ("num_items", "message"), [(6, "num_items is 6, but there are 5 items"), (4, "are 5")]
)
def test_a_wrong_count_is_refused(extractor, num_items: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        extractor.extract(_items(), num_items)


def test_the_schema_covers_the_vector(extracted) -> None:
    schema = feature_schema()
    assert schema.groups == FEATURE_GROUPS
    assert extracted.shape == (len(PHOTOS), schema.size)
    for name in ("colour_names", "pattern", "sleeve", "neckline"):
        predicted = extracted[:, schema.slice(name)]
        np.testing.assert_allclose(predicted.sum(axis=1), 1.0, atol=1e-5)


@pytest.mark.parametrize("rim", [0, 4])
@pytest.mark.parametrize(("colour", "lab"), COLOURS)
def test_plain_photos_have_their_colour(extractor, colour, lab, rim: int) -> None:
    [seen] = extractor.extract_photos([_photo((64, 64), colour, rim)])
    schema, features = feature_schema(), seen.features
    assert features[schema.slice("palette_shares")][0] > 0.95
    dominant = features[schema.slice("palette")][:3] * [100, 128, 128]
    np.testing.assert_allclose(dominant, lab, atol=4.0)
    mean = np.append(
        features[schema.slice("mean_lightness")] * 100,
        features[schema.slice("mean_ab")] * 128,
    )
    np.testing.assert_allclose(mean, lab, atol=4.0)


@pytest.mark.parametrize("shape", [(1, 1), (3, 90), (90, 3), (200, 150), (7, 33)])
def test_features_of_random_photos_keep_to_the_bounds(extractor, shape) -> None:
    generator = np.random.default_rng(shape)
    photos = [generator.integers(0, 256, (*shape, 3), np.uint8) for _ in range(3)]
    photos.append(np.full((*shape, 3), 255, np.uint8))
    low, high = feature_schema().bounds()
    for seen in extractor.extract_photos(photos):
        assert np.isfinite(seen.features).all()
        assert (seen.features >= low - 1e-5).all()
        assert (seen.features <= high + 1e-5).all()
        assert (seen.boxes >= 0).all() and (seen.boxes <= 1).all()


def test_other_models_give_other_features(extracted) -> None:
    other = FeatureExtractor(small_models(seed=1)).extract(_items(), len(PHOTOS))
    schema = feature_schema()
    for name in ("colour_names", "pattern", "sleeve", "neckline"):
        part = schema.slice(name)
        assert np.abs(other[:, part] - extracted[:, part]).max() > 1e-3
    part = schema.slice("garment_box")
    np.testing.assert_array_equal(other[:, part], extracted[:, part])
