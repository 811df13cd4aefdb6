"""The contact sheet: one row a query, what each system returned side by side."""

import logging
import os
from collections.abc import Sequence

from fitrank_tf.core.files import write_atomically
from fitrank_tf.evaluation.sheets.html import draw_html
from fitrank_tf.evaluation.sheets.png import draw_png
from fitrank_tf.evaluation.sheets.rows import SheetItem, SheetRow, group_by_query

__all__ = ["SheetItem", "SheetRow", "draw_contact_sheet", "draw_page"]

_logger = logging.getLogger(__name__)


def draw_contact_sheet(
    rows: Sequence[SheetRow],
    path_png: str | os.PathLike[str],
    path_html: str | os.PathLike[str],
) -> None:
    """Draws the sheet as PNG and as HTML.

    Relevant items are framed, the exact one strongly; others are not. Queries
    and systems keep the order in which they first come in `rows`.

    Args:
        rows: what each system returned for each query; about five items a system
            fit a screen's width.
        path_png: where the picture goes.
        path_html: where the page goes; it holds its photos and needs no other file.

    Raises:
        FitRankError: if a path cannot be written.
        ValueError: if there are no rows, or one system has two rows for a query.
    """
    bands = group_by_query(rows)
    # Both are drawn before either is written: a failure leaves no half a pair.
    png, page = draw_png(bands), draw_html(bands)
    write_atomically(path_png, png)
    write_atomically(path_html, page.encode("utf-8"))
    _logger.info(
        "wrote the contact sheet of %d queries to %s and %s",
        len(bands),
        path_png,
        path_html,
    )


def draw_page(rows: Sequence[SheetRow], path: str | os.PathLike[str]) -> None:
    """Draws the page alone, with the notes of rows and products.

    Args:
        rows: as for `draw_contact_sheet`.
        path: where the page goes.

    Raises:
        FitRankError: if the path cannot be written.
        ValueError: if there are no rows, or one system has two rows for a query.
    """
    bands = group_by_query(rows)
    write_atomically(path, draw_html(bands).encode("utf-8"))
    _logger.info("wrote a page of %d queries to %s", len(bands), path)
