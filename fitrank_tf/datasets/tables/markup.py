"""Reads product feeds in XML, and the HTML tables that shops name `.xls`."""

import re
from collections import Counter
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

from fitrank_tf.core.errors import FitRankError, first_line
from fitrank_tf.datasets.tables.delimited import MORE_CELLS
from fitrank_tf.datasets.tables.header import Header, warn_of_lines_above
from fitrank_tf.datasets.tables.table import RawRow

_HTML = re.compile(r"<(?:!doctype html|html|head|body|meta|table)\b", re.IGNORECASE)
# Of a feed: a namespace, as of `{http://base.google.com/ns/1.0}id`.
_NAMESPACE = re.compile(r"\{.*?\}")
_CELLS = ("td", "th")
_MOST_COLUMNS = 1000


def is_markup(text: str) -> bool:
    """Whether a text is XML or HTML."""
    text = text.strip()
    # A header of CSV may begin with a tag too.
    is_whole = bool(re.match("<[A-Za-z]", text)) and text.endswith(">")
    return is_whole or text[:5].lower() in ("<?xml", "<!doc")


def read_markup(
    text: str, path: str, is_header: Header
) -> tuple[tuple[str, ...], list[RawRow], str]:
    """The header, the rows and "XML" or "HTML".

    Of XML the rows are the most frequent elements with parts; a part that comes again in
    one row is a list, one with parts of its own gives columns such as `size.eu`. Of HTML
    they are those of the first table whose header is known, or of the first.

    Args:
        text: the whole file.
        path: name of the file in messages.
        is_header: tells the header of an HTML table from rows above it.

    Raises:
        FitRankError: if it is damaged or holds no rows.
    """
    if _HTML.match(text.lstrip()):
        return *_read_html(text, path, is_header), "HTML"
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError) as error:
        raise FitRankError(
            f"{path}: cannot be read as XML ({first_line(error)}); save it as CSV"
        ) from error
    records = [_record(element) for element in _repeated(root)]
    if not any(len(record) > 1 for record in records):
        raise FitRankError(f"{path}: the XML holds no list of products; save it as CSV")
    header = tuple(dict.fromkeys(key for record in records for key in record))
    rows = [
        RawRow(number, [record.get(key) for key in header])
        for number, record in enumerate(records, 1)
    ]
    return header, rows, "XML"


def _repeated(root: ElementTree.Element) -> list[ElementTree.Element]:
    """The elements with parts that most often stand beside each other under one name."""
    best: list[ElementTree.Element] = []
    for parent in root.iter():
        counts = Counter(child.tag for child in parent if len(child) or child.attrib)
        for tag, count in counts.most_common(1):
            if count > len(best):
                best = [child for child in parent if child.tag == tag]
    return best


def _record(element: ElementTree.Element, prefix: str = "") -> dict[str, Any]:
    cells: dict[str, list[Any]] = {
        prefix + _NAMESPACE.sub("", name): [value] for name, value in element.items()
    }
    for child in element:
        name = prefix + _NAMESPACE.sub("", str(child.tag))
        if len(child):
            for key, value in _record(child, f"{name}.").items():
                cells.setdefault(key, []).append(value)
        elif child.text and child.text.strip():
            cells.setdefault(name, []).append(child.text)
    return {key: of[0] if len(of) == 1 else of for key, of in cells.items()}


def _read_html(
    text: str, path: str, is_header: Header
) -> tuple[tuple[str, ...], list[RawRow]]:
    parser = _Tables()
    parser.feed(text)
    parser.close()
    tables = [table for table in parser.tables if table]
    if not tables:
        raise FitRankError(f"{path}: a web page without a table; save it as CSV")
    places = [is_header.row_of(cells for _, cells in table) for table in tables]
    of = next((n for n, place in enumerate(places) if place is not None), 0)
    table, place = tables[of], places[of] or 0
    if place:
        warn_of_lines_above(path, table[0][0], table[place - 1][0])
    (_, header), *rows = table[place:]
    return tuple(header), [_fitted(line, cells, len(header)) for line, cells in rows]


def _fitted(line: int, cells: list[str], width: int) -> RawRow:
    problem = MORE_CELLS if any(cell.strip() for cell in cells[width:]) else ""
    return RawRow(line, [*cells[:width], *[""] * (width - len(cells))], problem)


class _Tables(HTMLParser):
    """Collects the tables of a page: (line, texts of the cells) of each row."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: list[list[tuple[int, list[str]]]] = []
        # Of the cell that is open, in the last row; None outside of cells.
        self._place: int | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.tables.append([])
        elif tag == "tr" and self.tables:
            self._place = None
            self.tables[-1].append((self.getpos()[0], []))
        elif tag in _CELLS and self.tables and self.tables[-1]:
            span = dict(attrs).get("colspan") or ""
            width = max(1, min(int(span), _MOST_COLUMNS)) if span.isdecimal() else 1
            cells = self.tables[-1][-1][1]
            self._place = len(cells)
            cells.extend([""] * width)
        elif tag == "img":
            self.handle_data(dict(attrs).get("src") or "")
        elif tag == "br":
            self.handle_data("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in (*_CELLS, "tr", "table"):
            self._place = None

    def handle_data(self, data: str) -> None:
        if self._place is not None:
            self.tables[-1][-1][1][self._place] += data
