"""What a check finds, and its page."""

import json
from collections.abc import Iterator

import pytest

from fitrank_tf.core.photos.clean import UnreadablePhoto
from fitrank_tf.core.photos.names import MISSING_IMAGE
from fitrank_tf.datasets.attributes import Attribute, Declaration
from fitrank_tf.datasets.check import CatalogueCheck, check_source, draw_page
from fitrank_tf.datasets.check.catalogue_check import RARE, Place
from fitrank_tf.datasets.check.page import draw_sheet, thumbnail
from fitrank_tf.datasets.product_source import ProductRow, ProductSource
from fitrank_tf.datasets.splits import SPLITS, TRAIN, split_of
from fitrank_tf.datasets.tables import Blob
from tests.datasets.small_catalogues import noise_photo


class Rows(ProductSource):
    """Rows in memory; the photo of a row is its seed."""

    def __init__(self, *rows: ProductRow):
        self._rows = rows

    @property
    def where(self) -> str:
        return "a<b>.csv"

    @property
    def declaration(self) -> Declaration:
        names = dict.fromkeys(name for row in self._rows for name in row.attributes)
        return Declaration(tuple(map(Attribute, names)))

    def rows(self) -> Iterator[ProductRow]:
        return iter(self._rows)

    def read_photo(self, photo: str) -> bytes:
        if photo == "gone":
            raise UnreadablePhoto(MISSING_IMAGE)
        return noise_photo(int(photo))

    def fingerprint(self) -> str:
        raise NotImplementedError


def product(number: int, **changes: object) -> ProductRow:
    fields = {
        "id": f"p{number}",
        "text": f"Shirt {number}",
        "attributes": {"colour": "Red", "tags": ("new", "warm")},
        "photos": (str(number),),
        "line": number + 2,
    }
    return ProductRow(**(fields | changes))


@pytest.fixture(scope="module")
def check() -> CatalogueCheck:
    rows = [product(n) for n in range(30)]
    rows[3] = product(3, photos=("gone",))
    rows[4] = product(4, problem="quotes that do not match")
    rows[5] = product(5, id="p1")
    rows[6] = product(6, id="")
    rows[7] = product(7, text="", attributes={"colour": "", "tags": ()})
    rows[8] = product(8, photos=("9",))
    rows[9] = product(9, attributes={"colour": "Navy Blue", "tags": ""})
    rows[10] = product(10, attributes={"colour": "Navy-Blue", "tags": "new"})
    rows[11] = product(11, photos=(Blob("", lambda: noise_photo(12)),))
    return check_source(Rows(*rows))[0]


def test_rows_left_out_have_a_reason_an_id_and_a_line(check: CatalogueCheck) -> None:
    assert check.left_out == {
        "no image file": [Place("p3", 5)],
        "quotes that do not match": [Place("p4", 6)],
        "duplicate id": [Place("p1", 7)],
        "empty id": [Place("", 8)],
    }
    assert (check.num_rows, check.num_products) == (30, 26)
    assert sum(check.splits.values()) == 26


def test_titles_and_photos(check: CatalogueCheck) -> None:
    assert check.without_title == [Place("p7", 9)]
    assert check.num_titles == 25
    assert check.same_files == [
        [Place("p8", 10), Place("p9", 11)],
        [Place("p11", 13), Place("p12", 14)],
    ]
    assert check.same_pictures == []


def test_attributes(check: CatalogueCheck) -> None:
    colour, tags = check.attributes["colour"], check.attributes["tags"]
    assert colour.counts == {"Red": 23, "Navy Blue": 1, "Navy-Blue": 1}
    assert tags.counts == {"new": 24, "warm": 23}
    assert (colour.missing, tags.missing) == (1, 2)
    assert [(each.frequent, each.rare) for each in colour.near] == [
        ("Navy Blue", "Navy-Blue")
    ]
    assert (colour.learned, colour.rare) == (["Red"], ["Navy Blue", "Navy-Blue"])


def test_a_value_is_learned_from_enough_training_products() -> None:
    train = [n for n in range(40) if split_of(f"p{n}", f"Shirt {n}") == TRAIN]
    for count, learned in ((RARE - 1, []), (RARE, ["Red"])):
        rows = [product(n, attributes={"colour": "Red"}) for n in train[:count]]
        found = check_source(Rows(*rows))[0].attributes["colour"]
        assert found.learned == learned


def test_findings_are_sentences(check: CatalogueCheck) -> None:
    text = "\n".join(check.findings)
    for part in (
        "1 of 30 rows are left out: no image file",
        "1 products have no title",
        "4 products share 2 photos (the same file)",
        "colour: 1 of 26 products have no value",
        "colour: 2 of 3 values are on fewer than 5 training products",
        "colour: 1 pairs of values may be one, such as 'Navy Blue' and 'Navy-Blue'",
    ):
        assert part in text


def test_one_title_leaves_splits_without_products() -> None:
    found = check_source(Rows(*(product(n, text="Shirt") for n in range(6))))[0]
    empty = [split for split in SPLITS if not found.splits[split]]
    assert len(empty) == 2
    assert sum("no product is in the" in each for each in found.findings) == 2


@pytest.mark.parametrize("rows", [(), (product(1, photos=("gone",)),)])
def test_no_product(rows: tuple[ProductRow, ...]) -> None:
    found, products = check_source(Rows(*rows))
    assert products == []
    assert found.findings[-1] == "no product can be used"
    assert "no product can be used" in draw_page(found, b"", {})


def test_to_plain_is_json(check: CatalogueCheck) -> None:
    plain = json.loads(json.dumps(check.to_plain()))
    assert plain["left_out"]["no image file"] == [{"id": "p3", "line": 5}]


def test_page_and_sheet(check: CatalogueCheck) -> None:
    photos = {f"p{n}": thumbnail(noise_photo(n)) for n in range(13)}
    sheet = draw_sheet(photos | {"é": photos["p1"]})
    assert thumbnail(sheet).size[0] == 96
    page = draw_page(check, sheet, photos)
    assert "a&lt;b&gt;.csv" in page
    assert "a<b>" not in page
    assert page.count("<img ") == 3
    assert "p3 in line 5" in page
