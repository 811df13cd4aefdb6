"""The facet values of a catalogue, numbered, and the words that ask for each."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np

from fitrank_tf.datasets.catalogue import CatalogueRecords
from fitrank_tf.inputs.facets import FACETS, value_forms


@dataclasses.dataclass(frozen=True)
class FacetLexicon:
    """Which facets a catalogue has, and which values of each.

    Values are numbered through all facets: those of the first facet first.

    Attributes:
        values: (facet, its values) pairs; a facet without values is left out.
    """

    values: tuple[tuple[str, tuple[str, ...]], ...]

    @classmethod
    def of(cls, records: CatalogueRecords) -> "FacetLexicon":
        """The lexicon of some products, the training split's for one."""
        found = (
            (facet, tuple(sorted(set(filter(None, records.attributes[facet])))))
            for facet in FACETS
        )
        return cls(tuple((facet, values) for facet, values in found if values))

    @property
    def facets(self) -> tuple[str, ...]:
        """F names."""
        return tuple(facet for facet, _ in self.values)

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many values each of the F facets has."""
        return tuple(len(values) for _, values in self.values)

    @property
    def size(self) -> int:
        """V, how many values there are."""
        return sum(self.sizes)

    @cached_property
    def phrases(self) -> Mapping[str, tuple[int, ...]]:
        """{words that a shopper may type: numbers of the values that they name}."""
        named: dict[str, set[int]] = {}
        numbered = ((facet, value) for facet, values in self.values for value in values)
        for number, (facet, value) in enumerate(numbered):
            for form in filter(None, value_forms(facet, value)):
                named.setdefault(form, set()).add(number)
        return {form: tuple(sorted(numbers)) for form, numbers in sorted(named.items())}

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
        return json.dumps(dict(self.values))

    @classmethod
    def from_json(cls, text: str) -> "FacetLexicon":
        """What `to_json` wrote."""
        plain: Mapping[str, Sequence[str]] = json.loads(text)
        return cls(tuple((facet, tuple(values)) for facet, values in plain.items()))
