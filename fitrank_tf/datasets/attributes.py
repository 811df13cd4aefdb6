"""A catalogue's own attributes: what its columns hold."""

import dataclasses

from fitrank_tf.core.errors import FitRankError

CATEGORY, CATEGORIES, NUMBER, TEXT = "category", "categories", "number", "text"
KINDS: tuple[str, ...] = (CATEGORY, CATEGORIES, NUMBER, TEXT)


@dataclasses.dataclass(frozen=True)
class Attribute:
    r"""One attribute of a catalogue's products.

    Attributes:
        name: as in filters.
        kind: one of `KINDS`. The value of a product is a text in each case, "" for none:
            a `CATEGORY`, one value; `CATEGORIES`, several, as `core.filters.join_values`
            writes them ("cotton|linen"); a `NUMBER`, such as "7.5"; `TEXT`, free.

    Raises:
        FitRankError: for another kind.
    """

    name: str
    kind: str = CATEGORY

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise FitRankError(
                f"attribute '{self.name}': unknown kind '{self.kind}'; choose from "
                f"{', '.join(KINDS)}"
            )
