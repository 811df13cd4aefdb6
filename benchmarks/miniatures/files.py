"""Writes the files that several of the public data sets have."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any


def write_bytes(path: Path, data: bytes) -> None:
    """Writes a file, and the folders that it is in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Writes a text file."""
    write_bytes(path, "".join(f"{line}\n" for line in lines).encode())


def write_json(path: Path, plain: Any, indent: int | None = None) -> None:
    """Writes a JSON file."""
    write_lines(path, [json.dumps(plain, indent=indent)])


def write_table(path: Path, header: str, rows: Sequence[Sequence[object]]) -> None:
    """Writes one of DeepFashion's tables: count, header, and columns padded with blanks.

    The last column is padded too, so lines end with blanks.
    """
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) + 1 for column in zip(*texts)]
    lines = [
        "".join(cell.ljust(width) for cell, width in zip(row, widths)) for row in texts
    ]
    write_lines(path, [str(len(rows)), header, *lines])


def write_ground_truth(
    folder: Path, column: str, finds: str, documents: Iterable[tuple[str, str]]
) -> None:
    """Writes a file of Marqo's queries: `{query text: {document id: 1}}`.

    Args:
        folder: of the data set.
        column: whose values are the queries.
        finds: "image" or "image+text".
        documents: (value of the column, document id) pairs; without a value none is made.
    """
    queries = defaultdict[str, dict[str, int]](dict)
    for value, document in documents:
        if value:
            queries[value][document] = 1
    write_json(folder / f"gt_query_doc/ground_truth_{column}-{finds}.json", queries)
