"""Colour words that a catalogue does not use itself, read as its colour values.

The colours are points in `colours.json`, which `build.py` writes from two surveys, the
table of CSS and a list of words of commerce.
"""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from fitrank_tf.core.ciede2000 import ciede2000
from fitrank_tf.queries.words import plain_words

# CSS and XKCD both place 95 names: half of them are nearer than 10.8 to each other, four in
# five nearer than 20.
_SOFTNESS = 10.0
_FARTHEST = 20.0
# A shade such as "sky blue" is as near to its colour as this share of their distance. Of
# 0, 0.1, ... 0.5, it tells the last words of the table's phrases best from each other.
_OUTSKIRTS = 0.1
# Readings that are so many times less probable than the first are left out.
_LEAST_SHARE = np.exp(-1)
# A phrase of two colours, such as "reddish purple", is no shade of either: it lies between.
_MIXED = re.compile(
    r"\b(red|blu|green|yellow|pink|purpl|orang|brown|gr[ae]y|black|white|violet|teal)\w* "
)
# A metal's name says how it shines: only those of other metals often mean it.
_METALS = frozenset(
    ("brass", "bronze", "chrome", "copper", "coppery", "gold", "golden", "gunmetal")
    + ("metal", "nickel", "oxidised", "oxidized", "pewter", "platinum", "silver")
    + ("silvery", "steel", "titanium", "zinc")
)
_NOT_SHINING = 5.0
# (L at L = 0, slope of L, factor of chroma), by least squares over the table's own pairs,
# such as "teal" and "dark teal".
_MODIFIERS = {
    "dark": (-8.8, 0.81, 0.74),
    "deep": (-9.7, 0.80, 0.76),
    "light": (39.7, 0.65, 0.80),
    "pale": (56.3, 0.44, 0.60),
    "bright": (27.4, 0.68, 1.19),
}
# A difference of lightness is at most so many times its share of CIEDE2000 (S_L at 0).
_MOST_PER_LIGHTNESS = 1.75


@cache
def _tables() -> tuple[Mapping[str, np.ndarray], frozenset[str]]:
    """{name: its points in the tables, float64 [1 to 3, 3]}, and names not to ask for."""
    file = Path(__file__).with_name("colours.json")
    tables = json.loads(file.read_text(encoding="utf-8"))
    points = {name: np.array(labs) for name, labs in tables["points"].items()}
    return points, frozenset(tables["not_asked"])


def colour_readings(values: Sequence[str]) -> Mapping[str, tuple[tuple[int, float], ...]]:
    """The colour words that mean values of a catalogue without being their names.

    A word's distance to a value is the CIEDE2000 distance to the nearest shade of the value
    ("sky blue" is one of blue), with a part of the shade's own distance to the value. It is
    the mean distance of a word that the tables place differently; a shade and a value are
    in the middle of their places.

    Args:
        values: colours, such as "Navy Blue", in English. A value of which no word is a
            colour ("Multi") is never meant.

    Returns:
        {word or phrase, as `plain_words` returns it: (place in `values`, weight in (0, 1])
        pairs, heaviest first}. The weight falls with the distance, by e for 10.
    """
    names = [_grey(plain_words(value)) for value in values]
    own = {name: labs for name in names if len(labs := _points(name))}
    if not own:
        return {}
    asked, ends = _asked(own), _ends(own)
    places = [names.index(name) for name in own]
    found: dict[str, tuple[tuple[int, float], ...]] = {}
    for word, row in zip(asked, _distances(asked, own, ends)):
        owner = _owner(word, ends)
        if owner is not None:
            row[owner] = 0.0 if word in ends else row.min()
        readings = tuple(
            (places[column], weight) for column, weight in _readings(row, owner)
        )
        if readings:
            found |= {word: readings, word.replace("grey", "gray"): readings}
    return found


def colour_points(values: Sequence[str]) -> Mapping[str, tuple[float, ...]]:
    """CIE L, a, b of colour words.

    Args:
        values: as for `colour_readings`.

    Returns:
        {word or phrase, as `plain_words` returns it: its point}, of the words of
        `colour_readings` and of the values that are colours; of a word that the tables
        place differently the point between.
    """
    names = [_grey(plain_words(value)) for value in values]
    own = {name: labs for name in names if len(labs := _points(name))}
    points = {
        word: tuple(np.mean(labs, axis=0).tolist())
        for word, labs in {**_asked(own), **own}.items()
    }
    return points | {word.replace("grey", "gray"): of for word, of in points.items()}


