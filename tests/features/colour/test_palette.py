"""The colours of cut-out products against the CIELAB formula and hand-worked shares.

The products are halves and quarters of a square: how much more its middle counts
does not matter to them. All sides are multiples of 6 pixels, so that it does not
matter either whether each pixel is read or each second or third.
"""

import numpy as np
import pytest

from fitrank_tf.features.colour.palette import Colours, colour_slices, read_colours
from fitrank_tf.features.garment.crop import cut_out
from fitrank_tf.features.schema import FeatureSchema
from tests.features.cielab_formula import cielab

SCHEMA = FeatureSchema.joined(colour_slices())
EVERYWHERE = np.zeros(4, np.float32)
LOWER_HALF = np.array([0.5, 0.0, 1.0, 1.0], np.float32)
RED, BLUE, GREEN, WHITE = (200, 30, 30), (30, 60, 180), (30, 130, 60), (255, 255, 255)
# By the YCrCb formula: Y 155, Cr 160, Cb 103.
SKIN = (200, 140, 110)
# Pixels a side of the photos.
SIDE = 96
HALF = SIDE // 2
# The product of these photos begins this many pixels from the rim.
RIM = 12


def _photo(*patches, background=WHITE, height: int = SIDE) -> np.ndarray:
    """A photo 96 pixels wide with patches of (rows, columns, colour)."""
    photo = np.full((height, SIDE, 3), background, np.uint8)
    for rows, columns, colour in patches:
        photo[slice(*rows), slice(*columns)] = colour
    return photo


INSIDE = (RIM, SIDE - RIM)
UPPER, LOWER = (RIM, HALF), (HALF, SIDE - RIM)


def _square(colour, background=WHITE) -> np.ndarray:
    return _photo((INSIDE, INSIDE, colour), background=background)


def _read(photo: np.ndarray, box: np.ndarray = EVERYWHERE) -> Colours:
    return read_colours([cut_out(photo, box)])


def _palette(colours: Colours) -> list[tuple[float, np.ndarray]]:
    """(share, L a b) of the dominant colours that are there."""
    there = colours.shares[0] > 0
    return list(zip(colours.shares[0][there], colours.palette[0][there]))


@pytest.mark.parametrize("colour", [RED, BLUE, GREEN, (20, 20, 20), (240, 220, 60)])
def test_means_and_palette_are_cielab_of_the_product(colour) -> None:
    colours = _read(_square(colour))
    expected = cielab(colour)
    np.testing.assert_allclose(colours.means[0] * [100, 128, 128], expected, atol=2, rtol=0)
    ((share, lab),) = _palette(colours)
    np.testing.assert_allclose(lab, expected, atol=2)
    assert share == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("background", [(245, 245, 240), (90, 140, 90), (0, 0, 0)])
def test_the_backdrop_does_not_count(background) -> None:
    plain, other = _read(_square(RED)), _read(_square(RED, background))
    for name in ("means", "foreground", "grid", "skin"):
        np.testing.assert_allclose(getattr(other, name), getattr(plain, name), atol=1e-6)
    ((share, lab),) = _palette(other)
    np.testing.assert_allclose(lab, cielab(RED), atol=2)
    assert share > 0.99
    assert other.histogram.max() > 0.99


