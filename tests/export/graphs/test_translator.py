"""Compounds and requests of another language, against a search of all ways to split."""

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.export.graphs.phrases import phrase_table
from fitrank_tf.export.graphs.translator import Translator
from fitrank_tf.queries.knowledge.compounds import compound_parts, no_compounds, splits
from fitrank_tf.queries.lexicon import FacetLexicon

SHOP = FacetLexicon(
    (("colour", ("Red",)), ("article_type", ("Dresses", "Shirts"))),
    vocabulary=("cotton", "dress", "jacket", "red", "robe", "summer", "women"),
)
GERMAN = FacetLexicon(
    (("farbe", ("Rot", "Schwarz")), ("art", ("Hosen", "Kleider", "Stiefel"))),
    vocabulary=("damen", "hose", "kleid", "leder", "lederhose", "rot", "stiefel"),
)


def _translated(lexicon: FacetLexicon, texts: list[str]) -> list[str]:
    known = phrase_table(dict.fromkeys(sorted(lexicon.phrases), 0))
    words = phrase_table(dict.fromkeys(sorted(lexicon.catalogue_words), 0))
    graph = tf.function(Translator(lexicon, known, words))
    found, _ = graph(tf.strings.split(tf.constant(texts)).to_tensor(""))
    joined = tf.strings.reduce_join(found, axis=1, separator=" ").numpy()
    return [" ".join(text.decode().split()) for text in joined]


@pytest.mark.parametrize(
    ("text", "english"),
    [
        ("damenlederstiefel", "women leather boots"),
        ("hochzeitskleid", "wedding dress"),
        ("rote wintermäntel", "red winter coat"),
        ("damskor", "women shoes"),
        ("läderjacka", "leather jacket"),
        ("damesschoenen", "women shoes"),
        ("dunkelblaue damenjeans", "dark blue women jeans"),
        # Words of English, and names, of which a part is foreign.
        ("kindred", "kindred"),
        ("without", "without"),
        ("goldmann", "goldmann"),
        ("lingala", "lingala"),
        ("women red cotton jacket summer dress schulhemd", None),
        # Half of it is no word.
        ("damenxyz", "damenxyz"),
        ("damen", "women"),
    ],
)
def test_compounds_are_read_by_their_parts(text: str, english: str | None) -> None:
    assert _translated(SHOP, [text, "red"]) == [english or text, "red"]


def test_a_catalogue_keeps_its_own_compounds_and_words() -> None:
    texts = ["lederhose", "damenstiefel", "läderskor", "rotes damenlederkleid"]
    own = ["lederhose", "damen stiefel", "leder shoes", "rot damen leder kleid"]
    assert _translated(GERMAN, texts) == own


@pytest.mark.parametrize("language", compound_parts())
def test_most_compounds_of_two_words_are_split_as_a_full_search_splits_them(
    language: str,
) -> None:
    parts = compound_parts()[language]
    sure = sorted(word for word, part in parts.items() if part.is_sure)
    last = [word for word in sure if parts[word].is_last]
    draw = np.random.default_rng(0)
    words = {f"{draw.choice(sure)}{draw.choice(last)}" for _ in range(400)}
    known = parts.keys() | SHOP.translations.keys() | no_compounds()
    words = sorted(words - known)
    expected = {
        word: {
            " ".join(SHOP.compound_parts[language][part][0] for part in split)
            for split in splits(word, parts)
        }
        for word in words
    }
    found = dict(zip(words, _translated(SHOP, words)))
    right = [found[word] in expected[word] for word in words]
    assert np.mean(right) >= 0.9


def test_few_words_of_english_could_be_compounds() -> None:
    for word in no_compounds():
        assert any(any(splits(word, parts)) for parts in compound_parts().values())
    assert len(no_compounds()) < 50


@pytest.mark.parametrize(
    ("text", "english"),
    [
        ("robe rouge", "dress red"),
        ("une robe rouge", None),
        ("robe", "robe"),
        ("red robe", "red robe"),
        ("robe cotton", "robe cotton"),
        # Each is a word of another language, but not of the same one.
        ("rouge strand", "rouge strand"),
        # French has them, but no more often.
        ("court costume", "court costume"),
    ],
)
def test_words_that_english_has_too_are_of_the_likelier_language(
    text: str, english: str | None
) -> None:
    found = _translated(SHOP, [text, "red"])
    assert found == [english, "red"] if english else "dress red" in found[0]