def _grey(name: str) -> str:
    """A name in the spelling of the table."""
    return name.replace("gray", "grey")


def _points(name: str) -> np.ndarray:
    """The points of a name, or that between its words' ("coffee brown"): [0 to 3, 3]."""
    points, _ = _tables()
    if name in points:
        return points[name]
    known = [points[word][0] for word in name.split() if word in points]
    return np.mean(known, axis=0, keepdims=True) if known else np.empty((0, 3))


def _asked(own: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
    """{word that a shopper may type: its points}, without the catalogue's own names."""
    points, not_asked = _tables()
    asked = {name: labs for name, labs in points.items() if name not in not_asked}
    modified = {name.split()[-1] for name in points if " " in name}
    plain = {name: labs for name, labs in asked.items() if name in modified}
    for modifier, (base, slope, chroma) in _MODIFIERS.items():
        for name, labs in {**plain, **own}.items():
            lightness = (base + slope * labs[:, :1]).clip(0, 100)
            made = np.hstack([lightness, chroma * labs[:, 1:]])
            asked.setdefault(f"{modifier} {name}", made)
    return {name: labs for name, labs in asked.items() if name not in own}


def _ends(own: Mapping[str, np.ndarray]) -> Mapping[str, int]:
    """{end of the names of a value's shades: column of the value}."""
    points, _ = _tables()
    whole = {name: column for column, name in enumerate(own)}
    # "Navy" is short for "navy blue".
    short = {name.rpartition(" ")[0]: column for name, column in whole.items()}
    return {name: column for name, column in short.items() if name in points} | whole


def _owner(name: str, ends: Mapping[str, int]) -> int | None:
    """The value that a name ends with, of several the longest: "dark navy blue"."""
    words = name.split()
    for start in range(len(words)):
        if (end := " ".join(words[start:])) in ends:
            return ends[end]
    return None


def _distances(
    asked: Mapping[str, np.ndarray], own: Mapping[str, np.ndarray], ends: Mapping[str, int]
) -> np.ndarray:
    """Distances of N words to V values, float64 [N, V], infinity where they are too far."""
    shades = [
        (owner, labs.mean(axis=0))
        for name, labs in {**_tables()[0], **own}.items()
        if (owner := _owner(name, ends)) is not None
        and (name in own or not _MIXED.search(name))
    ]
    column = np.array([owner for owner, _ in shades])
    lab = np.array([point for _, point in shades])
    middle = np.array([labs.mean(axis=0) for labs in own.values()])
    extra = _OUTSKIRTS * ciede2000(lab, middle[column])
    points = np.concatenate([*asked.values()])
    near = np.abs(points[:, None, 0] - lab[:, 0]) <= _FARTHEST * _MOST_PER_LIGHTNESS
    row, shade = np.nonzero(near)
    apart = ciede2000(points[row], lab[shade]) + extra[shade]
    distances = np.full((len(points), len(own)), np.inf)
    np.minimum.at(distances, (row, column[shade]), apart)
    sizes = np.array([len(labs) for labs in asked.values()])
    starts = np.cumsum(sizes) - sizes
    shine = np.array([name.split()[-1] in _METALS for name in own])
    dull = np.array([name.split()[-1] not in _METALS for name in asked])
    means = np.add.reduceat(distances, starts) / sizes[:, None]
    return means + _NOT_SHINING * (dull[:, None] & shine)


def _readings(row: np.ndarray, owner: int | None) -> list[tuple[int, float]]:
    """(column, weight) of the near values, that in the word's name first of the equal."""
    weights = np.exp(-row / _SOFTNESS)
    kept = (row <= _FARTHEST) & (weights >= _LEAST_SHARE * weights.max())
    pairs = [(int(column), float(weights[column])) for column in np.flatnonzero(kept)]
    return sorted(pairs, key=lambda pair: (-pair[1], pair[0] != owner, pair[0]))
