"""Nouns of clothing that a catalogue does not use itself, read as its values.

The thesaurus is `nouns.json`, which `build.py` writes from WordNet 3.0 and a list of modern
and Indian words.
"""

import dataclasses
import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path

from fitrank_tf.queries.words import article_words, plain_words

# How surely a word means a value: it is a kind of the value, a step away ("chinos" and
# trousers); the value is a kind of it ("footwear" and sandals); both are kinds of the same.
_STEP = 0.9
_KIND_OF_WORD = 0.85
_SISTER = 0.5
# For each more usual meaning of the word, and each parent that is listed before.
_NEXT_SENSE = 0.8
_NEXT_PARENT = 0.99
# Kinds of the same are alike if it has no more kinds than these (a shoe, not a garment), of
# which no more are values.
_MOST_KINDS = 110
_MOST_SISTERS = 8


@dataclasses.dataclass(frozen=True)
class _Thesaurus:
    """Synsets, and the words that name them.

    Attributes:
        senses: {word, in singular and plural: names of its synsets, usual ones first}.
        parents: {name of a synset: names of those that it is a kind of}.
        not_asked: words that mostly mean something else in a request.
    """

    senses: Mapping[str, Sequence[str]]
    parents: Mapping[str, Sequence[str]]
    not_asked: frozenset[str]

    @cached_property
    def above(self) -> Mapping[str, Mapping[str, float]]:
        """{synset: {it and all that it is a kind of: how sure that is, nearest first}}."""
        return {name: self._above(name) for name in self.parents}

    def _above(self, name: str) -> Mapping[str, float]:
        found = {name: 1.0}
        waiting = [name]
        for of in waiting:
            for place, parent in enumerate(self.parents[of]):
                sure = found[of] * _STEP * _NEXT_PARENT**place
                if sure > found.get(parent, 0.0):
                    found[parent] = sure
                    waiting.append(parent)
        return dict(sorted(found.items(), key=lambda pair: -pair[1]))

    @cached_property
    def kinds(self) -> Mapping[str, frozenset[str]]:
        """{synset: it and all its kinds}."""
        kinds = defaultdict(set)
        for name, above in self.above.items():
            for of in above:
                kinds[of].add(name)
        return {name: frozenset(of) for name, of in kinds.items()}


@cache
def _thesaurus() -> _Thesaurus:
    file = Path(__file__).with_name("nouns.json")
    tables = json.loads(file.read_text(encoding="utf-8"))
    synsets, dropped = tables["synsets"], {*tables["not_asked"]}
    words = {word: [name] for name, (of, _) in synsets.items() for word in of}
    words |= tables["senses"]
    senses = {form: of for word, of in words.items() for form in _forms(word)} | words
    not_asked = {form for word in dropped for form in _forms(word)} - (
        words.keys() - dropped
    )
    parents = {name: parents for name, (_, parents) in synsets.items()}
    return _Thesaurus(senses, parents, frozenset(not_asked))


def known_nouns() -> frozenset[str]:
    """All nouns of the thesaurus, in singular and plural, as `plain_words` has them."""
    return frozenset(_thesaurus().senses)


def _forms(noun: str) -> tuple[str, ...]:
    """Singular and plural of a noun, and two words as one: "fanny pack", "fannypack"."""
    forms: tuple[str, ...]
    if noun.endswith("s") and not noun.endswith("ss"):
        forms = (noun,)  # the thesaurus has plurals of what has no singular
    elif noun.endswith("y") and noun[-2:-1] not in "aeiou":
        forms = noun, noun[:-1] + "ies"
    else:
        forms = article_words(noun)
    joined = [form.replace(" ", "") for form in forms if form.count(" ") == 1]
    return (*forms, *joined)


@dataclasses.dataclass(frozen=True)
class _Value:
    """What a value of a catalogue means.

    Attributes:
        place: in the values.
        synset: its synset, or that of its last words.
        is_kind: whether it is a kind of the synset, as "Sports Sandals" of a sandal.
    """

    place: int
    synset: str
    is_kind: bool


def noun_readings(values: Sequence[str]) -> Mapping[str, tuple[tuple[int, float], ...]]:
    """The nouns that mean values of a catalogue without being their names.

    Args:
        values: article types, such as "Casual Shoes" and "Necklace and Chains", in English.
            A value that the thesaurus does not know is never meant.

    Returns:
        {noun in singular and plural, as `plain_words` returns it: (place in `values`,
        weight in (0, 1]) pairs, heaviest first}. The weight is 1 for a synonym of the
        value, less for a kind of it or a word for several values, and least for what is of
        the same kind, which is only there where nothing better is.
    """
    thesaurus = _thesaurus()
    known = [one for place, value in enumerate(values) for one in _meanings(place, value)]
    names = {plain_words(form) for value in values for form in article_words(value)}
    of_synset = {name: _readings(name, known) for name in thesaurus.parents}
    found = {}
    for word, senses in thesaurus.senses.items():
        if word not in names and word not in thesaurus.not_asked:
            readings = _best([of_synset[name] for name in senses])
            if readings:
                found[word] = readings
    return found


def _meanings(place: int, value: str) -> list[_Value]:
    """What a value means, or each part of one such as "Perfume and Body Mist"."""
    for parts in ([value], re.split(r"\band\b|[&/,+]", value, flags=re.IGNORECASE)):
        found = [_meaning(place, part, whole=True) for part in parts]
        if all(found):
            return [one for one in found if one]
    return [one for one in [_meaning(place, value, whole=False)] if one]


def _meaning(place: int, value: str, whole: bool) -> _Value | None:
    senses = _thesaurus().senses
    for start in range(1 if whole else len(value.split())):
        for form in article_words(value.strip()):
            last = " ".join(plain_words(form).split()[start:])
            if last in senses:
                return _Value(place, senses[last][0], is_kind=start > 0)
    return None


def _readings(name: str, known: Sequence[_Value]) -> dict[int, float]:
    """{place of a value: weight} of a synset."""
    thesaurus = _thesaurus()
    above, kinds = thesaurus.above[name], thesaurus.kinds[name]
    found: dict[int, float] = {}
    for one in known:
        weight = 0.0 if one.is_kind else above.get(one.synset, 0.0)
        if not weight and one.synset in kinds:
            weight = _KIND_OF_WORD
        if weight:
            found[one.place] = max(weight, found.get(one.place, 0.0))
    if found:
        return found
    for parent, sure in above.items():
        near = thesaurus.kinds[parent]
        found = {
            one.place: _SISTER * sure * thesaurus.above[one.synset][parent]
            for one in known
            if one.synset in near
        }
        if found:
            alike = len(near) <= _MOST_KINDS and len(found) <= _MOST_SISTERS
            return found if alike else {}
    return {}


def _best(of_senses: Sequence[Mapping[int, float]]) -> tuple[tuple[int, float], ...]:
    """The readings of all senses, without weak ones if there are better ones."""
    found: dict[int, float] = {}
    for rank, readings in enumerate(of_senses):
        for place, weight in readings.items():
            found[place] = max(found.get(place, 0.0), weight * _NEXT_SENSE**rank)
    heaviest = max(found.values(), default=0.0)
    kept = {place: w for place, w in found.items() if heaviest <= _SISTER or w > _SISTER}
    return tuple(sorted(kept.items(), key=lambda pair: (-pair[1], pair[0])))
