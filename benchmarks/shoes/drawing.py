"""Draws shoes from the side; the photo shows every attribute."""

import dataclasses

import cv2
import numpy as np

MATERIALS = ("leather", "suede", "canvas", "rubber")
CLOSURES = ("laces", "buckle", "zip", "velcro", "slip-on")
OCCASIONS = ("business", "sports", "outdoor", "party")
# Millimetres.
HEEL_HEIGHTS = tuple(range(0, 111, 5))

SIDE = 224
_SCALE = 2
_GROUND, _BACK, _BALL, _TOE = 190, 44, 138, 204
_PIXELS_PER_MM = 0.6
_Point = tuple[float, float]
_Colour = tuple[int, int, int]
# Sole thickness by occasion.
_SOLE = {"business": 5, "sports": 15, "outdoor": 13, "party": 4}
_DARK, _LIGHT, _METAL = (38, 34, 34), (240, 240, 236), (205, 175, 90)
# Uppers are of a middle brightness, on which light and dark parts show.
_PAINTS = (
    *((130, 72, 40), (150, 40, 48), (46, 88, 150), (58, 120, 72), (112, 84, 140)),
    *((168, 120, 70), (90, 96, 104), (190, 96, 52)),
)


@dataclasses.dataclass(frozen=True)
class Shoe:
    """What a photo of a shoe shows.

    Attributes:
        material: one of `MATERIALS`.
        heel_height: millimetres, one of `HEEL_HEIGHTS`.
        closure: one of `CLOSURES`.
        occasion: one of `OCCASIONS`.
    """

    material: str
    heel_height: int
    closure: str
    occasion: str


def random_shoe(rng: np.random.Generator) -> Shoe:
    """A shoe of independent attributes."""
    return Shoe(
        str(rng.choice(MATERIALS)),
        int(rng.choice(HEEL_HEIGHTS)),
        str(rng.choice(CLOSURES)),
        str(rng.choice(OCCASIONS)),
    )


def draw_shoe(rng: np.random.Generator, shoe: Shoe) -> np.ndarray:
    """A photo on a light ground, uint8 [224, 224, 3], RGB.

    Args:
        rng: draws paint, place and size.
        shoe: what is drawn.
    """
    canvas = np.full((SIDE * _SCALE, SIDE * _SCALE, 3), 244, np.float32)
    paint = np.array(_PAINTS[rng.integers(len(_PAINTS))]) + rng.integers(-14, 15, 3)
    sole = _SOLE[shoe.occasion]
    raised = shoe.heel_height * _PIXELS_PER_MM
    bed = _GROUND - sole
    upper = _mask(
        [(_BACK, bed - raised), (_BACK - 2, bed - raised - 56)],
        [(_BACK + 36, bed - raised - 52), (_BALL - 14, bed - raised / 2 - 40)],
        [(_BALL + 26, bed - 34), (_TOE - 12, bed - 26), (_TOE, bed - 8), (_TOE, bed)],
        [(_BALL, bed), (_BACK + 40, bed - raised * 0.8)],
    )
    _paint(canvas, upper, _textured(rng, shoe.material, paint, upper.shape))
    _draw_sole(canvas, shoe.occasion, raised, bed)
    _draw_closure(canvas, shoe.closure, raised, bed)
    _draw_occasion(rng, canvas, upper, shoe.occasion, raised, bed)
    photo = cv2.resize(
        np.clip(canvas, 0, 255).astype(np.uint8), (SIDE, SIDE), interpolation=cv2.INTER_AREA
    )
    return _moved(rng, photo)


def _pixel(point: _Point) -> tuple[int, int]:
    return round(point[0] * _SCALE), round(point[1] * _SCALE)


def _mask(*strokes: list[tuple[float, float]]) -> np.ndarray:
    points = np.array([point for stroke in strokes for point in stroke]) * _SCALE
    mask = np.zeros((SIDE * _SCALE, SIDE * _SCALE), np.uint8)
    cv2.fillPoly(mask, [points.round().astype(np.int32)], 255)
    return mask > 0


def _paint(canvas: np.ndarray, mask: np.ndarray, colour: np.ndarray | _Colour) -> None:
    canvas[mask] = colour[mask] if isinstance(colour, np.ndarray) else colour


def _textured(
    rng: np.random.Generator, material: str, paint: np.ndarray, shape: tuple[int, ...]
) -> np.ndarray:
    """float32 [H, W, 3]: smooth leather, grainy suede, woven canvas, glossy rubber."""
    rows, columns = np.indices(shape)
    shade = np.ones(shape, np.float32)
    if material == "leather":
        shade += 0.25 * np.sin(columns / 60.0)
    elif material == "suede":
        grain = cv2.GaussianBlur(rng.normal(0, 1, shape).astype(np.float32), (0, 0), 1.6)
        shade += 0.3 * grain / grain.std()
    elif material == "canvas":
        shade -= 0.45 * ((rows % 12 < 4) | (columns % 12 < 4))
    else:
        shade -= 0.35
        shade += 2.2 * np.exp(-(((rows - columns * 0.1 - 262) / 10.0) ** 2))
    return (paint * shade[..., None]).astype(np.float32)


