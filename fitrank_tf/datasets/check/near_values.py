"""Values of an attribute that may be one value: "T-Shirts", "Tshirt", "Tshrits"."""

import dataclasses
import itertools
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

# In a shorter value another letter makes another value: "red", "bed". A value of many
# products is no slip of the keyboard: "Shirts", "Skirts".
_MIN_TYPO_LENGTH = 5
_MOST_TYPO_SHARE, _FEW = 0.01, 2


@dataclasses.dataclass(frozen=True)
class NearValues:
    """Two values that may be one.

    Attributes:
        frequent: the value of more products.
        rare: the other.
        frequent_count: how many products have the first.
        rare_count: how many have the other.
    """

    frequent: str
    rare: str
    frequent_count: int
    rare_count: int


def near_values(counts: Mapping[str, int]) -> list[NearValues]:
    """Pairs of values that differ in signs, blanks, plural, word order or one letter.

    Values with other digits are never one: "Size 38", "Size 39". Another letter counts only
    in a value of few products.

    Args:
        counts: {value: number of products}.
    """
    alike: dict[str, list[str]] = defaultdict(list)
    for value in counts:
        for form in set(_forms(value)):
            alike[form].append(value)
    pairs = {
        tuple(sorted(pair, key=lambda value: (-counts[value], value)))
        for values in alike.values()
        for pair in itertools.combinations(values, 2)
    }
    found = (NearValues(a, b, counts[a], counts[b]) for a, b in sorted(pairs))
    return [pair for pair in found if _are_near(pair)]


def _forms(value: str) -> Iterator[str]:
    """What near values have in common: a key, or one with a letter left out.

    Two texts with one letter more, less, other or exchanged have such a form in common.
    """
    for key in _keys(value):
        yield key
        if len(key) >= _MIN_TYPO_LENGTH:
            for place in range(len(key)):
                yield key[:place] + key[place + 1 :]


def _keys(value: str) -> tuple[str, str]:
    """Letters and digits of the words, in order and sorted, without the plural's s."""
    words = re.findall(r"[^\W_]+", re.sub(r"['’.]", "", value.casefold()))
    words = [word.removesuffix("s") if len(word) > 3 else word for word in words]
    return "".join(words), "".join(sorted(words))


def _digits(value: str) -> list[str]:
    return re.findall(r"\d+", value)


def _are_near(pair: NearValues) -> bool:
    if _digits(pair.frequent) != _digits(pair.rare):
        return False
    keys = list(zip(_keys(pair.frequent), _keys(pair.rare)))
    if any(first == second for first, second in keys):
        return True
    is_slip = pair.rare_count <= max(_FEW, _MOST_TYPO_SHARE * pair.frequent_count)
    return is_slip and any(_one_letter_apart(*each) for each in keys)


def _one_letter_apart(first: str, second: str) -> bool:
    """Whether two keys differ by one letter at most, or by two exchanged ones."""
    first, second = sorted((first, second), key=len)
    if len(second) < _MIN_TYPO_LENGTH or len(second) - len(first) > 1:
        return False
    same = next((n for n, (a, b) in enumerate(zip(first, second)) if a != b), len(first))
    head, tail = first[same:], second[same:]
    if len(first) < len(second):
        return head == tail[1:]
    return head[1:] == tail[1:] or (head[:2] == tail[1::-1] and head[2:] == tail[2:])
