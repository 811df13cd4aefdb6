"""A shop's own attributes, in German: requests, judgments and the lexicon follow its table.

Numbers are shared within a range, several values each on its own, and all words are the
shop's.
"""

import random

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.datasets.attribute_kinds import declare
from fitrank_tf.datasets.attributes import NUMBER, Attribute, Declaration
from fitrank_tf.datasets.catalogue import CatalogueRecords
from fitrank_tf.export.graphs.request_reader import RequestReader, read_facets
from fitrank_tf.queries.facets import facet_sentence, named_values
from fitrank_tf.queries.judgments import Judge
from fitrank_tf.queries.lexicon import FacetLexicon
from fitrank_tf.queries.query_sets import (
    FACET,
    Query,
    facet_queries,
    single_facet_queries,
    title_queries,
)
from fitrank_tf.queries.texts import (
    TEXTS_PER_PRODUCT,
    facet_codes,
    text_facet_codes,
    training_texts,
)
from fitrank_tf.queries.words import value_forms

MATERIALS, OCCASIONS = ("Leder", "Wildleder", "Segeltuch"), ("Büro", "Sport", "Wandern")
N = 90


@pytest.fixture(scope="module")
def shoes() -> CatalogueRecords:
    """90 shoes of three materials, seven heel heights, one occasion or two."""
    draw = random.Random(0)
    columns = {
        "Material": [draw.choice(MATERIALS) for _ in range(N)],
        "Absatzhöhe (mm)": [str(15 * draw.randrange(7)) for _ in range(N)],
        "Anlass": [tuple(draw.sample(OCCASIONS, draw.choice((1, 2)))) for _ in range(N)],
        "wasserdicht": [draw.choice(("ja", "nein")) for _ in range(N)],
    }
    declaration = declare(columns)
    return CatalogueRecords(
        ids=tuple(map(str, range(N))),
        texts=tuple(f"Nordhavn {material} Schuh" for material in columns["Material"]),
        attributes={
            each.name: tuple(map(each.cell, columns[each.column]))
            for each in declaration.attributes
        },
        splits=("train",) * N,
        declaration=declaration,
    )


def test_requests_name_two_to_four_values_in_the_shops_words(shoes) -> None:
    queries = facet_queries(shoes, 300, seed=0)
    assert {len(query.wanted) for query in queries} == {2, 3, 4}
    assert {facet for query in queries for facet, _ in query.wanted} == {
        *("material", "absatzhöhe_mm", "anlass", "wasserdicht")
    }
    for query in queries:
        wanted = dict(query.wanted)
        if "material" in wanted:
            assert wanted["material"].lower() in query.text.split()
        if "wasserdicht" in wanted:
            assert f"wasserdicht {wanted['wasserdicht']}" in query.text
        if "absatzhöhe_mm" in wanted:
            assert "mm absatzhöhe" in query.text or "absatzhöhe" in query.text.split()


def test_the_lexicon_reads_the_requests_back(shoes) -> None:
    lexicon = FacetLexicon.of(shoes)
    assert FacetLexicon.from_json(lexicon.to_json()) == lexicon
    names = [(facet, value) for facet, values in lexicon.values for value in values]
    queries = facet_queries(shoes, 200, seed=1)
    for facet in shoes.declaration.alone:
        queries += single_facet_queries(shoes, facet, seed=1)
    found = read_facets(RequestReader(lexicon), [query.text for query in queries])
    for query, row in zip(queries, found):
        read = {names[number] for number in np.flatnonzero(row)}
        assert read == set(query.wanted), query.text


@pytest.mark.parametrize(
    ("text", "value"),
    [("Absatzhöhe 35 mm", "31..45"), ("40 mm Absatzhöhe", "31..45"), ("40 mm", None)],
)
def test_any_number_of_a_range_names_it(text: str, value: str | None) -> None:
    heel = Attribute("absatzhöhe_mm", NUMBER)
    lexicon = FacetLexicon((("absatzhöhe_mm", ("0..30", "31..45")),), attributes=(heel,))
    (row,) = read_facets(RequestReader(lexicon), [text])
    assert row.tolist() == ([0.0, 1.0] if value else [0.0, 0.0])


def test_numbers_are_judged_by_range_and_several_values_one_by_one(shoes) -> None:
    judge, declaration = Judge(shoes), shoes.declaration
    heel = declaration.attribute("absatzhöhe_mm")
    value = heel.values(shoes.attributes[heel.name][0])[0]
    low, high = map(float, (value.split("..") * 2)[:2])
    query = Query("q", "", FACET, ((heel.name, value), ("anlass", "Sport")))
    for row, grade in enumerate(judge.grades(query)):
        within = low <= float(shoes.attributes[heel.name][row]) <= high
        has = "Sport" in shoes.attributes["anlass"][row].split("|")
        assert grade == {0: 0, 1: 1, 2: 4}[within + has]


