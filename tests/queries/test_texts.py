"""Training texts: twenty a product, in the mix that the module states."""

import numpy as np
import pytest

from fitrank_tf.datasets.attributes import Attribute
from fitrank_tf.queries.texts import (
    TEXTS_PER_PRODUCT,
    TrainingText,
    facet_codes,
    text_facet_codes,
    text_groups,
    training_texts,
)
from fitrank_tf.queries.words import plain_words, value_forms
from tests.fashion import FACETS
from tests.queries.small_records import small_records

RECORDS = small_records(
    ("1", "Acme Red Shirt", {"article_type": "Shirts", "colour": "Red", "gender": "Men"}),
    ("2", "acme  red SHIRT", {"article_type": "Shirts"}),
    ("3", "Nameless", {}),
    ("4", "", {}),
    ("5", "", {}),
)


def _words(texts: list[TrainingText]) -> list[str]:
    return [text.text for text in texts]


def test_titles_parts_sentences_and_single_facets() -> None:
    texts = training_texts(RECORDS, seed=0)
    assert [len(product) for product in texts] == [TEXTS_PER_PRODUCT] * 5
    shirt = texts[0]
    assert _words(shirt[:6]) == ["Acme Red Shirt"] * 6
    for part in _words(shirt[6:12]):
        assert set(part.split()) <= {"Acme", "Red", "Shirt"}
        assert 2 <= len(part.split()) <= 3
    # "men's red" and the like: two words or more. Every other one is a paraphrase.
    assert all("shirt" in sentence for sentence in _words(shirt[13:18:2]))
    assert all(len(sentence.split()) > 1 for sentence in _words(shirt[13:18:2]))
    [single] = _words(shirt[19:])
    assert sum(word in single for word in ("red", "shirt", "men")) == 1


@pytest.mark.parametrize(
    ("shares", "titles", "parts", "sentences"),
    [
        ((0.3, 0.3, 0.3, 0.1), 6, 6, 6),
        ((0.5, 0.2, 0.2, 0.1), 10, 4, 4),
        ((1.0, 0.0, 0.0, 0.0), 20, 0, 0),
        ((0.0, 0.0, 0.9, 0.1), 0, 0, 18),
    ],
)
def test_shares_count_the_kinds_of_texts(shares, titles, parts, sentences) -> None:
    [shirt] = training_texts(RECORDS.select([0]), seed=0, shares=shares)
    named = [len(text.wanted) for text in shirt]
    assert named[: titles + parts] == [0] * (titles + parts)
    assert _words(shirt[:titles]) == ["Acme Red Shirt"] * titles
    assert min(named[titles + parts :][:sentences], default=2) >= 2
    assert named[titles + parts + sentences :] == [1] * (20 - titles - parts - sentences)


def test_facet_sentences_are_spelt_correctly() -> None:
    attributes = {"article_type": "Sweatshirts", "colour": "Navy Blue", "gender": "Women"}
    records = small_records(*((str(n), "", attributes) for n in range(40)))
    right = {
        word
        for pair in attributes.items()
        for form in value_forms(Attribute(pair[0]), pair[1])
        for word in form.split()
    }
    for texts in training_texts(records, seed=0):
        for text in _words(texts)[1::2]:
            assert set(plain_words(text).split()) <= right | {"for", "in"}


def test_parts_of_long_titles_leave_words_out_and_change_their_order() -> None:
    words = [f"w{number}" for number in range(30)]
    records = small_records(*((str(n), " ".join(words), {}) for n in range(20)))
    parts = [
        part.text.split() for of in training_texts(records, seed=0) for part in of[6:12]
    ]
    # Each word stays with a chance of 0.7: 21 of 30, give or take 2.5.
    assert 20 < np.mean([len(part) for part in parts]) < 22
    assert all(len(set(part)) == len(part) for part in parts)
    in_order = np.mean([part == sorted(part, key=words.index) for part in parts])
    assert 0.35 < in_order < 0.65


