"""Facet sentences as people may say them: other words, talk, what is not wanted.

The words come from general knowledge (`queries.knowledge`), the talk from
`english_fashion.json`: "show me crimson kurtas for women, not printed please".
"""

import random
from collections.abc import Mapping, Sequence

from fitrank_tf.datasets.attributes import Attribute, Declaration
from fitrank_tf.queries.facets import Wanted, facet_sentence
from fitrank_tf.queries.lexicon import FacetLexicon
from fitrank_tf.queries.words import wording, written_forms

# Probabilities that a value of which people have other words is said by one of those, that
# talk stands before or after a sentence, and that a value is denied.
_OTHER_WORD, _TALK, _DENIED = 0.5, 0.4, 0.3
# Of colour words those that lie within about 5 of CIEDE2000, of nouns the synonyms: a
# "sherwani" is a kurta, but few kurtas are sherwanis.
_LEAST_WEIGHT, _LEAST_NOUN_WEIGHT = 0.6, 1.0


class Paraphrases:
    """Writes facet sentences for products of a catalogue.

    Args:
        lexicon: the catalogue's facet values.
    """

    def __init__(self, lexicon: FacetLexicon):
        self._values = dict(lexicon.values)
        self._several = {
            facet for facet, has in zip(lexicon.facets, lexicon.has_several) if has
        }
        others: dict[tuple[str, str], list[str]] = {}
        for phrase, readings in lexicon.related.items():
            number, weight = max(readings, key=lambda pair: pair[1])
            facet = lexicon.facets[lexicon.facet_of[number]]
            if facet in lexicon.occasion_facets:
                continue  # "interview shoes": what a photo shows does not say so much
            is_noun = facet in lexicon.noun_facets
            if weight >= (_LEAST_NOUN_WEIGHT if is_noun else _LEAST_WEIGHT):
                value = lexicon.value_names[number]
                others.setdefault((facet, value), []).append(phrase)
        self._others: Mapping[tuple[str, str], Sequence[str]] = others

    def sentence(
        self, wanted: Wanted, declaration: Declaration, generator: random.Random
    ) -> str:
        """Words that ask for a product by some of its facets.

        Args:
            wanted: the facet values to name, in the declaration's order; at least one.
            declaration: of the catalogue's attributes.
            generator: draws the wording.
        """

        def forms(attribute: Attribute, value: str) -> Sequence[str]:
            others = self._others.get((attribute.name, value), ())
            if others and generator.random() < _OTHER_WORD:
                return others
            return written_forms(attribute, value)

        sentence = facet_sentence(wanted, declaration, generator, forms)
        denied = self._denied(wanted, declaration, generator)
        talk = wording()["people"]
        if denied and generator.random() < _DENIED:
            sentence += " " + generator.choice(talk["denials"]).format(denied)
        if generator.random() < _TALK:
            sentence = f"{generator.choice(talk['before'])} {sentence}"
        if generator.random() < _TALK:
            sentence += " " + generator.choice(talk["after"])
        return sentence

    def _denied(
        self, wanted: Wanted, declaration: Declaration, generator: random.Random
    ) -> str:
        """Words for a value that the product does not have, "" if no facet has another."""
        choices = [
            (facet, other)
            for facet, value in wanted
            if facet not in self._several and facet != declaration.decisive
            for other in self._values.get(facet, ())
            if other != value
        ]
        if not choices:
            return ""
        facet, value = generator.choice(choices)
        return generator.choice(written_forms(declaration.attribute(facet), value))
