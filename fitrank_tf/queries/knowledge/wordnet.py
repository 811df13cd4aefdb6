"""Reads the nouns of WordNet 3.0, as Debian's package `wordnet-base` installs them."""

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.queries.words import plain_words

_FILES = ("data.noun", "data.adj", "index.noun", "cntlist.rev")
# Heads of the clusters of adjectives that name colours.
_COLOUR_ADJECTIVES = ("chromatic", "achromatic")


@dataclasses.dataclass(frozen=True)
class Synset:
    """Words of one meaning.

    Attributes:
        words: each as `plain_words` returns it.
        keys: of the words' senses, as `cntlist.rev` has them.
        parents: offsets of the synsets that it is a kind of.
    """

    words: tuple[str, ...]
    keys: tuple[str, ...]
    parents: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class WordNet:
    """The nouns, and what is known of their use.

    Attributes:
        folder: contains data.noun, data.adj, index.noun and cntlist.rev.

    Raises:
        FitRankError: if a file is missing.
    """

    folder: Path

    def __post_init__(self) -> None:
        for name in _FILES:
            if not (self.folder / name).is_file():
                raise FitRankError(
                    f"{self.folder} has no {name}; give the folder of WordNet 3.0's files, "
                    "such as /usr/share/wordnet of Debian's wordnet-base"
                )

    @cached_property
    def synsets(self) -> Mapping[str, Synset]:
        """{offset: synset} of the nouns."""
        return {fields[0]: _noun(fields) for fields in self._lines("data.noun")}

    @cached_property
    def senses(self) -> Mapping[str, tuple[str, ...]]:
        """{noun as `plain_words` returns it: offsets of its synsets, usual ones first}."""
        found: dict[str, tuple[str, ...]] = {}
        for fields in self._lines("index.noun"):
            word, number = plain_words(_spaced(fields[0])), int(fields[2])
            found[word] = (*found.get(word, ()), *fields[-number:])
        return found

    @cached_property
    def names(self) -> Mapping[str, str]:
        """{offset: name of the synset, such as "tie.n.01"}, as NLTK numbers them."""
        return {
            offset: f"{fields[0]}.n.{number:02}"
            for fields in self._lines("index.noun")
            for number, offset in enumerate(fields[-int(fields[2]) :], start=1)
            if self._first_words[offset] == fields[0]
        }

    def below(self, roots: Iterable[str], without: Iterable[str] = ()) -> frozenset[str]:
        """Offsets of synsets and of all their kinds.

        Args:
            roots: offsets.
            without: offsets that are not entered from above.
        """
        found, waiting, closed = set(), [*roots], {*without}
        while waiting:
            offset = waiting.pop()
            if offset not in found:
                found.add(offset)
                waiting += {*self._kinds[offset]} - closed
        return frozenset(found)

    @cached_property
    def uses(self) -> Mapping[str, int]:
        """{word: how often it is found in the tagged texts, in all its senses}."""
        uses: Counter[str] = Counter()
        for key, count in self.uses_of_sense.items():
            uses[plain_words(_spaced(key.partition("%")[0]))] += count
        return uses

    @cached_property
    def uses_of_sense(self) -> Mapping[str, int]:
        """{key of a sense: how often it is found in the tagged texts}."""
        return {key: int(count) for key, _, count in self._lines("cntlist.rev")}

    @cached_property
    def colour_words(self) -> frozenset[str]:
        """Nouns that are a kind of colour, and adjectives that name one."""
        colours = self.below(self.senses["color"][:1])
        words = {word for offset in colours for word in self.synsets[offset].words}
        adjectives = {fields[0]: fields for fields in self._lines("data.adj")}
        for fields in adjectives.values():
            if fields[4] in _COLOUR_ADJECTIVES:
                similar = [to for sign, to, part in _pointers(fields) if sign == "&"]
                words |= {w for to in similar for w in _words(adjectives[to])}
        return frozenset(words)

    @cached_property
    def common_nouns(self) -> frozenset[str]:
        """Nouns with a small letter, which proper names have not, as of `plain_words`."""
        return frozenset(
            plain_words(_spaced(word))
            for fields in self._lines("data.noun")
            for word, _ in _word_fields(fields)
            if word[0].islower()
        )

    @cached_property
    def _first_words(self) -> Mapping[str, str]:
        return {fields[0]: fields[4].lower() for fields in self._lines("data.noun")}

    @cached_property
    def _kinds(self) -> Mapping[str, list[str]]:
        kinds = defaultdict(list)
        for offset, synset in self.synsets.items():
            for parent in synset.parents:
                kinds[parent].append(offset)
        return kinds

    def _lines(self, name: str) -> Iterator[list[str]]:
        with (self.folder / name).open(encoding="utf-8") as file:
            for line in file:
                if not line.startswith("  "):  # the licence
                    yield line.partition(" | ")[0].split()


def _noun(fields: list[str]) -> Synset:
    pairs = _word_fields(fields)
    keys = tuple(f"{w.lower()}%1:{fields[1]}:{int(n, 16):02}::" for w, n in pairs)
    parents = tuple(
        to for sign, to, part in _pointers(fields) if sign in ("@", "@i") and part == "n"
    )
    return Synset(_words(fields), keys, parents)


def _word_fields(fields: list[str]) -> list[tuple[str, str]]:
    end = 4 + 2 * int(fields[3], 16)
    return list(zip(fields[4:end:2], fields[5:end:2]))


def _words(fields: list[str]) -> tuple[str, ...]:
    words = (word.partition("(")[0] for word, _ in _word_fields(fields))
    return tuple(plain_words(_spaced(word)) for word in words)


def _pointers(fields: list[str]) -> Iterator[tuple[str, str, str]]:
    start = 4 + 2 * int(fields[3], 16)
    for at in range(start + 1, start + 1 + 4 * int(fields[start]), 4):
        yield fields[at], fields[at + 1], fields[at + 2]


def _spaced(word: str) -> str:
    return word.replace("_", " ")
