"""Who wears a product and when, read as a catalogue's values: "interview" as "Formal".

`occasions.json` has them: for each occasion, season and wearer what shops call it
(`names`), words that imply it (`words`), and what it is where a shop has no such value, the
likeliest first (`else`).
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from fitrank_tf.queries.words import plain_words

# How surely a word that implies an occasion means it, and one that is read as another.
_IMPLIED = 0.9
_ELSE = 0.8


@cache
def _occasions() -> Mapping[str, Mapping[str, Sequence[str]]]:
    text = Path(__file__).with_name("occasions.json").read_text(encoding="utf-8")
    return json.loads(text)


def occasion_readings(
    values: Sequence[str],
) -> Mapping[str, tuple[tuple[int, float], ...]]:
    """The words for occasions, seasons and wearers that mean values of a catalogue.

    Args:
        values: of one attribute, such as "Formal" and "Party", in English.

    Returns:
        {words as `plain_words` returns them: (place in `values`, weight in (0, 1]) pairs,
        heaviest first}. The weight is 1 for another name of the value, less for a word that
        implies it.
    """
    places: dict[str, dict[int, float]] = {}
    for name, table in _occasions().items():
        named = {*table["names"]}
        places[name] = {
            place: 1.0 for place, value in enumerate(values) if plain_words(value) in named
        }
    found: dict[str, dict[int, float]] = {}
    for name, table in _occasions().items():
        meant = places[name] or {
            place: _ELSE for other in table["else"] for place in places[other]
        }
        for words, weight in (("names", 1.0), ("words", _IMPLIED)):
            for word in table[words]:
                of_word = found.setdefault(word, {})
                for place, sure in meant.items():
                    of_word[place] = max(weight * sure, of_word.get(place, 0.0))
    own = {plain_words(value) for value in values}
    return {
        word: tuple(sorted(of.items(), key=lambda pair: -pair[1]))
        for word, of in found.items()
        if of and word not in own
    }
