"""The texture group against plain numpy and stripes drawn at known angles."""

import numpy as np
import pytest

from fitrank_tf.features.garment.crop import GarmentCrop
from fitrank_tf.features.schema import FeatureSchema
from fitrank_tf.features.texture.statistics import texture_features, texture_slices

SCHEMA = FeatureSchema.joined(texture_slices())
# Crops of this size are read pixel by pixel.
SIDE = 96
# What is read of them: 82 x 66 pixels, of which the outermost are only neighbours.
READ = (slice(7, 89), slice(15, 81))
WINDOW = (slice(8, 88), slice(16, 80))


def _crop(pixels: np.ndarray) -> GarmentCrop:
    """From [96, 96, 3], or [96, 96] for greys."""
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=-1)
    return GarmentCrop(pixels.astype(np.uint8), np.zeros(3, np.uint8), 0.0, 0.0)


def _describe(pixels: np.ndarray) -> np.ndarray:
    return texture_features([_crop(pixels)])[0]


def _value(features: np.ndarray, name: str) -> np.ndarray:
    return features[SCHEMA.slice(name)]


def _noise(seed: int, below: int, shape=(SIDE, SIDE)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, below, shape)


# Neighbours from the upper left clockwise, (down, right).
NEIGHBOURS = [(-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1)]


def _uniform_codes() -> list[int]:
    """The 58 patterns whose circle of bits changes at most twice, by number."""

    def changes(code: int) -> int:
        bits = f"{code:08b}"
        return sum(bits[i] != bits[i - 1] for i in range(8))

    return [code for code in range(256) if changes(code) <= 2]


def _pattern_shares(luma: np.ndarray) -> np.ndarray:
    """float [59] of [82, 66]: the share of each uniform pattern, then of the others."""
    middle, codes = luma[1:-1, 1:-1], 0
    for bit, (down, right) in enumerate(NEIGHBOURS):
        there = luma[1 + down : 81 + down, 1 + right : 65 + right]
        codes = codes + ((there - middle > 3).astype(int) << bit)
    codes = codes[::2]  # every second row is looked at
    counts = np.bincount(codes.ravel(), minlength=256)
    shares = counts[_uniform_codes()] / codes.size
    return np.append(shares, 1 - shares.sum())


@pytest.mark.parametrize("below", [2, 8, 30, 256])
@pytest.mark.parametrize("seed", [0, 1])
def test_binary_patterns_are_those_of_numpy(seed, below) -> None:
    grey = _noise(seed, below)
    # Smooth and rough at once: patterns of all kinds occur.
    grey[:48] = np.sort(grey[:48], axis=1)
    expected = _pattern_shares(grey[READ])
    features = _value(_describe(grey), "binary_patterns")
    assert len(features) == len(_uniform_codes()) + 1 == 59
    np.testing.assert_allclose(features**2, expected, atol=1e-6)


# Direction k: the brightness changes at 22.5 k degrees from rightwards, clockwise; so
# the stripes are upright for 0, lie for 4 and are diagonal for 2 and 6.
@pytest.mark.parametrize("direction", range(8))
@pytest.mark.parametrize("name", ["fine_energy", "coarse_energy"])
def test_stripes_have_their_energy_in_their_direction(direction, name) -> None:
    y, x = np.mgrid[:SIDE, :SIDE]
    angle = np.radians(22.5 * direction)
    across = x * np.cos(angle) + y * np.sin(angle)
    stripes = 128 + 100 * np.sin(2 * np.pi * across / 24)
    energy = _value(_describe(stripes), name)
    assert energy.argmax() == direction
    assert energy[direction] > 0.85 * energy.sum()


@pytest.mark.parametrize("axis", ["x", "y"])
@pytest.mark.parametrize("step", [1, 2])
def test_the_energy_of_a_ramp(axis, step) -> None:
    y, x = np.mgrid[:SIDE, :SIDE]
    features = _describe(step * (x if axis == "x" else y))
    # Between the neighbours of a pixel lie two steps, at half the size four.
    assert _value(features, "energy") == pytest.approx(2 * step / 16)
    assert _value(features, "fine_energy").sum() == pytest.approx(2 * step / 16)
    assert _value(features, "coarse_energy").sum() == pytest.approx(4 * step / 16)
    expected = np.full(9, np.log1p(2 * step / 16))
    np.testing.assert_allclose(_value(features, "energy_grid"), expected, atol=1e-6)
    assert not _value(features, "edges").any()