def test_titles_name_the_values_that_they_contain(shoes) -> None:
    for query, material in zip(title_queries(shoes), shoes.attributes["material"]):
        assert query.wanted == (("material", material),)


def test_codes_tell_the_products_that_a_text_asks_for(shoes) -> None:
    """The rule of the contrastive loss, by counting values."""
    texts = training_texts(shoes, seed=0)
    products, asked = facet_codes(shoes), text_facet_codes(texts, shoes)
    assert products.shape == (N, 2 + len(OCCASIONS) + 1)
    assert asked.shape == (N, TEXTS_PER_PRODUCT, products.shape[1])
    matches = (asked[:, :, None] == 0) | (asked[:, :, None] == products)
    for row in range(0, N, 17):
        for number, text in enumerate(texts[row]):
            expected = [
                all(
                    value in shoes.facet_values[facet][other]
                    for facet, value in text.wanted
                )
                for other in range(N)
            ]
            assert matches[row, number].all(axis=1).tolist() == expected


def test_labels_of_several_values_have_a_column_each(shoes) -> None:
    lexicon = FacetLexicon.of(shoes)
    assert lexicon.has_several == (False, False, True, False)
    codes = lexicon.codes(shoes)
    anlass = dict(lexicon.values)["anlass"]
    for row, cell in zip(codes, shoes.attributes["anlass"]):
        has = {value for value, code in zip(anlass, row[2:5]) if code == 1}
        assert has == set(cell.split("|"))


def test_facets_without_a_template_stand_beside_it() -> None:
    declaration = Declaration(
        (Attribute("colour"), Attribute("article_type"), Attribute("material")),
        ("colour", "article_type", "material"),
        "article_type",
    )
    wanted = (("colour", "Red"), ("article_type", "Boots"), ("material", "Suede"))
    sentences = {
        facet_sentence(wanted, declaration, random.Random(seed)) for seed in range(60)
    }
    assert {"suede red boots", "red boots suede"} <= sentences
    for sentence in sentences:
        assert set(sentence.split()) - {"in"} <= {"red", "boots", "boot", "suede"}


def test_a_value_is_named_with_the_attribute_where_it_says_little() -> None:
    waterproof = Attribute("waterproof", named=True)
    alone = ("waterproof yes", "yes waterproof", "waterproof")
    assert value_forms(waterproof, "Yes") == alone
    assert value_forms(waterproof, "No") == ("waterproof no", "no waterproof")
    declaration = Declaration((waterproof,), ("waterproof",))
    values = {"waterproof": ("Yes",)}
    assert named_values("Yes we can", values, declaration) == ()
    assert named_values("Boot, waterproof: yes", values, declaration) == (
        ("waterproof", "Yes"),
    )


def test_a_catalogue_without_facets_has_titles_alone(shoes) -> None:
    plain = CatalogueRecords(shoes.ids, shoes.texts, {}, shoes.splits, Declaration())
    assert facet_queries(plain, 10, seed=0) == []
    assert [query.wanted for query in title_queries(plain)] == [()] * N
    assert not Judge(plain).grades(Query("q", "Schuh", FACET)).any()
    texts = training_texts(plain, seed=0)
    assert {text.text for text in texts[0][12:]} == {plain.texts[0]}
    assert facet_codes(plain).shape == (N, 0)
    assert text_facet_codes(texts, plain).shape == (N, TEXTS_PER_PRODUCT, 0)
    lexicon = FacetLexicon.of(plain)
    assert lexicon.codes(plain).shape == (N, 0)
    assert read_facets(RequestReader(lexicon), ["Schuh"]).shape == (1, 0)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("wasserdichte Schuhe", "wasserdicht ja"),
        ("nicht wasserdicht", "wasserdicht not ja"),
        ("Schuh, wasserdicht nein", "wasserdicht nein"),
        ("Absatzhöhe 45", "absatzhöhe mm {}"),
        ("Absatzhöhe 45 mm", "absatzhöhe mm {}"),
        ("45 mm Absatzhöhe", "absatzhöhe mm {}"),
    ],
)
def test_yes_is_the_name_alone_and_a_unit_may_be_missing(shoes, text, wanted) -> None:
    reader = RequestReader(FacetLexicon.of(shoes))
    heel = shoes.declaration.attribute("absatzhöhe_mm")
    understood = reader.understood(reader(tf.constant([text])).query_facets)
    assert understood.numpy()[0].decode() == wanted.format(*heel.values("45"))
