"""The `colour` group of the feature vector: the colours of the product and their positions.

Backdrop is left out, and the middle of the garment box weighs more than its edges. The
palette and the means leave out the wearer's skin too. The histogram and the grid do not: a
skin-coloured print is not skin, and the colour namer (`names.py`) learns where arms are. On
the validation split it predicts the shop's colour more often this way (0.666 against 0.660,
mean of three).
"""

import dataclasses
import functools

import numpy as np
from numba import njit

from fitrank_tf.features.colour.cells import CELLS, GREYS, PIXEL_TABLE, SKIN_TABLE
from fitrank_tf.features.garment.crop import GarmentCrop
from fitrank_tf.features.schema import FeatureSchema, FeatureSlice

GROUP = "colour"

PALETTE = 5
GRID = 4
# A product is sampled at 32 x 32 points, enough for a histogram.
_SIDE = 32
_GRID_SIDE = _SIDE // GRID
# Pixels farther (Lab units) from the backdrop's colour are product: above JPEG noise,
# below the shading of white cloth.
_BACKDROP_DISTANCE = 6.0
# With a smaller share of foreground the product has the backdrop's colour.
_LEAST_FOREGROUND = 0.05
# If a person is visible (skin above the box), skin in the box is the wearer's, unless its
# share is so large that the cloth itself must have the colour of skin.
_TOO_MUCH_SKIN = 0.35
# Backdrop has a small weight, so that a histogram is never empty.
_BACKDROP_WEIGHT = 1e-3
# Least distance (Lab units) between initial dominant colours, and the least share of one.
_APART, _LEAST_SHARE = 18.0, 0.04
_AB_SCALE = 128.0
_LAB_SCALE = np.array([100, _AB_SCALE, _AB_SCALE], np.float32)


def _centre_weights() -> np.ndarray:
    """float32 [32, 32]: a Gaussian over the garment box; arms are near its edges."""
    at = np.arange(_SIDE) - (_SIDE - 1) / 2
    down, across = np.exp(-((at / 12) ** 2)), np.exp(-((at / 10) ** 2))
    return np.outer(down, across).astype(np.float32)


_CENTRE = _centre_weights()


@dataclasses.dataclass(frozen=True)
class Colours:
    """The colours of a batch of products.

    Attributes:
        histogram: float32 [B, 228], share of each cell (`cells.py`), sum 1.
        grid: float32 [B, 16, 4]: for each of 4 x 4 parts of the box, row by row, mean
            L / 100, a / 128, b / 128 of the product and the share of the part it fills.
        palette: float32 [B, 5, 3], CIE L, a, b of the dominant colours, by falling
            share; zeros for padding.
        shares: float32 [B, 5], of the dominant colours, sum at most 1; 0 for padding.
        means: float32 [B, 3], mean L / 100, a / 128, b / 128.
        foreground: float32 [B], share of the garment box that is not backdrop.
        skin: float32 [B], share of the garment box taken for the wearer's skin.
    """

    histogram: np.ndarray
    grid: np.ndarray
    palette: np.ndarray
    shares: np.ndarray
    means: np.ndarray
    foreground: np.ndarray
    skin: np.ndarray

    @functools.cached_property
    def vectors(self) -> np.ndarray:
        """The features, float32 [B, F], laid out as in `colour_slices`.

        The histogram's square root is taken, so that the inner product of two is their
        Bhattacharyya coefficient.
        """
        batch = len(self.histogram)
        # Rounding may take white slightly above 1.
        palette = np.clip(self.palette / _LAB_SCALE, -1, 1)
        columns = [
            np.sqrt(self.histogram),
            self.grid.reshape(batch, -1),
            palette.reshape(batch, -1),
            self.shares,
            self.means,
            self.foreground[:, None],
            self.skin[:, None],
        ]
        return np.concatenate(columns, axis=1)


def colour_slices() -> tuple[FeatureSlice, ...]:
    """Returns the slices of `Colours.vectors`, from index 0."""
    root, lab = "square root of a share", "L / 100, a / 128, b / 128"
    hues = "hues from red on, inside chroma, inside lightness"
    rows = [
        ("grey_histogram", GREYS, "greys, dark to light", root, 0.0, 1.0),
        ("hue_histogram", CELLS - GREYS, hues, root, 0.0, 1.0),
        (
            "colour_grid",
            GRID * GRID * 4,
            "mean colour of the product in 4 x 4 parts of its box, and how much of the "
            "part it fills",
            f"{lab}, share",
            -1.0,
            1.0,
        ),
        (
            "palette",
            PALETTE * 3,
            "dominant colours, by falling share",
            lab,
            -1.0,
            1.0,
        ),
        ("palette_shares", PALETTE, "of the dominant colours", "share", 0.0, 1.0),
        ("mean_lightness", 1, "mean L of the product", "L / 100", 0.0, 1.0),
        ("mean_ab", 2, "mean a and b of the product", "Lab units / 128", -1.0, 1.0),
        ("foreground", 1, "how much of the garment box is product", "share", 0.0, 1.0),
        ("skin", 1, "how much of the garment box is the wearer", "share", 0.0, 1.0),
    ]
    return FeatureSlice.consecutive(GROUP, rows)


