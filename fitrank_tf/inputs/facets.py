"""Product attributes as the words that a shopper uses.

Facet sentences serve twice: as training texts beside the titles, and as the
queries of the evaluation. They are labels, made from a product's attributes, and
so they are only ever the text side of a pair, never an input beside the image.
"""

import random
from collections.abc import Mapping

# In the order of `SENTENCES`' fields. Year and category are no shopper's words.
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

_ARTICLE_WORDS: Mapping[str, tuple[str, ...]] = {
    "Tshirts": ("t-shirt", "tshirt", "tee"),
    "Shirts": ("shirt", "shirts"),
    "Casual Shoes": ("casual shoes", "sneakers"),
    "Sports Shoes": ("sports shoes", "running shoes"),
    "Sunglasses": ("sunglasses", "shades"),
    "Handbags": ("handbag", "bag"),
    "Trousers": ("trousers", "pants"),
    "Flip Flops": ("flip flops",),
}
_GENDER_WORDS: Mapping[str, tuple[str, ...]] = {
    "Men": ("men", "mens", "men's"),
    "Women": ("women", "womens", "women's", "ladies"),
    "Boys": ("boys", "boy's"),
    "Girls": ("girls", "girl's"),
    "Unisex": ("unisex",),
}
_ALWAYS_PLURAL = (
    "shoes",
    "jeans",
    "trousers",
    "shorts",
    "sunglasses",
    "flops",
    "pants",
    "briefs",
)
_TEMPLATES: tuple[str, ...] = (
    "{gender} {usage} {season} {colour} {pattern} {neckline} {sleeve} {article_type}",
    "{colour} {pattern} {article_type} {for_gender} {sleeve} {neckline} {usage} {season}",
    "{usage} {colour} {pattern} {sleeve} {neckline} {article_type} {for_gender} {season}",
    "{article_type} {colour} {pattern} {gender} {usage} {sleeve} {neckline} {season}",
    "{gender} {article_type} {in_colour} {pattern} {sleeve} {neckline} {usage} {season}",
)


def facet_sentence(
    attributes: Mapping[str, str], facets: tuple[str, ...], generator: random.Random
) -> str:
    """One way to ask for a product by some of its facets.

    Args:
        attributes: the product's; a facet with "" is left out.
        facets: which of `FACETS` to name.
        generator: decides template and wording.

    Returns:
        Lower-case words, e.g. "navy blue kurta for women".
    """
    words = {
        facet: _facet_words(facet, attributes[facet], generator)
        for facet in FACETS
        if facet in facets and attributes.get(facet)
    }
    slots = {facet: words.get(facet, "") for facet in FACETS}
    slots["for_gender"] = f"for {words['gender']}" if "gender" in words else ""
    slots["in_colour"] = f"in {words['colour']}" if "colour" in words else ""
    return " ".join(generator.choice(_TEMPLATES).format(**slots).split())


def _facet_words(facet: str, value: str, generator: random.Random) -> str:
    if facet == "article_type":
        return generator.choice(_ARTICLE_WORDS.get(value) or article_words(value))
    if facet == "gender":
        return generator.choice(_GENDER_WORDS.get(value, (value.lower(),)))
    if facet == "sleeve":
        return value.lower() if "sleeve" in value.lower() else f"{value.lower()} sleeve"
    if facet == "neckline":
        return (
            value.lower()
            if value.lower() in ("collar", "hood")
            else f"{value.lower()} neck"
        )
    return value.lower()


def article_words(article_type: str) -> tuple[str, ...]:
    """Plural and singular of an article type's name, lower case."""
    plural = article_type.lower()
    if plural.endswith(_ALWAYS_PLURAL) or not plural.endswith("s") or plural.endswith("ss"):
        return (plural,)
    if plural.endswith(("sses", "shes", "ches", "xes")):
        return plural, plural[:-2]
    return plural, plural[:-1]


def named_facets(text: str, attributes: Mapping[str, str]) -> tuple[str, ...]:
    """The facets whose value a title says in so many words.

    Args:
        text: a title.
        attributes: the attributes of the product with this title.

    Returns:
        The named ones of `FACETS`. "Navy Blue" in the title names the colour
        "Navy Blue"; "Blue" alone does not.
    """
    said = f" {plain_words(text)} "
    return tuple(
        facet
        for facet in FACETS
        if attributes.get(facet)
        and any(f" {form} " in said for form in value_forms(facet, attributes[facet]))
    )


def value_forms(facet: str, value: str) -> list[str]:
    """The ways to write a facet's value: lower-case words with single blanks between."""
    forms = [value]
    if facet == "article_type":
        forms += [*_ARTICLE_WORDS.get(value, ()), *article_words(value)]
    if facet == "gender":
        forms += _GENDER_WORDS.get(value, ())
    return [plain_words(form) for form in forms]


def plain_words(text: str) -> str:
    """A text's letters and digits, lower case, with single blanks between words."""
    return " ".join("".join(c if c.isalnum() else " " for c in text.lower()).split())
