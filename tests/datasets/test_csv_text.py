"""Tables as shops export them."""

import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.csv_text import read_csv, without_surplus


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "with BOM"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_delimiter_and_byte_order_mark_are_found_out(
    delimiter: str, mark: str, end: str
) -> None:
    lines = [delimiter.join(cells) for cells in (("id", "text"), ("1", "café crème"))]
    data = (mark + end.join(lines) + end).encode()
    assert list(read_csv(data, "t.csv")) == [["id", "text"], ["1", "café crème"]]


def test_quoted_cells_hold_delimiters_and_line_ends() -> None:
    data = b'"id, or sku";text\n1;"Shirt, red;\nslim"\n\n;\n'
    rows = list(read_csv(data, "t.csv"))
    assert rows == [["id, or sku", "text"], ["1", "Shirt, red;\nslim"]]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "t.csv: the file is empty"),
        (b" \n\n", "t.csv: the file is empty"),
        (b"id,text\n1,ok\n2,caf\xe9\n", "t.csv: line 3 is not UTF-8"),
        (b'id,text\n1,"' + b"x" * 200_000 + b'"\n', "t.csv: line 2 is not CSV"),
        (b"x" * 200_000, "t.csv: line 1 is not CSV"),
    ],
)
def test_malformed_csv_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(FitRankError, match=message) as error:
        list(read_csv(data, "t.csv"))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("row", "cells"),
    [
        (["a", "b"], ["a", "b"]),
        (["a"], ["a", ""]),
        (["a", "b", "", " "], ["a", "b"]),
        (["a", "b", "", "c"], ["a", "b", "", "c"]),
    ],
)
def test_rows_are_filled_up_and_lose_empty_surplus_only(
    row: list[str], cells: list[str]
) -> None:
    assert without_surplus(row, 2) == cells
