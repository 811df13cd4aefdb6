"""Facets as words: only what was asked for is said, and titles are read whole."""

import random

import pytest

from fitrank_tf.inputs.facets import FACETS, article_words, facet_sentence, named_facets

KURTA = dict.fromkeys(FACETS, "") | {
    "gender": "Women",
    "colour": "Navy Blue",
    "article_type": "Kurtas",
    "sleeve": "three-quarter",
    "neckline": "v",
}


@pytest.mark.parametrize(
    ("facets", "said", "unsaid"),
    [
        (("colour", "article_type"), ["navy blue", "kurta"], ["women", "sleeve", "neck"]),
        (("sleeve", "neckline"), ["three-quarter sleeve", "v neck"], ["kurta", "navy"]),
        # Asked for, but the product does not have them.
        (("article_type", "usage", "season"), ["kurta"], ["navy", "women"]),
    ],
)
def test_a_sentence_says_the_facets_asked_for_and_no_other(facets, said, unsaid) -> None:
    for seed in range(20):
        sentence = facet_sentence(KURTA, facets, random.Random(seed))
        assert all(words in sentence for words in said)
        assert not any(words in sentence for words in unsaid)
        assert sentence == sentence.lower() == " ".join(sentence.split())


def test_wording_varies_with_the_generator_and_with_nothing_else() -> None:
    facets = ("gender", "colour", "article_type")
    sentences = [facet_sentence(KURTA, facets, random.Random(seed)) for seed in range(30)]
    again = [facet_sentence(KURTA, facets, random.Random(seed)) for seed in range(30)]
    assert sentences == again
    assert len(set(sentences)) > 5


@pytest.mark.parametrize(
    ("article_type", "words"),
    [
        ("Kurtas", ("kurtas", "kurta")),
        ("Dresses", ("dresses", "dress")),
        ("Watches", ("watches", "watch")),
        ("Jeans", ("jeans",)),
        ("Sports Shoes", ("sports shoes",)),
        ("Dress", ("dress",)),
    ],
)
def test_article_words_are_plural_and_singular(article_type: str, words) -> None:
    assert article_words(article_type) == words


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Acme Men Red Check Shirt", ("gender", "colour", "article_type")),
        ("Acme Redwood Shirtless Mention", ()),
        ("Red T-shirt for men's shirts", ("gender", "colour", "article_type")),
    ],
)
def test_named_facets_are_whole_words(title: str, expected: tuple[str, ...]) -> None:
    attributes = dict.fromkeys(FACETS, "") | {
        "gender": "Men",
        "colour": "Red",
        "article_type": "Shirts",
    }
    assert named_facets(title, attributes) == expected
