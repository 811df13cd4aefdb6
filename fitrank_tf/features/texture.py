"""The `texture` group of the feature vector: local binary patterns and oriented energy.

Read from the middle of the garment box, where there is cloth and neither arms nor
backdrop. What they say of stripes, checks and prints was learned (`patterns.py`).
"""

import numpy as np
from numba import njit

from fitrank_tf.features.garment_canvas import CANVAS, GarmentCanvas
from fitrank_tf.features.schema import FeatureSlice

GROUP = "texture"

# The window of the canvas: an arm's width left and right, a hem's above and below.
_TOP, _LEFT = 8, 17
_HEIGHT, _WIDTH = CANVAS - 2 * _TOP, CANVAS - 2 * _LEFT
_ORIENTATIONS = 8
# Gradients run from -255 to 255, in steps of 4.
_TURNS = 129
_GRID = 3
# Uniform patterns of eight neighbours (Ojala, Pietikainen and Maenpaa, "Multiresolution
# gray-scale and rotation invariant texture classification with local binary patterns",
# 2002), each with its own bin, and one bin for all others. Not made invariant to
# rotation: a stripe's direction is what people see.
_PATTERNS = 59
# Neighbours count as brighter by more than this (of 255): less is JPEG noise.
_BRIGHTER = 3
# Gradients (of 255) that are an edge, and a strong one.
_EDGE, _STRONG_EDGE = 12.0, 40.0
_ENERGY_SCALE = 16.0
_ENERGY_LIMIT = 8.0
_LOG_VARIANCE_LIMIT = 10.0
_RAW = _PATTERNS + 2 * _ORIENTATIONS + 3 + _GRID * _GRID + 6 + 3


def texture_slices() -> tuple[FeatureSlice, ...]:
    """What `texture_features` returns, from index 0."""
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


