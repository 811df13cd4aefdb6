"""Compounds and requests of another language, against a search of all ways to split."""

from collections.abc import Mapping

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.export.graphs.phrases import phrase_table
from fitrank_tf.export.graphs.translator import Translator
from fitrank_tf.queries.knowledge.compounds import (
    Part,
    compound_parts,
    no_compounds,
    splits,
)
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
        ("herenschoenen", "men shoes"),
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
def test_compounds_have_the_surest_and_fewest_parts_of_a_full_search(language: str) -> None:
    parts = compound_parts()[language]
    first = sorted(parts)
    last = sorted(word for word, part in parts.items() if part.is_last)
    draw = np.random.default_rng(0)
    words = {f"{draw.choice(first)}{draw.choice(last)}" for _ in range(300)}
    words |= {f"{draw.choice(first)}{word}" for word in sorted(words)[:50]}
    known = SHOP.translations.keys() | SHOP.phrases.keys() | no_compounds()
    words = sorted(word for word in words - known if len(word) <= 40)
    expected = []
    for word in words:
        split_by_language = [[*splits(word, of)] for of in compound_parts().values()]
        place = next((n for n, of in enumerate(split_by_language) if of), 0)
        of_language = [*compound_parts().values()][place]
        said = [*SHOP.compound_parts.values()][place]

        def cost(split: tuple[str, ...], of: Mapping[str, Part] = of_language) -> tuple:
            return sum(not of[part].is_sure for part in split), len(split)

        found = split_by_language[place]
        least = min(map(cost, found), default=None)
        best = {
            " ".join(said[part][0] for part in split)
            for split in found
            if cost(split) == least
        }
        expected.append(best or {word})
    assert sum(words_of != {word} for words_of, word in zip(expected, words)) > 100
    for word, of, read in zip(words, expected, _translated(SHOP, words)):
        assert read in of, word


def test_few_words_of_english_could_be_compounds() -> None:
    for word in no_compounds():
        assert any(any(splits(word, parts)) for parts in compound_parts().values())
    assert len(no_compounds()) < 50


@pytest.mark.parametrize(
    ("text", "english"),
    [
        ("robe rouge", "dress red"),
        ("une robe rouge", None),
        ("pas de rouge , robe", None),
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
    assert found == [english, "red"] if english else {"dress", "red"} <= {*found[0].split()}
