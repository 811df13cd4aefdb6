"""The `texture` group of the feature vector: local binary patterns and oriented energy.

Computed in the middle of the garment box, where there is cloth and neither arms nor
backdrop. The pattern head (`patterns.py`) predicts stripes, checks and prints from them.

Written here because scikit-image has no local binary patterns with a threshold above JPEG
noise; compiled here, they also share the sampled pixels with the gradients.
"""

import numpy as np
from numba import njit

from fitrank_tf.features.garment.crop import GarmentCrop
from fitrank_tf.features.schema import FeatureSlice

GROUP = "texture"

# A product is sampled at 96 x 96 points. An arm's width left and right and a hem's width
# above and below are left out; the outermost points of the rest serve only as neighbours.
# The remaining 64 columns fill whole SIMD registers.
_PLACES = 96
_TOP, _LEFT = 7, 15
_HEIGHT, _WIDTH = _PLACES - 2 * _TOP, _PLACES - 2 * _LEFT
_INNER_HEIGHT, _INNER_WIDTH = _HEIGHT - 2, _WIDTH - 2
_BANDS = _INNER_HEIGHT // 2
_ORIENTATIONS = 8
# Gradients are -255..255, quantised in steps of 4.
_TURNS = 129
_GRID = 3
# Uniform patterns of eight neighbours (Ojala, Pietikainen and Maenpaa, "Multiresolution
# gray-scale and rotation invariant texture classification with local binary patterns",
# 2002), each with its own bin, and one bin for all others. Not invariant to rotation,
# because the direction of stripes matters.
_PATTERNS = 59
# Neighbours are brighter if they differ by more than this (of 255); less is JPEG noise.
_BRIGHTER = 3
# Least gradients (of 255) of an edge and of a strong edge.
_EDGE, _STRONG_EDGE = 12.0, 40.0
_ENERGY_SCALE = 16.0
_ENERGY_LIMIT = 8.0
_LOG_VARIANCE_LIMIT = 10.0
_RAW = _PATTERNS + 2 * _ORIENTATIONS + 3 + _GRID * _GRID + 6 + 3


def texture_slices() -> tuple[FeatureSlice, ...]:
    """Returns the slices of `texture_features`, from index 0."""
    energy = "mean gradient of luma (0..255) / 16"
    turns = "by the edge's direction, from upright on in steps of 22.5 degrees"
    rows = [
        (
            "binary_patterns",
            _PATTERNS,
            "uniform local binary patterns of 8 neighbours, the others last",
            "square root of a share",
            0.0,
            1.0,
        ),
        ("fine_energy", _ORIENTATIONS, turns, energy, 0.0, _ENERGY_LIMIT),
        (
            "coarse_energy",
            _ORIENTATIONS,
            f"{turns}; at half the size",
            energy,
            0.0,
            _ENERGY_LIMIT,
        ),
        ("energy", 1, "over all directions", energy, 0.0, _ENERGY_LIMIT),
        ("edges", 2, "pixels on an edge, on a strong edge", "share", 0.0, 1.0),
        (
            "energy_grid",
            _GRID * _GRID,
            "in 3 x 3 parts of the window, row by row",
            f"log(1 + {energy})",
            0.0,
            _ENERGY_LIMIT,
        ),
        (
            "banding",
            6,
            "how much of the variance of luma, red - green and yellow - blue is between "
            "rows, between columns",
            "share",
            0.0,
            1.0,
        ),
        (
            "variance",
            3,
            "variance of luma, red - green and yellow - blue",
            "log(1 + 8-bit units squared)",
            0.0,
            _LOG_VARIANCE_LIMIT,
        ),
    ]
    return FeatureSlice.consecutive(GROUP, rows)


def texture_features(crops: list[GarmentCrop]) -> np.ndarray:
    """Computes texture features, float32 [B, F], laid out as in `texture_slices`."""
    features = np.zeros((len(crops), _RAW), np.float32)
    for row, crop in enumerate(crops):
        _describe(crop.pixels, _UNIFORM, _DIRECTION, features[row])
    return features


