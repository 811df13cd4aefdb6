"""The facet values of a catalogue, numbered, and the words that ask for each."""

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
    """Which facets a catalogue has, and which values of each.

    Values are numbered through all facets: those of the first facet first.

    Attributes:
        values: (facet, its values) pairs; a facet without values is left out.
        title_words: words of the products' titles that look like misspellings of the
            facets' words and are none.
    """

    values: tuple[tuple[str, tuple[str, ...]], ...]
    title_words: tuple[str, ...] = ()

    @classmethod
    def of(cls, records: CatalogueRecords) -> "FacetLexicon":
        """The lexicon of some products, the training split's for one."""
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
        """F names."""
        return tuple(facet for facet, _ in self.values)

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many values each of the F facets has."""
        return tuple(len(values) for _, values in self.values)

    @property
    def facet_sizes(self) -> Mapping[str, int]:
        """{facet: how many values it has}, F of them."""
        return dict(zip(self.facets, self.sizes))

    @property
    def size(self) -> int:
        """V, how many values there are."""
        return sum(self.sizes)

    @cached_property
    def forms(self) -> Mapping[str, tuple[int, ...]]:
        """{words rightly spelt: numbers of the values that they name}.

        A value's own name names no other value of its facet.
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

        The forms, and each form with one word misspelt, if that means nothing else.
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
        """What products are.

        Returns:
            int32 [N, F], a value's place among its facet's, -1 for one that the lexicon
            does not know.
        """
        columns = []
        for facet, values in self.values:
            places = {value: place for place, value in enumerate(values)}
            columns.append([places.get(value, -1) for value in records.attributes[facet]])
        return np.array(columns, np.int32).reshape(len(columns), -1).T

    def to_json(self) -> str:
        """For a file beside what was trained with this lexicon."""
        return json.dumps({"values": dict(self.values), "title_words": self.title_words})

    @classmethod
    def from_json(cls, text: str) -> "FacetLexicon":
        """What `to_json` wrote, or an older version, which knew no title's words.

        Raises:
            FitRankError: if it is something else.
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
        raise TypeError(f"{names!r} is no list of strings")
    return tuple(names)
