"""What a header is, and how far from the first row it is looked for."""

import datetime
import logging

import pytest

from fitrank_tf.datasets.tables.header import FIRST_ROW, Header, warn_of_lines_above

OF_PRODUCTS = Header((("id", "sku"), ("title", "product name")))


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["id", "title"], True),
        (["colour", " SKU ", "Product_Name"], True),
        (["id", "sku"], False),
        (["id", "a title"], False),
        (["title"], False),
        ([None, 1163, 2.5, datetime.date(2024, 5, 1)], False),
        (["id", None, 7, "title"], True),
        ([], False),
    ],
)
def test_a_header_has_a_name_of_each_group(cells: list, expected: bool) -> None:
    assert OF_PRODUCTS.is_in(cells) is expected
    assert FIRST_ROW.is_in(cells)


@pytest.mark.parametrize(
    ("above", "place"), [(0, 0), (1, 1), (19, 19), (20, 20), (21, None), (30, None)]
)
def test_a_header_is_found_below_twenty_rows_and_no_more(above: int, place) -> None:
    rows = [["Our products"]] * above + [["id", "title"], ["1", "Hat"], ["id", "title"]]
    assert OF_PRODUCTS.row_of(rows) == place
    assert FIRST_ROW.row_of(rows) == 0
    assert OF_PRODUCTS.row_of(rows[:above]) is None


def test_lines_above_are_named_by_their_numbers(caplog) -> None:
    with caplog.at_level(logging.WARNING):
        warn_of_lines_above("shop.csv", 2, 5)
    assert caplog.messages == ["shop.csv: lines 2 to 5 stand above the header: passed over"]