def _uniform_table() -> np.ndarray:
    """uint8 [256]: the bin of each pattern."""
    table = np.full(256, _PATTERNS - 1, np.uint8)
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    changes = (bits != np.roll(bits, 1, axis=1)).sum(axis=1)
    uniform = np.flatnonzero(changes <= 2)
    table[uniform] = np.arange(len(uniform))
    return table


def _direction_table() -> np.ndarray:
    """uint8 [129 * 129]: direction of a gradient by (dy / 4 + 64) * 129 + dx / 4 + 64."""
    dy, dx = np.mgrid[:_TURNS, :_TURNS] - 64
    turn = np.degrees(np.arctan2(dy, dx)) % 180
    return (np.round(turn / (180 / _ORIENTATIONS)) % _ORIENTATIONS).astype(np.uint8).ravel()


_UNIFORM, _DIRECTION = _uniform_table(), _direction_table()


@njit(cache=True, nogil=True)
def _describe(
    pixels: np.ndarray, uniform: np.ndarray, direction: np.ndarray, out: np.ndarray
) -> None:
    """Fills one product's features, float32 [F]."""
    luma = np.empty((_HEIGHT, _WIDTH), np.int16)
    rows = np.zeros((3, _BANDS), np.float32)
    columns = np.zeros((3, _INNER_WIDTH), np.float32)
    squares = np.zeros(3, np.float64)
    _sample(pixels, luma, rows, columns, squares)
    _binary_patterns(luma, uniform, out[:_PATTERNS])
    at = _PATTERNS
    edges = out[at + 2 * _ORIENTATIONS : at + 2 * _ORIENTATIONS + 3]
    grid = out[at + 2 * _ORIENTATIONS + 3 : at + 2 * _ORIENTATIONS + 3 + _GRID * _GRID]
    _energy(luma, 2, direction, out[at : at + _ORIENTATIONS], edges, grid)
    spare_edges = np.zeros(3, np.float32)
    spare_grid = np.zeros(_GRID * _GRID, np.float32)
    coarse = out[at + _ORIENTATIONS : at + 2 * _ORIENTATIONS]
    _energy(_halved(luma), 2, direction, coarse, spare_edges, spare_grid)
    _banding(rows, columns, squares, out[out.shape[0] - 9 :])


