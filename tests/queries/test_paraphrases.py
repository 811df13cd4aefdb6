"""Paraphrases say what a product is, and deny only what it is not."""

import random

import pytest

from fitrank_tf.export.graphs.request_reader import RequestReader, read_facets
from fitrank_tf.queries.lexicon import FacetLexicon
from fitrank_tf.queries.paraphrases import Paraphrases
from fitrank_tf.queries.words import wording
from tests.fashion import DECLARATION

LEXICON = FacetLexicon(
    (
        ("gender", ("Men", "Women")),
        ("colour", ("Black", "Blue", "Green", "Red", "Yellow")),
        ("article_type", ("Jeans", "Kurtas", "Sunglasses", "Tshirts")),
    )
)
WANTED = (("gender", "Women"), ("colour", "Red"), ("article_type", "Sunglasses"))


@pytest.fixture(scope="module")
def sentences() -> list[str]:
    paraphrases, generator = Paraphrases(LEXICON), random.Random(0)
    return [paraphrases.sentence(WANTED, DECLARATION, generator) for _ in range(300)]


def test_values_are_said_in_other_words_too(sentences) -> None:
    said = " | ".join(sentences)
    # Of XKCD's table and of WordNet; both lists are independent of this test.
    assert "cherry red" in said and "sunnies" in said
    # Further from red than from pink or orange, and another kind of thing.
    assert "salmon" not in said and "wayfarer" not in said


def test_some_have_talk_around_them(sentences) -> None:
    talk = wording()["people"]
    begun = [any(text.startswith(f"{of} ") for of in talk["before"]) for text in sentences]
    ended = [any(text.endswith(f" {of}") for of in talk["after"]) for text in sentences]
    assert 0.3 < sum(begun) / len(begun) < 0.5
    assert 0.3 < sum(ended) / len(ended) < 0.5


def test_what_is_read_is_the_product(sentences) -> None:
    read = read_facets(RequestReader(LEXICON), sentences)
    names = [*LEXICON.value_names]
    wanted = [names.index(value) for _, value in WANTED]
    # Few are misread, such as "pale red", which may be pink.
    assert (read[:, wanted] > 0.0).all(axis=1).mean() > 0.95
    assert not (read[:, wanted] < 0.0).any()
    denied = (read == -1.0).any(axis=1)
    assert 0.2 < denied.mean() < 0.4


def test_nothing_is_denied_where_no_other_value_is() -> None:
    lexicon = FacetLexicon((("article_type", ("Jeans", "Kurtas")),))
    paraphrases, generator = Paraphrases(lexicon), random.Random(0)
    wanted = (("article_type", "Jeans"),)
    texts = [paraphrases.sentence(wanted, DECLARATION, generator) for _ in range(60)]
    read = read_facets(RequestReader(lexicon), texts)
    assert (read >= 0.0).all() and (read[:, 0] > 0.0).mean() > 0.95
