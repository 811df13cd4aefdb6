"""The ratios of a garment's boxes against numbers worked out by hand."""

import numpy as np
import pytest

from fitrank_tf.features.garment.boxes import find_parts
from fitrank_tf.features.garment.crop import GarmentCrop
from fitrank_tf.features.garment.shape import RATIOS, fit_features, fit_slices
from fitrank_tf.features.schema import FeatureSchema
from tests.features.small_detections import detections

SCHEMA = FeatureSchema.joined(fit_slices())
SIZE = (200, 100)  # height, width in pixels

# 100 pixels high and 50 wide, from y 20 and x 25 on.
TOP = ("top", 0.9, [0.1, 0.25, 0.6, 0.75])
# 40 x 30 pixels, its diagonal 50; and 8 x 6, its diagonal 10.
RIGHT = ("sleeve", 0.5, [0.1, 0.6, 0.3, 0.9])
LEFT = ("sleeve", 0.8, [0.1, 0.25, 0.14, 0.31])


def _neckline(top: float, score: float = 0.7) -> tuple[str, float, list[float]]:
    return ("neckline", score, [top, 0.4, top + 0.05, 0.6])


def _crop(skin_above: float = 0.0, figure_top: float = 0.0) -> GarmentCrop:
    blank = np.zeros((96, 96, 3), np.uint8)
    return GarmentCrop(blank, blank[0, 0], skin_above, figure_top)


def _fit(*found, size=SIZE, crop=None) -> np.ndarray:
    parts = find_parts(*detections(*found))
    return fit_features(parts, [crop or _crop()], np.array([size]))[0]


def _ratio(features: np.ndarray, name: str) -> tuple[float, float]:
    confidence = features[SCHEMA.slice(f"{name}_confidence")].item()
    return features[SCHEMA.slice(name)].item(), confidence


@pytest.mark.parametrize(
    ("found", "size", "expected"),
    [
        ((TOP, RIGHT, LEFT), SIZE, (0.3, 0.65)),  # (50 + 10) / 2 over 100
        ((TOP, RIGHT), SIZE, (0.5, 0.5)),
        ((TOP, LEFT), SIZE, (0.1, 0.8)),
        # 80 x 30 pixels, of a garment 200 high: the square root of 7300.
        ((TOP, RIGHT), (400, 100), (7300**0.5 / 200, 0.5)),
        # 300 pixels wide over 10 high, cut off at 2.
        ((TOP, RIGHT), (20, 1000), (2.0, 0.5)),
        ((TOP,), SIZE, (0.0, 0.0)),
        ((LEFT, RIGHT), SIZE, (0.0, 0.0)),
    ],
    ids=["both", "right", "left", "tall photo", "cut off", "none", "no garment"],
)
def test_sleeve_length(found, size, expected) -> None:
    ratio = _ratio(_fit(*found, size=size), "sleeve_to_garment")
    np.testing.assert_allclose(ratio, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("box", "size", "expected"),
    [
        ([0.1, 0.25, 0.6, 0.75], SIZE, -1.0),  # 50 by 100 pixels
        ([0.1, 0.25, 0.6, 0.75], (100, 100), 0.0),
        ([0.1, 0.25, 0.6, 0.75], (100, 400), 2.0),
        ([0.1, 0.0, 0.11, 1.0], SIZE, 3.0),  # 100 by 2 pixels, cut off at 8 to 1
        ([0.0, 0.5, 1.0, 0.5], SIZE, -3.0),
    ],
)
def test_width_to_height(box, size, expected) -> None:
    ratio = _ratio(_fit(("top", 0.9, box), size=size), "width_to_height")
    np.testing.assert_allclose(ratio, (expected, 0.9), atol=1e-6)


# The crown is at 0.1. A collar at 0.33 is 1.15 heads of 0.2 below it, and the hip,
# four heads below the crown, at 0.9.
@pytest.mark.parametrize(
    ("hem", "collar", "expected"),
    [
        (0.6, 0.33, -1.5),
        (0.9, 0.33, 0.0),
        (1.0, 0.33, 0.5),
        (1.0, 0.215, 4.0),  # heads of 0.1: the hip at 0.5, 5 above; cut off
    ],
)
def test_hem_to_hip(hem, collar, expected) -> None:
    top = ("top", 0.9, [0.2, 0.25, hem, 0.75])
    features = _fit(top, _neckline(collar), crop=_crop(0.2, 0.1))
    ratio = _ratio(features, "hem_to_hip")
    np.testing.assert_allclose(ratio, (expected, 0.7), atol=1e-5)


def test_the_confidence_of_the_hem_is_that_of_the_worse_box() -> None:
    features = _fit(TOP, _neckline(0.33, score=0.95), crop=_crop(0.2, 0.1))
    assert _ratio(features, "hem_to_hip")[1] == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("found", "crop"),
    [
        ((TOP, _neckline(0.33)), _crop(0.03, 0.1)),
        ((TOP,), _crop(0.2, 0.1)),
        ((TOP, _neckline(0.15)), _crop(0.2, 0.1)),
        ((_neckline(0.33),), _crop(0.2, 0.1)),
    ],
    ids=["no face", "no neckline", "no whole head", "no garment"],
)
def test_a_hip_that_cannot_be_measured_is_unknown(found, crop) -> None:
    assert _ratio(_fit(*found, crop=crop), "hem_to_hip") == (0.0, 0.0)


@pytest.mark.parametrize("crop", [_crop(), _crop(0.5, 0.2)])
def test_nothing_found_is_all_zeros(crop) -> None:
    assert not _fit(crop=crop).any()


def test_photos_of_a_batch_do_not_mix() -> None:
    seen = [detections(TOP, RIGHT, LEFT), detections(), detections(TOP, _neckline(0.33))]
    parts = find_parts(*(np.concatenate(column) for column in zip(*seen)))
    crops = [_crop(), _crop(0.2, 0.1), _crop(0.2, 0.1)]
    features = fit_features(parts, crops, np.array([SIZE, SIZE, (100, 100)]))
    expected = [
        [0.3, 0.65, -1.0, 0.9, 0.0, 0.0],
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, 0.0, 0.9, -1.5, 0.7],
    ]
    np.testing.assert_allclose(features, expected, atol=1e-5)


def test_the_layout_has_a_confidence_behind_each_ratio() -> None:
    names = [part.name for part in SCHEMA.slices]
    assert names[::2] == list(RATIOS)
    assert names[1::2] == [f"{name}_confidence" for name in RATIOS]
    assert SCHEMA.groups == ("attributes",)
    assert SCHEMA.size == _fit().size
