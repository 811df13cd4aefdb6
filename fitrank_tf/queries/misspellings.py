"""Words as people misspell them: slips of the fingers, wrong vowels, one edit.

Four of five misspellings are one edit: a letter dropped, added or replaced, or two
neighbours swapped (Damerau, Communications of the ACM 7(3), 1964). But within one edit
of a short word are many right ones: "beach" is one letter from "peach", "stone" from
"stole". So short words are read from slips and wrong vowels alone.
"""

import random
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from string import ascii_lowercase

# A shorter word has no slips: it is too near to too many others.
SHORTEST = 5
# Of so many letters: few words are one edit from another.
_LONG = 7
_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_VOWELS = "aeiouy"
# Not a part of a longer word, nor beside a digit.
_WORD = re.compile(rf"(?<![^\W_])[a-z]{{{SHORTEST},}}(?![^\W_])")
# Everyday words that a slip makes of a facet's: who types "back" does not mean "black".
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
_ORDINARY = frozenset(_EVERYDAY.split())


def _neighbours() -> dict[str, str]:
    """{letter: those on the keys around it}, of a QWERTY keyboard."""
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


def slips(word: str) -> frozenset[str]:
    """A letter dropped, doubled, swapped with the next, or one of a neighbouring key.

    Args:
        word: lower case; with fewer than `SHORTEST` letters, or others than a to z, it
            has no slips.
    """
    if not _WORD.fullmatch(word):
        return frozenset()
    found = {wrong for slip in _SLIPS for wrong in slip(word)}
    return frozenset(found - _ORDINARY - {word})


@cache
def misspellings(word: str) -> frozenset[str]:
    """What is read as the word.

    Of seven letters or more all within one edit: a letter dropped, added or replaced,
    or two neighbours swapped. Of five or six the slips and the word with one wrong vowel.
    Of four a doubled letter ("navvy").

    Args:
        word: lower case; shorter ones, and those with others than a to z, have none.
    """
    if re.fullmatch(f"[a-z]{{{SHORTEST - 1}}}", word):
        return frozenset({*_doubled(word)} - _ORDINARY)
    if not _WORD.fullmatch(word):
        return frozenset()
    wrong = dict.fromkeys(_VOWELS, _VOWELS)
    added: Iterable[str] = ()
    if len(word) >= _LONG:
        wrong = dict.fromkeys(ascii_lowercase, ascii_lowercase)
        added = (word[:n] + c + word[n:] for n in range(len(word) + 1) for c in wrong)
    found = {*slips(word), *_replaced(word, wrong), *added}
    return frozenset(found - _ORDINARY - {word})


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


_SLIPS = (_shorter, _doubled, _swapped, _beside)


def readings(words: Iterable[str], taken: Collection[str]) -> dict[str, str]:
    """{misspelling: the word that is meant}, without those that may mean two words.

    Args:
        words: right ones.
        taken: what is no misspelling though it looks like one, besides `words`.
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


def with_a_slip(text: str, meant: Mapping[str, str], generator: random.Random) -> str:
    """A text with one of its words misspelt by a slip.

    Args:
        text: lower case.
        meant: from `readings`; only what is read as the right word is written.
        generator: decides word and slip; every kind of slip is as likely.

    Returns:
        The text as it is if none of its words has such a slip.
    """
    choices = []
    for word in _WORD.finditer(text):
        read = {wrong for wrong in slips(word[0]) if meant.get(wrong) == word[0]}
        kinds = (sorted(read.intersection(slip(word[0]))) for slip in _SLIPS)
        choices += [(word, wrong) for wrong in kinds if wrong]
    if not choices:
        return text
    word, wrong = generator.choice(choices)
    return text[: word.start()] + generator.choice(wrong) + text[word.end() :]
