"""Words of other languages, against the names that Unicode's CLDR gives to emoji."""

import json
from pathlib import Path

import pytest

from fitrank_tf.queries.knowledge import build
from fitrank_tf.queries.knowledge.translations import (
    english_words,
    in_english,
    own_words,
    translations,
)
from fitrank_tf.queries.request_words import request_words
from fitrank_tf.queries.words import plain_words

CLDR = json.loads(Path(__file__).with_name("cldr_names.json").read_text("utf-8"))
SHIPPED = json.loads((build.FOLDER / "translations.json").read_text("utf-8"))


def _read(name: str) -> set[str]:
    """The English of all phrases in a name."""
    words = plain_words(name).split()
    spans = [(i, j) for i in range(len(words)) for j in range(i + 1, len(words) + 1)]
    phrases = {" ".join(words[i:j]) for i, j in spans}
    return phrases.union(*(translations().get(phrase, ()) for phrase in phrases))


@pytest.mark.parametrize("language", CLDR["names"])
def test_most_names_of_another_source_are_known(language: str) -> None:
    names = CLDR["names"][language]
    known = [
        bool(_read(name) & {plain_words(word) for word in CLDR["english"][emoji]})
        for emoji, name in names.items()
    ]
    assert len(known) >= 20 and sum(known) >= 0.75 * len(known)


def test_cldr_is_there_for_every_language() -> None:
    assert CLDR["names"].keys() == SHIPPED.keys()


@pytest.mark.parametrize(
    ("word", "english"),
    [
        ("hemden", "shirt"),
        ("zapatos", "shoes"),
        ("saat", "watch"),
        ("लाल", "red"),
        ("joote", "shoes"),
        ("сумка", "bag"),
    ],
)
def test_a_word_means_its_english(word: str, english: str) -> None:
    assert translations()[plain_words(word)][0] == english
    assert plain_words(word) not in english_words()


@pytest.mark.parametrize("word", ["robe", "rock", "hose", "gonna", "pull", "jute", "slub"])
def test_words_that_english_has_are_known_as_such(word: str) -> None:
    assert word in english_words() or word not in translations()


def test_no_word_is_one_that_denies_or_joins() -> None:
    assert not translations().keys() & request_words().keys()


@pytest.mark.parametrize(
    ("values", "english"),
    [
        (["Hemden", "Röcke", "Hose"], ["shirt", "skirt", "trousers"]),
        (["Red", "Schwarz", "Off White"], ["Red", "black", "Off White"]),
        (["Bath Robe", "Hose", "Rock"], ["Bath Robe", "Hose", "Rock"]),
        ([], []),
    ],
)
def test_values_in_english(values: list[str], english: list[str]) -> None:
    assert in_english(values) == english


def test_a_catalogue_names_things_in_its_language() -> None:
    german = ["hemd", "hose", "rot", "kleid", "schuhe", "schwarz", "hemden", "top"]
    assert own_words(german)["shirt"] == "hemd"
    assert own_words(["shirt", "trousers", "red", "dress", "rosso"]) == {}


def test_what_is_frequent_in_english_is_told_by_frequencies() -> None:
    def frequency(word: str, language: str) -> float:
        table = {"gonna": (5.3, 3.9), "simple": (4.9, 5.0), "robe": (3.5, 4.6)}
        table |= {"jute": (2.9, 0.0), "sac": (3.3, 4.7), "noir": (3.6, 4.0)}
        english, own = table.get(word, (0.0, 4.0))
        return english if language == "en" else own

    languages = {
        "it": {"skirt": ["gonna", "gonne"]},
        "fr": {"plain": ["simple", "robe"], "bag": ["sac", "sac noir"]},
        "hi": {"shoes": ["jute", "joote"]},
    }
    nouns = {"robe", "jute", "sac"}
    found = build.frequent_in_english(languages, nouns, frequency)
    assert found == ["gonna", "jute", "simple"]
