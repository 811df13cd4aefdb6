"""The facet values of a catalogue, numbered, and the words that name each."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np

from fitrank_tf.core.command_line import command_line
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.catalogue import CatalogueRecords
from fitrank_tf.queries.facets import FACETS
from fitrank_tf.queries.misspellings import misspellings
from fitrank_tf.queries.words import (
    known_words,
    plain_words,
    shared_forms,
    value_forms,
)


@dataclasses.dataclass(frozen=True)
class FacetLexicon:
    """The facets of a catalogue, and the values of each facet.

    Values are numbered consecutively over all facets, those of the first facet first.

    Attributes:
        values: (facet, values) pairs for the F facets; a facet without values is left out.
        title_words: words of the products' titles that look like misspellings of the
            facets' words but are not.
    """

    values: tuple[tuple[str, tuple[str, ...]], ...]
    title_words: tuple[str, ...] = ()

    @classmethod
    def of(cls, records: CatalogueRecords) -> "FacetLexicon":
        """The lexicon of some products, such as the training split's."""
        found = (
            (facet, tuple(sorted(set(filter(None, records.attributes[facet])))))
            for facet in FACETS
        )
        lexicon = cls(tuple((facet, values) for facet, values in found if values))
        alike = set().union(*map(misspellings, lexicon.words)) - lexicon.words
        titles = set(plain_words(" ".join(records.texts)).split()) - known_words()
        return dataclasses.replace(lexicon, title_words=tuple(sorted(titles & alike)))

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
        for facet, values in self.values:
            own = {plain_words(value) for value in values}
            for value in values:
                others = own - {plain_words(value)}
                for form in (*value_forms(facet, value), *shared_forms(facet, value)):
                    if form not in others:
                        named.setdefault(form, set()).add(number)
                number += 1
        return {form: tuple(sorted(numbers)) for form, numbers in sorted(named.items())}

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
        misspelt: dict[str, set[tuple[int, ...]]] = {}
        for form, numbers in self.forms.items():
            words = form.split()
            for place, word in enumerate(words):
                for wrong in misspellings(word) - known:
                    phrase = " ".join((*words[:place], wrong, *words[place + 1 :]))
                    misspelt.setdefault(phrase, set()).add(numbers)
        sure = {phrase: of.pop() for phrase, of in sorted(misspelt.items()) if len(of) == 1}
        return {**self.forms, **sure}

    def codes(self, records: CatalogueRecords) -> np.ndarray:
        """The facet values of N products as codes.

        Returns:
            int32 [N, F], the position of the product's value among the values of the
            facet; -1 for a value that is not in the lexicon.
        """
        columns = []
        for facet, values in self.values:
            places = {value: place for place, value in enumerate(values)}
            columns.append([places.get(value, -1) for value in records.attributes[facet]])
        return np.array(columns, np.int32).reshape(len(columns), -1).T

    def to_json(self) -> str:
        """The lexicon as JSON, to be saved beside the models trained with it."""
        return json.dumps({"values": dict(self.values), "title_words": self.title_words})

    @classmethod
    def from_json(cls, text: str) -> "FacetLexicon":
        """Reads what `to_json` wrote, or an older format without `title_words`.

        Raises:
            FitRankError: if the text is not a lexicon.
        """
        try:
            plain = json.loads(text)
            if "values" not in plain:
                plain = {"values": plain, "title_words": []}
            values = plain["values"].items()
            pairs = tuple((facet, _strings(names)) for facet, names in values)
            return cls(pairs, _strings(plain["title_words"]))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise FitRankError(
                f"a facet lexicon (lexicon.json beside the facet heads) cannot be read: "
                f"{error!r}; train the facet heads again: `{command_line('train')}`"
            ) from error


def _strings(names: Sequence[str]) -> tuple[str, ...]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"{names!r} is not a list of strings")
    return tuple(names)
