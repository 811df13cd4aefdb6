"""Facet sentences: a product's attributes in the words that a shopper types.

Facet sentences serve twice: as training texts beside the titles, and as the
queries of the evaluation. They are made from labels, a product's attributes, and
so they are only ever the text side of a pair, never an input beside the image.
"""

import random
from collections.abc import Mapping

from fitrank_tf.queries.words import plain_words, value_forms, written_forms

# Shoppers do not type the year or the category.
FACETS: tuple[str, ...] = (
    "gender",
    "colour",
    "article_type",
    "usage",
    "season",
    "pattern",
    "sleeve",
    "neckline",
)

# Each template names every facet once; a facet that is not drawn is left empty.
_TEMPLATES: tuple[str, ...] = (
    "{gender} {usage} {season} {colour} {pattern} {neckline} {sleeve} {article_type}",
    "{gender} {usage} {colour} {pattern} {sleeve} {neckline} {article_type} {season}",
    "{usage} {colour} {pattern} {sleeve} {neckline} {article_type} {for_gender} {season}",
    "{colour} {pattern} {article_type} {for_gender} {with_sleeve} {neckline} {usage} "
    "{for_season}",
    "{article_type} {colour} {pattern} {gender} {usage} {sleeve} {neckline} {season}",
    "{article_type} {for_gender} {colour} {pattern} {sleeve} {neckline} {usage} {season}",
    "{gender} {article_type} {in_colour} {pattern} {sleeve} {neckline} {usage} {season}",
    "{colour} {gender} {pattern} {sleeve} {neckline} {usage} {article_type} {for_season}",
    "{pattern} {colour} {usage} {article_type} {gender} {with_neckline} {sleeve} {season}",
    "{season} {usage} {gender} {article_type} {colour} {pattern} {neckline} {sleeve}",
    "{sleeve} {neckline} {pattern} {colour} {usage} {article_type} {for_gender} "
    "{for_season}",
    "{usage} {article_type} {for_gender} {in_colour} {pattern} {with_sleeve} {neckline} "
    "{season}",
)
# "for men", but not "for men's" or "for unisex".
_FOR_WHOM = ("men", "women", "ladies", "boys", "girls")
# "with long sleeves", but not "with sleeveless".
_NOUNS = ("sleeve", "sleeves", "neck", "collar", "hood")


def facet_sentence(
    attributes: Mapping[str, str], facets: tuple[str, ...], generator: random.Random
) -> str:
    """Words that ask for a product by some of its facets.

    Args:
        attributes: attributes of the product; a facet whose value is "" is left out.
        facets: which of `FACETS` to name.
        generator: draws the template and the wording.

    Returns:
        Lower-case words, e.g. "navy blue kurta for women".
    """
    slots = dict.fromkeys(FACETS, "")
    for facet in FACETS:
        if facet in facets and attributes.get(facet):
            slots[facet] = generator.choice(written_forms(facet, attributes[facet]))
    slots["for_gender"] = _for_gender(attributes.get("gender", ""), slots["gender"])
    slots["in_colour"] = _after("in", slots["colour"])
    slots["for_season"] = _after("for", slots["season"])
    for facet in ("sleeve", "neckline"):
        word = slots[facet]
        slots[f"with_{facet}"] = _after("with", word) if word.endswith(_NOUNS) else word
    return " ".join(generator.choice(_TEMPLATES).format(**slots).split())


def _for_gender(gender: str, word: str) -> str:
    """The gender after "for": "for men", also where "mens" was drawn."""
    whom = word if word in _FOR_WHOM else gender.lower()
    return _after("for", whom) if word and whom in _FOR_WHOM else word


def _after(preposition: str, word: str) -> str:
    return f"{preposition} {word}" if word else ""


def named_facets(text: str, attributes: Mapping[str, str]) -> tuple[str, ...]:
    """The facets whose value a title contains literally.

    Args:
        text: a title.
        attributes: the attributes of the product with this title.

    Returns:
        The named facets, in the order of `FACETS`. "Navy Blue" or "Navy" in the title
        names the colour "Navy Blue"; "Blue" alone does not.
    """
    title = f" {plain_words(text)} "
    return tuple(
        facet
        for facet in FACETS
        if attributes.get(facet)
        and any(f" {form} " in title for form in value_forms(facet, attributes[facet]))
    )
