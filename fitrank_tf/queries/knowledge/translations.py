"""Words of other languages for colours, garments and what else a request says of a product.

`translations.json` has them by language and English phrase. English is what the thesaurus
and the colour names know, so that a word of any language reaches their knowledge by it.
"""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from fitrank_tf.queries.knowledge.colours import colour_points
from fitrank_tf.queries.knowledge.nouns import known_nouns
from fitrank_tf.queries.request_words import request_words
from fitrank_tf.queries.words import article_words, known_words, plain_words


def _read(name: str) -> Any:
    return json.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))


@cache
def languages() -> Mapping[str, Mapping[str, Sequence[str]]]:
    """{language: {English phrase: its words}}, all as `plain_words` has them."""
    return {
        language: {
            plain_words(english): [plain_words(word) for word in words]
            for english, words in table.items()
        }
        for language, table in _read("translations.json").items()
    }


@cache
def translations() -> Mapping[str, tuple[str, ...]]:
    """{word or phrase of another language: English phrases that it means}.

    All as `plain_words` has them, the meaning that most languages give the word first.
    Words that deny or join are none.
    """
    counts: dict[str, Counter[str]] = {}
    for language in languages().values():
        for english, words in language.items():
            for word in {*words}:
                counts.setdefault(word, Counter())[english] += 1
    return {
        word: tuple(english for english, _ in of.most_common())
        for word, of in counts.items()
        if word not in request_words()
        and not any(word in article_words(english) for english in of)
    }


@cache
def english_words() -> frozenset[str]:
    """Words of `translations` that mean something in English too.

    A garment or a colour ("robe"), or any word that is frequent in English texts ("rock").
    """
    known = known_words() | known_nouns() | colour_points(()).keys()
    frequent = _read("frequent_in_english.json")["words"]
    return frozenset((known | {*frequent}) & translations().keys())


@cache
def in_own_language() -> Mapping[str, Mapping[str, float]]:
    """{language: {one of `english_words`: how much more frequent it is there}}.

    The decimal logarithm of the ratio of frequencies in the language and in English.
    """
    return _read("between_languages.json")["in_own_language"]


def in_english(values: Sequence[str]) -> list[str]:
    """A catalogue's values in English, as far as they are known: "shirt" for "Hemden".

    A word that English has too is taken for English unless most values are foreign.
    """
    plain = [plain_words(value) for value in values]
    foreign = [word in translations() and word not in english_words() for word in plain]
    has_language = 2 * sum(foreign) > len(values)
    return [
        translations()[word][0]
        if is_foreign or (has_language and word in translations())
        else value
        for value, word, is_foreign in zip(values, plain, foreign)
    ]


def own_words(vocabulary: Collection[str]) -> Mapping[str, str]:
    """What a catalogue calls the English phrases of `translations`.

    Args:
        vocabulary: the catalogue's words, the most frequent ones first.

    Returns:
        {English phrase: a phrase of the language that most of the vocabulary is of}, empty
        for an English vocabulary.
    """
    place = {word: number for number, word in enumerate(vocabulary)}

    def sold(phrases: Collection[str]) -> list[str]:
        return [phrase for phrase in phrases if place.keys() >= {*phrase.split()}]

    best: Mapping[str, str] = {}
    most = len(sold({english for language in languages().values() for english in language}))
    for language in languages().values():
        named = {english: sold(words) for english, words in language.items()}
        own = {
            english: min(words, key=lambda of: max(place[word] for word in of.split()))
            for english, words in named.items()
            if words
        }
        if len(own) > most:
            best, most = own, len(own)
    return best
