"""Training texts: ten a product, in the mix that the module states."""

import numpy as np
from small_records import small_records

from fitrank_tf.inputs.texts import TEXTS_PER_PRODUCT, text_groups, training_texts

RECORDS = small_records(
    ("1", "Acme Red Shirt", {"article_type": "Shirts", "colour": "Red", "gender": "Men"}),
    ("2", "acme  red SHIRT", {"article_type": "Shirts"}),
    ("3", "Nameless", {}),
    ("4", "", {}),
    ("5", "", {}),
)


def test_six_titles_three_sentences_one_single_facet() -> None:
    texts = training_texts(RECORDS, seed=0)
    assert [len(product) for product in texts] == [TEXTS_PER_PRODUCT] * 5
    shirt = texts[0]
    assert shirt[:6] == ["Acme Red Shirt"] * 6
    assert all("shirt" in sentence for sentence in shirt[6:9])
    # "men's red" and the like: two words or more; the last names one facet alone.
    assert all(len(sentence.split()) > 1 for sentence in shirt[6:9])
    assert sum(word in shirt[9] for word in ("red", "shirt", "men")) == 1


def test_a_product_without_facets_is_trained_with_its_title() -> None:
    assert training_texts(RECORDS, seed=0)[2] == ["Nameless"] * TEXTS_PER_PRODUCT


def test_texts_of_a_product_do_not_depend_on_the_others() -> None:
    alone = training_texts(RECORDS.select([0]), seed=3)
    assert alone[0] == training_texts(RECORDS, seed=3)[0]
    assert alone != training_texts(RECORDS.select([0]), seed=4)


def test_products_of_equal_title_are_one_group() -> None:
    groups = text_groups(RECORDS)
    assert groups[0] == groups[1]
    assert len(np.unique(groups)) == 4