def dominant_colours(
    features: np.ndarray, schema: FeatureSchema
) -> tuple[np.ndarray, np.ndarray]:
    """Reads the palette from feature vectors, in Lab units.

    Args:
        features: float32 [..., F].
        schema: layout of the features.

    Returns:
        (float32 [..., 5, 3], CIE L, a, b by falling share; float32 [..., 5], their shares,
        0 for padding).
    """
    lab = features[..., schema.slice("palette")]
    lab = lab.reshape(*lab.shape[:-1], PALETTE, 3) * _LAB_SCALE
    return lab, features[..., schema.slice("palette_shares")]


def read_colours(crops: list[GarmentCrop]) -> Colours:
    """Extracts the colours of a batch of products cut out of their photos."""
    batch = len(crops)
    histogram = np.zeros((batch, CELLS), np.float32)
    grid = np.zeros((batch, GRID * GRID, 4), np.float32)
    rest = np.zeros((batch, 5), np.float32)
    palette = np.zeros((batch, PALETTE, 3), np.float32)
    shares = np.zeros((batch, PALETTE), np.float32)
    for row, crop in enumerate(crops):
        _read(
            *(crop.pixels, crop.backdrop, crop.is_worn),
            *(PIXEL_TABLE, SKIN_TABLE, _CENTRE),
            *(histogram[row], grid[row], rest[row], palette[row], shares[row]),
        )
    return Colours(histogram, grid, palette, shares, rest[:, :3], rest[:, 3], rest[:, 4])


