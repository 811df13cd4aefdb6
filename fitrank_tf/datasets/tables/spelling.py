"""Folds the spellings of a value: "Navy Blue", "navy blue", "NAVY  BLUE"."""

import unicodedata
from collections import Counter
from collections.abc import Iterable


def spelling_key(value: str) -> str:
    """What spellings of one value have in common.

    Args:
        value: a cleaned cell.
    """
    return " ".join(unicodedata.normalize("NFKC", value).casefold().split())


def shown_spellings(values: Iterable[str], known: Iterable[str] = ()) -> dict[str, str]:
    """{value: the spelling to show} of all values.

    The most frequent spelling is shown, of equally frequent ones the first.

    Args:
        values: the values of a column, each as often as it occurs.
        known: values whose spelling is kept whatever its count, such as those of a
            catalogue that the values are added to.
    """
    counts = Counter(values)
    shown: dict[str, str] = {}
    for value in known:
        shown.setdefault(spelling_key(value), value)
    # most_common keeps the order of first occurrence among equals.
    for value, _ in counts.most_common():
        shown.setdefault(spelling_key(value), value)
    return {value: shown[spelling_key(value)] for value in counts}
