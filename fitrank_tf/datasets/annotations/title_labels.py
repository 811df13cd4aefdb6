"""Weak labels: pattern, sleeve, neckline, length and fit that a title names.

They are for training only, because a title may name stripes that are not visible in the
photo: of 267 products with stripes in the title in `fashion_product_images_labels.csv`, 195
look striped.
"""

import re
from collections.abc import Mapping, Sequence

_Rules = Sequence[tuple[str, re.Pattern[str]]]


def _rules(*pairs: tuple[str, str]) -> _Rules:
    return [(value, re.compile(words, re.IGNORECASE)) for value, words in pairs]


# {facet: (value, words that name it)}; the first match counts.
_WORDS: Mapping[str, _Rules] = {
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
    "length": _rules(
        ("cropped", r"\bcrop(ped)?\b"),
        ("knee", r"\b(knee[- ]length|bermudas?)\b"),
        ("calf", r"\b(midi|capris?|(calf|mid)[- ]length)\b|\b(3/4|three[- ]quarter) pant"),
        ("ankle", r"\b(maxi|(ankle|floor|full)[- ]length)\b"),
        ("thigh", r"\b(mini (dress|skirt)|thigh[- ]length)"),
    ),
    "fit": _rules(
        ("slim", r"\b(slim|skinny|fitted|bodycon)\b"),
        ("regular", r"\b(regular|straight|classic)[- ]fit\b"),
        ("loose", r"\b(loose|relaxed|baggy|oversized?)\b"),
    ),
}


def title_label(title: str, facet: str) -> str:
    """The value of a facet that a title names.

    Args:
        title: a product's title.
        facet: one of `LABEL_FIELDS`.

    Returns:
        A value of the facet, "" if the title names none.
    """
    for value, words in _WORDS[facet]:
        if words.search(title):
            return value
    return ""
