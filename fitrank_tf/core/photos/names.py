"""Finds the file that a person means: tables and disks seldom spell a path alike."""

import ast
import contextlib
import html
import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from urllib.parse import unquote, unquote_to_bytes

from fitrank_tf.core.photos.clean import UnreadablePhoto

MISSING_IMAGE = "no image file"
AMBIGUOUS = "several image files that the name may mean"

# Suffixes of photos, in the order in which `<id>` is tried with them.
PHOTO_SUFFIXES: tuple[str, ...] = (
    *(".jpg", ".jpeg", ".png", ".webp", ".jpe", ".jfif", ".avif", ".heic", ".heif"),
    *(".tif", ".tiff", ".bmp", ".gif", ".jp2", ".j2k", ".jpx", ".tga", ".psd", ".ppm"),
    *(".pgm", ".dib", ".ico", ".apng", ".mpo"),
)

_WINDOWS_DRIVE = re.compile(r"^[A-Za-z]:(?=[\\/])")
_ADDRESS_END = re.compile(r"[?#].*$", re.DOTALL)
# What follows the id in the name of a product's second photo: `1163_2`, `1163-back`.
_VIEW = re.compile(
    r"^(.+?)[_\-. ]?[_\-. ](?:\d{1,2}|main|front|back|side|left|right|top|bottom|detail|"
    r"zoom|model|alt\d?|v\d)$",
    re.IGNORECASE,
)
# An address may hold any of these marks itself.
_BETWEEN_ADDRESSES = re.compile(r"[|;,\s]+(?=[A-Za-z][A-Za-z0-9+.\-]*://|//)")
# Halves of UTF-16 pairs that texts may have, without those by which Python writes bytes of
# names on disk.
_LONE_SURROGATE = re.compile(r"[\ud800-\udc7f\udd00-\udfff]")
# The begins of JPEG, PNG, GIF and WebP photos in base64, without `data:` before them.
_BARE_BASE64 = re.compile(r"(?:/9j/|iVBORw0KGgo|R0lGOD|UklGR)[A-Za-z0-9+/\s]{60,}=*")
_FRONT = re.compile(r"(?<![a-z])(?:front|main|primary)(?![a-z])", re.IGNORECASE)


def readable(name: str) -> str:
    """A file name in Unicode NFC; bytes that are no UTF-8 are read as cp1252, or Latin-1.

    Python gives such bytes of names on disk as lone surrogates, which cannot be written.
    """
    raw = name.encode("utf-8", "surrogateescape")
    for encoding in ("utf-8", "cp1252"):
        try:
            return unicodedata.normalize("NFC", raw.decode(encoding))
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")


def is_photo_name(name: str) -> bool:
    """Whether a file's suffix is one of `PHOTO_SUFFIXES`, in any case."""
    return PurePosixPath(name).suffix.lower() in PHOTO_SUFFIXES


def name_forms(name: str) -> Iterator[str]:
    """What a written name may mean as a path, most literal first.

    Without blanks and quotes around it, with `&amp;` decoded, as the path of a `file://`
    address, without query and fragment, with `%20` decoded, with `/` for the backslash,
    without `./` and `..`.
    """
    name = _LONE_SURROGATE.sub("\ufffd", name)
    yield name
    name = name.strip().strip("\"'").strip()
    yield name
    if "&" in name:
        name = html.unescape(name)
        yield name
    if name.lower().startswith("file:"):
        # file:///a, file://localhost/a, file:/a and file:a
        name = re.sub(r"^file:(?://(?:localhost)?(?=/))?", "", name, flags=re.IGNORECASE)
        yield name
        # file:///C:/a
        name = re.sub(r"^/+(?=[A-Za-z]:/)", "", name)
        yield name
        yield unquote(name, errors="strict" if _is_utf8(name) else "surrogateescape")
    name = _ADDRESS_END.sub("", name)
    yield name
    name = unquote(name, errors="strict" if _is_utf8(name) else "surrogateescape")
    yield name
    name = name.replace("\\", "/")
    yield name
    parts: list[str] = []
    for part in name.split("/"):
        if part == ".." and parts and parts[-1] not in ("", ".."):
            parts.pop()
        elif part != "." and (part or not parts):
            parts.append(part)
    yield "/".join(parts)


def _is_utf8(name: str) -> bool:
    try:
        unquote_to_bytes(name.encode("utf-8", "surrogateescape")).decode()
    except UnicodeDecodeError:
        return False
    return True


