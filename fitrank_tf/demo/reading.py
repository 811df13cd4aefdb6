"""What a request is read as, value by value, and the words that a value was read from."""

import re
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from fitrank_tf.demo.search import Want
from fitrank_tf.queries.request_words import request_words
from fitrank_tf.queries.words import plain_words

# (facet, value, whether it is denied).
Value = tuple[str, str, bool]

_WORD = re.compile(r"[^\s,;/]+")
# Commas and the like that are left beside each other, or at an end.
_REPEATED, _AT_ENDS = re.compile(r"\s*([,;/])(?:\s*[,;/])+"), " ,;/"
_LONGEST_PHRASE = 6
# A value that is named has this weight; one that is only near has less.
_NAMED = 1.0


def split_label(label: str, facets: Sequence[str]) -> tuple[str, str]:
    """A value as `understood` says it, parted: "article type Tops" to (article_type, Tops).

    Args:
        label: of one value.
        facets: all names, of which the longest that fits is the value's.
    """
    said = {name.replace("_", " ") + " ": name for name in facets}
    start = max((text for text in said if label.startswith(text)), key=len)
    return said[start], label.removeprefix(start)


def wants(query_facets: np.ndarray, values: Sequence[tuple[str, str]]) -> list[Want]:
    """What a reading wants and does not want.

    Args:
        query_facets: float32 [V], as of `Request`.
        values: V pairs (facet, value).

    Returns:
        A want for each value that is named, and one for all values of a facet that are
        only near to what was said, the nearest first.
    """
    found: list[Want] = []
    near: dict[tuple[str, bool], list[tuple[float, str]]] = {}
    for place in np.flatnonzero(query_facets).tolist():
        (facet, value), weight = values[place], float(abs(query_facets[place]))
        denied = bool(query_facets[place] < 0.0)
        if weight >= _NAMED:
            found.append(Want(facet, (value,), denied))
        else:
            near.setdefault((facet, denied), []).append((-weight, value))
    for (facet, denied), weighed in near.items():
        found.append(Want(facet, tuple(value for _, value in sorted(weighed)), denied))
    order = list(dict.fromkeys(facet for facet, _ in values))
    return sorted(found, key=lambda want: order.index(want.facet))


def without(
    text: str, want: Want, read: Callable[[Sequence[str]], Sequence[Iterable[Want]]]
) -> str:
    """A request without the words that a want was read from.

    Every phrase of the request is left out once, wherever it stands; of the requests that
    no longer have the want, that one is taken in which the fewest other values change. Of
    several such phrases that one goes which has the word that denies a denied value, no
    "or" left beside it, the most words without which the want is gone too ("short sleeves",
    not "short"), and then the fewest words.

    Args:
        text: the request.
        want: one of those that it is read as.
        read: texts to what each is read as.
    """
    words = [(found[0], *found.span()) for found in _WORD.finditer(text)]
    plain = [plain_words(word) for word, *_ in words]
    phrases = {
        tuple(plain[start : start + length]): (start, length)
        for length in range(1, min(_LONGEST_PHRASE, len(words)) + 1)
        for start in range(len(words) - length, -1, -1)
    }
    left = [_left_out(text, words, plain, phrase) for phrase in phrases]
    before, *readings = (_values(each) for each in read([text, *left]))
    removed = {(want.facet, value, want.denied) for value in want.values}
    read_from = {
        phrase
        for phrase, reading in zip(phrases, readings, strict=True)
        if len(phrase) == 1 and not reading & removed
    }
    best = min(
        (
            (
                len((before - removed) ^ reading),
                want.denied and not _denies(phrase),
                _joiners_beside(plain, start, length),
                -sum((word,) in read_from for word in phrase),
                length,
                rest,
            )
            for (phrase, (start, length)), rest, reading in zip(
                phrases.items(), left, readings, strict=True
            )
            if not reading & removed
        ),
        default=None,
    )
    return best[-1] if best else ""


def _values(read: Iterable[Want]) -> set[Value]:
    return {(want.facet, value, want.denied) for want in read for value in want.values}


def _left_out(
    text: str,
    words: Sequence[tuple[str, int, int]],
    plain: Sequence[str],
    phrase: tuple[str, ...],
) -> str:
    """The text without all places where a phrase stands."""
    kept, end, place = "", 0, 0
    while place < len(words):
        if tuple(plain[place : place + len(phrase)]) == phrase:
            kept += text[end : words[place][1]]
            place += len(phrase)
            end = words[place - 1][2]
            # The slash that joined it to another word: "red/blue".
            if kept.endswith("/"):
                kept = kept[:-1]
            elif text[end : end + 1] == "/":
                end += 1
        else:
            place += 1
    rest = _REPEATED.sub(r"\1", kept + text[end:]).strip(_AT_ENDS)
    return " ".join(re.sub(r"\s+([,;])", r"\1", rest).split())


def _denies(phrase: Sequence[str]) -> bool:
    said, roles = f" {' '.join(phrase)} ", ("not", "not after")
    return any(f" {key} " in said for key, role in request_words().items() if role in roles)


def _joiners_beside(plain: Sequence[str], start: int, length: int) -> int:
    """How many of the two words beside a phrase join it to another."""
    beside = (
        *plain[max(start - 1, 0) : start],
        *plain[start + length : start + length + 1],
    )
    return sum(request_words().get(word) in ("or", "and") for word in beside)
