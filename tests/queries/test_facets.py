"""Facet sentences name the given facets alone; titles name whole values."""

import itertools
import random

import pytest

from fitrank_tf.datasets.attributes import Attribute, Declaration
from fitrank_tf.queries.facets import drawn_values, facet_sentence, named_values
from fitrank_tf.queries.words import plain_words, value_forms
from tests.fashion import DECLARATION, FACETS

KURTA = dict.fromkeys(FACETS, "") | {
    "gender": "Women",
    "colour": "Navy Blue",
    "article_type": "Kurtas",
    "sleeve": "three-quarter",
    "neckline": "v",
}


def _sentence(product: dict[str, str], facets: tuple[str, ...], seed: int) -> str:
    wanted = [(facet, product.get(facet)) for facet in FACETS if facet in facets]
    given = tuple((facet, value) for facet, value in wanted if value)
    return facet_sentence(given, DECLARATION, random.Random(seed))


def _named(title: str, attributes: dict[str, str]) -> tuple[str, ...]:
    values = {facet: (attributes[facet],) for facet in FACETS if attributes[facet]}
    return tuple(facet for facet, _ in named_values(title, values, DECLARATION))


@pytest.mark.parametrize(
    ("facets", "said", "unsaid"),
    [
        (("colour", "article_type"), ["navy", "kurta"], ["women", "sleeve", "neck"]),
        (("sleeve", "neckline"), ["sleeve", "v neck"], ["kurta", "navy"]),
        # Asked for, but the product does not have them.
        (("article_type", "usage", "season"), ["kurta"], ["navy", "women"]),
    ],
)
def test_a_sentence_names_the_given_facets_and_no_other(facets, said, unsaid) -> None:
    for seed in range(20):
        sentence = _sentence(KURTA, facets, seed)
        assert all(words in sentence for words in said)
        assert not any(words in sentence for words in unsaid)
        assert sentence == sentence.lower() == " ".join(sentence.split())


def test_wording_depends_on_the_generator_alone() -> None:
    facets = ("gender", "colour", "article_type")
    sentences = [_sentence(KURTA, facets, seed) for seed in range(30)]
    again = [_sentence(KURTA, facets, seed) for seed in range(30)]
    assert sentences == again
    assert len(set(sentences)) > 5


def test_every_template_names_every_facet_once() -> None:
    product = KURTA | {"usage": "Ethnic", "season": "Fall", "pattern": "Checked"}
    orders = set()
    for seed in range(300):
        sentence = _sentence(product, FACETS, seed)
        said, places = f" {plain_words(sentence)} ", []
        for facet in filter(product.get, FACETS):
            forms = sorted(
                value_forms(Attribute(facet), product[facet]), key=len, reverse=True
            )
            form = next(form for form in forms if f" {form} " in said)
            assert said.count(f" {form} ") == 1
            places.append((said.index(f" {form} "), facet))
            said = said.replace(f" {form} ", f" {'-' * len(form)} ")
        assert set(said.replace("-", "").split()) <= {"for", "in", "with"}
        orders.add(tuple(facet for _, facet in sorted(places)))
    assert len(orders) >= 10


@pytest.mark.parametrize(
    ("facet", "value", "unnatural"),
    [
        ("gender", "Men", ("for mens", "for men's")),
        ("gender", "Unisex", ("for unisex",)),
        ("sleeve", "sleeveless", ("with", "sleeveless sleeve")),
        ("neckline", "collar", ("collar neck",)),
    ],
)
def test_prepositions_are_natural(facet, value, unnatural) -> None:
    product = {facet: value, "article_type": "Tshirts"}
    sentences = [_sentence(product, (facet, "article_type"), seed) for seed in range(200)]
    assert not any(words in sentence for words in unnatural for sentence in sentences)
    assert len(set(sentences)) > 8


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
    assert _named(title, attributes) == expected


@pytest.mark.parametrize(
    ("title", "pattern", "named"),
    [
        ("Acme Polo Check Shirt", "Checked", True),
        ("Acme Polo Plaid Shirt", "checked", True),
        ("Acme Polo Check Shirt", "Solid", False),
        ("Acme Polo Check Shirt", "", False),
        ("Acme Checkmate Shirt", "Checked", False),
        ("Acme Polo Chekc Shirt", "Checked", False),
    ],
)
def test_a_title_names_the_pattern_that_the_product_has(title, pattern, named) -> None:
    attributes = dict.fromkeys(FACETS, "") | {"pattern": pattern}
    assert _named(title, attributes) == (("pattern",) if named else ())


def test_kids_name_neither_boys_nor_girls_in_a_title() -> None:
    attributes = dict.fromkeys(FACETS, "") | {"gender": "Boys", "sleeve": "short"}
    assert _named("Acme Kids Short Dress", attributes) == ()


def test_one_of_several_values_is_drawn() -> None:
    values = {"colour": ("Red", "Blue", "Green"), "gender": ("Men",)}
    drawn = [drawn_values(values, random.Random(seed)) for seed in range(60)]
    assert {tuple(dict(wanted)) for wanted in drawn} == {("colour", "gender")}
    assert {dict(wanted)["colour"] for wanted in drawn} == {"Red", "Blue", "Green"}
    assert {dict(wanted)["gender"] for wanted in drawn} == {"Men"}
    # Nothing to draw: what is drawn after it does not depend on it.
    generator = random.Random(0)
    assert drawn_values({"gender": ("Men",)}, generator) == (("gender", "Men"),)
    assert generator.random() == random.Random(0).random()


@pytest.mark.parametrize("wanted", [{}, {"colour": "Red"}])
@pytest.mark.parametrize(
    "others", [{}, {"brand": "Acme"}, {"brand": "Acme", "fabric": "Silk"}]
)
def test_facets_without_a_template_are_said_before_and_after_it(wanted, others) -> None:
    declaration = Declaration(tuple(map(Attribute, ("colour", "brand", "fabric"))))
    pairs = (*wanted.items(), *others.items())
    said = {facet_sentence(pairs, declaration, random.Random(n)) for n in range(300)}
    words = [value.lower() for _, value in pairs]
    orders = {" ".join(order) for order in itertools.permutations(words)}
    # "in red" is a template's.
    assert {sentence.replace("in red", "red") for sentence in said} == orders


@pytest.mark.parametrize(
    ("facet", "value", "said", "unsaid"),
    [
        ("gender", "Women", {"for women", "for ladies"}, {"for womens", "for female"}),
        ("gender", "Boys", {"for boys"}, {"for boy"}),
        ("sleeve", "long", {"with long sleeves"}, {"for long"}),
        ("season", "Summer", {"for summer"}, {"in summer"}),
        ("colour", "Navy Blue", {"in navy"}, {"for navy"}),
    ],
)
def test_slots_of_templates_have_their_preposition(facet, value, said, unsaid) -> None:
    product = {facet: value, "article_type": "Tshirts"}
    sentences = [_sentence(product, (facet, "article_type"), seed) for seed in range(300)]
    whole = " | ".join(f"{sentence} " for sentence in sentences)
    assert all(f"{words} " in whole for words in said)
    assert not any(f"{words} " in whole for words in unsaid)


def test_a_title_names_each_value_of_a_facet_that_it_holds() -> None:
    values = {"colour": ("Red", "Navy Blue", "Green"), "brand": ("Acme",)}
    declaration = Declaration(tuple(map(Attribute, values)))
    found = named_values("ACME cap, navy/red", values, declaration)
    assert found == (("colour", "Red"), ("colour", "Navy Blue"), ("brand", "Acme"))
    assert named_values("", values, declaration) == ()