class NameIndex:
    """Finds files of a folder by names that are spelled otherwise.

    Args:
        names: paths of files relative to the folder, with `/`.
        folder: path of the folder; names may begin with its last parts.
    """

    def __init__(self, names: Iterable[str], folder: str = ""):
        self._names = frozenset(names)
        self._above = [
            _fold(part) for part in PurePosixPath(folder.replace("\\", "/")).parts
        ]
        self._folded = defaultdict[str, list[str]](list)
        self._stems = defaultdict[str, list[str]](list)
        self._last_stems = defaultdict[str, list[str]](list)
        self._views = defaultdict[str, list[str]](list)
        self._below = defaultdict[str, list[str]](list)
        for name in sorted(self._names):
            self._folded[_fold(name)].append(name)
            if not is_photo_name(name):
                continue
            stem = _fold(name.rpartition(".")[0])
            self._stems[stem].append(name)
            folder_of, _, last = stem.rpartition("/")
            self._last_stems[last].append(name)
            self._below[folder_of].append(name)
            if view := _VIEW.match(last):
                self._views[_joined(folder_of, view[1])].append(name)

    def find(self, name: str) -> str:
        """The file that a name means: exactly so named, or the only one nearly so named.

        Tried in this order: each form of `name_forms`; in another case or Unicode form;
        without the folders in front that are the index's own, or that lead to it on another
        machine; with another photo suffix.

        Raises:
            UnreadablePhoto: `MISSING_IMAGE` or `AMBIGUOUS`.
        """
        forms = list(dict.fromkeys(name_forms(name)))
        for form in forms:
            if form in self._names:
                return form
        tails = list(dict.fromkeys(tail for form in forms for tail in self._tails(form)))
        for tail in tails:
            if found := self._folded.get(tail):
                return _only(found)
        for tail in tails:
            stem, dot, suffix = tail.rpartition(".")
            is_suffix = dot and f".{suffix}" in PHOTO_SUFFIXES
            if found := self._stems.get(stem if is_suffix else tail):
                return _best_suffix(found)
        raise UnreadablePhoto(MISSING_IMAGE)

    def photos_of(self, item_id: str, ids: Container[str] = ()) -> tuple[str, ...]:
        """The photos of a product by its id, the front first.

        They are `<id>.jpg` or with another of `PHOTO_SUFFIXES`, in this folder or else the
        only one in a subfolder; `<id>_2.jpg`, `<id>-back.jpg` and the like; and the photos
        of a folder `<id>`.

        Args:
            item_id: the id.
            ids: all ids: a photo that is named as one of them is no view of another.

        Raises:
            UnreadablePhoto: `AMBIGUOUS`.
        """
        key = _fold(item_id.strip())
        if not key:
            return ()
        found = self._stems.get(key, [])
        first = [_best_suffix(found)] if found else []
        others = [
            view
            for view in (*self._views.get(key, ()), *self._below.get(key, ()))
            if PurePosixPath(view).stem not in ids
            or key == _fold(str(PurePosixPath(view).parent))
        ]
        if not first and not others and (found := self._last_stems.get(key, [])):
            first = [_best_suffix(found)]
        return tuple(dict.fromkeys([*first, *front_first(sorted(others, key=_natural))]))

    def _tails(self, form: str) -> Iterator[str]:
        """A folded path, and it without folders in front that lead to this folder."""
        drive = _WINDOWS_DRIVE.match(form)
        folded = _fold(form[drive.end() :] if drive else form)
        is_absolute = bool(drive) or folded.startswith("/")
        parts = folded.split("/")
        yield folded
        for place in range(1, len(parts)):
            is_own = self._above[-place:] == parts[:place]
            if is_absolute or is_own:
                yield "/".join(parts[place:])


def photos_in_cell(
    cell: str | Sequence[str], holds: Callable[[str], bool]
) -> tuple[str, ...]:
    """The photos that a cell of a table names, the front first.

    Args:
        cell: a path, an address, or a photo in base64; several with `|`, `;`, `,` or line
            ends between; a JSON or Python list of them; or a sequence of any of these.
        holds: whether a file of a name is there: then `a, b.jpg` is one name.
    """
    if not isinstance(cell, str):
        return _front_first(photo for part in cell for photo in photos_in_cell(part, holds))
    text = cell.strip()
    if not text:
        return ()
    if text[:5].lower() == "data:" or holds(text):
        return (text,)
    if _BARE_BASE64.fullmatch(text):
        return (f"data:;base64,{text}",)
    if text[0] in "[(" and isinstance(listed := _literal(text), list | tuple):
        return photos_in_cell([str(part) for part in listed if part], holds)
    if "://" in text or text.startswith("//"):
        parts = _BETWEEN_ADDRESSES.split(text)
    else:
        mark = next((mark for mark in "|\n;," if mark in text), "\n")
        parts = text.split(mark)
    return _front_first(part for part in map(str.strip, parts) if part)


def _literal(text: str) -> object:
    with contextlib.suppress(ValueError):
        return json.loads(text)
    with contextlib.suppress(ValueError, SyntaxError, MemoryError, RecursionError):
        return ast.literal_eval(text)
    return None


def _front_first(photos: Iterable[str]) -> tuple[str, ...]:
    return tuple(front_first(dict.fromkeys(photos)))


def front_first(names: Iterable[str]) -> list[str]:
    """The names in their order, but those first that say `front` or `main`."""
    return sorted(names, key=lambda name: not _FRONT.search(PurePosixPath(name).name))


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", readable(name).casefold())


def _joined(folder: str, last: str) -> str:
    return f"{folder}/{last}" if folder else last


def _natural(name: str) -> list[tuple[int, str]]:
    """`2` before `10`."""
    parts = re.split(r"(\d+)", name.casefold())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _only(names: list[str]) -> str:
    if len(names) > 1:
        raise UnreadablePhoto(AMBIGUOUS)
    return names[0]


def _best_suffix(names: list[str]) -> str:
    """Of files that differ in their suffix, the one whose suffix comes first."""

    def rank(name: str) -> int:
        return PHOTO_SUFFIXES.index(PurePosixPath(name).suffix.lower())

    best = min(map(rank, names))
    return _only([name for name in names if rank(name) == best])
