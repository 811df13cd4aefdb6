"""The colour group against the CIELAB formula."""

import numpy as np
import pytest

from fitrank_tf.features.boxes import box_slices
from fitrank_tf.features.colour import colour_features, colour_slices
from fitrank_tf.features.schema import FeatureSchema

SCHEMA = FeatureSchema.joined(colour_slices())
EVERYWHERE = np.zeros(4, np.float32)


def cielab(rgb: tuple[int, int, int]) -> tuple[float, float, float]:
    """L, a, b of an sRGB colour (IEC 61966-2-1, then CIE 1976, D65)."""
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (channel / 255 for channel in rgb)
    ]
    matrix = [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
    white = (0.95047, 1.0, 1.08883)
    x, y, z = (
        value ** (1 / 3) if value > 216 / 24389 else (24389 / 27 * value + 16) / 116
        for value in (np.dot(row, linear) / w for row, w in zip(matrix, white))
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _square_on(colour, background=(255, 255, 255)) -> np.ndarray:
    photo = np.full((40, 40, 3), background, np.uint8)
    photo[10:30, 10:30] = colour
    return photo


@pytest.mark.parametrize(
    "colour", [(200, 30, 30), (30, 60, 180), (20, 20, 20), (240, 220, 60)]
)
def test_means_are_cielab_of_the_product(colour) -> None:
    features = colour_features(_square_on(colour), EVERYWHERE)
    lightness, a, b = cielab(colour)
    assert features[SCHEMA.slice("mean_lightness")][0] * 100 == pytest.approx(
        lightness, abs=1
    )
    np.testing.assert_allclose(features[SCHEMA.slice("mean_ab")] * 128, [a, b], atol=1.5)


@pytest.mark.parametrize("background", [(255, 255, 255), (245, 245, 240), (90, 140, 90)])
def test_the_backdrop_does_not_count(background) -> None:
    plain = colour_features(_square_on((200, 30, 30)), EVERYWHERE)
    other = colour_features(_square_on((200, 30, 30), background), EVERYWHERE)
    np.testing.assert_allclose(other, plain, atol=1e-6)


def test_histogram_holds_the_shares_of_two_colours() -> None:
    photo = _square_on((200, 30, 30))
    photo[10:30, 25:30] = (30, 60, 180)  # a quarter of the product
    features = colour_features(photo, EVERYWHERE)
    shares = features[SCHEMA.slice("hue_histogram")] ** 2
    np.testing.assert_allclose(sorted(shares)[-2:], [0.25, 0.75], atol=1e-6)


def test_only_the_garment_box_counts() -> None:
    photo = _square_on((200, 30, 30))
    photo[31:38, 10:30] = (30, 60, 180)
    box = np.array([10, 10, 30, 30], np.float32) / 40
    boxed = colour_features(photo, box)
    plain = colour_features(_square_on((200, 30, 30)), box)
    np.testing.assert_allclose(boxed, plain, atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 2)])
@pytest.mark.parametrize("value", [0, 128, 255])
def test_tiny_and_blank_photos_have_features(shape, value) -> None:
    features = colour_features(np.full((*shape, 3), value, np.uint8), EVERYWHERE)
    assert features.shape == (SCHEMA.size,)
    assert np.isfinite(features).all()
    low, high = SCHEMA.bounds()
    assert (features >= low).all()
    assert (features <= high).all()


def test_a_schema_refuses_another() -> None:
    from fitrank_tf.errors import FitRankError

    joined = FeatureSchema.joined(box_slices(), colour_slices())
    assert FeatureSchema.from_json(joined.to_json()) == joined
    assert joined.groups == ("boxes", "colour")
    assert joined.group_mask(["colour"]).sum() == SCHEMA.size
    with pytest.raises(FitRankError):
        joined.check(SCHEMA)
    with pytest.raises(FitRankError, match="texture"):
        joined.group_mask(["texture"])
