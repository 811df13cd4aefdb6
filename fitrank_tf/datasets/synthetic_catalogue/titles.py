"""Titles of products: a brand, and some of the facets in different orders."""

import numpy as np

from fitrank_tf.datasets.synthetic_catalogue.facets import Facets, choose

# Invented names without words of facets.
BRANDS: tuple[str, ...] = (
    *("Aldora", "Amber & Ash", "Ardenne", "Basilio", "Beaumark", "Birchline", "Brackwell"),
    *("Calisto", "Corvane", "Dovetail Row", "Eastmere", "Elmhurst Co.", "Fenwick Sons"),
    *("Galvanza", "Harrow Lane", "Indira Loom", "Jaspero", "Kestrel", "Lindqvist"),
    *("Maravelle", "Nordhavn", "Oakmont", "Pallavi", "Quillon", "Rivoli Street"),
    *("Sundari", "Tamarind", "Urban Heron", "Vesper & Co.", "Wayfarer Nine", "Zephyra"),
)
# Names of product lines and models.
MODELS: tuple[str, ...] = (
    *("Alta", "Arrowhead", "Breeze", "Bolt", "Cascade", "Comet", "Drift", "Echo", "Ember"),
    *("Falcon", "Festive", "Glide", "Halo", "Icon", "Jamboree", "Junction", "Legend"),
    *("Luna", "Meadow", "Mirage", "Nimbus", "Nova", "Orbit", "Pulse", "Quest", "Ridge"),
    *("Riviera", "Signature", "Solstice", "Swift", "Tempo", "Trail", "Vista", "Voyage"),
)

GENDER_WORDS: dict[str, tuple[str, ...]] = {
    "Men": ("Men", "Men", "Men's", "Mens"),
    "Women": ("Women", "Women", "Women's", "Womens"),
    "Boys": ("Boys", "Boy's"),
    "Girls": ("Girls", "Girl's"),
    "Unisex": ("Unisex",),
}
PATTERN_WORDS: dict[str, tuple[str, ...]] = {
    "plain": ("Solid", "Plain"),
    "striped": ("Striped", "Stripes"),
    "checked": ("Checked", "Check"),
    "dotted": ("Polka Dot", "Dotted"),
    "printed": ("Printed", "Print"),
}
SLEEVE_WORDS: dict[str, tuple[str, ...]] = {
    "sleeveless": ("Sleeveless",),
    "short": ("Short Sleeve", "Half Sleeve"),
    "three-quarter": ("Three-Quarter Sleeve", "3/4 Sleeve"),
    "long": ("Long Sleeve", "Full Sleeve"),
}
NECKLINE_WORDS: dict[str, tuple[str, ...]] = {
    "round": ("Round Neck", "Crew Neck"),
    "v": ("V Neck", "V-Neck"),
    "collar": ("Collar", "Collared"),
    "hood": ("Hooded", "Hood"),
}
LENGTH_WORDS: dict[str, tuple[str, ...]] = {
    "cropped": ("Cropped", "Crop"),
    "hip": ("Hip Length",),
    "thigh": ("Thigh Length",),
    "knee": ("Knee Length",),
    "calf": ("Midi", "Calf Length"),
    "ankle": ("Ankle Length", "Full Length"),
}
FIT_WORDS: dict[str, tuple[str, ...]] = {
    "slim": ("Slim Fit", "Slim"),
    "regular": ("Regular Fit", "Straight Fit"),
    "loose": ("Loose Fit", "Oversized", "Relaxed Fit"),
}

_ORDERS: tuple[str, ...] = (
    "brand gender model colour pattern neckline sleeve usage noun",
    "brand gender usage pattern colour neckline sleeve noun",
    "brand model gender colour usage pattern sleeve neckline noun",
    "brand gender colour model pattern sleeve neckline usage noun",
    "brand colour pattern gender model neckline sleeve usage noun",
    "brand pattern gender model usage colour sleeve neckline noun",
)
# Probability that a title names a facet; brand and noun are always named.
_NAMED_SHARE: dict[str, float] = {
    "gender": 0.92,
    "model": 0.45,
    "colour": 0.88,
    "pattern": 0.75,
    "neckline": 0.4,
    "sleeve": 0.4,
    "usage": 0.3,
    "length": 0.4,
    "fit": 0.4,
}
# Titles of shops rarely mention that a product is plain.
_NAMED_SHARE_OF_PLAIN = 0.25


def _pieces(rng: np.random.Generator, facets: Facets) -> dict[str, str]:
    """A wording of every part of the title; "" where the product has none."""
    return {
        "brand": choose(rng, BRANDS),
        "model": choose(rng, MODELS),
        "gender": choose(rng, GENDER_WORDS[facets.gender]),
        "colour": facets.colour,
        "pattern": choose(rng, PATTERN_WORDS[facets.pattern]),
        "sleeve": choose(rng, SLEEVE_WORDS.get(facets.sleeve, ())),
        "neckline": choose(rng, NECKLINE_WORDS.get(facets.neckline, ())),
        "usage": facets.usage,
        "length": choose(rng, LENGTH_WORDS.get(facets.length, ())),
        "fit": choose(rng, FIT_WORDS.get(facets.fit, ())),
        "noun": choose(rng, facets.article.nouns),
    }


def write_title(rng: np.random.Generator, facets: Facets) -> str:
    """A random title for a product, without some of its facets.

    All words for facets in the title agree with `facets`.
    """
    pieces = _pieces(rng, facets)
    shares = _NAMED_SHARE
    if facets.pattern == "plain":
        shares = dict(shares, pattern=_NAMED_SHARE_OF_PLAIN)
    # "Casual Shoes" contains the usage, which is not repeated.
    if facets.usage in pieces["noun"]:
        pieces["usage"] = ""
    *names, noun = choose(rng, _ORDERS).split()
    names += [name for name in ("fit", "length") if pieces[name]]
    words = [
        pieces[name] for name in (*names, noun) if rng.random() < shares.get(name, 1.0)
    ]
    return " ".join(filter(None, words))
