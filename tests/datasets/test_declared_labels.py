"""Labels of a catalogue's own attributes, where they have the values of labels."""

from fitrank_tf.datasets.annotations.declared_labels import declared_labels
from fitrank_tf.datasets.annotations.label_file import ProductLabels
from fitrank_tf.datasets.attributes import Attribute, Declaration
from fitrank_tf.datasets.catalogue import CatalogueRecords


def _records(decisive: str = "kind", **columns: tuple[str, ...]) -> CatalogueRecords:
    count = len(next(iter(columns.values())))
    declaration = Declaration(tuple(map(Attribute, columns)), (decisive,), decisive)
    splits = ("train",) * (count - 1) + ("test",)
    ids = tuple(f"p{row}" for row in range(count))
    return CatalogueRecords(ids, ("",) * count, columns, splits, declaration)


def test_values_of_labels_are_labels_and_others_are_not() -> None:
    records = _records(
        kind=("Shirt",) * 4,
        sleeve=("long", "", "Long", "short"),
        pattern=("plain", "dotted", "", "striped"),
        colour=("Red",) * 4,
    )
    assert declared_labels(records) == {
        "p0": ProductLabels("p0", "train", {"sleeve": "long", "pattern": "plain"}),
        "p3": ProductLabels("p3", "test", {"sleeve": "short", "pattern": "striped"}),
    }


def test_a_kind_that_never_has_a_value_has_no_such_part() -> None:
    records = _records(
        kind=("Shirt", "Shirt", "Trousers", "", "Trousers"),
        neckline=("collar", "", "", "", ""),
        length=("", "", "ankle", "", "knee"),
    )
    assert {item: of.values for item, of in declared_labels(records).items()} == {
        "p0": {"neckline": "collar", "length": ""},
        "p1": {"length": ""},
        "p2": {"neckline": "", "length": "ankle"},
        "p4": {"neckline": "", "length": "knee"},
    }


def test_products_for_validation_get_none() -> None:
    records = _records(kind=("Shirt", "Shirt"), sleeve=("long", "long"))
    splits = ("validation", "test")
    records = CatalogueRecords(
        records.ids, records.texts, records.attributes, splits, records.declaration
    )
    assert list(declared_labels(records)) == ["p1"]


def test_empty_attributes_as_kaggles_are_no_labels() -> None:
    records = _records(
        "article_type",
        article_type=("Shirts", "Jeans"),
        pattern=("", ""),
        sleeve=("", ""),
        neckline=("", ""),
    )
    assert declared_labels(records) == {}
