"""Facet sentences: a product's facet values in the words that a shopper types.

Facet sentences serve twice: as training texts beside the titles, and as the
queries of the evaluation. They are made from labels, a product's attributes, and
so they are only ever the text side of a pair, never an input beside the image.
"""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache

from fitrank_tf.datasets.attributes import Attribute, Declaration
from fitrank_tf.queries.words import plain_words, value_forms, wording, written_forms

# (facet, value) pairs.
Wanted = tuple[tuple[str, str], ...]


def drawn_values(values: Mapping[str, Sequence[str]], generator: random.Random) -> Wanted:
    """A value of each facet; drawn where a product has several."""
    return tuple(
        (facet, of[0] if len(of) == 1 else generator.choice(of))
        for facet, of in values.items()
    )


def facet_sentence(
    wanted: Wanted,
    declaration: Declaration,
    generator: random.Random,
    forms: Callable[[Attribute, str], Sequence[str]] = written_forms,
) -> str:
    """Words that ask for a product by some of its facets.

    A template of `english_fashion.json` names each of its facets once, and leaves those out
    that are not wanted. Facets that no template has are named before or after it, in any
    order.

    Args:
        wanted: the facet values to name, in the declaration's order.
        declaration: of the catalogue's attributes.
        generator: draws the template and the wording.
        forms: the words for a value, of which one is drawn.

    Returns:
        Lower-case words, e.g. "navy blue kurta for women".
    """
    words = {
        facet: generator.choice(forms(declaration.attribute(facet), value))
        for facet, value in wanted
    }
    others = [word for facet, word in words.items() if facet not in _template_facets()]
    sentence = ""
    if len(others) < len(words) or not words:
        slots = dict.fromkeys(_template_facets(), "") | words | _slots(dict(wanted), words)
        sentence = generator.choice(wording()["templates"]).format(**slots)
    if others:
        generator.shuffle(others)
        before = generator.randint(0, len(others)) if sentence else 0
        sentence = " ".join([*others[:before], sentence, *others[before:]])
    return " ".join(sentence.split())


@cache
def _template_facets() -> frozenset[str]:
    """The facets that the templates name."""
    names = set(re.findall(r"{(\w+)}", " ".join(wording()["templates"])))
    return frozenset(names - set(wording()["slots"]))


def _slots(wanted: Mapping[str, str], words: Mapping[str, str]) -> dict[str, str]:
    """{slot of a template: words with their preposition}, as "for men"."""
    slots = {}
    for name, slot in wording()["slots"].items():
        word = words.get(slot["facet"], "")
        if word and "only" in slot:
            # "for men", also where "mens" was drawn; but not "for unisex".
            said = word if word in slot["only"] else wanted[slot["facet"]].lower()
            natural = said in slot["only"]
        else:
            # "with long sleeves", but not "with sleeveless".
            said, natural = word, word.endswith(tuple(slot.get("endings", ("",))))
        slots[name] = f"{slot['preposition']} {said}" if word and natural else word
    return slots


def named_values(
    text: str, values: Mapping[str, Sequence[str]], declaration: Declaration
) -> Wanted:
    """The facet values of a product that its title contains literally.

    Args:
        text: a title.
        values: {facet: values of the product with this title}, in the declaration's order.
        declaration: of the catalogue's attributes.

    Returns:
        (facet, value) pairs. "Navy Blue" or "Navy" in the title names the colour "Navy
        Blue"; "Blue" alone does not.
    """
    title = f" {plain_words(text)} "
    return tuple(
        (facet, value)
        for facet, of in values.items()
        for value in of
        if any(
            f" {form} " in title
            for form in value_forms(declaration.attribute(facet), value)
        )
    )
