"""Cells are cleaned once."""

import datetime
import decimal
import unicodedata
from typing import Any

import pytest

from fitrank_tf.datasets.tables.cells import cell_text, cell_values, clean_text, header_key


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("  Red Shirt\t", "Red Shirt"),
        ("Red\u00a0Shirt\u200b", "Red Shirt"),
        ("\ufeffRed\r\n  Shirt\u2003", "Red Shirt"),
        ("Red  Shirt", "Red  Shirt"),
        ("Re\u00add Sh\x00irt", "Red Shirt"),
        ("\u202dRed Shirt\u202c", "Red Shirt"),
        ("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
        (unicodedata.normalize("NFD", "Café crème"), "Café crème"),
        ("Dolce &amp; Gabbana", "Dolce & Gabbana"),
        ("Levi&#39;s 501&#x2122; &eacute;t&eacute;", "Levi's 501™ été"),
        ("Levi&amp;#39;s", "Levi's"),
        ("Caf&eacute;&nbsp;blue", "Café blue"),
        ("Black&notched, R&B; M&S", "Black&notched, R&B; M&S"),
        ("<b>Red</b> <i class='x'>Shirt</i>", "Red Shirt"),
        ("<p>Red Shirt</p><ul><li>wool</li></ul>", "Red Shirt wool"),
        ("Red<br/>Shirt<!-- draft -->", "Red Shirt"),
        ("&lt;b&gt;Red&lt;/b&gt;", "Red"),
        ("<script>alert(1)</script>Red", "Red"),
        ("Size <M> or 5 < 6 > 4", "Size <M> or 5 < 6 > 4"),
        ("cafÃ© crÃ¨me â€“ blue", "café crème – blue"),
        ("GARÇON Ã LA MODE", "GARÇON Ã LA MODE"),
        ("half \ud83d of", "half \ufffd of"),
        ('="00123"', "00123"),
        ("'00123", "00123"),
        ("'n' Roll", "'n' Roll"),
    ],
)
def test_text(written: str, text: str) -> None:
    assert clean_text(written) == text
    assert clean_text(text) == text


@pytest.mark.parametrize(
    "word",
    [
        "",
        " ",
        "nan",
        "NaN",
        "NULL",
        "N/A",
        "None",
        "#N/A",
        "<NA>",
        "\\N",
        "-",
        "NaT",
        "n.a.",
    ],
)
def test_words_for_a_missing_value(word: str) -> None:
    assert cell_text(word) == ""
    assert cell_values(word) == ()
    assert cell_text(f"{word}a") == f"{word.strip()}a"


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, ""),
        (1163, "1163"),
        (1163.0, "1163"),
        (9.5, "9.5"),
        (2.0**60, str(2.0**60)),
        (float("nan"), ""),
        (float("-inf"), ""),
        (decimal.Decimal("1163.00"), "1163"),
        (decimal.Decimal("9.50"), "9.50"),
        (decimal.Decimal("12345678901234567890.0"), "12345678901234567890"),
        (decimal.Decimal("NaN"), ""),
        (True, "True"),
        (b"caf\xc3\xa9", "café"),
        (b"\xff\xd8\xff", ""),
        (datetime.date(2012, 5, 1), "2012-05-01"),
        (datetime.datetime(2012, 5, 1), "2012-05-01"),
        (datetime.datetime(2012, 5, 1, 9, 30), "2012-05-01T09:30:00"),
        (["Red", None, " Blue "], "Red, Blue"),
        ({"a": 1}, '{"a": 1}'),
    ],
)
def test_cells_of_other_kinds(cell: Any, text: str) -> None:
    assert cell_text(cell) == text


@pytest.mark.parametrize(
    ("cell", "separator", "values"),
    [
        ("Red", "", ("Red",)),
        ("Red|Blue", "", ("Red|Blue",)),
        ("Red| Blue |red||Red", "|", ("Red", "Blue", "red")),
        (["Red", " Blue", "nan", None], "", ("Red", "Blue")),
        ('["Red", "Blue"]', "", ("Red", "Blue")),
        ("['Red', 'Blue, dark']", "|", ("Red", "Blue, dark")),
        ("['Red' 'Blue']", "", ("Red", "Blue")),
        ("[1, 2.0]", "", ("1", "2")),
        ("[]", "", ()),
        ("[New] Shirt", "", ("[New] Shirt",)),
        ("[" * 5000, "", ("[" * 5000,)),
    ],
)
def test_values(cell: Any, separator: str, values: tuple[str, ...]) -> None:
    assert cell_values(cell, separator) == values


@pytest.mark.parametrize(
    "name",
    ["Product ID", "product_id", " PRODUCT-ID\u00a0", "\ufeffProduct  Id", "product.id"],
)
def test_headers_are_compared_by_letters(name: str) -> None:
    assert header_key(name) == "product id"
