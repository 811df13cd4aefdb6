"""Named paints with which the shapes of one product are filled."""

import numpy as np

from fitrank_tf.datasets.synthetic_catalogue.facets import Facets
from fitrank_tf.datasets.synthetic_catalogue.palette import (
    COLOURS,
    HAIR_TONES,
    RGB,
    SKIN_TONES,
    contrasting_colour,
    jitter,
    shaded,
)
from fitrank_tf.datasets.synthetic_catalogue.patterns import paint_cloth

_SILVER, _GOLD = (192, 194, 200), (206, 170, 92)
_GLASS: tuple[RGB, ...] = ((38, 40, 46), (70, 48, 34), (44, 62, 54), (84, 92, 110))
_LEATHER: tuple[RGB, ...] = ((122, 78, 44), (60, 40, 30), (176, 130, 84))
_PLAIN_CLOTHES: tuple[RGB, ...] = (
    (46, 56, 84),
    (34, 34, 38),
    (96, 92, 86),
    (212, 208, 200),
)

# A uniform colour, or a square of cloth for a "fabric" with a pattern.
Paint = RGB | np.ndarray


def _pick(rng: np.random.Generator, options: tuple[RGB, ...]) -> RGB:
    return jitter(rng, options[rng.integers(len(options))])


def _seam_tone(base: RGB) -> RGB:
    """A tone darker than the cloth, or lighter if the cloth is nearly black."""
    if sum(base) < 150:
        red, green, blue = (channel + 34 for channel in base)
        return red, green, blue
    return shaded(base, 0.66)


def random_paints(rng: np.random.Generator, facets: Facets, side: int) -> dict[str, Paint]:
    """The paints of one product.

    Args:
        rng: draws the paints.
        facets: facets of the product.
        side: side of the square of cloth, in pixels.

    Returns:
        {name: paint}.
    """
    base = jitter(rng, COLOURS[facets.colour])
    second = contrasting_colour(rng, base)
    dial, hand = [((244, 244, 240), (30, 30, 34)), ((28, 30, 36), (232, 232, 228))][
        rng.integers(2)
    ]
    fabric: Paint = base
    if facets.pattern != "plain":
        fabric = paint_cloth(rng, facets.pattern, facets.article.name, side, base, second)
    return {
        "fabric": fabric,
        "second": second,
        "faded": shaded(base, 1.16),
        "lining": shaded(base, 0.5),
        "opening": shaded(base, 0.55),
        "seam": _seam_tone(base),
        "stitch": (208, 160, 84) if facets.article.name == "Jeans" else _seam_tone(base),
        "cord": [(240, 240, 236), second][rng.integers(2)],
        "button": [(240, 240, 234), _seam_tone(base)][rng.integers(2)],
        "zip": (120, 122, 128),
        "metal": _pick(rng, (_SILVER, _SILVER, _GOLD)),
        "leather": _pick(rng, _LEATHER),
        "glass": _pick(rng, _GLASS),
        "dial": dial,
        "hand": hand,
        "skin": shaded(SKIN_TONES[rng.integers(len(SKIN_TONES))], rng.uniform(0.92, 1.05)),
        "hair": _pick(rng, HAIR_TONES),
        "shoes": _pick(rng, _LEATHER),
        "trousers": _pick(rng, _PLAIN_CLOTHES),
        "shirt": _pick(rng, _PLAIN_CLOTHES),
    }
