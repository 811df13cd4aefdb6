"""What columns are, found from their cells and overridden by the user."""

import itertools

import numpy as np
import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.filters import parse_range
from fitrank_tf.datasets.attribute_kinds import ALL_OTHERS, DECISIVE, declare
from fitrank_tf.datasets.attributes import CATEGORIES, CATEGORY, NUMBER, TEXT
from tests.fashion import DECLARATION, FACETS

N = 60
MATERIAL = ["Leder", "Wildleder", "Gummi"] * (N // 3)
HEEL = [str(5 * (number % 20)) for number in range(N)]
NOTES = [f"Ein Schuh mit der Nummer {number}, weich und warm." for number in range(N)]


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (MATERIAL, CATEGORY),
        (HEEL, NUMBER),
        (["59,90 €", "1.299,00 €", ""] * 20, NUMBER),
        (["36", "38", "40"] * 20, NUMBER),
        (["0", "1", "1"] * 20, CATEGORY),
        (["5 cm", "50 mm"] * 30, CATEGORY),
        (["00123", "00456"] * 30, CATEGORY),
        ([str(4006381333931 + number) for number in range(N)], CATEGORY),
        (["S", "M", "L"] * 20, CATEGORY),
        (["Sport|Wandern", "Sport"] * 30, CATEGORIES),
        ([("Sport", "Wandern"), ("Sport",), ()] * 20, CATEGORIES),
        ([("Leder",), ("Gummi",)] * 30, CATEGORY),
        (NOTES, TEXT),
        ([""] * N, CATEGORY),
    ],
)
def test_the_kind_of_a_column(cells, kind: str) -> None:
    (attribute,) = declare({"Spalte": cells}).attributes
    assert (attribute.name, attribute.column, attribute.kind) == ("spalte", "Spalte", kind)


@pytest.mark.parametrize(
    ("cells", "is_facet"),
    [
        (MATERIAL, True),
        (HEEL, True),
        (["Leder"] * N, False),
        (["Leder"] * (N - 1) + ["Gummi"], False),
        ([f"M-{number}" for number in range(N)], False),
        (NOTES, False),
        (["7"] * N, False),
        ([f"Marke {number % 199}" for number in range(1200)], True),
        ([f"Marke {number % 201}" for number in range(1200)], False),
    ],
)
def test_facets_vary_and_are_frequent_enough(cells, is_facet: bool) -> None:
    declaration = declare({"merkmal": cells})
    assert declaration.facets == (("merkmal",) if is_facet else ())
    assert declaration.alone == declaration.facets
    assert declaration.decisive == ""


def test_ranges_hold_all_numbers_about_equally_often() -> None:
    prices = np.random.default_rng(0).gamma(4.0, 20.0, 500).round(2)
    (attribute,) = declare({"price": [f"{price:.2f}" for price in prices]}).attributes
    ranges = map(parse_range, attribute.ranges)
    ends = [(each.low, each.high) for each in ranges]
    counts = [np.count_nonzero((low <= prices) & (prices <= high)) for low, high in ends]
    assert sum(counts) == 500 and len(counts) == 5 and min(counts) > 90
    for (_, high), (low, _) in itertools.pairwise(ends):
        assert low == pytest.approx(high + 0.01)
    few = declare({"size": ["36", "38", "40"] * 20}).attributes[0]
    assert few.ranges == ("36", "38", "40")


def test_columns_of_fashion_are_what_kaggle_declares() -> None:
    columns = {
        "gender": ["Men", "Women"] * 30,
        "material": MATERIAL,
        "colour": ["Red"] * N,
        "article_type": ["Shirts"] * N,
        "year": ["2011"] * N,
    }
    declaration = declare(columns)
    assert declaration.names == tuple(columns)
    # Pattern, sleeve, neckline, length and fit are known from the photos.
    assert declaration.facets == (
        *("gender", "colour", "article_type", "pattern", "sleeve", "neckline"),
        *("length", "fit", "material"),
    )
    assert declaration.decisive == "article_type"
    assert declaration.alone == ("article_type", "colour", "material")
    kaggles = declare({name: ["a"] for name in DECLARATION.names})
    assert kaggles.facets == FACETS and kaggles.alone == DECLARATION.alone


def test_a_table_without_attributes_has_what_photos_show() -> None:
    declaration = declare({})
    assert declaration.attributes == declaration.alone == ()
    assert declaration.facets == ("pattern", "sleeve", "neckline", "length", "fit")


@pytest.mark.parametrize(
    ("cells", "named"),
    [
        (["ja", "nein"], True),
        (["XL", "M"], True),
        (["38", "40"], True),
        (["Leder", "Gummi"], False),
        # Another attribute has the value too.
        (["Leder", "keine"], True),
    ],
)
def test_values_that_say_little_are_said_with_the_name(cells, named: bool) -> None:
    columns = {"a": cells * 30, "b": ["Keine", "Schnalle"] * 30}
    kinds = (("a", CATEGORY), ("b", ""))
    assert declare(columns, kinds).attribute("a").named == named


def test_the_user_names_attributes_and_kinds() -> None:
    columns = {"Material": MATERIAL, "Absatzhöhe (mm)": HEEL, "Notiz": NOTES}
    only = declare(columns, (("material", DECISIVE), ("absatzhöhe_mm", CATEGORY)))
    assert only.names == ("material", "absatzhöhe_mm")
    assert only.attribute("absatzhöhe_mm").kind == CATEGORY
    assert only.decisive == "material"
    others = declare(columns, (("Notiz", CATEGORY), (ALL_OTHERS, "")))
    assert [each.kind for each in others.attributes] == [CATEGORY, NUMBER, CATEGORY]


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        ((("hue", ""),), "--attributes hue: no such column; choose from material"),
        ((("material", "colour"),), "material=colour: unknown kind; choose from category"),
        (
            (("material", DECISIVE), ("anlass", DECISIVE)),
            "material and anlass are decisive; choose one",
        ),
    ],
)
def test_wrong_names_and_kinds_are_refused(kinds, message: str) -> None:
    with pytest.raises(FitRankError, match=message):
        declare({"material": MATERIAL, "anlass": MATERIAL}, kinds)


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(FitRankError, match="two columns are the attribute 'heel_height'"):
        declare({"Heel Height": HEEL, "heel-height": HEEL})
