import functools
import json
from pathlib import Path

import pytest

from fitrank_tf.queries.knowledge import nouns
from fitrank_tf.queries.knowledge.nouns import noun_readings
from fitrank_tf.queries.words import article_words, plain_words

SHOP = (
    *("Tshirts", "Trousers", "Casual Shoes", "Sports Sandals", "Sandals", "Dresses"),
    *("Necklace and Chains", "Perfume and Body Mist", "Sweaters", "Dupatta", "Nightdress"),
)


def _readings(word: str, values=SHOP) -> dict[str, float]:
    return {values[place]: weight for place, weight in noun_readings(values).get(word, ())}


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("tee", "Tshirts"),
        ("t shirts", "Tshirts"),
        ("sport sandal", "Sports Sandals"),
        ("chunni", "Dupatta"),
        ("necklace", "Necklace and Chains"),
        ("scents", "Perfume and Body Mist"),
        ("jumpers", "Sweaters"),
    ],
)
def test_a_synonym_of_a_value_or_of_a_part_of_it_has_weight_1(word, value) -> None:
    assert _readings(word)[value] == 1


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("chinos", "Trousers"),
        ("loafers", "Casual Shoes"),
        ("chokers", "Necklace and Chains"),
        ("ballgown", "Dresses"),
        ("gowns", "Dresses"),
        ("pinnies", "Dresses"),
    ],
)
def test_a_kind_of_a_value_has_nearly_weight_1(word, value) -> None:
    readings = _readings(word)
    assert next(iter(readings)) == value
    assert 0.7 < readings[value] < 1


def test_a_word_for_several_values_means_them_all() -> None:
    shoes = {"Casual Shoes", "Sports Sandals", "Sandals"}
    assert {*_readings("footwear")} == shoes
    assert len({*_readings("footwear").values()}) == 1
    assert {*_readings("shoes")} == shoes


def test_what_is_of_the_same_kind_is_meant_only_where_nothing_better_is() -> None:
    assert next(iter(_readings("huaraches"))) == "Sandals"
    assert next(iter(_readings("huaraches", ("Flip Flops", "Ties")))) == "Flip Flops"
    assert _readings("huaraches", ("Flip Flops", "Ties"))["Flip Flops"] <= 0.5
    assert "Flip Flops" not in _readings("huaraches", ("Flip Flops", "Sandals"))


def test_kinds_of_what_is_too_general_are_not_alike() -> None:
    assert _readings("jeans", ("Sarees", "Ties", "Watches")) == {}


@pytest.mark.parametrize(("word", "values"), [("gown", ("Dresses", "Nightdress"))])
def test_the_usual_meaning_of_a_word_comes_first(word, values) -> None:
    assert tuple(_readings(word, values)) == values


@pytest.mark.parametrize("word", ["tweed", "denim", "gift", "party", "set", "pair", "look"])
@pytest.mark.parametrize("value", ["Trousers", "Jeans", "Shirts"])
def test_materials_and_everyday_words_are_no_garments(word, value) -> None:
    assert _readings(word, (value,)) == {}


@pytest.mark.parametrize("word", ["change", "slip", "pin", "hood", "waterproof", "cream"])
def test_words_that_are_left_out_are_not_asked(word) -> None:
    everything = ("Clothing", "Lingerie", "Toiletries", "Jewellery", "Coats", "Brooches")
    assert word not in noun_readings(everything)


@pytest.mark.parametrize("value", ["Slips", "Pins", "Rings", "Watches"])
def test_a_value_may_be_called_what_is_not_asked(value) -> None:
    assert noun_readings((value,))


def test_words_are_plain_and_no_values_and_weights_fall() -> None:
    readings = noun_readings(SHOP)
    own = {plain_words(form) for value in SHOP for form in article_words(value)}
    assert not own & {*readings}
    for word, pairs in readings.items():
        weights = [weight for _, weight in pairs]
        assert word == plain_words(word)
        assert all(0 < weight <= 1 for weight in weights)
        assert weights == sorted(weights, reverse=True)


@pytest.mark.parametrize("spelling", [str.lower, str.upper, lambda v: f" {v}"])
def test_the_spelling_of_values_does_not_matter(spelling) -> None:
    assert noun_readings([spelling(value) for value in SHOP]) == noun_readings(SHOP)


@pytest.mark.parametrize(
    "values",
    [
        (),
        ("",),
        ("Kleider", "Hosen", "Schuhe"),
        ("NA", "Free Gifts"),
        ("Black", "Blue", "White", "Grey"),
        ("Collar", "Hood", "Round"),
    ],
)
def test_a_catalogue_without_known_nouns_has_no_readings(values) -> None:
    assert noun_readings(values) == {}


def test_a_value_of_unknown_words_is_a_kind_of_its_last_ones() -> None:
    value = "Woolen Trousers"
    for word in ("trousers", "trouser", "pants"):
        assert _readings(word, (value,)) == {value: 0.85}
    # No kind of trousers is known to be a kind of these.
    assert _readings("chinos", (value,)).get(value, 0.0) <= 0.5
    assert _readings("trousers", ("Trousers Xyz",)) == {}


@functools.cache
def _thesaurus() -> dict:
    return json.loads(Path(nouns.__file__).with_name("nouns.json").read_text("utf-8"))


def _sure(synset: str, of: str) -> float:
    """The best product of steps up: 0.9 each, less 1 % for each parent listed before."""
    if synset == of:
        return 1.0
    _, parents = _thesaurus()["synsets"][synset]
    ways = (0.9 * 0.99**place * _sure(up, of) for place, up in enumerate(parents))
    return max(ways, default=0.0)


@pytest.mark.parametrize("value", ["Jackets", "Dresses", "Footwear", "Bags", "Hats"])
def test_the_weight_of_a_kind_falls_with_the_steps_to_the_value(value: str) -> None:
    synsets, senses = _thesaurus()["synsets"], _thesaurus()["senses"]
    of_word = {word: [name] for name, (words, _) in synsets.items() for word in words}
    of_word |= senses
    names = article_words(value)
    (synset,) = {of_word[word][0] for word in names if word in of_word}
    readings = noun_readings((value,))
    compared = 0
    for word, (name, *others) in of_word.items():
        expected = _sure(name, synset)
        if not others and expected and word in readings:
            assert readings[word] == ((0, pytest.approx(expected)),), word
            compared += expected < 1
    assert compared > 3


@pytest.mark.parametrize(
    ("noun", "forms"),
    [
        ("slacks", ["slacks"]),
        ("pinny", ["pinny", "pinnies"]),
        ("jersey", ["jersey", "jerseys"]),
        ("fanny pack", ["fanny pack", "fanny packs", "fannypack", "fannypacks"]),
        ("dress", ["dress", "dresses"]),
    ],
)
def test_forms_of_nouns(noun: str, forms: list[str]) -> None:
    assert list(nouns._forms(noun)) == forms
