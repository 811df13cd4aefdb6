"""Kinds of attributes: texts of Items, facet values, declarations as JSON."""

import json
from pathlib import Path

import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.filters import Range, parse_range
from fitrank_tf.datasets import attributes as module
from fitrank_tf.datasets.attributes import (
    CATEGORIES,
    NUMBER,
    TEXT,
    Attribute,
    Declaration,
    number_range,
    parse_number,
    read_declaration,
    unit_of,
)

HEEL = Attribute("heel_height", NUMBER, ranges=("0..20", "21..45", "60"))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("45", 45.0),
        ("45.0", 45.0),
        ("4,5", 4.5),
        (".5", 0.5),
        ("-3", -3.0),
        ("1.299,90 €", 1299.9),
        ("$ 1,299.90", 1299.9),
        ("1.200.000", 1200000.0),
        ("1,200", 1200.0),
        ("1 299,90", 1299.9),
        ("59,90 EUR", 59.9),
        ("EU 42", 42.0),
        ("12 mm", 12.0),
        ("v2", None),
        ("3/4", None),
        ("1-2", None),
        ("abc", None),
        ("", None),
    ],
)
def test_numbers_as_people_write_them(text: str, number: float | None) -> None:
    assert parse_number(text) == number


@pytest.mark.parametrize(
    ("text", "unit"), [("59,90 €", "€"), ("12 mm", "mm"), ("EU 42", "EU"), ("7", "")]
)
def test_units_beside_numbers(text: str, unit: str) -> None:
    assert unit_of(text) == unit


@pytest.mark.parametrize(
    ("attribute", "given", "cell", "values"),
    [
        (Attribute("material"), " Leather ", "Leather", ("Leather",)),
        (Attribute("material"), "", "", ()),
        (Attribute("occasion", CATEGORIES), "Party", "Party", ("Party",)),
        (
            Attribute("occasion", CATEGORIES),
            ("Party", "Sports", "Party"),
            "Party|Sports",
            ("Party", "Sports"),
        ),
        (Attribute("size", CATEGORIES), ("S|M",), r"S\|M", ("S|M",)),
        (HEEL, "45 mm", "45", ("21..45",)),
        (HEEL, "20,5", "20.5", ("0..20",)),
        (HEEL, "200", "200", ("60",)),
        (HEEL, "unknown", "", ()),
        (Attribute("price", NUMBER), "9.90", "9.9", ()),
        (Attribute("note", TEXT), "Soft and warm.", "Soft and warm.", ()),
    ],
)
def test_texts_of_items_and_values_of_facets(attribute, given, cell, values) -> None:
    assert attribute.cell(given) == cell
    assert attribute.values(cell) == values


@pytest.mark.parametrize(("low", "high"), [(0, 20), (45, 45), (3.5, 4.25), (-2, 1e6)])
def test_ranges_are_written_and_read(low: float, high: float) -> None:
    assert parse_range(number_range(low, high)) == Range(low, high)


def test_a_declaration_is_written_and_read(tmp_path: Path) -> None:
    occasion = Attribute("occasion", CATEGORIES, "Occasion", named=True)
    declaration = Declaration(
        (HEEL, occasion), ("occasion", "heel_height", "pattern"), "occasion", ("occasion",)
    )
    path = tmp_path / "attributes.json"
    path.write_text(json.dumps(declaration.to_plain()), encoding="utf-8")
    assert read_declaration(path) == declaration
    assert declaration.attribute("pattern") == Attribute("pattern")
    assert declaration.cells({"heel_height": "45"}) == {"heel_height": "45", "occasion": ""}
    with pytest.raises(KeyError, match="nothing"):
        declaration.cells({"nothing": "x"})


@pytest.mark.parametrize("plain", [{}, {"attributes": [], "facets": []}, {"attributes": 3}])
def test_what_is_no_declaration_is_refused(plain: dict) -> None:
    with pytest.raises(FitRankError, match="declaration of attributes cannot be read"):
        Declaration.from_plain(plain)


def test_unknown_kinds_and_equal_names_are_refused() -> None:
    with pytest.raises(FitRankError, match="unknown kind 'colour'; choose from category"):
        Attribute("shade", "colour")
    with pytest.raises(FitRankError, match="two columns are the attribute 'grösse'"):
        Declaration((Attribute("grösse"), Attribute("grosse")))


def test_kaggles_declaration_has_the_eleven() -> None:
    folder = Path(module.__file__).parent / "fashion_product_images"
    declaration = read_declaration(folder / "attributes.json")
    assert len(declaration.names) == 11
    # Length and fit are known from photos alone.
    assert set(declaration.facets) - {"length", "fit"} < set(declaration.names)
    assert declaration.decisive == "article_type"
    assert declaration.attribute("year").kind == NUMBER
