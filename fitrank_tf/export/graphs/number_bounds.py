"""Bounds that a request sets to a catalogue's numbers, in TensorFlow ops.

"Under 50" is of the price, where the catalogue has one, unless another unit stands behind
the number; "heel height above 7" and "above 7 mm heel" name the attribute. The words are
data, see `queries.number_words`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import tensorflow as tf

from fitrank_tf.core.attribute_names import attribute_name
from fitrank_tf.datasets.attributes import NUMBER, Attribute
from fitrank_tf.queries.number_words import number_words
from fitrank_tf.queries.words import name_and_unit

# RE2's \b knows the letters of ASCII alone.
_START, _END = r"(?:^|[^\p{L}\p{N}.])", r"(?:$|[^\p{L}\p{N}])"
_NUMBER = r"([0-9]+(?:\.[0-9]+)?)"
# "1,500" and "2k".
_SPELLINGS = ((r"([0-9]),([0-9]{3})", r"\1\2"), (r"(?i)([0-9])k\b", r"\1000"))
# Words between an attribute's name and a comparison: "price should be under 50".
_BETWEEN_WORDS = r"(?:\s+\p{L}+){0,2}?\s+"


class _Phrase(NamedTuple):
    """A regular expression, and the filter text that its groups make."""

    pattern: str
    bound: str


class NumberBounds(tf.Module):
    """Reads the bounds in texts, as filters of the catalogue's numbers.

    Args:
        declared: the attributes that products can be filtered by.
    """

    def __init__(self, declared: Sequence[Attribute]):
        super().__init__(name="number_bounds")
        words = number_words()
        numbers = [one.name for one in declared if one.kind == NUMBER]
        prices = (
            name for name in map(attribute_name, words["of price"]) if name in numbers
        )
        price = next(prices, "")
        money = _any_of(words["money"])
        amount = rf"(?:{money}\s*)?{_NUMBER}(?:\s*{money})?"
        self._phrases = {
            name: _named(name, amount if name == price else _NUMBER) for name in numbers
        }
        bare = [*_compared(amount), *_in_between(amount)]
        bare.append(_Phrase(rf"{money}\s*{_NUMBER}\s*(?:-|–|to)\s*{amount}", r">=\1 <=\2"))
        self._price, self._bare = price, bare
        # A number of something else: "for kids under 5 years".
        unit = _any_of(words["units"])
        self._of_unit = [f"{phrase.pattern}\\s*{unit}" for phrase in _compared(_NUMBER)]

    def __call__(self, texts: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        """Returns the bounds, and the texts without them.

        Args:
            texts: string [batch], UTF-8.

        Returns:
            {attribute: filter text, "" for none}, string [batch], for each attribute that
            is a number; and string [batch], the same texts where nothing is bounded.
        """
        names = list(self._phrases)

        def read() -> list[tf.Tensor]:
            bounds, rest = self._read(texts)
            return [*(bounds[name] for name in names), rest]

        # Most requests have no number, and the expressions are many.
        has_number = tf.reduce_any(tf.strings.regex_full_match(texts, "(?s).*[0-9].*"))
        *found, rest = tf.cond(
            has_number, read, lambda: [*(tf.zeros_like(texts) for _ in names), texts]
        )
        return dict(zip(names, found)), rest

    def _read(self, texts: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        rest = texts
        for pattern, spelling in _SPELLINGS:
            rest = tf.strings.regex_replace(rest, pattern, spelling)
        plain = rest
        bounds = {}
        for name, phrases in self._phrases.items():
            bounds[name], rest = _read(phrases, rest)
        if self._price:
            hidden = rest
            for pattern in self._of_unit:
                hidden = tf.strings.regex_replace(hidden, _whole(pattern), ", ")
            bare, without = _read(self._bare, hidden)
            bounds[self._price] = _joined(bounds[self._price], bare)
            rest = tf.where(bare == "", rest, without)
        return bounds, tf.where(rest == plain, texts, rest)


def with_bounds(understood: tf.Tensor, bounds: Mapping[str, tf.Tensor]) -> tf.Tensor:
    """What was read of requests, with the bounds: "colour Red; price <50".

    Args:
        understood: string [batch].
        bounds: {attribute: filter text, string [batch]}.
    """
    for name, texts in bounds.items():
        said = tf.strings.join([f"; {name.replace('_', ' ')} ", texts])
        understood = tf.strings.join([understood, tf.where(texts == "", "", said)])
    return tf.strings.regex_replace(understood, "^; ", "")


def _named(name: str, amount: str) -> list[_Phrase]:
    """The phrases that bound an attribute by its name."""
    full, unit = name_and_unit(name, number_words()["units"])
    names = _any_of([full, full.split()[0]] if unit else [full])
    unit = rf"(?:\s*{re.escape(unit)})?" if unit else ""
    phrases = []
    for phrase in (*_compared(f"{amount}{unit}"), *_in_between(f"{amount}{unit}")):
        before = f"{names}{_BETWEEN_WORDS}{phrase.pattern}"
        after = rf"{phrase.pattern}\s*(?:of\s+)?{names}"
        phrases += [_Phrase(before, phrase.bound), _Phrase(after, phrase.bound)]
    return phrases


def _compared(amount: str) -> list[_Phrase]:
    return [
        _Phrase(rf"{_any_of(words)}\s*{amount}", rf"{operator}\1")
        for operator, words in number_words()["comparisons"].items()
    ]


def _in_between(amount: str) -> list[_Phrase]:
    words = number_words()
    ands = _any_of([*words["and"], "-"])
    both = rf"{_any_of(words['between'])}\s+{amount}\s*{ands}\s*{amount}"
    return [_Phrase(both, r">=\1 <=\2")]


def _any_of(phrases: Iterable[str]) -> str:
    """One of some phrases, the longest ones first."""
    longest_first = sorted(phrases, key=len, reverse=True)
    listed = (r"\s+".join(map(re.escape, phrase.split())) for phrase in longest_first)
    return f"(?:{'|'.join(listed)})"


def _whole(pattern: str) -> str:
    return f"(?is){_START}{pattern}{_END}"


def _read(phrases: Sequence[_Phrase], texts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The bounds that phrases of texts set, and the texts without these phrases."""
    bounds = tf.zeros_like(texts)
    for pattern, bound in phrases:
        everything = f"(?is)^.*?{_START}{pattern}(?:{_END}.*)?$"
        found = tf.strings.regex_full_match(texts, everything)
        said = tf.strings.regex_replace(texts, everything, bound)
        bounds = tf.where(found, _joined(bounds, said), bounds)
        # A comma, so that what was denied before it ends there.
        texts = tf.strings.regex_replace(texts, _whole(pattern), ", ")
    return bounds, texts


def _joined(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    return tf.strings.strip(tf.strings.join([first, second], " "))