# One upright edge between columns 31 and 32 of the window's 64: both see it, and both
# lie in the middle third.
@pytest.mark.parametrize(("height", "edges"), [(10, (0, 0)), (30, (1, 0)), (200, (1, 1))])
def test_one_edge(height, edges) -> None:
    grey = np.zeros((SIDE, SIDE))
    grey[:, WINDOW[1].start + 32 :] = height
    features = _describe(grey)
    np.testing.assert_allclose(_value(features, "edges"), np.array(edges) * 2 / 64)
    assert _value(features, "energy") == pytest.approx(height * 2 / 64 / 16)
    grid = np.zeros((3, 3))
    grid[:, 1] = np.log1p(height * 2 / 21 / 16)
    np.testing.assert_allclose(
        _value(features, "energy_grid").reshape(3, 3), grid, atol=1e-6
    )


def _gradients(luma: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Size and direction [rows, W - 2], of every second row of [H, W] without the ends."""
    across = (luma[1:-1, 2:] - luma[1:-1, :-2])[::2]
    down = (luma[2:, 1:-1] - luma[:-2, 1:-1])[::2]
    # Angles are told of gradients in steps of 4.
    angle = np.arctan2((down + 2) // 4, (across + 2) // 4)
    return np.hypot(across, down), np.round(angle % np.pi / np.pi * 8).astype(int) % 8


def _by_direction(luma: np.ndarray) -> np.ndarray:
    sizes, direction = _gradients(luma)
    means = [sizes[direction == k].sum() / sizes.size / 16 for k in range(8)]
    return np.minimum(means, 8)


@pytest.mark.parametrize("below", [5, 12, 30, 60, 256])
def test_energies_are_those_of_numpy(below: int) -> None:
    """Of noise every row and column matters, the one at the bound of a third too."""
    grey = _noise(below, below)
    luma = grey[READ]
    features = _describe(grey)
    sizes, _ = _gradients(luma)

    def assert_is(name: str, expected) -> None:
        np.testing.assert_allclose(_value(features, name), expected, rtol=1e-4, atol=1e-6)

    # Of the strongest noise it is more than the most that is told.
    assert_is("energy", min(sizes.mean() / 16, 8))
    assert_is("edges", [(sizes > 12).mean(), (sizes > 40).mean()])
    assert_is("fine_energy", _by_direction(luma))
    halved = grey[WINDOW].reshape(40, 2, 32, 2).sum(axis=(1, 3)) // 4
    assert_is("coarse_energy", _by_direction(halved))
    # Of 80 rows and 64 columns; row 26 is cut by the bound of the first third, and is in
    # it. Every second row is looked at, so the bounds are 27 / 2 and 54 / 2.
    grid = [
        np.log1p(part.mean() / 16)
        for band in np.split(sizes, [14, 27])
        for part in np.split(band, [21, 42], axis=1)
    ]
    assert_is("energy_grid", grid)


@pytest.mark.parametrize(("first_bright", "bands"), [(26, [1, 0, 0]), (28, [0, 1, 0])])
def test_an_edge_beside_the_bound_of_a_third(first_bright: int, bands) -> None:
    """Rows before and behind the edge see it; of both the even one is looked at."""
    grey = np.zeros((SIDE, SIDE))
    grey[WINDOW[0].start + first_bright :] = 100
    grid = _value(_describe(grey), "energy_grid").reshape(3, 3)
    np.testing.assert_array_equal(grid > 0, np.repeat([bands], 3, axis=0).T > 0)


def test_only_the_middle_is_read() -> None:
    plain = np.full((SIDE, SIDE), 128)
    framed = _noise(0, 256)
    framed[READ] = 128
    np.testing.assert_array_equal(_describe(framed), _describe(plain))


def _opponents(pixels: np.ndarray) -> np.ndarray:
    """float [80, 64, 3]: Rec. 601 luma, red - green and yellow - blue."""
    r, g, b = np.moveaxis(pixels[WINDOW].astype(float), -1, 0)
    return np.stack([0.299 * r + 0.587 * g + 0.114 * b, r - g, (r + g) / 2 - b], axis=-1)


def _banded(seed: int, rows: int, columns: int) -> np.ndarray:
    """Noise with rows and columns that are brighter, each channel its own."""
    height, width = (SIDE, 1, 3), (1, SIDE, 3)
    noise = _noise(seed, 40, (SIDE, SIDE, 3))
    bands = _noise(seed + 10, rows, height) + _noise(seed + 20, columns, width)
    return (noise + bands).astype(np.uint8)


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (120, 1), (1, 120), (90, 60)])
@pytest.mark.parametrize("seed", [0, 1])
def test_banding_is_the_variance_between_rows_and_columns(rows, columns, seed) -> None:
    pixels = _banded(seed, rows, columns)
    # Of four rows two neighbours are looked at.
    channels = _opponents(pixels).reshape(20, 4, 64, 3)[:, :2].reshape(40, 64, 3)
    variance = channels.var(axis=(0, 1))
    between = [channels.mean(axis=1).var(axis=0), channels.mean(axis=0).var(axis=0)]
    features = _describe(pixels)
    shares = _value(features, "banding").reshape(3, 2).T
    np.testing.assert_allclose(shares, between / (variance + 1), atol=0.01)
    np.testing.assert_allclose(_value(features, "variance"), np.log1p(variance), atol=0.01)


# Alternating rows of two greys, 8 apart in all: the variance is 16, one more of noise.
def test_level_stripes_are_rows() -> None:
    grey = np.zeros((SIDE, SIDE))
    grey[::2] = 8
    features = _describe(grey)
    expected = [16 / 17, 0, 0, 0, 0, 0]
    np.testing.assert_allclose(_value(features, "banding"), expected, atol=1e-6)
    expected = [np.log(17), 0, 0]
    np.testing.assert_allclose(_value(features, "variance"), expected, atol=1e-6)


@pytest.mark.parametrize("grey", [0, 127, 255])
def test_a_plain_product_has_no_texture(grey) -> None:
    features = _describe(np.full((SIDE, SIDE), grey))
    # All pixels have the pattern without a brighter neighbour.
    np.testing.assert_array_equal(_value(features, "binary_patterns"), [1] + [0] * 58)
    assert not features[59:].any()


def _checks(size: int, light, dark) -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE] // size
    return np.where(((x + y) % 2)[..., None], light, dark)


@pytest.mark.parametrize(
    "pixels",
    [
        _checks(1, (255, 255, 255), (0, 0, 0)),
        _checks(2, (255, 255, 255), (0, 0, 0)),
        _checks(3, (255, 0, 0), (0, 255, 0)),
        _checks(31, (0, 0, 255), (255, 255, 0)),
        _noise(0, 2, (SIDE, SIDE, 3)) * 255,
    ],
    ids=["fine checks", "checks", "red and green", "blue and yellow", "noise"],
)
def test_the_strongest_textures_stay_within_bounds(pixels) -> None:
    features = _describe(pixels)
    low, high = SCHEMA.bounds()
    assert features.shape == (SCHEMA.size,)
    assert np.isfinite(features).all()
    assert (features >= low).all()
    assert (features <= high).all()


@pytest.mark.parametrize(("down", "across"), [(2, 2), (3, 1), (1, 4)])
def test_the_size_of_a_crop_does_not_matter(down, across) -> None:
    picture = _noise(0, 200, (SIDE, SIDE, 3))
    larger = picture.repeat(down, axis=0).repeat(across, axis=1)
    np.testing.assert_array_equal(_describe(larger), _describe(picture))


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 2), (300, 3)])
def test_tiny_crops_have_features(shape) -> None:
    low, high = SCHEMA.bounds()
    features = _describe(_noise(0, 256, (*shape, 3)))
    assert np.isfinite(features).all()
    assert (low <= features).all() and (features <= high).all()


def test_products_of_a_batch_do_not_mix() -> None:
    pictures = [_noise(0, 256), np.full((SIDE, SIDE), 128), _banded(0, 90, 60)]
    together = texture_features([_crop(picture) for picture in pictures])
    for row, picture in enumerate(pictures):
        np.testing.assert_array_equal(together[row], _describe(picture))
