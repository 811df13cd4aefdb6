"""Weak labels: what a title says of pattern, sleeve and neckline.

For training alone. A title may name stripes that nobody sees at a photo's size: of
267 titles with stripes in `fashion_product_images_labels.csv`, 195 products look
striped.
"""

import re
from collections.abc import Mapping, Sequence

_Rules = Sequence[tuple[str, re.Pattern[str]]]


def _rules(*pairs: tuple[str, str]) -> _Rules:
    return [(value, re.compile(words, re.IGNORECASE)) for value, words in pairs]


# Facet -> (value, words that say so); the first that match count.
_SAYINGS: Mapping[str, _Rules] = {
    "sleeve": _rules(
        ("three-quarter", r"(3/4|three[- ]quarter)(?! (track )?pant)"),
        ("sleeveless", r"\bsleeveless"),
        ("long", r"\b(full|long)[- ]sleeve"),
        ("short", r"\b(half|short)[- ]sleeve"),
    ),
    "neckline": _rules(
        ("v", r"\bv[- ]?neck"),
        ("round", r"\b(round|crew)[- ]?neck"),
        ("hood", r"\bhood"),
        ("collar", r"\bpolo (neck|t)|\bcollar(ed)?\b"),
    ),
    "pattern": _rules(
        ("striped", r"\bstrip(e[sdr]?|ped|s)\b"),
        ("checked", r"\b(check(s|ed|ered)?|plaid)\b"),
        ("printed", r"\b(print(ed|s)?|graphic|floral|polka)\b"),
        ("plain", r"\b(solid|plain)\b"),
    ),
}


def title_label(title: str, facet: str) -> str:
    """What the title says of "sleeve", "neckline" or "pattern"; "" if nothing."""
    for value, words in _SAYINGS[facet]:
        if words.search(title):
            return value
    return ""
