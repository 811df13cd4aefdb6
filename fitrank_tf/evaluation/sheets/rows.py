"""Contents of a contact sheet, before it is drawn as PNG or HTML."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from fitrank_tf.queries.grades import EXACT


@dataclasses.dataclass(frozen=True)
class SheetItem:
    """One product that a system returned.

    Attributes:
        id: the product's id.
        title: the product's title.
        image: its photo, uint8 [H, W, 3], RGB.
        grade: its judged grade for the query, 0 if it is not relevant.
        note: what else is to say of it here; shown by the page alone.
    """

    id: str
    title: str
    image: np.ndarray
    grade: int
    note: str = ""

    def __post_init__(self) -> None:
        shape, dtype = self.image.shape, self.image.dtype
        if dtype != np.uint8 or len(shape) != 3 or shape[2] != 3 or not self.image.size:
            raise ValueError(
                f"the image of item {self.id!r} must be uint8 [H, W, 3], "
                f"got {dtype} {list(shape)}"
            )
        if self.grade < 0:
            raise ValueError(f"the grade of item {self.id!r} is {self.grade}, below 0")


@dataclasses.dataclass(frozen=True)
class SheetRow:
    """What one system returned for one query.

    Attributes:
        query: the query's text.
        system: the system's name.
        items: its results, the best first.
        note: what else is to say of the results; shown by the page alone.
    """

    query: str
    system: str
    items: Sequence[SheetItem]
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Band:
    """One row of the sheet: a query, and what each system returned for it."""

    query: str
    rows: Sequence[SheetRow]


@dataclasses.dataclass(frozen=True)
class Frame:
    """The frame of a relevant item: its name in the legend, RGB and pixels."""

    name: str
    meaning: str
    colour: tuple[int, int, int]
    width: int


# Distinguished by width as well, for readers who cannot distinguish greens.
EXACT_FRAME = Frame("exact", f"exact (grade {EXACT})", (0, 135, 60), 6)
PARTIAL_FRAME = Frame("partial", f"partial (grade 1-{EXACT - 1})", (135, 205, 150), 3)
FRAMES: tuple[Frame, ...] = (EXACT_FRAME, PARTIAL_FRAME)


def frame_of(grade: int) -> Frame | None:
    """The frame of an item of this grade, None for an item that is not relevant."""
    if grade >= EXACT:
        return EXACT_FRAME
    return PARTIAL_FRAME if grade > 0 else None


def group_by_query(rows: Sequence[SheetRow]) -> list[Band]:
    """A band for each query; queries and systems keep the order they first come in.

    A system that has no row for a query gets an empty one, so that each system
    stays in its column.

    Raises:
        ValueError: if there are no rows, or one system has two rows for a query.
    """
    if not rows:
        raise ValueError("a contact sheet needs at least one row")
    by_key = {(row.query, row.system): row for row in rows}
    if len(by_key) < len(rows):
        raise ValueError("a system has two rows for one query")
    queries = dict.fromkeys(row.query for row in rows)
    systems = dict.fromkeys(row.system for row in rows)
    return [
        Band(query, [by_key.get((query, s), SheetRow(query, s, ())) for s in systems])
        for query in queries
    ]