@njit(cache=True, nogil=True)
def _read(
    pixels: np.ndarray, backdrop: np.ndarray, is_worn: bool,
    table: np.ndarray, skin_table: np.ndarray, centre: np.ndarray,
    histogram: np.ndarray, grid: np.ndarray, rest: np.ndarray,
    palette: np.ndarray, shares: np.ndarray,
) -> None:  # fmt: skip
    """Fills histogram [C], grid [16, 4], rest [5], palette [5, 3] and shares [5]."""
    entries = np.empty((_SIDE, _SIDE), np.uint32)
    is_product = np.empty((_SIDE, _SIDE), np.bool_)
    is_skin = np.zeros((_SIDE, _SIDE), np.bool_)
    _sample(pixels, backdrop, is_worn, table, skin_table, entries, is_product, is_skin)
    seen, skin = is_product.sum(), (is_product & is_skin).sum()
    if seen < _LEAST_FOREGROUND * _SIDE * _SIDE:
        # White on white: the backdrop's colour is the product's.
        is_product[:] = True
    drop_skin = is_worn and skin < _TOO_MUCH_SKIN * seen
    if not drop_skin:
        skin = 0
        is_skin[:] = False
    # Each cell's weight without skin, and its weighted sums of L, a and b.
    cloth = np.zeros((CELLS, 4), np.float32)
    sums = np.zeros((1, 4), np.float32)
    for y in range(_SIDE):
        for x in range(_SIDE):
            lightness, a, b, cell = _unpacked(entries[y, x])
            weight = centre[y, x]
            if is_product[y, x]:
                _add(grid, (y // _GRID_SIDE) * GRID + x // _GRID_SIDE, lightness, a, b)
            else:
                weight *= _BACKDROP_WEIGHT
            histogram[cell] += weight
            if is_skin[y, x]:
                weight *= _BACKDROP_WEIGHT
            elif is_product[y, x]:
                _add(sums, 0, lightness, a, b)
            cloth[cell, 0] += weight
            cloth[cell, 1] += weight * lightness
            cloth[cell, 2] += weight * a
            cloth[cell, 3] += weight * b
    histogram /= histogram.sum()
    cloth /= cloth[:, 0].sum()
    for place in range(GRID * GRID):
        filled = grid[place, 3] / (_GRID_SIDE * _GRID_SIDE)
        _mean(grid[place], grid[place, :3])
        grid[place, 3] = filled
    _mean(sums[0], rest[:3])
    rest[3] = seen / (_SIDE * _SIDE)
    rest[4] = skin / (_SIDE * _SIDE)
    _dominant(cloth, palette, shares)


@njit(cache=True, nogil=True)
def _sample(
    pixels: np.ndarray, backdrop: np.ndarray, is_worn: bool,
    table: np.ndarray, skin_table: np.ndarray,
    entries: np.ndarray, is_product: np.ndarray, is_skin: np.ndarray,
) -> None:  # fmt: skip
    """Fills the table's entries and the masks of product and skin, [S, S] each."""
    back_l, back_a, back_b, _ = _unpacked(
        table[_code(backdrop[0], backdrop[1], backdrop[2])]
    )
    height, width = pixels.shape[0], pixels.shape[1]
    columns = np.empty(_SIDE, np.uint64)
    for x in range(_SIDE):
        columns[x] = (2 * x + 1) * width // (2 * _SIDE)
    for y in range(_SIDE):
        row = pixels[(2 * y + 1) * height // (2 * _SIDE)]
        for x in range(_SIDE):
            i = columns[x]
            code = _code(row[i, 0], row[i, 1], row[i, 2])
            entries[y, x] = table[code]
            lightness, a, b, _ = _unpacked(entries[y, x])
            squared = (lightness - back_l) ** 2 + (a - back_a) ** 2 + (b - back_b) ** 2
            is_product[y, x] = squared > _BACKDROP_DISTANCE**2
            if is_worn:
                is_skin[y, x] = skin_table[code]


@njit(cache=True, nogil=True, inline="always")
def _code(red: np.uint8, green: np.uint8, blue: np.uint8) -> np.uint64:
    """Index of a colour in the tables of `cells.py`.

    Unsigned, because numba checks whether a signed index counts from the end.
    """
    code = (np.int32(red) >> 2) << 12 | (np.int32(green) >> 2) << 6 | np.int32(blue) >> 2
    return np.uint64(code)


@njit(cache=True, nogil=True, inline="always")
def _unpacked(entry: np.uint32) -> tuple[np.float32, np.float32, np.float32, np.uint64]:
    """CIE L, a, b and the cell of an entry of the table."""
    return (
        np.float32(entry & 255) * np.float32(100 / 255),
        np.float32(entry >> 8 & 255) - np.float32(128),
        np.float32(entry >> 16 & 255) - np.float32(128),
        np.uint64(entry >> 24),
    )


@njit(cache=True, nogil=True, inline="always")
def _add(
    sums: np.ndarray, row: int, lightness: np.float32, a: np.float32, b: np.float32
) -> None:
    """Adds a colour to a row of sums of L, a, b and the count."""
    sums[row, 0] += lightness
    sums[row, 1] += a
    sums[row, 2] += b
    sums[row, 3] += 1


@njit(cache=True, nogil=True, inline="always")
def _mean(sums: np.ndarray, out: np.ndarray) -> None:
    """Writes the mean L / 100, a / 128, b / 128 from the sums of `_add`."""
    count = max(sums[3], np.float32(1))
    out[0] = sums[0] / count / 100
    out[1] = sums[1] / count / _AB_SCALE
    out[2] = sums[2] / count / _AB_SCALE


@njit(cache=True, nogil=True)
def _dominant(cloth: np.ndarray, palette: np.ndarray, shares: np.ndarray) -> None:
    """Dominant colours of the cloth: k-means over the cells' mean colours.

    Starts at the heaviest cells that lie apart; three rounds of Lloyd's algorithm.
    """
    weights = np.empty(CELLS, np.float32)
    colours = np.empty((CELLS, 3), np.float32)
    used = 0
    for cell in range(CELLS):
        if cloth[cell, 0] > 1e-3:
            weights[used] = cloth[cell, 0]
            for channel in range(3):
                colours[used, channel] = cloth[cell, 1 + channel] / cloth[cell, 0]
            used += 1
    centres = np.empty((PALETTE, 3), np.float32)
    count = _start(weights[:used], colours, centres)
    held = np.zeros(PALETTE, np.float32)
    for _ in range(3):
        held[:] = 0
        moved = np.zeros((PALETTE, 3), np.float32)
        for i in range(used):
            best, nearest = 0, np.float32(np.inf)
            for k in range(count):
                distance = _squared(colours[i], centres[k])
                if distance < nearest:
                    best, nearest = k, distance
            held[best] += weights[i]
            for channel in range(3):
                moved[best, channel] += weights[i] * colours[i, channel]
        for k in range(count):
            if held[k] > 0:
                for channel in range(3):
                    centres[k, channel] = moved[k, channel] / held[k]
    row = 0
    for k in np.argsort(-held[:count]):
        if held[k] >= _LEAST_SHARE:
            palette[row] = centres[k]
            shares[row] = held[k]
            row += 1


@njit(cache=True, nogil=True)
def _start(weights: np.ndarray, colours: np.ndarray, centres: np.ndarray) -> int:
    """Writes the largest colours that lie apart; returns their number."""
    is_apart = np.ones(len(weights), np.bool_)
    for count in range(PALETTE):
        heaviest, weight = -1, np.float32(0)
        for i in range(len(weights)):
            if is_apart[i] and weights[i] > weight:
                heaviest, weight = i, weights[i]
        if heaviest < 0:
            return count
        centres[count] = colours[heaviest]
        for i in range(len(weights)):
            is_apart[i] &= _squared(colours[i], centres[count]) >= _APART**2
    return PALETTE


@njit(cache=True, nogil=True, inline="always")
def _squared(left: np.ndarray, right: np.ndarray) -> np.float32:
    total = np.float32(0)
    for channel in range(3):
        total += (left[channel] - right[channel]) ** 2
    return total
