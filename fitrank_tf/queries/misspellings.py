"""Misspellings of words: typing errors, wrong vowels, and single edits.

Four of five misspellings are one edit: a letter dropped, added or replaced, or two
neighbours swapped (Damerau, Communications of the ACM 7(3), 1964). But many correct words
are within one edit of a short word: "beach" is one letter from "peach", "stone" from
"stole". So only typing errors and wrong vowels count as misspellings of short words.
"""

import random
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from string import ascii_lowercase

# Letters. Typing errors in shorter words are not recognised: too many words are near.
MIN_TYPO_LENGTH = 5
# Letters. Few words of this length or more are one edit from another word.
_LONG = 7
_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_VOWELS = "aeiouy"
# A whole word: neither a part of a longer word nor beside a digit.
_WORD = re.compile(rf"(?<![^\W_])[a-z]{{{MIN_TYPO_LENGTH},}}(?![^\W_])")
# Everyday words that are one typing error from a facet's word: "back" is not read as
# "black".
_EVERYDAY = """
alive angle back bets block boost boot boxed boxes brow bush case cased cats chai chick
chin chuck coast coat costs cots count dollar each eels fats flags flat flop flora found
gets gift globe hone inter lack lacks laid light live logging loss love loves lush mart
means might miss mist oats omen pack paid pain pans part parts patty picks pint plan point
points port ports pots prime primes pure rack range rights robe scar shade shaded shares
shift shifts shot shows sit sits skit slid sliver slots sold sole solver sort sorts spot
sprint stale steal sticking stile strip strips style styles suit suite table tack tape
thee there tight trick truck unit vets wait waits waste write
"""
_EVERYDAY_WORDS = frozenset(_EVERYDAY.split())


def _neighbours() -> dict[str, str]:
    """{letter: the letters on the keys around it}, of a QWERTY keyboard."""
    # Each row of keys lies half a key further right than the one above.
    places = {
        letter: (2 * column + row, row)
        for row, letters in enumerate(_KEYS)
        for column, letter in enumerate(letters)
    }

    def near(one: str, other: str) -> bool:
        (x, y), (right, below) = places[one], places[other]
        return one != other and abs(y - below) < 2 and abs(x - right) <= 2 - abs(y - below)

    return {one: "".join(other for other in places if near(one, other)) for one in places}


_NEIGHBOURS = _neighbours()


def typos(word: str) -> frozenset[str]:
    """Typing errors: a letter dropped, doubled, swapped, or replaced by a neighbouring key.

    Args:
        word: lower case.

    Returns:
        The misspelt words; none for a word with fewer than `MIN_TYPO_LENGTH` letters or
        with characters other than a to z.
    """
    if not _WORD.fullmatch(word):
        return frozenset()
    found = {wrong for typo in _TYPOS for wrong in typo(word)}
    return frozenset(found - _EVERYDAY_WORDS - {word})


@cache
def misspellings(word: str) -> frozenset[str]:
    """The misspellings that are recognised as a word.

    For seven letters or more: everything within one edit, that is a letter dropped, added
    or replaced, or two neighbours swapped. For five or six letters: typing errors and one
    wrong vowel. For four letters: a doubled letter ("navvy").

    Args:
        word: lower case.

    Returns:
        The misspelt words; none for a shorter word or for one with characters other than
        a to z.
    """
    if re.fullmatch(f"[a-z]{{{MIN_TYPO_LENGTH - 1}}}", word):
        return frozenset({*_doubled(word)} - _EVERYDAY_WORDS)
    if not _WORD.fullmatch(word):
        return frozenset()
    wrong = dict.fromkeys(_VOWELS, _VOWELS)
    added: Iterable[str] = ()
    if len(word) >= _LONG:
        wrong = dict.fromkeys(ascii_lowercase, ascii_lowercase)
        added = (word[:n] + c + word[n:] for n in range(len(word) + 1) for c in wrong)
    found = {*typos(word), *_replaced(word, wrong), *added}
    return frozenset(found - _EVERYDAY_WORDS - {word})


def _shorter(word: str) -> Iterator[str]:
    return (word[:place] + word[place + 1 :] for place in range(len(word)))


def _doubled(word: str) -> Iterator[str]:
    return (word[:place] + letter + word[place:] for place, letter in enumerate(word))


def _swapped(word: str) -> Iterator[str]:
    return (
        word[: place - 1] + word[place] + word[place - 1] + word[place + 1 :]
        for place in range(1, len(word))
    )


def _beside(word: str) -> Iterator[str]:
    return _replaced(word, _NEIGHBOURS)


def _replaced(word: str, others: Mapping[str, str]) -> Iterator[str]:
    return (
        word[:place] + other + word[place + 1 :]
        for place, letter in enumerate(word)
        for other in others.get(letter, "")
    )


_TYPOS = (_shorter, _doubled, _swapped, _beside)


def corrections(words: Iterable[str], taken: Collection[str]) -> dict[str, str]:
    """{misspelling: the correct word}, without misspellings of two or more words.

    Args:
        words: correct words.
        taken: further words that are not to be read as misspellings.
    """
    words = set(words)
    meant: dict[str, set[str]] = {}
    for word in words:
        for wrong in misspellings(word):
            meant.setdefault(wrong, set()).add(word)
    return {
        wrong: min(right)
        for wrong, right in meant.items()
        if len(right) == 1 and wrong not in words and wrong not in taken
    }


def with_typo(text: str, meant: Mapping[str, str], generator: random.Random) -> str:
    """A text with a typing error in one of its words.

    Args:
        text: lower case.
        meant: from `corrections`; only misspellings that it corrects to the original word
            are used.
        generator: draws the word and the error; all kinds of error are equally likely.

    Returns:
        The changed text, or `text` itself if none of its words has such a misspelling.
    """
    choices = []
    for word in _WORD.finditer(text):
        read = {wrong for wrong in typos(word[0]) if meant.get(wrong) == word[0]}
        kinds = (sorted(read.intersection(typo(word[0]))) for typo in _TYPOS)
        choices += [(word, wrong) for wrong in kinds if wrong]
    if not choices:
        return text
    word, wrong = generator.choice(choices)
    return text[: word.start()] + generator.choice(wrong) + text[word.end() :]
