"""Renders shapes to a photo with light and shadow, and the mask of every part."""

from dataclasses import dataclass

import cv2
import numpy as np

from fitrank_tf.datasets.synthetic_catalogue.backdrop import Backdrop
from fitrank_tf.datasets.synthetic_catalogue.paints import Paint
from fitrank_tf.datasets.synthetic_catalogue.palette import shaded
from fitrank_tf.datasets.synthetic_catalogue.patterns import lay_cloth
from fitrank_tf.datasets.synthetic_catalogue.pose import place, tilt_degrees
from fitrank_tf.datasets.synthetic_catalogue.shapes import (
    BODY,
    COLLAR,
    COLLAR_BACK,
    LEFT_SLEEVE,
    OPENING,
    RIGHT_SLEEVE,
    WEARER,
    Marks,
    Points,
    Seam,
    Shape,
)

# Factor by which photos are painted larger and then averaged, for smooth edges.
SUPERSAMPLING = 2

_ROLES = (BODY, LEFT_SLEEVE, RIGHT_SLEEVE, COLLAR, COLLAR_BACK, OPENING, WEARER)
# Number of each role in the role map; 0 is the backdrop.
_NUMBER = {role: number for number, role in enumerate(_ROLES, start=1)}
# Corners are passed to OpenCV in 1/16 of a pixel.
_FRACTION_BITS = 4
# Rotation of the cloth of a sleeve relative to the body's, in degrees.
_SLEEVE_TURN = {LEFT_SLEEVE: -24.0, RIGHT_SLEEVE: 24.0}


@dataclass(frozen=True)
class Photo:
    """A rendered product.

    Attributes:
        image: uint8 [H, W, 3], RGB.
        masks: {role: bool [H, W]}, pixels of which the role covers at least half.
    """

    image: np.ndarray
    masks: dict[str, np.ndarray]


class _Painter:
    """Paints marks over each other, into a colour image and a map of roles."""

    def __init__(
        self, height: int, width: int, pose: np.ndarray, paints: dict[str, Paint]
    ) -> None:
        size = (height * SUPERSAMPLING, width * SUPERSAMPLING)
        self.colours = np.zeros((*size, 3), np.uint8)
        self.roles = np.zeros(size, np.uint8)
        self._pose = pose * SUPERSAMPLING
        self._paints = paints
        self._tones = {name: p for name, p in paints.items() if isinstance(p, tuple)}
        self._tilt = tilt_degrees(pose)
        self._turned: dict[str, np.ndarray] = {}

    def _cloth(self, fabric: np.ndarray, role: str) -> np.ndarray:
        """The fabric rotated for a part, as large as the canvas."""
        if role not in self._turned:
            turn = self._tilt + _SLEEVE_TURN.get(role, 0.0)
            self._turned[role] = lay_cloth(fabric, turn, *self.roles.shape)
        return self._turned[role]

    def _corners(self, outline: Points) -> np.ndarray:
        fixed = place(self._pose, outline) * 2**_FRACTION_BITS
        return np.round(fixed).astype(np.int32)

    def paint(self, marks: Marks) -> None:
        for mark in marks:
            if isinstance(mark, Seam):
                self._paint_seam(mark)
            else:
                self._paint_shape(mark)

    def _paint_seam(self, seam: Seam) -> None:
        thickness = max(1, round(seam.width * SUPERSAMPLING))
        line, tone = [self._corners(seam.line)], self._tones[seam.paint]
        cv2.polylines(self.colours, line, False, tone, thickness, shift=_FRACTION_BITS)

    def _paint_shape(self, shape: Shape) -> None:
        corners = [self._corners(shape.outline)]
        cv2.fillPoly(self.roles, corners, _NUMBER[shape.role], shift=_FRACTION_BITS)
        paint = self._paints[shape.paint]
        if isinstance(paint, tuple):
            tone = shaded(paint, shape.shade)
            cv2.fillPoly(self.colours, corners, tone, shift=_FRACTION_BITS)
        else:
            self._fill_with_cloth(paint, shape, corners)
        if shape.paint == "fabric":
            # A thin edge separates parts of the same colour.
            edge = self._tones["seam"]
            cv2.polylines(self.colours, corners, True, edge, 1, shift=_FRACTION_BITS)

    def _fill_with_cloth(
        self, fabric: np.ndarray, shape: Shape, corners: list[np.ndarray]
    ) -> None:
        stencil = np.zeros(self.roles.shape, np.uint8)
        cv2.fillPoly(stencil, corners, 255, shift=_FRACTION_BITS)
        left, top, width, height = cv2.boundingRect(stencil)
        part = np.s_[top : top + height, left : left + width]
        cloth = self._cloth(fabric, shape.role)[part]
        cloth = cv2.convertScaleAbs(cloth, alpha=shape.shade)
        cv2.copyTo(cloth, stencil[part], self.colours[part])


