"""Six products to make queries from."""

import pytest

from fitrank_tf.datasets.catalogue import CatalogueRecords
from tests.fashion import ATTRIBUTES, DECLARATION

PRODUCTS = [
    ("1", "Acme Men Red Check Shirt", "Men", "Red", "Shirts"),
    ("2", "ACME men red  check shirt", "Men", "Red", "Shirts"),  # the twin of 1
    ("3", "Bolt Women Red Shirt", "Women", "Red", "Shirts"),
    ("4", "Bolt Women Blue Shirt", "Women", "Blue", "Shirts"),
    ("5", "Crux Men Red Casual Shoes", "Men", "Red", "Casual Shoes"),
    ("6", "Crux Thing", "", "", ""),
]


@pytest.fixture(scope="module")
def records() -> CatalogueRecords:
    columns = {name: [""] * len(PRODUCTS) for name in ATTRIBUTES}
    for row, (_, _, gender, colour, article) in enumerate(PRODUCTS):
        columns["gender"][row], columns["colour"][row] = gender, colour
        columns["article_type"][row] = article
    return CatalogueRecords(
        ids=tuple(product[0] for product in PRODUCTS),
        texts=tuple(product[1] for product in PRODUCTS),
        attributes={name: tuple(values) for name, values in columns.items()},
        splits=("test",) * len(PRODUCTS),
        declaration=DECLARATION,
    )
