"""The facet values of a catalogue, numbered, and the words that name each."""

import dataclasses
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from fitrank_tf.core.command_line import command_line
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.attributes import CATEGORIES, NUMBER, Attribute
from fitrank_tf.datasets.catalogue import CatalogueRecords
from fitrank_tf.queries.knowledge.colours import colour_points, colour_readings
from fitrank_tf.queries.knowledge.compounds import Part, compound_parts
from fitrank_tf.queries.knowledge.nouns import noun_readings
from fitrank_tf.queries.knowledge.occasions import occasion_readings
from fitrank_tf.queries.knowledge.translations import (
    english_words,
    in_english,
    own_words,
    translations,
)
from fitrank_tf.queries.misspellings import misspellings
from fitrank_tf.queries.words import (
    article_words,
    known_words,
    plain_words,
    shared_forms,
    value_forms,
)

# Of words or phrases: (place of a value, weight) pairs.
_Readings = Mapping[str, tuple[tuple[int, float], ...]]
# Of a phrase that means a value: longer ones are rare, and each length costs a look-up.
_MOST_RELATED_WORDS = 3
# Words of titles that are kept, a few hundred kilobytes.
_MOST_WORDS = 50_000


@dataclasses.dataclass(frozen=True)
class FacetLexicon:
    """The facets of a catalogue, and the values of each facet.

    Values are numbered consecutively over all facets, those of the first facet first.

    Attributes:
        values: (facet, values) pairs for the F facets; a facet without values is left out.
        title_words: words of the products' titles that look like misspellings of the
            facets' words but are not.
        attributes: those of the facets that are more than a name and a category.
        vocabulary: words of two titles or more, the most frequent ones first.
        synonyms: (facet, value, words as `plain_words` has them), of the shop.
    """

    values: tuple[tuple[str, tuple[str, ...]], ...]
    title_words: tuple[str, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    vocabulary: tuple[str, ...] = ()
    synonyms: tuple[tuple[str, str, tuple[str, ...]], ...] = ()

    @classmethod
    def of(cls, records: CatalogueRecords) -> "FacetLexicon":
        """The lexicon of some products, such as the training split's."""
        found = (
            (facet, tuple(sorted({value for of in of_products for value in of})))
            for facet, of_products in records.facet_values.items()
        )
        values = tuple((facet, values) for facet, values in found if values)
        attributes = (
            Attribute(one.name, one.kind, named=one.named)
            for one in map(records.declaration.attribute, dict(values))
        )
        more = tuple(one for one in attributes if one != Attribute(one.name))
        lexicon = cls(values, attributes=more)
        alike = set().union(*map(misspellings, lexicon.words)) - lexicon.words
        titles = Counter(
            word for title in records.texts for word in set(plain_words(title).split())
        )
        common = sorted((-count, word) for word, count in titles.items() if count > 1)
        return dataclasses.replace(
            lexicon,
            title_words=tuple(sorted((set(titles) - known_words()) & alike)),
            vocabulary=tuple(word for _, word in common[:_MOST_WORDS]),
        )

    @property
    def facets(self) -> tuple[str, ...]:
        """The names of the F facets."""
        return tuple(facet for facet, _ in self.values)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of values of each of the F facets."""
        return tuple(len(values) for _, values in self.values)

    @property
    def facet_sizes(self) -> Mapping[str, int]:
        """{facet: number of its values}, for the F facets."""
        return dict(zip(self.facets, self.sizes))

    @cached_property
    def facet_of(self) -> np.ndarray:
        """int [V], the place of each value's facet."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    @property
    def value_names(self) -> tuple[str, ...]:
        """The V values, those of the first facet first."""
        return tuple(value for _, values in self.values for value in values)

    @property
    def size(self) -> int:
        """V, the number of values of all facets."""
        return sum(self.sizes)

    @cached_property
    def forms(self) -> Mapping[str, tuple[int, ...]]:
        """{correctly spelt words: numbers of the values that they name}.

        The catalogue's name of a value names no other value of the facet.
        """
        named: dict[str, set[int]] = {}
        number = 0
        said = {(facet, value): words for facet, value, words in self.synonyms}
        for facet, values in self.values:
            attribute = self.attribute(facet)
            own = {plain_words(value) for value in values}
            for value in values:
                others = own - {plain_words(value)}
                forms = (*value_forms(attribute, value), *shared_forms(attribute, value))
                for form in (*forms, *said.get((facet, value), ())):
                    if form not in others:
                        named.setdefault(form, set()).add(number)
                number += 1
        return {form: tuple(sorted(numbers)) for form, numbers in sorted(named.items())}

    @cached_property
    def related(self) -> Mapping[str, tuple[tuple[int, float], ...]]:
        """{words that mean values and are no names: (number, weight in (0, 1]) of these}.

        From general knowledge of colour words, of nouns and of occasions; see
        `queries.knowledge`. A word that names a value of another facet may be a noun
        besides: a maxi is a long dress.
        """
        starts = dict(zip(self.facets, np.cumsum([0, *self.sizes]).tolist()))
        related: dict[str, tuple[tuple[int, float], ...]] = {}
        for known in (self._colours, self._nouns, self._occasions):
            for facet, readings in known.items():
                for phrase, found in readings.items():
                    values = tuple((starts[facet] + n, weight) for n, weight in found)
                    related[phrase] = related.get(phrase, ()) + values
        return {
            phrase: of
            for phrase, of in related.items()
            if phrase.count(" ") < _MOST_RELATED_WORDS
            and (
                self._is_noun_besides(phrase, of[0][0])
                if phrase in self.forms
                else not self._names_other_facet(phrase, of[0][0])
            )
        }

    def _is_noun_besides(self, phrase: str, number: int) -> bool:
        """Whether a word is a kind of a value's noun, and names values of other facets."""
        own = self.facet_of[number]
        is_noun = self.facets[own] in self.noun_facets
        return is_noun and all(self.facet_of[of] != own for of in self.forms[phrase])

    def _names_other_facet(self, phrase: str, number: int) -> bool:
        """Whether a word of a phrase is a value of another facet than a value's.

        "Sleeveless jacket" says a sleeve too, which it would hide as a kind of jacket.
        """
        own = self.facet_of[number]
        return any(
            self.facet_of[other] != own
            for word in phrase.split()
            for other in self.forms.get(word, ())
        )

    @property
    def noun_facets(self) -> frozenset[str]:
        """The facets whose values are nouns, such as an article type."""
        return frozenset(self._nouns)

    @property
    def occasion_facets(self) -> frozenset[str]:
        """The facets whose values are occasions, seasons or wearers."""
        return frozenset(self._occasions)

    @cached_property
    def colour_points(self) -> Mapping[str, tuple[float, ...]]:
        """{words that mean a colour: its CIE L, a, b}.

        Of values that are colours, of the words that mean such values, and of the colour
        words that mean no value: photos alone tell those. A phrase with a word that means
        a value is not among them, or "hot pink" would hide "pink".
        """
        taken = self.phrases.keys() | self.related.keys()
        points = {
            phrase: of
            for phrase, of in colour_points(()).items()
            if phrase not in taken and taken.isdisjoint(phrase.split())
        }
        number = 0
        own: dict[int, tuple[float, ...]] = {}
        for facet, values in self.values:
            if facet in self._colours:
                known = colour_points(values)
                points |= {word: of for word, of in known.items() if word in self.related}
                for place, value in enumerate(values, start=number):
                    if plain_words(value) in known:
                        own[place] = known[plain_words(value)]
            number += len(values)
        return points | {
            phrase: own[numbers[0]]
            for phrase, numbers in self.phrases.items()
            if numbers[0] in own
        }

    @cached_property
    def _colours(self) -> Mapping[str, _Readings]:
        return self._most_known(colour_readings)

    @cached_property
    def _nouns(self) -> Mapping[str, _Readings]:
        return self._most_known(noun_readings)

    @cached_property
    def _occasions(self) -> Mapping[str, _Readings]:
        return self._most_known(occasion_readings)

    def _most_known(
        self, readings_of: Callable[[Sequence[str]], _Readings]
    ) -> Mapping[str, _Readings]:
        """{facet: readings of its values}, for facets of which most values are known."""
        found = {}
        for facet, values in self.values:
            english = in_english(values)
            readings = readings_of(english)
            meant = {place for pairs in readings.values() for place, _ in pairs}
            if 2 * len(meant) > len(values):
                found[facet] = {**readings, **_translated(values, english, readings)}
        return found

    @cached_property
    def translations(self) -> Mapping[str, str]:
        """{words of another language: the catalogue's for them, or English ones}."""
        chosen = {
            phrase: self._own_words(meant) for phrase, meant in translations().items()
        }
        return {
            phrase: words
            for phrase, words in chosen.items()
            if words != phrase and phrase not in self.forms
        }

    @cached_property
    def compound_parts(self) -> Mapping[str, Mapping[str, tuple[str, Part]]]:
        """{language: {part of compounds: the catalogue's words for it, what it is}}."""
        return {
            language: {
                part: (self._own_words(of.meanings), of) for part, of in parts.items()
            }
            for language, parts in compound_parts().items()
        }

    def _own_words(self, meant: Sequence[str]) -> str:
        """The catalogue's words for one of some English phrases, or else the first."""
        named = [self._words_of_english.get(english, english) for english in meant]
        sold = (words for words in named if self.catalogue_words >= {*words.split()})
        return next(sold, named[0])

    @cached_property
    def _words_of_english(self) -> Mapping[str, str]:
        return own_words(dict.fromkeys((*self.vocabulary, *sorted(self.words))))

    @cached_property
    def foreign_words(self) -> frozenset[str]:
        """Those of `translations` that mean nothing in English or in the catalogue."""
        return frozenset(
            phrase
            for phrase in self.translations.keys() - english_words()
            if not self.catalogue_words >= {*phrase.split()}
        )

    @cached_property
    def catalogue_words(self) -> frozenset[str]:
        """The single words of titles and of `forms`."""
        return self.words.union(self.vocabulary)

    @property
    def words(self) -> frozenset[str]:
        """The single words of `forms`."""
        return frozenset(word for form in self.forms for word in form.split())

    @cached_property
    def phrases(self) -> Mapping[str, tuple[int, ...]]:
        """{words that a shopper may type: numbers of the values that they name}.

        Contains the `forms`, and each form with one word misspelt unless the misspelling
        is ambiguous.
        """
        known = self.words | known_words() | set(self.title_words)
        known |= {phrase for phrase in self.related if " " not in phrase}
        misspelt: dict[str, set[tuple[int, ...]]] = {}
        for form, numbers in self.forms.items():
            if self._is_of_number[numbers[0]]:
                continue  # its many numbers would make as many misspellings
            words = form.split()
            for place, word in enumerate(words):
                for wrong in misspellings(word) - known:
                    phrase = " ".join((*words[:place], wrong, *words[place + 1 :]))
                    misspelt.setdefault(phrase, set()).add(numbers)
        sure = {phrase: of.pop() for phrase, of in sorted(misspelt.items()) if len(of) == 1}
        return {**self.forms, **sure}

    def attribute(self, facet: str) -> Attribute:
        """The attribute that a facet is."""
        return next((one for one in self.attributes if one.name == facet), Attribute(facet))

    @property
    def has_several(self) -> tuple[bool, ...]:
        """For each of the F facets, whether a product may have several values."""
        return tuple(self.attribute(facet).kind == CATEGORIES for facet in self.facets)

    @cached_property
    def _is_of_number(self) -> list[bool]:
        return [
            self.attribute(facet).kind == NUMBER
            for facet, values in self.values
            for _ in values
        ]

    def codes(self, records: CatalogueRecords) -> np.ndarray:
        """The facet values of N products as codes, the labels of the facet heads.

        Returns:
            int32 [N, C]. A facet has a column: the position of the product's value among
            the values of the facet. One of several values has a column for each value: 1
            for those that the product has, else 0. -1 where nothing is known of a product,
            or its value is not in the lexicon.
        """
        columns = []
        for (facet, values), several in zip(self.values, self.has_several):
            of_products = records.facet_values.get(facet, ((),) * len(records))
            if several:
                columns += [
                    [int(value in of) if of else -1 for of in of_products]
                    for value in values
                ]
            else:
                places = {value: place for place, value in enumerate(values)}
                columns.append([places.get("".join(of), -1) for of in of_products])
        return np.array(columns, np.int32).reshape(len(columns), len(records)).T

    def to_json(self) -> str:
        """The lexicon as JSON, to be saved beside the models trained with it."""
        plain: dict[str, Any] = {
            "values": dict(self.values),
            "title_words": self.title_words,
            "vocabulary": self.vocabulary,
        }
        if self.attributes:
            plain["attributes"] = [[a.name, a.kind, a.named] for a in self.attributes]
        if self.synonyms:
            plain["synonyms"] = self.synonyms
        return json.dumps(plain)

    @classmethod
    def from_json(cls, text: str) -> "FacetLexicon":
        """Reads what `to_json` wrote, or an older format without `title_words` or
        `vocabulary`.

        Raises:
            FitRankError: if the text is not a lexicon.
        """
        try:
            plain: dict[str, Any] = json.loads(text)
            if "values" not in plain:
                plain = {"values": plain, "title_words": []}
            values = plain["values"].items()
            pairs = tuple((facet, _strings(names)) for facet, names in values)
            attributes = tuple(
                Attribute(name, kind, named=named)
                for name, kind, named in plain.get("attributes", ())
            )
            words = _strings(plain.get("vocabulary", []))
            synonyms = tuple(
                (facet, value, _strings(said))
                for facet, value, said in plain.get("synonyms", ())
            )
            return cls(pairs, _strings(plain["title_words"]), attributes, words, synonyms)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise FitRankError(
                f"a facet lexicon (lexicon.json beside the facet heads) cannot be read: "
                f"{error!r}; train the facet heads again: `{command_line('train')}`"
            ) from error


def _translated(
    values: Sequence[str], english: Sequence[str], readings: _Readings
) -> _Readings:
    """Readings of English names, and of words of any language, of values in another one."""
    names: dict[str, tuple[tuple[int, float], ...]] = {}
    for place, (value, name) in enumerate(zip(values, english)):
        if name != value:
            for form in article_words(name):
                names[form] = (*names.get(form, ()), (place, 1.0))
    if not names:
        return {}
    known = {**readings, **names}
    of_any_language = {}
    for phrase, meant in translations().items():
        first = next((english for english in meant if english in known), None)
        if first is not None:
            of_any_language[phrase] = known[first]
    return {**names, **of_any_language}


def _strings(names: Sequence[str]) -> tuple[str, ...]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"{names!r} is not a list of strings")
    return tuple(names)