def _shrunk(large: np.ndarray) -> np.ndarray:
    """The mean of every `SUPERSAMPLING` square."""
    size = (large.shape[1] // SUPERSAMPLING, large.shape[0] // SUPERSAMPLING)
    return cv2.resize(large, size, interpolation=cv2.INTER_AREA)


def _role_masks(roles: np.ndarray) -> dict[str, np.ndarray]:
    return {
        role: _shrunk(np.uint8(255) * (roles == number)) >= 128
        for role, number in _NUMBER.items()
    }


def _folds(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Soft light and dark creases, float32 [H, W] around 0."""
    folds = np.zeros((height, width), np.float32)
    for _ in range(rng.integers(3, 9)):
        start = rng.uniform((0, 0), (width, height))
        reach = rng.normal(0, (16, 36))
        line = np.round([start, start + reach * 0.6 + rng.normal(0, 4, 2), start + reach])
        depth = float(rng.uniform(-0.3, 0.2))
        cv2.polylines(folds, [line.astype(np.int32)], False, depth, int(rng.integers(2, 7)))
    return cv2.GaussianBlur(folds, (0, 0), rng.uniform(2, 4))


def _light(rng: np.random.Generator, cover: np.ndarray) -> np.ndarray:
    """Brightness of each pixel of the product, float32 [H, W] around 1.

    It is brighter on one side and darker towards the edges, as of round bodies, with folds
    and the grain of the cloth.
    """
    height, width = cover.shape
    inner = cv2.GaussianBlur(cover, (0, 0), 7)
    side = np.linspace(-1, 1, width, dtype=np.float32) * np.float32(rng.uniform(-0.1, 0.1))
    grain = rng.standard_normal((height, width), dtype=np.float32) * np.float32(0.012)
    rim = np.float32(rng.uniform(0.2, 0.45)) * (1 - inner)
    return 1.03 - rim + side + grain + _folds(rng, height, width)


def _shadow(rng: np.random.Generator, cover: np.ndarray) -> np.ndarray:
    """Brightness of the backdrop with the product's shadow, float32 [H, W, 1]."""
    shift = np.array([[1, 0, rng.uniform(-4, 4)], [0, 1, rng.uniform(0, 5)]], np.float32)
    cast = cv2.warpAffine(cover, shift, cover.shape[::-1])
    strength = np.float32(rng.uniform(0.0, 0.35))
    return 1 - strength * cv2.GaussianBlur(cast, (0, 0), rng.uniform(2, 5))[..., None]


def take_photo(
    rng: np.random.Generator,
    marks: Marks,
    pose: np.ndarray,
    paints: dict[str, Paint],
    backdrop: Backdrop,
) -> Photo:
    """Renders marks in order, with light and shadow, before a backdrop.

    Args:
        rng: draws light and shadow.
        marks: shapes and seams in garment units.
        pose: float64 [2, 3], map from garment units to pixels.
        paints: {name: paint}, all paints that the marks name.
        backdrop: float32 [H, W, 3] in 0..255, of the size of the photo.
    """
    height, width = backdrop.shape[:2]
    painter = _Painter(height, width, pose, paints)
    painter.paint(marks)
    cover = _shrunk(np.uint8(255) * (painter.roles > 0)).astype(np.float32) / 255
    # Black around the product, so that its mean is already weighted by cover.
    colours = cv2.bitwise_and(painter.colours, painter.colours, mask=painter.roles)
    product = _shrunk(colours).astype(np.float32) * _light(rng, cover)[..., None]
    behind = backdrop * _shadow(rng, cover) * (1 - cover[..., None])
    image = np.clip(product + behind, 0, 255).astype(np.uint8)
    return Photo(image, _role_masks(painter.roles))
