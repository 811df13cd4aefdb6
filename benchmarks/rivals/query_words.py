"""What a query names, read in plain Python: the PyTorch service's own reader.

It knows the same phrases as a bundle's reader, but neither denials nor other languages, of
which titles, the benchmark's queries, have none.
"""

import dataclasses
import json
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import numpy as np

_WORD_BOUNDS = (
    (re.compile(r"(\d)[.,](\d)"), r"\1 \2"),
    (re.compile(r"([^\W\d_]{2})\s*/\s*([^\W\d_]{2})"), r"\1 or \2"),
    (re.compile(r"([\u3040-\u30ff\u3400-\u9fff])"), r" \1 "),
    (re.compile(r"[&+]"), " and "),
    (re.compile(r"[,;:.!?()\[\]|]+"), " , "),
    (re.compile(r"[^\w,]+|_"), " "),
)
_MOST_COLOURS = 4


@dataclasses.dataclass(frozen=True)
class QueryWords:
    """What a text asks for.

    Attributes:
        facets: float32 [V], above 0 for the facet values that it means, 1 if it names them.
        words: its words, lower case.
        colours: float32 [C, 4]: CIE L, a, b and the weight of the colours that it names.
    """

    facets: np.ndarray
    words: list[str]
    colours: np.ndarray


class QueryReader:
    """Finds the facet values and the colours that a text names; the longest phrase wins.

    Args:
        file: JSON with `phrases`, {phrase: [pairs of facet value and weight, colour or
            []]}, and `same_facet`, [V, V] that is 1 for values of one facet of which a
            named one stands for all that are only meant.
    """

    def __init__(self, file: Path):
        held = json.loads(file.read_text(encoding="utf-8"))
        self._phrases: dict[str, tuple[list[tuple[int, float]], list[float]]]
        self._phrases = held["phrases"]
        self._same_facet = np.array(held["same_facet"], np.float32)
        self._longest = max((len(phrase.split()) for phrase in self._phrases), default=0)

    def __call__(self, text: str) -> QueryWords:
        """Reads a text."""
        text = unicodedata.normalize("NFKC", text).lower()
        for pattern, bound in _WORD_BOUNDS:
            text = pattern.sub(bound, text)
        words = text.split()
        facets = np.zeros(len(self._same_facet), np.float32)
        colours: dict[tuple[float, ...], int] = {}
        for start, phrase in sorted(self._named(words)):
            values, colour = self._phrases[phrase]
            for value, weight in values:
                facets[value] = max(facets[value], weight)
            if colour:
                colours.setdefault(tuple(colour), start)
        told = (facets == 1.0) @ self._same_facet > 0.0
        facets[told & (facets < 1.0)] = 0.0
        named = np.array(list(colours)[:_MOST_COLOURS], np.float32).reshape(-1, 4)
        return QueryWords(facets, [word for word in words if word != ","], named)

    def _named(self, words: list[str]) -> Iterator[tuple[int, str]]:
        """The start and the words of each phrase; a word is of one phrase at most."""
        free = [True] * len(words)
        for length in range(min(self._longest, len(words)), 0, -1):
            for start in range(len(words) - length + 1):
                phrase = " ".join(words[start : start + length])
                if phrase in self._phrases and all(free[start : start + length]):
                    free[start : start + length] = [False] * length
                    yield start, phrase
