"""Layout of the feature vector: named slices in named groups.

Models and ablations refer to groups and names, never to indices. The schema is saved
beside every model that reads features, so that no model is given a vector of another
layout.
"""

import dataclasses
import functools
import json
from collections.abc import Iterable, Sequence

import numpy as np

from fitrank_tf.core.errors import FitRankError


@dataclasses.dataclass(frozen=True)
class FeatureSlice:
    """One named run of numbers in the feature vector.

    Attributes:
        name: unique in the schema.
        group: name of the group; ablations remove whole groups.
        start: first index.
        stop: one past the last index.
        meaning: of the numbers, in plain words.
        unit: of the numbers, e.g. "0..1 of the photo's height".
        low: lower bound of the numbers.
        high: upper bound of the numbers.
    """

    name: str
    group: str
    start: int
    stop: int
    meaning: str
    unit: str
    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.name or not self.group:
            raise ValueError(f"a feature slice needs a name and a group: {self}")
        if not 0 <= self.start < self.stop:
            raise ValueError(
                f"feature slice {self.name!r} must have 0 <= start < stop, "
                f"not {self.start}..{self.stop}"
            )
        if not self.low < self.high:
            raise ValueError(
                f"feature slice {self.name!r} must have low < high, "
                f"not {self.low}..{self.high}"
            )

    @property
    def size(self) -> int:
        """Number of values in the slice."""
        return self.stop - self.start

    @classmethod
    def consecutive(
        cls, group: str, rows: Iterable[tuple[str, int, str, str, float, float]]
    ) -> "tuple[FeatureSlice, ...]":
        """Builds the slices of one group, one after the other from index 0.

        Args:
            group: name of the group.
            rows: (name, size, meaning, unit, low, high) of each slice.
        """
        slices: list[FeatureSlice] = []
        for name, size, meaning, unit, low, high in rows:
            start = slices[-1].stop if slices else 0
            slices.append(cls(name, group, start, start + size, meaning, unit, low, high))
        return tuple(slices)

    def moved_to(self, start: int) -> "FeatureSlice":
        """Returns the same slice starting at `start`."""
        return dataclasses.replace(self, start=start, stop=start + self.size)


@dataclasses.dataclass(frozen=True)
class FeatureSchema:
    """The layout of a feature vector, float32 [F].

    Attributes:
        slices: in the vector's order, without gap or overlap.
    """

    slices: tuple[FeatureSlice, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "slices", tuple(self.slices))
        if not self.slices:
            raise ValueError("a feature schema needs at least one slice")
        names: set[str] = set()
        position = 0
        for part in self.slices:
            if part.name in names:
                raise ValueError(f"two feature slices are named {part.name!r}")
            if part.start != position:
                raise ValueError(
                    f"feature slice {part.name!r} starts at {part.start}, not at "
                    f"{position} where the slice before it stops"
                )
            names.add(part.name)
            position = part.stop

    @classmethod
    def joined(cls, *parts: Sequence[FeatureSlice]) -> "FeatureSchema":
        """Concatenates several lists of slices into one schema."""
        moved: list[FeatureSlice] = []
        for piece in (piece for part in parts for piece in part):
            moved.append(piece.moved_to(moved[-1].stop if moved else 0))
        return cls(tuple(moved))

    @property
    def size(self) -> int:
        """F, the length of the feature vector."""
        return self.slices[-1].stop

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the groups, each once, in the vector's order."""
        return tuple(dict.fromkeys(part.group for part in self.slices))

    @functools.cached_property
    def _by_name(self) -> dict[str, FeatureSlice]:
        return {part.name: part for part in self.slices}

    def slice(self, name: str) -> slice:
        """Returns the indices of a named slice, for `features[..., schema.slice(name)]`.

        Raises:
            KeyError: for an unknown name.
        """
        part = self._by_name[name]
        return slice(part.start, part.stop)

    def group_mask(self, groups: Iterable[str]) -> np.ndarray:
        """Returns a mask that keeps some groups.

        Args:
            groups: names of the groups to keep; may be empty.

        Returns:
            float32 [F], 1 for the features of these groups, else 0.

        Raises:
            FitRankError: for an unknown group.
        """
        kept = set(groups)
        unknown = sorted(kept - set(self.groups))
        if unknown:
            raise FitRankError(
                f"unknown feature group {unknown[0]!r}; the groups are "
                f"{', '.join(self.groups)}"
            )
        mask = np.zeros(self.size, np.float32)
        for part in self.slices:
            mask[part.start : part.stop] = part.group in kept
        return mask

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns lower and upper bound of each feature, float32 [F] each."""
        sizes = [part.size for part in self.slices]
        low = np.repeat([part.low for part in self.slices], sizes)
        high = np.repeat([part.high for part in self.slices], sizes)
        return low.astype(np.float32), high.astype(np.float32)

    def to_json(self) -> str:
        """Returns the schema as JSON text, one slice per line."""
        lines = [json.dumps(dataclasses.asdict(part)) for part in self.slices]
        return "[\n" + ",\n".join(lines) + "\n]\n"

    @classmethod
    def from_json(cls, text: str) -> "FeatureSchema":
        """Reads what `to_json` wrote.

        Raises:
            FitRankError: if the text is not such a schema.
        """
        try:
            return cls(tuple(FeatureSlice(**part) for part in json.loads(text)))
        except (TypeError, ValueError) as error:
            raise FitRankError(
                f"the saved feature schema cannot be read ({error}); extract the "
                "features again"
            ) from error

    def check(self, other: "FeatureSchema") -> None:
        """Checks that a saved schema equals this one.

        Args:
            other: the saved schema.

        Raises:
            FitRankError: if they differ; the message names the first difference.
        """
        difference = self._first_difference(other)
        if difference:
            raise FitRankError(
                f"the saved features have another layout: {difference}; extract the "
                "features again"
            )

    def _first_difference(self, other: "FeatureSchema") -> str | None:
        for here, there in zip(self.slices, other.slices, strict=False):
            for field in dataclasses.fields(FeatureSlice):
                mine, saved = getattr(here, field.name), getattr(there, field.name)
                if mine != saved:
                    return (
                        f"{field.name} of slice {here.name!r} is {mine!r} here and "
                        f"{saved!r} in the saved one"
                    )
        count, saved_count = len(self.slices), len(other.slices)
        if count == saved_count:
            return None
        longer, whose = (self, "missing") if count > saved_count else (other, "too much")
        extra = longer.slices[min(count, saved_count)]
        return f"slice {extra.name!r} is {whose} in the saved one"
