"""Values that may be one."""

import pytest

from fitrank_tf.datasets.check.near_values import NearValues, near_values


@pytest.mark.parametrize(
    ("frequent", "rare"),
    [
        ("Navy Blue", "Navy-Blue"),
        ("Navy Blue", "NavyBlue"),
        ("Navy Blue", "Blue Navy"),
        ("Tshirts", "T-Shirt"),
        ("Shirts", "Shirt"),
        ("Watches", "Watchs"),
        ("Sandals", "Sandlas"),
        ("Sandals", "Sandls"),
        ("Sandals", "Sandaals"),
        ("Sandals", "Sendals"),
        ("Size 38", "Size-38"),
    ],
)
def test_near(frequent: str, rare: str) -> None:
    assert near_values({rare: 2, frequent: 5, "Flip Flops": 9}) == [
        NearValues(frequent, rare, 5, 2)
    ]


def test_values_of_many_products_are_no_slips() -> None:
    assert near_values({"Shirts": 900, "Skirts": 40, "Shrits": 3}) == [
        NearValues("Shirts", "Shrits", 900, 3)
    ]
    assert near_values({"Shirts": 900, "Shirt": 400}) != []


@pytest.mark.parametrize(
    "values",
    [
        ("Red", "Bed"),
        ("Men", "Women"),
        ("2011", "2012"),
        ("Size 38", "Size 39"),
        ("Casual Shoes", "Formal Shoes"),
        ("Sandals", "Sandlals Flat"),
        ("Abcdef", "Bacdfe"),
        ("Girls", "Boys"),
    ],
)
def test_not_near(values: tuple[str, str]) -> None:
    assert near_values(dict.fromkeys(values, 2)) == []
