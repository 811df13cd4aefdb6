"""Finds the encoding of a text file, where it can be told apart surely.

Byte order marks and UTF-8 are sure. Eight-bit encodings are not: any of them decodes
nearly any bytes. Here one counts only if its text could be of a European language: the
letters of every word are of one script, in usual case, and all of them together are in
the alphabets (`alphabets.json`) of as few languages as possible. Libraries that guess by
letter frequencies (charset-normalizer, chardet) err on the few letters of a short table.
"""

import codecs
import functools
import itertools
import json
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from fitrank_tf.core.errors import FitRankError

_ALPHABETS = "alphabets.json"
# Longer marks first: that of UTF-32 LE begins like that of UTF-16 LE.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Files that were put together have one at the begin of each.
_MARKS_OF_LINES = re.compile("(?:^|(?<=[\r\n]))\ufeff+")
# Lone surrogates stand for what cannot be decoded; text has none.
UNDECODED = re.compile("[\ud800-\udfff]")
_OTHER_FILES = {
    b"%PDF": "a PDF file",
    b"SQLite format 3": "an SQLite database",
    b"FEA1": "a Feather file of version 1",
    b"\xff\xd8\xff": "a photo",
    b"\x89PNG": "a photo",
}
# Text has hardly any of these; 0 fills up the ends of some files, and others split cells.
_CONTROLS = bytes([*range(1, 9), *range(14, 28)])
_MOST_CONTROLS, _HEAD = 0.02, 2**16
_KIN = ("cp1250", "cp1257")
# Signs of shops' tables that are no letters, beside ASCII.
_SIGNS = frozenset("\u00a0\u00ad’‘“”„–—…•·€£¥©®™°´½¼¾²³×«»¿¡ªº№")
# Inside a word stand no other signs than these and those of ASCII.
_SIGN_IN_WORD = re.compile(r"[^\W\d_][^\w\s\x21-\x7e’´·–—][^\W\d_]")
# No Western word of three letters begins so: è, ì, ò, ù are č, ě, ň, ů in cp1250.
_NOT_WESTERN = re.compile(r"[èìòùÈÌÒÙ]\w\w")
_EAST_ASIAN = ("shift_jis", "gb18030", "big5", "euc_kr")
_BEYOND = re.compile(r"[^\x00-\x7f]")
_LETTER = r"[A-Za-z\x80-\U0010ffff]"
_SIDE_BY_SIDE = re.compile(rf"(?<!{_LETTER})[^\x00-\x7f]{{2,}}(?!{_LETTER})")
_WORD = re.compile(r"[^\W\d_]+")


def decode(data: bytes, path: str, encoding: str = "") -> tuple[str, str]:
    """The text of a file without byte order marks, and its encoding.

    Bytes that are damaged, in a file that is Unicode without doubt, are `UNDECODED`.

    Args:
        data: the file's bytes.
        path: name of the file in messages.
        encoding: Python's name of the encoding; "" finds it.

    Raises:
        FitRankError: if the encoding is unknown, does not fit, or cannot be told apart.
    """
    if encoding:
        return _decode_as(data, path, encoding), encoding
    for mark, name in _MARKS:
        if data.startswith(mark):
            return _with_marks(data, name), name
    if utf_16 := _of_utf_16(data):
        return _with_marks(data, utf_16), utf_16
    if kind := _kind_of_binary(data):
        raise FitRankError(
            f"{path}: is {kind}, no table; name a CSV, JSON Lines, Parquet, Arrow or "
            "Excel file"
        )
    text = _with_marks(data, "utf-8")
    damaged = UNDECODED.findall(text)
    beyond = len(_BEYOND.findall(text))
    if beyond >= 2 * len(damaged):
        return text, "utf-8"
    fitting = _fitting(data)
    if len(set(fitting.values())) == 1:
        name, text = next(iter(fitting.items()))
        return text, name
    line = text[: text.index(damaged[0])].count("\n") + 1
    may_be = f"may be {' or '.join(fitting)}" if fitting else "nor of a known encoding"
    raise FitRankError(
        f"{path}: line {line} is not UTF-8 text, {may_be}; save it as UTF-8, or name a "
        "table's --encoding"
    )


def _with_marks(data: bytes, encoding: str) -> str:
    """Unicode text, without marks, of which concatenated files have more than one.

    What cannot be decoded becomes lone surrogates.
    """
    if encoding == "utf-8":
        return _MARKS_OF_LINES.sub("", data.decode(encoding, "surrogateescape"))
    unit = 4 if encoding.startswith("utf-32") else 2
    whole = len(data) // unit * unit
    rest = "".join(chr(0xDC00 + byte) for byte in data[whole:])
    try:
        text = data[:whole].decode(encoding, "surrogatepass")
    except UnicodeDecodeError:  # a number beyond Unicode, of UTF-32 alone
        text = data[:whole].decode(encoding, "replace").replace("\ufffd", "\udc80")
    return _MARKS_OF_LINES.sub("", text) + rest