@njit(cache=True, nogil=True)
def _sample(
    pixels: np.ndarray,
    luma: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
    squares: np.ndarray,
) -> None:
    """Fills luma [82, 66] and the row and column sums of three channels."""
    red_greens, yellow_blues = np.empty(_WIDTH, np.int16), np.empty(_WIDTH, np.int16)
    reds, greens = np.empty(_WIDTH, np.uint16), np.empty(_WIDTH, np.uint16)
    blues = np.empty(_WIDTH, np.uint16)
    # Unsigned, because numba checks whether a signed index counts from the end.
    places = np.empty(_WIDTH, np.uint64)
    for x in range(_WIDTH):
        places[x] = (2 * (x + _LEFT) + 1) * pixels.shape[1] // (2 * _PLACES)
    for y in range(_HEIGHT):
        line = pixels[(2 * (y + _TOP) + 1) * pixels.shape[0] // (2 * _PLACES)]
        for x in range(_WIDTH):
            place = places[x]
            reds[x], greens[x], blues[x] = line[place, 0], line[place, 1], line[place, 2]
        # Separate loops, so that the compiler vectorises each; in 16 bits, where numba by
        # default computes in 64.
        for x in range(_WIDTH):
            # Rec. 601 luma, and two opponent colours.
            luma[y, x] = np.uint16(77 * reds[x] + 150 * greens[x] + 29 * blues[x]) >> 8
        # Two neighbouring rows of four: with every second row, stripes could be missed.
        if y % 4 not in (1, 2) or y > _INNER_HEIGHT:
            continue
        for x in range(_WIDTH):
            red_greens[x] = np.int16(reds[x] - greens[x])
            yellow_blues[x] = np.int16((np.uint16(reds[x] + greens[x]) >> 1) - blues[x])
        band = 2 * (y // 4) + y % 4 - 1
        _add_band(luma[y], 0, band, rows, columns, squares)
        _add_band(red_greens, 1, band, rows, columns, squares)
        _add_band(yellow_blues, 2, band, rows, columns, squares)


@njit(cache=True, nogil=True)
def _halved(luma: np.ndarray) -> np.ndarray:
    """Halves luma to int16 [40, 32]: means of 2 x 2 pixels, without the outermost."""
    halved = np.empty((_INNER_HEIGHT // 2, _INNER_WIDTH // 2), np.int16)
    for y in range(_INNER_HEIGHT // 2):
        upper, lower = luma[2 * y + 1], luma[2 * y + 2]
        for x in range(_INNER_WIDTH // 2):
            sum_of_four = (
                upper[2 * x + 1] + upper[2 * x + 2] + lower[2 * x + 1] + lower[2 * x + 2]
            )
            halved[y, x] = np.int16(sum_of_four) >> 2
    return halved


@njit(cache=True, nogil=True, fastmath=True)
def _add_band(
    values: np.ndarray,
    channel: int,
    y: int,
    rows: np.ndarray,
    columns: np.ndarray,
    squares: np.ndarray,
) -> None:
    """Adds a channel's row, without its ends, to the sums of row, columns and squares."""
    # Whole numbers below 2^24, which float32 adds exactly.
    total, square = np.float32(0), np.float32(0)
    for x in range(_INNER_WIDTH):
        value = np.float32(values[x + 1])
        total += value
        square += value * value
        columns[channel, x] += value
    rows[channel, y] = total
    squares[channel] += square


@njit(cache=True, nogil=True)
def _binary_patterns(luma: np.ndarray, uniform: np.ndarray, out: np.ndarray) -> None:
    # Four counters used in turns: consecutive additions to one have to wait.
    counts = np.zeros((4, 256), np.int32)
    height, width = luma.shape
    codes = np.empty(width, np.uint8)
    # Every second row, as for the energy: neighbouring rows are nearly equal.
    for y in range(1, height - 1, 2):
        above, here, below = luma[y - 1], luma[y], luma[y + 1]
        # Two loops, so that the compiler vectorises the first. The sign bit of a difference
        # shows which pixel is brighter.
        for x in range(width - 2):
            least = here[x + 1] + np.int16(_BRIGHTER)
            code = np.uint16(least - above[x]) >> 15
            code |= (np.uint16(least - above[x + 1]) >> 15) << 1
            code |= (np.uint16(least - above[x + 2]) >> 15) << 2
            code |= (np.uint16(least - here[x + 2]) >> 15) << 3
            code |= (np.uint16(least - below[x + 2]) >> 15) << 4
            code |= (np.uint16(least - below[x + 1]) >> 15) << 5
            code |= (np.uint16(least - below[x]) >> 15) << 6
            code |= (np.uint16(least - here[x]) >> 15) << 7
            codes[x + 1] = np.uint8(code)
        for x in range(1, width - 1):
            counts[x & 3, codes[x]] += 1
    total_counts = counts[0] + counts[1] + counts[2] + counts[3]
    for pattern in range(256):
        out[uniform[pattern]] += total_counts[pattern]
    total = (height - 1) // 2 * (width - 2)
    for k in range(_PATTERNS):
        out[k] = np.sqrt(out[k] / total)


@njit(cache=True, nogil=True, fastmath=True)
def _energy(
    luma: np.ndarray,
    step: int,
    direction: np.ndarray,
    by_direction: np.ndarray,
    edges: np.ndarray,
    grid: np.ndarray,
) -> None:
    """Mean gradient by direction [8]; overall, shares of edges [3]; by grid part [9].

    Computed from every `step`-th row.
    """
    height, width = luma.shape
    total = (height - 3 + step) // step * (width - 2)
    sizes, turns = np.empty(width, np.float32), np.empty(width, np.uint32)
    across, down = np.empty(width, np.int16), np.empty(width, np.int16)
    sums = np.zeros((4, _ORIENTATIONS), np.float32)
    # Bounds of the grid's parts, outside the loop because divisions are slow.
    parts, row_parts = np.empty(_GRID + 1, np.int64), np.empty(_GRID + 1, np.int64)
    for part in range(_GRID + 1):
        parts[part] = 1 + part * (width - 2) // _GRID
        row_parts[part] = 1 + -(-part * (height - 2) // _GRID)
    band, rows_of = 0, np.zeros(_GRID, np.int64)
    for y in range(1, height - 1, step):
        above, here, below = luma[y - 1], luma[y], luma[y + 1]
        for x in range(width - 2):
            across[x + 1] = np.int16(here[x + 2] - here[x])
            down[x + 1] = np.int16(below[x + 1] - above[x + 1])
        for x in range(1, width - 1):
            dx, dy = np.float32(across[x]), np.float32(down[x])
            sizes[x] = np.sqrt(dx * dx + dy * dy)
        for x in range(1, width - 1):
            # Rounded, not floored, so that a ramp up and a ramp down have one direction.
            column, row = np.int16(across[x] + 2) >> 2, np.int16(down[x] + 2) >> 2
            turns[x] = np.uint32((row + 64) * _TURNS + column + 64)
        for x in range(1, width - 1):
            edges[0] += sizes[x]
            edges[1] += sizes[x] > _EDGE
            edges[2] += sizes[x] > _STRONG_EDGE
        for x in range(1, width - 1):
            sums[x & 3, direction[turns[x]]] += sizes[x]
        while y >= row_parts[band + 1]:
            band += 1
        rows_of[band] += 1
        for part in range(_GRID):
            place = np.float32(0)
            for x in range(parts[part], parts[part + 1]):
                place += sizes[x]
            grid[band * _GRID + part] += place
    for k in range(_ORIENTATIONS):
        mean = sums[:, k].sum() / total
        by_direction[k] = min(mean / _ENERGY_SCALE, _ENERGY_LIMIT)
    edges[0] = min(edges[0] / total / _ENERGY_SCALE, _ENERGY_LIMIT)
    edges[1] /= total
    edges[2] /= total
    for k in range(_GRID * _GRID):
        part = k % _GRID
        pixels = rows_of[k // _GRID] * (parts[part + 1] - parts[part])
        mean = grid[k] / pixels / _ENERGY_SCALE
        grid[k] = min(np.log1p(mean), _ENERGY_LIMIT)


@njit(cache=True, nogil=True)
def _banding(
    rows: np.ndarray, columns: np.ndarray, squares: np.ndarray, out: np.ndarray
) -> None:
    """Shares of variance between rows and between columns [6], log variances [3]."""
    count = _BANDS * _INNER_WIDTH
    for channel in range(3):
        mean = rows[channel].sum() / count
        variance = max(squares[channel] / count - mean * mean, 0.0)
        between_rows, between_columns = 0.0, 0.0
        for y in range(_BANDS):
            between_rows += (rows[channel, y] / _INNER_WIDTH - mean) ** 2
        for x in range(_INNER_WIDTH):
            between_columns += (columns[channel, x] / _BANDS - mean) ** 2
        between_rows /= _BANDS
        between_columns /= _INNER_WIDTH
        # Plus one unit, so that the noise of a plain product is not counted as banding.
        out[2 * channel] = between_rows / (variance + 1)
        out[2 * channel + 1] = between_columns / (variance + 1)
        out[6 + channel] = min(np.log1p(variance), _LOG_VARIANCE_LIMIT)
