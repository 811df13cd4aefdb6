"""Cleans the cells of tables: characters, blanks, HTML, numbers, missing values, lists."""

import ast
import dataclasses
import datetime
import decimal
import functools
import html
import json
import math
import re
import unicodedata
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_WORDS = "words.json"
# Exports of exports hold `&amp;#39;` and `&lt;b&gt;`; cleaned again until nothing changes.
_MOST_LAYERS = 10
_NOT_PLAIN = re.compile(r"[^\x20-\x7e]|[&<]")
# Null characters, zero-width and direction marks, the soft hyphen. Joiners (U+200C,
# U+200D) inside a word are spelling in Persian and Hindi.
_INVISIBLE = re.compile(
    "[\x00\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]"
)
_JOINERS = "\u200c\u200d"
# Runs of plain blanks inside a title are kept as the shop wrote them.
_BLANKS = re.compile(r"[^\S ]\s*| +[^\S ]\s*|[\x01-\x08\x0e-\x1f\x7f-\x9f]+")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_COMMENT = re.compile(
    r"<!--.*?-->|<(script|style)\b[^<>]*>.*?</\1\s*>", re.DOTALL | re.IGNORECASE
)
_TAG = re.compile(r"</?([A-Za-z][A-Za-z0-9]*)(?:\s[^<>]*)?/?>")
_EXCEL_TEXT = re.compile(r'="(.*)"|\'(?=\d)(.*)', re.DOTALL)
_MOJIBAKE = re.compile("[ÂÃÄÅÎÏÐÑØÙâã][\u0080-\u00bfŒœŠšŸŽžƒˆ˜–—‘’‚“”„†‡•…‰‹›€™]")
_MIDNIGHT = re.compile(r"[ T]00:00:00(?:\.0+)?(?:Z|\+00:00)?")
# NumPy's text of an array has no commas: ['Red' 'Blue'].
_NUMPY_GAP = re.compile(r"(['\"])\s+(?=['\"])")


@dataclasses.dataclass(frozen=True)
class Blob:
    """A cell of bytes, such as a photo inside a Parquet file.

    Attributes:
        name: the file name that stands beside the bytes, "" where there is none.
        read: function that reads the bytes; it raises OSError if they are damaged.
    """

    name: str
    read: Callable[[], bytes]


@functools.cache
def words() -> Mapping[str, Any]:
    """`words.json`: missing-value words, synonyms of headers, HTML tags."""
    return json.loads(Path(__file__).with_name(_WORDS).read_text(encoding="utf-8"))


def synonyms(field: str) -> list[str]:
    """Usual names of the column of a field, such as "sku" of `id`, the likeliest first.

    Args:
        field: name of the field.
    """
    return words()["headers"].get(field, [])


@functools.cache
def _words_of(kind: str) -> frozenset[str]:
    return frozenset(words()[kind])


@functools.lru_cache(1 << 16)
def clean_text(text: str) -> str:
    """A text in NFC, without HTML, invisible characters and blanks at its ends.

    Every kind of blank becomes a space. Not a missing-value word; see `cell_text`.

    Args:
        text: the text of a cell.
    """
    for _ in range(_MOST_LAYERS):
        before = text
        if _NOT_PLAIN.search(text):
            text = _normalised(_without_html(_whole_characters(text)))
        text = text.strip()
        excel = _EXCEL_TEXT.fullmatch(text) if text[:1] in ("=", "'") else None
        text = (excel[1] or excel[2] or "").strip() if excel else text
        if text == before:
            break
    return text


def without_lone_surrogates(text: str) -> str:
    """A text with U+FFFD for halves of UTF-16 pairs, which cannot be written."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _whole_characters(text: str) -> str:
    """Without halves of surrogate pairs, and UTF-8 that was read as cp1252 mended."""
    text = without_lone_surrogates(text)
    if _MOJIBAKE.search(text):
        try:
            return text.encode("cp1252").decode("utf-8")
        except UnicodeError:
            return text
    return text


def _without_html(text: str) -> str:
    text = _ENTITY.sub(lambda found: html.unescape(found[0]), text)
    return _TAG.sub(_tag, _COMMENT.sub(" ", text)) if "<" in text else text


def _tag(found: re.Match[str]) -> str:
    name = found[1].lower()
    if name in _words_of("inline_tags"):
        return ""
    return "\n" if name in _words_of("block_tags") else found[0]


def _normalised(text: str) -> str:
    text = _INVISIBLE.sub("", unicodedata.normalize("NFC", text))
    return _BLANKS.sub(" ", text.strip()).strip().strip(_JOINERS)


def cell_text(cell: Any) -> str:
    """The cleaned text of any cell; "" for a missing value.

    Args:
        cell: as in `RawRow.cells`. Whole floats are written as integers, dates in ISO
            form; the values of a list are joined by a comma.
    """
    if isinstance(cell, list | tuple):
        return ", ".join(filter(None, map(cell_text, cell)))
    text = clean_text(_plain(cell))
    return "" if text.casefold() in _words_of("missing") else text


def cell_values(cell: Any, separator: str = "") -> tuple[str, ...]:
    """The cleaned values of any cell, each once; () for a missing value.

    Args:
        cell: as in `RawRow.cells`; text that is a list in JSON or Python is a list.
        separator: what stands between the values of a text; "" for one value.
    """
    if isinstance(cell, str):
        listed = _as_list(cell.strip())
        if listed is None and separator:
            listed = cell.split(separator)
        cell = cell if listed is None else listed
    if not isinstance(cell, list | tuple):
        cell = [cell]
    return tuple(dict.fromkeys(filter(None, map(cell_text, cell))))


def _as_list(text: str) -> list[Any] | None:
    if not (text.startswith("[") and text.endswith("]")):
        return None
    for parse in (json.loads, _python_list):
        try:
            listed = parse(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(listed, list) and not any(isinstance(v, list | dict) for v in listed):
            return listed
    return None


def _python_list(text: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # of a backslash in a value
        return ast.literal_eval(_NUMPY_GAP.sub(r"\1, ", text))


def _plain(cell: Any) -> str:
    """A cell as text, before cleaning."""
    if cell is None or isinstance(cell, Blob):
        return ""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, float | decimal.Decimal):
        return _number(cell)
    if isinstance(cell, datetime.datetime | datetime.date):
        return _MIDNIGHT.sub("", cell.isoformat())
    if isinstance(cell, bytes):
        try:
            return cell.decode("utf-8")
        except UnicodeDecodeError:
            return ""
    if isinstance(cell, dict):
        return json.dumps(cell, ensure_ascii=False, default=str)
    return str(cell)


def _number(value: float | decimal.Decimal) -> str:
    if not math.isfinite(value):
        return ""
    whole = int(value)
    # Beyond 2^53 a float no longer holds the last digits.
    exact = isinstance(value, decimal.Decimal) or abs(whole) < 2**53
    return str(whole) if whole == value and exact else str(value)


def header_key(name: str) -> str:
    """What a column's name is compared by: letters and digits alone, case folded."""
    folded = unicodedata.normalize("NFKC", clean_text(name)).casefold()
    return " ".join(re.sub(r"[\W_]+", " ", folded).split())
