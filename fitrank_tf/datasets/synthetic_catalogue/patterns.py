"""Cloth: a ground colour with stripes, checks, dots or a print in a second colour."""

from collections.abc import Callable

import cv2
import numpy as np

from fitrank_tf.datasets.synthetic_catalogue.palette import RGB, shaded

# uint8 [side, side, 3].
Cloth = np.ndarray


def _stripe_mask(rng: np.random.Generator, side: int, pitch: float) -> np.ndarray:
    """bool [side], true for rows of stripes, which are narrower than the ground."""
    duty, phase = rng.uniform(0.25, 0.45), rng.uniform(0, pitch)
    return ((np.arange(side) + phase) % pitch) < duty * pitch


def _striped(rng: np.random.Generator, cloth: Cloth, second: RGB) -> Cloth:
    rows = _stripe_mask(rng, len(cloth), rng.uniform(16, 44))
    cloth[rows] = second
    turn = float(rng.choice([0.0, 0.0, 90.0, 90.0, 45.0]))
    return lay_cloth(cloth, turn, *cloth.shape[:2]) if turn else cloth


def _checked(rng: np.random.Generator, cloth: Cloth, second: RGB) -> Cloth:
    pitch = rng.uniform(22, 52)
    rows, columns = (_stripe_mask(rng, len(cloth), pitch) for _ in range(2))
    # Woven checks: where only one of both stripes runs, the colours are mixed.
    half = ((cloth[0, 0].astype(int) + second) // 2).astype(np.uint8)
    cloth[rows] = half
    cloth[:, columns] = half
    cloth[np.ix_(rows, columns)] = second
    return cloth


def _dotted(rng: np.random.Generator, cloth: Cloth, second: RGB) -> Cloth:
    pitch = rng.integers(20, 40)
    radius = max(3, round(pitch * rng.uniform(0.16, 0.27)))
    for row, y in enumerate(range(0, len(cloth), int(pitch) * 3 // 4)):
        for x in range((row % 2) * int(pitch) // 2, len(cloth), int(pitch)):
            cv2.circle(cloth, (x, y), radius, second, -1)
    return cloth


def _petals(
    cloth: Cloth, centre: tuple[int, int], size: int, turn: float, paint: RGB
) -> None:
    """A flower of five petals."""
    for petal in range(5):
        angle = turn + petal * 2 * np.pi / 5
        x = round(centre[0] + np.cos(angle) * size * 0.6)
        y = round(centre[1] + np.sin(angle) * size * 0.6)
        cv2.ellipse(
            cloth, (x, y), (size // 2 + 1, size // 3), np.degrees(angle), 0, 360, paint, -1
        )


def _flowers(rng: np.random.Generator, cloth: Cloth, second: RGB) -> Cloth:
    """Flowers and leaves everywhere, on a jittered grid without empty areas."""
    pitch = int(rng.integers(34, 60))
    leaf = shaded(second, 0.6)
    for y in range(0, len(cloth), pitch):
        for x in range(0, len(cloth), pitch):
            dx, dy = rng.integers(-pitch // 4, pitch // 4 + 1, size=2).tolist()
            size, turn = int(rng.integers(pitch // 5, pitch // 3)), rng.uniform(0, 360)
            corner = (x + dx + size, y + dy + size)
            cv2.ellipse(cloth, corner, (size, size // 3), turn, 0, 360, leaf, -1)
            _petals(cloth, (x + dx, y + dy), size, np.radians(turn), second)
    return cloth


def _emblem(rng: np.random.Generator, cloth: Cloth, second: RGB) -> Cloth:
    """A large print on the chest: a disc or a star above lines that resemble letters."""
    middle = len(cloth) // 2
    size, y = int(rng.integers(34, 52)), middle - int(rng.integers(20, 45))
    if rng.random() < 0.5:
        cv2.circle(cloth, (middle, y), size, second, -1)
        inner = cloth[0, 0].tolist()
        cv2.circle(cloth, (middle, y), size * 2 // 3, inner, int(rng.integers(4, 9)))
    else:
        angle = np.arange(10) * np.pi / 5 - np.pi / 2
        reach = np.where(np.arange(10) % 2, 0.45, 1.1)[:, None] * size
        star = np.stack([np.cos(angle), np.sin(angle)], 1) * reach + (middle, y)
        cv2.fillPoly(cloth, [np.round(star).astype(np.int32)], second)
    for line in range(rng.integers(1, 4)):
        half = int(rng.integers(26, 56))
        top = y + size + 10 + line * 14
        for x in range(middle - half, middle + half, 11):
            cv2.rectangle(
                cloth, (x, top), (x + int(rng.integers(4, 9)), top + 8), second, -1
            )
    return cloth


_PAINTERS: dict[str, Callable[[np.random.Generator, Cloth, RGB], Cloth]] = {
    "striped": _striped,
    "checked": _checked,
    "dotted": _dotted,
    "printed": _flowers,
}
# Share of prints on the chest; the other prints are all-over flowers.
_EMBLEM_SHARE = {"Tshirts": 0.7, "Sweatshirts": 0.7}


def lay_cloth(cloth: Cloth, degrees: float, height: int, width: int) -> np.ndarray:
    """The cloth rotated about its centre and cropped to a piece of the same centre.

    Args:
        cloth: uint8 [side, side, 3].
        degrees: rotation, counter-clockwise.
        height, width: size of the piece, in pixels.

    Returns:
        uint8 [height, width, 3]; pixels beyond the cloth are filled by reflection.
    """
    middle = len(cloth) / 2
    turn = cv2.getRotationMatrix2D((middle, middle), degrees, 1.0)
    turn[:, 2] += np.array([width / 2 - middle, height / 2 - middle])
    return cv2.warpAffine(cloth, turn, (width, height), borderMode=cv2.BORDER_REFLECT)


def paint_cloth(
    rng: np.random.Generator, pattern: str, article: str, side: int, base: RGB, second: RGB
) -> Cloth:
    """A square of cloth, uint8 [side, side, 3].

    Args:
        rng: draws the pattern.
        pattern: one of `PATTERNS` except "plain".
        article: name of the article type, which determines the kind of print.
        side: side of the square, in pixels.
        base: colour of the ground, which is most of the cloth.
        second: colour of the pattern.
    """
    cloth = np.full((side, side, 3), base, np.uint8)
    if pattern == "printed" and rng.random() < _EMBLEM_SHARE.get(article, 0.0):
        return _emblem(rng, cloth, second)
    return _PAINTERS[pattern](rng, cloth, second)
