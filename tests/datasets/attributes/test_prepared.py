"""Attributes from a table to the records of a prepared catalogue."""

import dataclasses
from pathlib import Path

import pytest

from fitrank_tf.datasets.attributes import CATEGORIES, CATEGORY, NUMBER, TEXT
from fitrank_tf.datasets.catalogue import Catalogue, CatalogueSource, open_catalogue
from fitrank_tf.datasets.splits import ALL
from tests.datasets.small_catalogues import noise_photo, write_csv, write_files

HEADER = ["id", "text", "Absatzhöhe (mm)", "Anlass", "Material", "Notiz"]
OCCASIONS, MATERIALS = ("Büro", "Sport+Büro", ""), ("Leder", "leder", "Gummi")


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> CatalogueSource:
    """Thirty shoes with heels of 0 to 45 mm, an occasion or two, and notes."""
    folder = tmp_path_factory.mktemp("shop")
    rows = [
        [
            f"s{number}",
            f"Schuh {number}",
            f"{5 * (number % 10)},0",
            OCCASIONS[number % 3],
            MATERIALS[number % 3],
            f"Ein sehr bequemer Schuh der Nummer {number}.",
        ]
        for number in range(30)
    ]
    write_files(folder, {f"s{number}.jpg": noise_photo(number) for number in range(30)})
    table = write_csv(folder / "shop.csv", [HEADER, *rows], delimiter=";")
    return CatalogueSource("csv_catalogue", table=str(table), separator="+")


def _opened(source: CatalogueSource, folder: Path) -> Catalogue:
    return open_catalogue(source, str(folder))


def test_records_have_the_declared_attributes(source, tmp_path) -> None:
    catalogue = _opened(source, tmp_path)
    kinds = {each.name: each.kind for each in catalogue.declaration.attributes}
    assert kinds == {
        "absatzhöhe_mm": NUMBER,
        "anlass": CATEGORIES,
        "material": CATEGORY,
        "notiz": TEXT,
    }
    assert catalogue.declaration.facets == ("absatzhöhe_mm", "anlass", "material")
    records = catalogue.records(ALL)
    row = records.ids.index("s1")
    assert {name: column[row] for name, column in records.attributes.items()} == {
        "absatzhöhe_mm": "5",
        "anlass": "Sport|Büro",
        "material": "Leder",
        "notiz": "Ein sehr bequemer Schuh der Nummer 1.",
    }
    assert records.facet_values["anlass"][row] == ("Sport", "Büro")
    assert records.facet_values["material"][row] == ("Leder",)
    some = records.select([row])
    assert some.declaration == records.declaration
    assert some.facet_values["anlass"] == (("Sport", "Büro"),)
    assert records.column("colour") == ("",) * 30


def test_a_changed_declaration_changes_the_fingerprint(source, tmp_path) -> None:
    """Stages have the fingerprint in their keys, so they are made anew."""
    changed = dataclasses.replace(
        source, attributes=(("*", ""), ("Absatzhöhe (mm)", CATEGORY))
    )
    first, second = (_opened(each, tmp_path) for each in (source, changed))
    assert second.declaration.attribute("absatzhöhe_mm").kind == CATEGORY
    assert first.fingerprint != second.fingerprint
    assert _opened(source, tmp_path).fingerprint == first.fingerprint


def test_a_table_without_attributes_is_read(source, tmp_path) -> None:
    table = Path(source.table)
    plain = write_csv(
        table.with_name("plain.csv"),
        [["id", "text"], *([f"s{number}", "Schuh"] for number in range(4))],
    )
    catalogue = _opened(dataclasses.replace(source, table=str(plain)), tmp_path)
    records = catalogue.records(ALL)
    assert (len(records), records.attributes) == (4, {})
    assert "attributes" not in next(catalogue.items(ALL).as_numpy_iterator())
