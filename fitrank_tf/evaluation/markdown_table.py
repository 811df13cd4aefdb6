"""Markdown tables that are readable as plain text."""

from collections.abc import Sequence


def markdown_table(
    titles: Sequence[str], rows: Sequence[Sequence[str]], num_texts: int
) -> str:
    """An aligned Markdown table, without a line end behind it.

    Args:
        titles: of the columns.
        rows: cells of each row, as many as titles.
        num_texts: columns of text, which come first and are set left; the others are
            numbers and set right.
    """
    lines = [titles, *rows]
    widths = [max(map(len, column)) for column in zip(*lines)]
    rule = ["-" * width for width in widths[:num_texts]]
    rule += ["-" * (width - 1) + ":" for width in widths[num_texts:]]
    return "\n".join(
        _line(line, widths, num_texts) for line in (lines[0], rule, *lines[1:])
    )


def _line(cells: Sequence[str], widths: Sequence[int], num_texts: int) -> str:
    padded = [
        cell.ljust(width) if at < num_texts else cell.rjust(width)
        for at, (cell, width) in enumerate(zip(cells, widths))
    ]
    return f"| {' | '.join(padded)} |"
