"""What the page asks of a search: a bundle in this process, or the models of a server."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Protocol

from fitrank_tf.client.hits import Hit
from fitrank_tf.datasets.attributes import Attribute
from fitrank_tf.demo.filter_counts import FilterCounts

_CONTRIBUTION = re.compile(r"(\S+) ([+-]\d+\.\d+)(?:, |$)")


@dataclasses.dataclass(frozen=True)
class System:
    """One of the systems that rank the catalogue.

    Attributes:
        name: as in `evaluation.systems`.
        meaning: one line for people.
    """

    name: str
    meaning: str


@dataclasses.dataclass(frozen=True)
class Description:
    """What can be searched.

    Attributes:
        products: their number.
        systems: the first one answers unless another is asked for.
        filters: the attributes that products can be filtered by.
        examples: requests to begin with.
    """

    products: int
    systems: tuple[System, ...]
    filters: tuple[Attribute, ...]
    examples: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Want:
    """One thing that was understood of a request.

    Attributes:
        facet: what it is of, such as "colour".
        values: one value that is named; or all that a word without a value of its own is
            near to, as "crimson" to Red and Maroon; or a number's bound, such as "<50".
        denied: whether it is not wanted.
    """

    facet: str
    values: tuple[str, ...]
    denied: bool = False


class DemoSearch(Protocol):
    """Interface of what the page searches; its methods may be cancelled."""

    async def describe(self) -> Description:
        """What can be searched."""

    async def understand(self, text: str) -> Sequence[Want]:
        """What a request is read as."""

    async def without(self, text: str, want: Want) -> str:
        """The request without the words that a want was read from."""

    async def search(
        self, text: str, filters: Mapping[str, str], top_k: int, system: str
    ) -> Sequence[Hit]:
        """The best products for a text by a system of the description.

        Raises:
            FitRankError: for an unknown system, filter or number of products.
        """

    async def similar(
        self, photo: bytes, text: str, filters: Mapping[str, str], top_k: int
    ) -> Sequence[Hit]:
        """The products most like a photo, which a text may change: "in red".

        Raises:
            FitRankError: as `search`, and if the photo cannot be read.
        """

    async def count(self, filters: Mapping[str, str]) -> FilterCounts:
        """How many products each value has among those that the other filters admit.

        Raises:
            FitRankError: for an unknown filter, or a text that is no range of a number.
        """


def contributions(explanation: str) -> list[tuple[str, float]]:
    """The parts of an explanation such as "colour +1.20, similarity -0.31"."""
    return [(name, float(value)) for name, value in _CONTRIBUTION.findall(explanation)]