@pytest.mark.parametrize("side", [24, 48, 72])
def test_foreground_is_the_share_of_the_product(side) -> None:
    inside = (HALF - side // 2, HALF + side // 2)
    colours = _read(_photo((inside, inside, BLUE)))
    assert colours.foreground[0] == pytest.approx((side / SIDE) ** 2)


TWO_HALVES = [(UPPER, INSIDE, RED), (LOWER, INSIDE, BLUE)]
A_QUARTER = [(INSIDE, INSIDE, RED), (UPPER, UPPER, BLUE)]
THREE = [(UPPER, INSIDE, RED), (LOWER, UPPER, BLUE), (LOWER, LOWER, GREEN)]


@pytest.mark.parametrize(
    ("patches", "expected"),
    [
        (TWO_HALVES, [(0.5, RED), (0.5, BLUE)]),
        (A_QUARTER, [(0.75, RED), (0.25, BLUE)]),
        (THREE, [(0.5, RED), (0.25, BLUE), (0.25, GREEN)]),
    ],
    ids=["halves", "quarter", "three"],
)
def test_several_colours_have_their_shares(patches, expected) -> None:
    colours = _read(_photo(*patches))
    shares = colours.shares[0]
    palette = _palette(colours)
    assert len(palette) == len(expected)
    assert (np.diff(shares) <= 0).all()
    for share, colour in expected:
        nearest = min(palette, key=lambda pair: np.linalg.norm(pair[1] - cielab(colour)))
        np.testing.assert_allclose(nearest[1], cielab(colour), atol=2)
        assert nearest[0] == pytest.approx(share, abs=0.005)
    cells = np.sort(colours.histogram[0])[::-1][: len(expected)]
    np.testing.assert_allclose(cells, [share for share, _ in expected], atol=0.005)


@pytest.mark.parametrize(("down", "across"), [(2, 2), (3, 1), (1, 4)])
def test_the_size_of_a_photo_does_not_matter(down, across) -> None:
    photo = _photo(*THREE)
    larger = photo.repeat(down, axis=0).repeat(across, axis=1)
    np.testing.assert_array_equal(_read(larger).vectors, _read(photo).vectors)


def test_shades_of_one_colour_are_one_entry() -> None:
    # About 9 Lab units apart.
    light, dark = (90, 90, 180), (70, 70, 158)
    ((share, lab),) = _palette(_read(_photo((UPPER, INSIDE, light), (LOWER, INSIDE, dark))))
    middle = (cielab(light) + cielab(dark)) / 2
    np.testing.assert_allclose(lab, middle, atol=2)
    assert share == pytest.approx(1, abs=0.01)


def test_a_small_spot_is_not_a_dominant_colour() -> None:
    # 12 x 12 of 72 x 72 pixels, at a corner: less than 0.04.
    speck = (RIM, RIM + 12)
    palette = _palette(_read(_photo((INSIDE, INSIDE, RED), (speck, speck, BLUE))))
    assert len(palette) == 1


def test_the_middle_weighs_more_than_the_edges() -> None:
    middle, corner = (HALF - 12, HALF + 12), (RIM, RIM + 24)
    at_middle = _read(_photo((INSIDE, INSIDE, RED), (middle, middle, BLUE)))
    at_corner = _read(_photo((INSIDE, INSIDE, RED), (corner, corner, BLUE)))
    # Of 72 x 72 pixels 24 x 24 are a ninth.
    blue = cielab(BLUE)
    shares = [
        sum(share for share, lab in _palette(seen) if np.linalg.norm(lab - blue) < 5)
        for seen in (at_middle, at_corner)
    ]
    assert shares[0] > 1 / 9 > shares[1]


def test_the_grid_holds_the_colours_of_its_parts() -> None:
    # The box is the middle of the photo; a place is 24 x 24 pixels.
    photo = np.full((2 * SIDE, 2 * SIDE, 3), WHITE, np.uint8)
    photo[48:96, 48:96] = BLUE
    photo[132:144, 48:72] = RED
    grid = _read(photo, np.float32([0.25, 0.25, 0.75, 0.75])).grid[0].reshape(4, 4, 4)
    fill = np.zeros((4, 4))
    fill[:2, :2], fill[3, 0] = 1, 0.5
    np.testing.assert_allclose(grid[..., 3], fill)
    scale = np.array([100, 128, 128])
    np.testing.assert_allclose(grid[0, 0, :3] * scale, cielab(BLUE), atol=2)
    np.testing.assert_allclose(grid[3, 0, :3] * scale, cielab(RED), atol=2)
    assert not grid[0, 2].any()


@pytest.mark.parametrize("surround", [BLUE, (0, 0, 0)])
def test_only_the_garment_box_counts(surround) -> None:
    plain = _photo((INSIDE, INSIDE, RED), height=2 * SIDE)
    plain[HALF:] = WHITE
    plain[SIDE + RIM : -RIM, RIM:-RIM] = RED
    other = plain.copy()
    other[RIM:SIDE, RIM:-RIM] = surround
    vectors = [_read(photo, LOWER_HALF).vectors for photo in (plain, other)]
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)


def _person(arm_columns: int, face=SKIN) -> np.ndarray:
    """A face above the box, in it a blue shirt and a bare arm from the left on."""
    arm = (RIM, RIM + arm_columns)
    shirt = (SIDE + RIM, 2 * SIDE - RIM)
    return _photo(
        ((20, 60), (30, 66), face),
        (shirt, INSIDE, BLUE),
        (shirt, arm, SKIN),
        height=2 * SIDE,
    )