def texture_features(canvases: list[GarmentCanvas]) -> np.ndarray:
    """float32 [B, F], laid out as `texture_slices` says."""
    features = np.zeros((len(canvases), _RAW), np.float32)
    for row, canvas in enumerate(canvases):
        _describe(canvas.pixels, _UNIFORM, _DIRECTION, features[row])
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
def _describe(pixels, uniform, direction, out):
    """Fills one product's features, float32 [F], from its canvas."""
    luma = np.empty((_HEIGHT, _WIDTH), np.int16)
    rows, columns = np.zeros((3, _HEIGHT), np.int32), np.zeros((3, _WIDTH), np.int32)
    squares = np.zeros(3, np.int64)
    red_greens, yellow_blues = np.empty(_WIDTH, np.int16), np.empty(_WIDTH, np.int16)
    for y in range(_HEIGHT):
        for x in range(_WIDTH):
            r = np.int32(pixels[y + _TOP, x + _LEFT, 0])
            g = np.int32(pixels[y + _TOP, x + _LEFT, 1])
            b = np.int32(pixels[y + _TOP, x + _LEFT, 2])
            # Rec. 601 luma, and two opponent colours.
            light = (77 * r + 150 * g + 29 * b) >> 8
            red_green, yellow_blue = r - g, ((r + g) >> 1) - b
            luma[y, x] = light
            red_greens[x], yellow_blues[x] = red_green, yellow_blue
        # Loops of their own, so that the compiler turns each into SIMD.
        _add_band(luma[y], 0, y, rows, columns, squares)
        _add_band(red_greens, 1, y, rows, columns, squares)
        _add_band(yellow_blues, 2, y, rows, columns, squares)
    _binary_patterns(luma, uniform, out[:_PATTERNS])
    at = _PATTERNS
    edges = out[at + 2 * _ORIENTATIONS : at + 2 * _ORIENTATIONS + 3]
    grid = out[at + 2 * _ORIENTATIONS + 3 : at + 2 * _ORIENTATIONS + 3 + _GRID * _GRID]
    _energy(luma, 2, direction, out[at : at + _ORIENTATIONS], edges, grid)
    halved = np.empty((_HEIGHT // 2, _WIDTH // 2), np.int16)
    for y in range(_HEIGHT // 2):
        for x in range(_WIDTH // 2):
            upper = luma[2 * y, 2 * x] + luma[2 * y, 2 * x + 1]
            lower = luma[2 * y + 1, 2 * x] + luma[2 * y + 1, 2 * x + 1]
            halved[y, x] = (upper + lower) >> 2
    spare_edges = np.zeros(3, np.float32)
    spare_grid = np.zeros(_GRID * _GRID, np.float32)
    coarse = out[at + _ORIENTATIONS : at + 2 * _ORIENTATIONS]
    _energy(halved, 1, direction, coarse, spare_edges, spare_grid)
    _banding(rows, columns, squares, out[out.shape[0] - 9 :])


@njit(cache=True, nogil=True)
def _add_band(values, channel, y, rows, columns, squares):
    """Adds one row of a channel to the sums of its row, its columns, its squares."""
    total, square = np.int32(0), np.int32(0)
    for x in range(values.shape[0]):
        value = np.int32(values[x])
        total += value
        square += value * value
        columns[channel, x] += value
    rows[channel, y] = total
    squares[channel] += square


@njit(cache=True, nogil=True)
def _binary_patterns(luma, uniform, out):
    counts = np.zeros(256, np.int32)
    height, width = luma.shape
    codes = np.empty(width, np.uint8)
    for y in range(1, height - 1):
        above, here, below = luma[y - 1], luma[y], luma[y + 1]
        # Two loops: the first has nothing that keeps the compiler from SIMD.
        for x in range(1, width - 1):
            least = here[x] + np.int16(_BRIGHTER)
            codes[x] = (
                (above[x - 1] > least)
                | (above[x] > least) << 1
                | (above[x + 1] > least) << 2
                | (here[x + 1] > least) << 3
                | (below[x + 1] > least) << 4
                | (below[x] > least) << 5
                | (below[x - 1] > least) << 6
                | (here[x - 1] > least) << 7
            )
        for x in range(1, width - 1):
            counts[codes[x]] += 1
    for code in range(256):
        out[uniform[code]] += counts[code]
    total = (height - 2) * (width - 2)
    for k in range(_PATTERNS):
        out[k] = np.sqrt(out[k] / total)


@njit(cache=True, nogil=True, fastmath=True)
def _energy(luma, step, direction, by_direction, edges, grid):
    """Mean gradient by direction [8]; overall, share of edges [3]; by place [9].

    Of every `step`-th row.
    """
    height, width = luma.shape
    total = (height - 3 + step) // step * (width - 2)
    sizes, turns = np.empty(width, np.float32), np.empty(width, np.int32)
    for y in range(1, height - 1, step):
        above, here, below = luma[y - 1], luma[y], luma[y + 1]
        for x in range(1, width - 1):
            dx, dy = np.int32(here[x + 1] - here[x - 1]), np.int32(below[x] - above[x])
            sizes[x] = np.sqrt(np.float32(dx * dx + dy * dy))
            # Rounded, not floored: a ramp up and a ramp down have one direction.
            turns[x] = ((dy + 2 >> 2) + 64) * _TURNS + (dx + 2 >> 2) + 64
        for x in range(1, width - 1):
            edges[0] += sizes[x]
            edges[1] += sizes[x] > _EDGE
            edges[2] += sizes[x] > _STRONG_EDGE
        for x in range(1, width - 1):
            by_direction[direction[turns[x]]] += sizes[x]
        down = (y - 1) * _GRID // (height - 2) * _GRID
        for part in range(_GRID):
            begin = 1 + part * (width - 2) // _GRID
            for x in range(begin, 1 + (part + 1) * (width - 2) // _GRID):
                grid[down + part] += sizes[x]
    for k in range(_ORIENTATIONS):
        by_direction[k] = min(by_direction[k] / total / _ENERGY_SCALE, _ENERGY_LIMIT)
    edges[0] = min(edges[0] / total / _ENERGY_SCALE, _ENERGY_LIMIT)
    edges[1] /= total
    edges[2] /= total
    for k in range(_GRID * _GRID):
        mean = grid[k] * _GRID * _GRID / total / _ENERGY_SCALE
        grid[k] = min(np.log1p(mean), _ENERGY_LIMIT)


@njit(cache=True, nogil=True)
def _banding(rows, columns, squares, out):
    """Shares of variance between rows and between columns [6], log variances [3]."""
    count = _HEIGHT * _WIDTH
    for channel in range(3):
        mean = rows[channel].sum() / count
        variance = max(squares[channel] / count - mean * mean, 0.0)
        between_rows, between_columns = 0.0, 0.0
        for y in range(_HEIGHT):
            between_rows += (rows[channel, y] / _WIDTH - mean) ** 2 / _HEIGHT
        for x in range(_WIDTH):
            between_columns += (columns[channel, x] / _HEIGHT - mean) ** 2 / _WIDTH
        # One unit more, so that the noise of a plain product is no banding.
        out[2 * channel] = between_rows / (variance + 1)
        out[2 * channel + 1] = between_columns / (variance + 1)
        out[6 + channel] = min(np.log1p(variance), _LOG_VARIANCE_LIMIT)
