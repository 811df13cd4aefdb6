"""Tables of all kinds through one way in."""

import builtins
import gzip
import hashlib
import io
import logging
import zipfile
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.tables import Table, TableOptions, parse_table, read_table
from fitrank_tf.datasets.tables.table import NOT_DECODED, unique_names

_HIDDEN = ' state="hidden"'
_CELLS = {"id": ["1163", "0012"], "text": ["Red & Blue", "Hat"]}


def workbook(*sheets: list[list[str | float | None]], hidden: int = 0) -> bytes:
    """A workbook as Excel writes it, of these rows; the first `hidden` sheets are that."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    numbers = range(1, len(sheets) + 1)
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        "</Types>",
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r" Type="{office}/officeDocument" Target="xl/workbook.xml"/>'
        "</Relationships>",
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        + "".join(
            f'<sheet name="S{n}" sheetId="{n}" r:id="r{n}"{_HIDDEN * (n <= hidden)}/>'
            for n in numbers
        )
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        + "".join(
            f'<Relationship Id="r{n}" Type="{office}/worksheet" '
            f'Target="worksheets/sheet{n}.xml"/>'
            for n in numbers
        )
        + "</Relationships>",
    }
    for number, rows in zip(numbers, sheets):
        written = "".join(
            f'<row r="{line}">'
            + "".join(_cell(f"{chr(65 + n)}{line}", value) for n, value in enumerate(row))
            + "</row>"
            for line, row in enumerate(rows, 1)
        )
        parts[f"xl/worksheets/sheet{number}.xml"] = (
            f'<worksheet xmlns="{main}"><sheetData>{written}</sheetData></worksheet>'
        )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, '<?xml version="1.0" encoding="UTF-8"?>' + content)
    return file.getvalue()


def _cell(place: str, value: str | float | None) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    return f'<c r="{place}"><v>{value}</v></c>'


def texts(table: Table) -> dict[str, list[str]]:
    return {name: table.texts(name) for name in table.header}


@pytest.mark.parametrize(
    "data",
    [
        b"id,text\n1163,Red & Blue\n0012,Hat\n",
        b"\xef\xbb\xbfid;text\r\n1163;Red &amp; Blue\r\n0012;Hat\r\n",
        gzip.compress(b"id|text\n1163|Red & Blue\n0012|Hat\n"),
        b'{"id": 1163, "text": "Red & Blue"}\n{"id": "0012", "text": "Hat"}\n',
        workbook(
            [], [[None], ["id", "text"], [1163, "Red & Blue"], [None], ["0012", "Hat"]]
        ),
    ],
    ids=["comma", "semicolon", "gzip", "JSON", "Excel"],
)
def test_kinds_are_told_by_their_content(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "any.name"
    path.write_bytes(data)
    table = read_table(str(path))
    assert texts(table) == _CELLS
    assert table.digest == hashlib.sha256(data).hexdigest()
    assert texts(parse_table(data, "t")) == _CELLS


def test_rows_of_a_sheet_keep_their_numbers() -> None:
    data = workbook([[None], ["id", "year"], [1163.0, 2012.0], [None], [1164.0, 2012.5]])
    table = parse_table(data, "t.xlsx")
    assert [row.line for row in table.rows] == [3, 5]
    assert texts(table) == {"id": ["1163", "1164"], "year": ["2012", "2012.5"]}


@pytest.mark.parametrize(
    "data", [workbook([]), workbook([[None]])], ids=["no cell", "an empty cell"]
)
def test_empty_workbook_is_refused(data: bytes) -> None:
    with pytest.raises(FitRankError, match=r"t\.xlsx: the workbook is empty"):
        parse_table(data, "t.xlsx")


@pytest.mark.parametrize("data", [b"PK\x03\x04", b"\xd0\xcf\x11\xe0 cut off"])
def test_damaged_workbook_is_named(data: bytes) -> None:
    with pytest.raises(FitRankError, match=r"t\.xlsx: cannot be read as an Excel") as error:
        parse_table(data, "t.xlsx")
    assert "\n" not in str(error.value)


def test_without_the_reader_of_excel_its_extra_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = builtins.__import__

    def without(name: str, *others: Any) -> Any:
        if name == "python_calamine":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *others)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(FitRankError, match=r"python_calamine is not.*fitrank-tf\[excel\]"):
        parse_table(workbook([["id"]]), "t.xlsx")


# With ids: the bytes of gzip hold the time, and those of workers differ.
@pytest.mark.parametrize(
    "data",
    [b"\x1f\x8b cut off", gzip.compress(b"id,text")[:-9]],
    ids=["header", "end"],
)
def test_damaged_gzip_is_named(data: bytes) -> None:
    with pytest.raises(FitRankError, match=r"t\.gz: cannot be unpacked"):
        parse_table(data, "t.gz")


@pytest.mark.parametrize("name", ["gone.csv", "."])
def test_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(FitRankError, match=r"cannot be read \("):
        read_table(str(tmp_path / name))


@pytest.mark.parametrize(
    ("encoding", "cut"), [("utf-8", 0), ("utf-8-sig", 0), ("utf-16", 0), ("utf-16", 1)]
)
def test_damaged_text_costs_its_own_row_alone(encoding: str, cut: int) -> None:
    lines = ["id,text", "1,café crème", "2,b@d", "3,Größe", "4,end@" if cut else "4,end"]
    data = "\n".join(lines).encode(encoding)
    if encoding == "utf-16":
        data = data.replace("@".encode("utf-16-le"), b"\x00\xd8")
    data = data.replace(b"@", b"\xe9")
    table = parse_table(data[: len(data) - cut], "t.csv")
    expected = ["", NOT_DECODED, "", NOT_DECODED if cut else ""]
    assert [row.problem for row in table.rows] == expected
    assert table.texts("id") == ["1", "2", "3", "4"]
    assert table.texts("text")[::2] == ["café crème", "Größe"]


def test_columns_are_found_as_people_write_them() -> None:
    table = parse_table(b"ID,Product Name,colour,COLOUR\n1,Shirt,Red,Blue\n", "t.csv")
    assert table.find("id") == "ID"
    assert table.find("product_name") == "Product Name"
    assert (table.find("COLOUR"), table.find("Colour")) == ("COLOUR", "colour")
    assert table.find("size") is None


def test_columns_without_a_name_or_of_one_name(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        table = parse_table(b",id,text,text,\n0,1,Shirt,Hat,\n1,2,Cap,,\n", "t.csv")
    assert texts(table) == {
        "id": ["1", "2"],
        "text": ["Shirt", "Cap"],
        "text (2)": ["Hat", ""],
    }
    assert "column 1 has no name: left out" in caplog.text
    assert "column 4 is named 'text': read as 'text (2)'" in caplog.text
    assert len(caplog.messages) == 2


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1163.0", "nan", "1164.0"], ["1163", "", "1164"]),
        (["1163,0", "1164,0"], ["1163", "1164"]),
        (["1.0", "A", "2.0"], ["1", "A", "2"]),
        (["38.0", "38.5"], ["38.0", "38.5"]),
        (["0012", "13.0"], ["0012", "13.0"]),
        (["10.00", "12.00"], ["10.00", "12.00"]),
        (["A.0", "B.0"], ["A.0", "B.0"]),
    ],
)
def test_whole_numbers_that_became_floats(cells: list[str], expected: list[str]) -> None:
    data = "id;other\n" + "".join(f"{cell};x\n" for cell in cells)
    table = parse_table(data.encode(), "t.csv")
    assert table.texts("id") == expected
    assert [" ".join(values) for values in table.values("id")] == expected


def test_names_of_photos_are_kept_as_written() -> None:
    table = parse_table(b"id,image\n1, my  photo&amp;1.JPG \n2,N/A\n", "t.csv")
    assert table.photos("image") == [["my  photo&amp;1.JPG"], []]


@pytest.mark.parametrize("delimiter", ["ab", '"', "\n"])
def test_bad_delimiters(delimiter: str) -> None:
    with pytest.raises(FitRankError, match="--delimiter"):
        TableOptions(delimiter=delimiter)


def test_a_tab_can_be_written() -> None:
    table = parse_table(b"a,b\tc\n1,2\t3\n", "t.csv", TableOptions(delimiter=r"\t"))
    assert table.header == ("a,b", "c")


@pytest.mark.parametrize(
    ("names", "unique"),
    [
        (["a", "b"], ["a", "b"]),
        (["a", "b", "a", "a"], ["a", "b", "a (2)", "a (3)"]),
        (["a", "a (2)", "a"], ["a", "a (2)", "a (3)"]),
        ([], []),
    ],
)
def test_names_that_come_again_are_numbered(names, unique) -> None:
    assert unique_names(names) == unique