def _draw_sole(canvas: np.ndarray, occasion: str, raised: float, bed: float) -> None:
    colour = _LIGHT if occasion == "sports" else _DARK
    sole = _mask(
        [(_BACK - 2, bed - raised), (_BACK + 40, bed - raised * 0.8), (_BALL, bed)],
        [(_TOE + 4, bed), (_TOE + 2, _GROUND), (_BALL - 4, _GROUND)],
        [(_BACK + 40, _GROUND - raised * 0.8), (_BACK - 2, _GROUND - raised)],
    )
    heel = _mask(
        [(_BACK - 2, bed - raised), (_BACK + 34, bed - raised * 0.85)],
        [(_BACK + 28, _GROUND), (_BACK + 2, _GROUND)],
    )
    for part in (sole, heel):
        _paint(canvas, part, colour)
    edge = (sole | heel) & ~cv2.erode(
        (sole | heel).astype(np.uint8), np.ones((5, 5), np.uint8)
    ).astype(bool)
    _paint(canvas, edge, (120, 118, 116))
    if occasion == "outdoor":
        for x in range(_BACK, _TOE, 14):
            lug = _mask(
                [(x, _GROUND), (x + 8, _GROUND), (x + 7, _GROUND + 9), (x + 1, _GROUND + 9)]
            )
            _paint(canvas, lug, _DARK)


def _vamp(share: float, raised: float, bed: float) -> tuple[float, float]:
    """A place on the upper edge, from the ankle (0) to the toes (1)."""
    start, end = (_BACK + 44, bed - raised - 48), (_BALL + 28, bed - 32)
    return (
        start[0] + share * (end[0] - start[0]),
        start[1] + share * (end[1] - start[1]),
    )


def _draw_closure(canvas: np.ndarray, closure: str, raised: float, bed: float) -> None:
    def line(start: _Point, end: _Point, colour: _Colour, width: float) -> None:
        first, last = _pixel(start), _pixel(end)
        cv2.line(canvas, first, last, colour, int(width * _SCALE), cv2.LINE_AA)

    def below(share: float, depth: float) -> tuple[float, float]:
        x, y = _vamp(share, raised, bed)
        return x - depth * 0.25, y + depth

    if closure == "laces":
        for share in (0.25, 0.42, 0.59, 0.76, 0.93):
            line(below(share, -2), below(share - 0.12, 15), _LIGHT, 2.5)
            line(below(share - 0.12, -2), below(share, 15), _LIGHT, 2.5)
    elif closure == "buckle":
        line(below(0.5, -2), below(0.4, 46), _DARK, 9)
        x, y = below(0.46, 20)
        corners = [(x - 9, y - 8), (x + 9, y - 8), (x + 9, y + 8), (x - 9, y + 8)]
        for start, end in zip(corners, corners[1:] + corners[:1]):
            line(start, end, _METAL, 3)
    elif closure == "velcro":
        for share in (0.35, 0.75):
            line(below(share, -2), below(share - 0.1, 36), _LIGHT, 11)
            line(below(share, -2), below(share - 0.1, 36), (170, 170, 168), 3)
    elif closure == "zip":
        for step in range(9):
            y = bed - raised - 52 + step * 5
            line((_BACK + 16, y), (_BACK + 24, y), _METAL, 2.5)
        line((_BACK + 20, bed - raised - 54), (_BACK + 20, bed - raised - 8), _DARK, 1)


def _draw_occasion(
    rng: np.random.Generator,
    canvas: np.ndarray,
    upper: np.ndarray,
    occasion: str,
    raised: float,
    bed: float,
) -> None:
    marks = np.zeros(upper.shape, np.uint8)
    if occasion == "sports":
        for x in (_BALL - 40, _BALL - 24, _BALL - 8):
            ends = [(x, bed - raised * 0.5 - 2), (x - 14, bed - raised * 0.6 - 30)]
            start, end = (tuple(int(v * _SCALE) for v in point) for point in ends)
            cv2.line(marks, start, end, 255, 5 * _SCALE)
        _paint(canvas, upper & (marks > 0), _LIGHT)
    elif occasion == "party":
        for _ in range(60):
            place = rng.integers(0, SIDE * _SCALE, 2).tolist()
            cv2.circle(marks, place, 2 * _SCALE, 255, -1)
        rows, columns = np.nonzero(upper)
        for spot in rng.integers(0, len(rows), 40).tolist():
            cv2.circle(marks, (int(columns[spot]), int(rows[spot])), 2 * _SCALE, 255, -1)
        _paint(canvas, upper & (marks > 0), (255, 236, 150))
    elif occasion == "business":
        start, end = (
            (int((_TOE - 34) * _SCALE), int((bed - 40) * _SCALE)),
            (
                int((_TOE - 40) * _SCALE),
                int(bed * _SCALE),
            ),
        )
        cv2.line(marks, start, end, 255, 3 * _SCALE)
        _paint(canvas, upper & (marks > 0), _DARK)


def _moved(rng: np.random.Generator, photo: np.ndarray) -> np.ndarray:
    """The photo moved and scaled a little, and mirrored in half of the cases."""
    scale = rng.uniform(0.92, 1.06)
    shift = SIDE / 2 * (1 - scale) + rng.uniform(-6, 6, 2)
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    ground = photo[0, 0].tolist()
    moved = cv2.warpAffine(photo, matrix, (SIDE, SIDE), borderValue=ground)
    return moved[:, ::-1].copy() if rng.random() < 0.5 else moved