def _decode_as(data: bytes, path: str, encoding: str) -> str:
    try:
        return _MARKS_OF_LINES.sub("", data.decode(encoding))
    except LookupError as error:
        raise FitRankError(f"--encoding {encoding}: unknown to Python") from error
    except (UnicodeError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise FitRankError(
            f"{path}: not {encoding} text ({reason}); save it as UTF-8"
        ) from error


def _kind_of_binary(data: bytes) -> str:
    """What a file is that is no text; "" for text."""
    for begin, kind in _OTHER_FILES.items():
        if data.startswith(begin):
            return kind
    head = data[:_HEAD]
    is_binary = len(head.translate(None, _CONTROLS)) < (1 - _MOST_CONTROLS) * len(head)
    return "a binary file of unknown kind" if is_binary else ""


def _of_utf_16(data: bytes) -> str:
    """The kind of UTF-16 of text without a mark; "" where it is another encoding.

    Of Western text every second byte is 0, and no other byte is unless it is damaged.
    """
    even, odd = data[0::2].count(0), data[1::2].count(0)
    if max(even, odd) * 4 < len(data) or min(even, odd) * 10 > max(even, odd) or not data:
        return ""
    return "utf-16-le" if odd > even else "utf-16-be"


def _fitting(data: bytes) -> dict[str, str]:
    """{encoding: text} of those in whose text the fewest languages are needed.

    Of texts that need equally many, those with the fewest capitals are left (the Cyrillic
    encodings have small letters where others have capitals). Where these still differ
    between cp1252 and its kin of Central Europe or the Baltic, cp1252 is taken: their
    languages have letters that no Western one has, unless a table has hardly any letter
    beyond ASCII.
    """
    texts: dict[str, str] = {}
    costs: dict[str, tuple[int, int]] = {}
    for name, languages in _alphabets().items():
        try:
            text = data.decode(name)
        except UnicodeDecodeError:
            continue
        number = _number_of_languages(text, languages)
        if number:
            texts[name] = text
            costs[name] = (number, sum(map(str.isupper, text)))
    best = min(costs.values(), default=None)
    left = {name: text for name, text in texts.items() if costs[name] == best}
    if "cp1252" in left and not any(map(_NOT_WESTERN.match, _words(left["cp1252"]))):
        left = {name: text for name, text in left.items() if name not in _KIN}
    return left | _east_asian(data)


def _east_asian(data: bytes) -> dict[str, str]:
    """{encoding: text} of East Asia in which most letters beyond ASCII are words.

    In these encodings two bytes are a letter, so that European text decodes too, but its
    letters beyond ASCII stand alone or beside those of ASCII.
    """
    texts = {}
    for name in _EAST_ASIAN:
        try:
            text = data.decode(name)
        except UnicodeDecodeError:
            continue
        if 2 * sum(map(len, _SIDE_BY_SIDE.findall(text))) > len(_BEYOND.findall(text)):
            texts[name] = text
    return texts


def _number_of_languages(text: str, languages: Mapping[str, frozenset[str]]) -> int:
    """How many languages a text's letters need; 0 if it is none of theirs."""
    others = {letter for letter in set(text) if not letter.isascii()}
    letters = {low for letter in others if letter.isalpha() for low in letter.lower()}
    # `lower` of the Turkish dotted capital I adds a combining dot.
    letters -= {"\u0307", "i", "ª", "º"}
    if any(not letter.isalpha() and letter not in _SIGNS for letter in others):
        return 0
    if _SIGN_IN_WORD.search(text) or not all(map(_is_plausible, _words(text))):
        return 0
    for number in range(1, len(languages) + 1):
        for chosen in itertools.combinations(languages.values(), number):
            if letters <= frozenset().union(*chosen):
                return number
    return 0


def _words(text: str) -> set[str]:
    return {word for word in _WORD.findall(text) if not word.isascii()}


def _is_plausible(word: str) -> bool:
    """Whether a word is of one script, without a capital after a small letter.

    Capitals of ASCII are in names such as LeChâteau, and tell nothing.
    """
    scripts = {unicodedata.name(letter, "").split(" ")[0] for letter in word}
    return len(scripts) == 1 and not any(
        before.islower() and letter.isupper() and not letter.isascii()
        for before, letter in itertools.pairwise(word)
    )


@functools.cache
def _alphabets() -> Mapping[str, Mapping[str, frozenset[str]]]:
    plain = json.loads(Path(__file__).with_name(_ALPHABETS).read_text(encoding="utf-8"))
    return {
        encoding: {language: frozenset(letters) for language, letters in each.items()}
        for encoding, each in plain.items()
    }
