"""One way in for tables, whatever wrote them."""

from fitrank_tf.datasets.tables.cells import Blob, cell_text, header_key, synonyms
from fitrank_tf.datasets.tables.header import Header
from fitrank_tf.datasets.tables.read import TableOptions, parse_table, read_table
from fitrank_tf.datasets.tables.spelling import shown_spellings, spelling_key
from fitrank_tf.datasets.tables.table import Table

__all__ = [
    "Blob",
    "Header",
    "Table",
    "TableOptions",
    "cell_text",
    "header_key",
    "parse_table",
    "read_table",
    "shown_spellings",
    "spelling_key",
    "synonyms",
]