def _is_skin_named(colours: Colours) -> bool:
    return any(np.linalg.norm(lab - cielab(SKIN)) < 5 for _, lab in _palette(colours))


# The arm is 18 of the shirt's 72 columns, the box 96 x 96 pixels.
@pytest.mark.parametrize(
    ("arm", "face", "is_named", "skin"),
    [
        (18, SKIN, False, 18 * 72 / 96**2),
        (18, WHITE, True, 0.0),
        (18, BLUE, True, 0.0),
        (54, SKIN, True, 0.0),
    ],
    ids=["worn", "lying", "blue above", "skin-coloured cloth"],
)
def test_the_wearers_skin_is_no_colour_of_the_product(arm, face, is_named, skin) -> None:
    colours = _read(_person(arm, face), LOWER_HALF)
    assert _is_skin_named(colours) is is_named
    assert colours.skin[0] == pytest.approx(skin, abs=1e-6)
    # What names colours sees the arms itself.
    assert np.sort(colours.histogram[0])[-2] > 0.1
    if not is_named:
        means = colours.means[0] * [100, 128, 128]
        np.testing.assert_allclose(means, cielab(BLUE), atol=2)


@pytest.mark.parametrize("colour", [WHITE, (253, 253, 253), (20, 20, 20)])
def test_a_product_of_the_backdrops_colour_has_that_colour(colour) -> None:
    colours = _read(_square(colour, colour))
    ((share, lab),) = _palette(colours)
    np.testing.assert_allclose(lab, cielab(colour), atol=2)
    assert share == pytest.approx(1, abs=0.01)
    assert colours.foreground[0] == 0


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 2), (300, 3)])
@pytest.mark.parametrize("value", [0, 128, 255])
def test_tiny_and_blank_photos_have_features(shape, value) -> None:
    features = _read(np.full((*shape, 3), value, np.uint8)).vectors[0]
    assert features.shape == (SCHEMA.size,)
    assert np.isfinite(features).all()
    low, high = SCHEMA.bounds()
    assert (features >= low).all()
    assert (features <= high).all()


@pytest.mark.parametrize("seed", range(4))
def test_noise_stays_within_bounds(seed) -> None:
    # Of few colours, the most saturated among them.
    noise = np.random.default_rng(seed).integers(0, 2, (60, 40, 3)) * 255
    features = _read(noise.astype(np.uint8)).vectors[0]
    low, high = SCHEMA.bounds()
    assert (features >= low).all()
    assert (features <= high).all()


@pytest.mark.parametrize("seed", range(3))
def test_shares_add_up(seed) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (50, 70, 3)).astype(np.uint8)
    colours = _read(noise)
    assert colours.histogram.sum() == pytest.approx(1, abs=1e-5)
    assert 0.5 < colours.shares.sum() < 1 + 1e-5


def test_products_of_a_batch_do_not_mix() -> None:
    crops = [
        cut_out(photo, EVERYWHERE)
        for photo in (_square(RED), _photo(*THREE), _square(BLUE, (0, 0, 0)))
    ]
    together = read_colours(crops).vectors
    for row, crop in enumerate(crops):
        np.testing.assert_array_equal(together[row], read_colours([crop]).vectors[0])


def test_the_vector_holds_what_its_slices_say() -> None:
    colours = _read(_person(18), LOWER_HALF)
    vector = colours.vectors[0]

    def part(name: str) -> np.ndarray:
        return vector[SCHEMA.slice(name)]

    histogram = np.concatenate([part("grey_histogram"), part("hue_histogram")])
    np.testing.assert_allclose(histogram**2, colours.histogram[0], atol=1e-6)
    np.testing.assert_allclose(part("colour_grid"), colours.grid[0].ravel())
    palette = part("palette").reshape(5, 3) * [100, 128, 128]
    np.testing.assert_allclose(palette, colours.palette[0], rtol=1e-6)
    np.testing.assert_allclose(part("palette_shares"), colours.shares[0])
    means = [*part("mean_lightness"), *part("mean_ab")]
    np.testing.assert_allclose(means, colours.means[0])
    assert part("foreground") == colours.foreground[0]
    assert part("skin") == colours.skin[0]