def test_texts_contain_the_facets_that_they_list() -> None:
    shirt = training_texts(RECORDS, seed=0)[0]
    assert all(text.facets == () for text in shirt[:12])
    for text in shirt[12:18]:
        assert {"article_type"} < set(text.facets) <= {"article_type", "colour", "gender"}
    said = {"red": "colour", "shirt": "article_type", "men": "gender"}
    assert shirt[19].facets == tuple(said[word] for word in said if word in shirt[19].text)


def test_sentences_name_two_to_five_facets_and_singles_one() -> None:
    attributes = dict.fromkeys(FACETS, "Red") | {"article_type": "Shirts"}
    records = small_records(*((str(n), f"Title {n}", attributes) for n in range(60)))
    texts = training_texts(records, seed=0)
    counts = [[len(text.facets) for text in of] for of in texts]
    assert {count for of in counts for count in of[:12]} == {0}
    assert {count for of in counts for count in of[12:18]} == {2, 3, 4, 5}
    assert {count for of in counts for count in of[18:]} == {1}
    assert all("article_type" in text.facets for of in texts for text in of[12:18])


def test_codes_are_equal_for_equal_values_whatever_the_case() -> None:
    records = small_records(
        ("1", "a", {"colour": "Red", "article_type": "Shirts"}),
        ("2", "b", {"colour": "red"}),
        ("3", "c", {"colour": "Blue"}),
    )
    codes = facet_codes(records)
    colour, kind = (FACETS.index(facet) for facet in ("colour", "article_type"))
    assert codes.shape == (3, len(FACETS))
    assert codes[0, colour] == codes[1, colour] != codes[2, colour]
    assert codes[1, kind] == codes[2, kind] == 0 < codes[0, kind]
    others = np.delete(codes, [colour, kind], axis=1)
    assert not others.any()


def test_a_text_has_the_codes_of_its_facets_alone() -> None:
    given = {"article_type": "Shirts", "gender": "Men"}
    records = small_records(
        ("1", "a", {**given, "colour": "Red"}), ("2", "b", {**given, "colour": "Blue"})
    )
    codes, colour = facet_codes(records), FACETS.index("colour")
    titles = [TrainingText("Acme")] * (TEXTS_PER_PRODUCT - 1)
    red, blue = (TrainingText(of, (("colour", of),)) for of in ("Red", "Blue"))
    asked = text_facet_codes([[*titles, red], [blue, *titles]], records)
    expected = np.zeros((2, TEXTS_PER_PRODUCT, len(FACETS)))
    expected[0, -1, colour], expected[1, 0, colour] = codes[0, colour], codes[1, colour]
    np.testing.assert_array_equal(asked, expected)


def test_a_product_without_facets_is_trained_with_its_title() -> None:
    texts = training_texts(RECORDS, seed=0)[2]
    assert texts == [TrainingText("Nameless")] * TEXTS_PER_PRODUCT


def test_texts_of_a_product_do_not_depend_on_the_others() -> None:
    alone = training_texts(RECORDS.select([0]), seed=3)
    assert alone[0] == training_texts(RECORDS, seed=3)[0]
    assert alone != training_texts(RECORDS.select([0]), seed=4)


def test_products_of_equal_title_are_one_group() -> None:
    groups = text_groups(RECORDS)
    assert groups[0] == groups[1]
    assert len(np.unique(groups)) == 4


def test_a_product_without_a_title_is_trained_with_its_facets() -> None:
    records = small_records(
        ("1", "", {"article_type": "Shirts", "colour": "Red"}),
        ("2", " ", {"article_type": "Hat"}),
    )
    shirt, hat = training_texts(records, seed=0)
    assert all(text.text.strip() and text.facets for text in shirt + hat)
    assert len(shirt) == len(hat) == TEXTS_PER_PRODUCT
    assert {text.facets for text in hat} == {("article_type",)}
