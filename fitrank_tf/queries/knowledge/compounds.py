"""Parts of compound words: "Damenlederstiefel" is "damen", "leder" and "stiefel".

`compounds.json` names the languages that write compounds as one word. Their parts are the
words of `translations.json`; before another part a word may end in further letters
("hochzeit-s-kleid"), or lose its ending ("woll-pullover", of "wolle").

| key          | meaning                                                         |
|--------------|-----------------------------------------------------------------|
| `never_last` | English phrases that no compound is a kind of: "Kaufmann"       |
| `joined by`  | letters between a part and the next one                         |
| `without`    | endings that a word may lose before another part                |
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from fitrank_tf.queries.knowledge.colours import colour_points
from fitrank_tf.queries.knowledge.nouns import known_nouns
from fitrank_tf.queries.knowledge.translations import english_words, languages
from fitrank_tf.queries.words import known_words

# Letters: shorter words are found by chance in others, and so are not so sure a sign.
SHORTEST_PART, _SHORTEST_SURE = 3, 4


class Part(NamedTuple):
    """A part of compounds.

    Attributes:
        meanings: English phrases that it means.
        is_last: whether a compound may end in it.
        is_sure: whether it is no word of English, and long. All parts of a compound but
            one are: "lin-gala" is none.
    """

    meanings: tuple[str, ...]
    is_last: bool
    is_sure: bool


@cache
def no_compounds() -> frozenset[str]:
    """Words of English that could be compounds of another language: "mansplain"."""
    path = Path(__file__).with_name("between_languages.json")
    return frozenset(json.loads(path.read_text(encoding="utf-8"))["no_compounds"])


@cache
def compound_parts() -> Mapping[str, Mapping[str, Part]]:
    """{language: {part of compounds, as `plain_words` has words: what it is}}."""
    path = Path(__file__).with_name("compounds.json")
    rules = json.loads(path.read_text(encoding="utf-8"))
    never_last = frozenset(rules["never_last"])
    return {
        language: _parts(languages()[language], rule, never_last)
        for language, rule in rules["languages"].items()
    }


def splits(word: str, parts: Mapping[str, Part]) -> Iterator[tuple[str, ...]]:
    """The ways to split a word into parts, of which all but one are sure.

    Args:
        word: as `plain_words` has it.
        parts: of a language.
    """

    def before(end: int) -> Iterator[tuple[str, ...]]:
        if end == 0:
            yield ()
        for start in range(end - SHORTEST_PART, -1, -1):
            part = word[start:end]
            of = parts.get(part)
            if of and (end < len(word) or (of.is_last and start)):
                for first in before(start):
                    yield (*first, part)

    for split in before(len(word)):
        if sum(not parts[part].is_sure for part in split) <= 1:
            yield split


def _parts(
    table: Mapping[str, Sequence[str]],
    rule: Mapping[str, Sequence[str]],
    never_last: frozenset[str],
) -> Mapping[str, Part]:
    meant: dict[str, list[str]] = {}
    for phrase, words in table.items():
        # Some words are English too: "Winterjacke", "Damenjeans".
        for word in dict.fromkeys((*words, phrase)):
            if word.isalpha() and len(word) >= SHORTEST_PART:
                meant.setdefault(word, []).append(phrase)
    english = english_words() | known_words() | known_nouns() | {*colour_points(()), *table}
    parts = {
        word: Part(
            tuple(of),
            is_last=not never_last >= {*of},
            is_sure=len(word) >= _SHORTEST_SURE and word not in english,
        )
        for word, of in meant.items()
    }
    for word, part in [*parts.items()]:
        joined = [word + letters for letters in rule["joined by"]]
        joined += [word.removesuffix(end) for end in rule["without"] if word.endswith(end)]
        for form in joined:
            if len(form) >= SHORTEST_PART:
                parts.setdefault(form, Part(part.meanings, is_last=False, is_sure=False))
    return parts
