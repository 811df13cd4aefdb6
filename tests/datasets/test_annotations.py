"""Annotations: written, read back, and refused with the product's name."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets import annotations
from fitrank_tf.datasets.annotations import (
    AnnotatedProduct,
    read_annotations,
    read_lines,
    write_annotations,
)
from fitrank_tf.datasets.annotations.annotated_items import annotated_items
from fitrank_tf.datasets.annotations.annotation_file import Box
from fitrank_tf.datasets.annotations.annotation_sheet import SheetPhoto, draw_sheet
from fitrank_tf.datasets.annotations.box_proposal import propose_box
from fitrank_tf.datasets.annotations.product_choice import choose_products
from fitrank_tf.datasets.catalogue import CatalogueRecords, CatalogueSource, open_catalogue
from fitrank_tf.datasets.item import OBJECT_CLASSES
from tests.fashion import ATTRIBUTES, DECLARATION

SHIRT = AnnotatedProduct(
    id="12345",
    width=168,
    height=224,
    split="train",
    boxes=(
        Box("top", 20.0, 50.0, 140.0, 200.0),
        Box("sleeve", 10.0, 60.0, 40.0, 120.0),
        Box("sleeve", 130.0, 60.0, 160.0, 120.0),
        Box("neckline", 60.0, 50.0, 100.0, 70.5),
    ),
    sleeve="short",
    neckline="collar",
)
BAG = AnnotatedProduct("99", 168, 224, "test", (Box("bag", 1.0, 2.0, 160.0, 220.0),))


def test_annotations_are_read_back_in_the_order_of_the_ids(tmp_path) -> None:
    write_annotations(tmp_path / "a.json", [SHIRT, BAG])
    assert read_annotations(tmp_path / "a.json") == [BAG, SHIRT]


def test_the_file_is_coco(tmp_path) -> None:
    write_annotations(tmp_path / "a.json", [SHIRT])
    plain = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    names = {entry["id"]: entry["name"] for entry in plain["categories"]}
    assert tuple(names.values()) == OBJECT_CLASSES
    [image] = plain["images"]
    assert (image["file_name"], image["width"], image["height"]) == ("12345.jpg", 168, 224)
    neckline = plain["annotations"][3]
    assert names[neckline["category_id"]] == "neckline"
    # COCO's box is x, y, width, height.
    assert neckline["bbox"] == [60.0, 50.0, 40.0, 20.5]
    assert neckline["area"] == 820.0
    assert all(entry["image_id"] == image["id"] for entry in plain["annotations"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"boxes": ()}, "'12345' has 0 product boxes"),
        ({"boxes": SHIRT.boxes + BAG.boxes}, "has 2 product boxes"),
        ({"boxes": SHIRT.boxes + SHIRT.boxes[1:2]}, "more than two sleeves"),
        ({"boxes": SHIRT.boxes + SHIRT.boxes[3:]}, "two necklines"),
        ({"boxes": (Box("trouser", 0, 0, 9, 9),)}, "a box ['trouser']: choose from top"),
        ({"boxes": (Box("top", 9, 0, 9, 9),)}, "empty or beyond its photo of 168 x 224"),
        ({"boxes": (Box("top", 0, 0, 169, 9),)}, "empty or beyond its photo"),
        ({"sleeve": "puffed"}, "the sleeve 'puffed': choose from"),
        ({"neckline": "deep"}, "the neckline 'deep'"),
        ({"split": "validation"}, "the split 'validation'"),
        ({"width": 0}, "a photo without pixels"),
    ],
)
def test_invalid_annotations_are_refused_with_their_product(change, message) -> None:
    with pytest.raises(FitRankError) as refused:
        dataclasses.replace(SHIRT, **change)
    assert message in str(refused.value)


def test_a_product_comes_once(tmp_path) -> None:
    with pytest.raises(FitRankError, match="'99' comes twice"):
        write_annotations(tmp_path / "a.json", [BAG, BAG])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text", ["", "{}", '{"images": 3, "annotations": [], "categories": []}']
)
def test_a_file_of_another_kind_is_named(tmp_path, text: str) -> None:
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    with pytest.raises(FitRankError, match=r"a\.json"):
        read_annotations(tmp_path / "a.json")


def test_a_box_without_its_photo_is_named(tmp_path) -> None:
    write_annotations(tmp_path / "a.json", [BAG])
    plain = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    plain["annotations"][0]["image_id"] = 7
    (tmp_path / "a.json").write_text(json.dumps(plain), encoding="utf-8")
    with pytest.raises(FitRankError, match="image 7, which is not among the images"):
        read_annotations(tmp_path / "a.json")


SIZES, SPLITS = {"12345": (200, 400)}, {"12345": "train"}


def test_a_line_is_in_percent_of_the_photo(tmp_path) -> None:
    line = {
        "id": 12345,
        "product": "top",
        "box": [10, 20, 90, 95],
        "sleeves": [[10, 25, 20, 50]],
        "neckline_box": None,
        "sleeve": "long",
    }
    (tmp_path / "a.jsonl").write_text(f"\n{json.dumps(line)}\n", encoding="utf-8")
    [product] = read_lines(tmp_path / "a.jsonl", SIZES, SPLITS)
    assert product.boxes == (Box("top", 20, 80, 180, 380), Box("sleeve", 20, 100, 40, 200))
    assert (product.sleeve, product.neckline, product.split) == ("long", "", "train")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("not json", "line 2: not an annotation"),
        ('{"id": "12345", "product": "top"}', "line 2: not an annotation .KeyError"),
        ('{"id": "1", "product": "top", "box": [1, 1, 9, 9]}', "not in the catalogue"),
        ('{"id": "12345", "product": "top", "box": [1, 1, 9]}', "not an annotation"),
        ('{"id": "12345", "colour": "red"}', "unknown field 'colour'"),
        ('{"id": "12345", "product": "top", "box": [9, 1, 1, 9]}', "empty or beyond"),
    ],
)
def test_a_wrong_line_is_named(tmp_path, line: str, message: str) -> None:
    (tmp_path / "a.jsonl").write_text(f"\n{line}\n", encoding="utf-8")
    with pytest.raises(FitRankError, match=message):
        read_lines(tmp_path / "a.jsonl", SIZES, SPLITS)


def test_the_proposal_bounds_what_differs_from_the_backdrop() -> None:
    photo = np.full((100, 200, 3), 250, np.uint8)
    photo[20:70, 40:120] = (200, 30, 30)
    photo[5, 5] = 0  # a speck is no product
    assert propose_box(photo) == pytest.approx((20, 20, 60, 70))
    assert propose_box(np.full((10, 10, 3), 250, np.uint8)) == (0, 0, 100, 100)


def test_a_sheet_shows_each_photo_with_its_boxes() -> None:
    photo = np.full((224, 168, 3), 128, np.uint8)
    plain = np.asarray(draw_sheet([SheetPhoto("a", photo, [])]))
    boxed = np.asarray(draw_sheet([SheetPhoto("a", photo, [("sleeve", 20, 20, 60, 60)])]))
    changed = (plain != boxed).any(axis=-1)
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    # 40 percent of a photo drawn 450 x 600.
    assert np.ptp(columns) == pytest.approx(0.4 * 450, abs=3)
    assert np.ptp(rows) == pytest.approx(0.4 * 600, abs=3)
    assert (boxed[changed] == (220, 40, 40)).all()


def _records(counts: dict[str, int]) -> CatalogueRecords:
    articles = [name for name, count in counts.items() for _ in range(count)]
    ids = tuple(map(str, range(len(articles))))
    blank = ("",) * len(ids)
    attributes = dict.fromkeys(ATTRIBUTES, blank) | {"article_type": tuple(articles)}
    splits = tuple("test" if row % 5 == 0 else "train" for row in range(len(ids)))
    return CatalogueRecords(ids, blank, attributes, splits, DECLARATION)


def test_rare_article_types_are_chosen_more_often_than_their_share() -> None:
    records = _records({"Tshirts": 900, "Kurtas": 100})
    rows = choose_products(records, "train", 100)
    assert len(set(rows)) == 100 and rows == sorted(rows)
    assert all(records.splits[row] == "train" for row in rows)
    kurtas = sum(records.attributes["article_type"][row] == "Kurtas" for row in rows)
    # The square roots are 30 and 10: one in four, where the share is one in ten.
    assert 15 <= kurtas <= 35
    assert choose_products(records, "train", 100) == rows
    assert choose_products(records, "train", 100, seed=1) != rows


def test_products_are_chosen_from_the_given_article_types() -> None:
    records = _records({"Tshirts": 30, "Kurtas": 30})
    rows = choose_products(records, "test", 99, ["Kurtas"])
    assert rows == [row for row in range(30, 60) if row % 5 == 0]
    with pytest.raises(FitRankError, match="'Kilts' in the split 'test'"):
        choose_products(records, "test", 9, ["Kilts"])


ANNOTATION_FILES = Path(annotations.__file__).parent


@pytest.mark.parametrize("name", ["fashion_product_images.json", "second_look.json"])
def test_the_shipped_annotations_are_whole(name: str) -> None:
    products = read_annotations(ANNOTATION_FILES / name)
    assert len(products) == {"fashion_product_images": 432, "second_look": 36}[name[:-5]]
    worn = [product for product in products if product.sleeve not in ("", "sleeveless")]
    assert all(any(box.label == "sleeve" for box in product.boxes) for product in worn)


def test_annotated_items_are_the_photos_with_their_boxes(shared_data) -> None:
    source = CatalogueSource("fashion_product_images", manual_dir=str(shared_data))
    catalogue = open_catalogue(source)
    products = read_annotations(ANNOTATION_FILES / "fashion_product_images.json")
    by_id = {product.id: product for product in products}
    items = list(annotated_items(catalogue, products, "test").as_numpy_iterator())
    assert len(items) == 108
    ids = catalogue.records("all").ids
    places = [ids.index(item["id"].decode()) for item in items]
    assert places == sorted(places)
    assert {by_id[item["id"].decode()].split for item in items} == {"test"}
    for item in items:
        product = by_id[item["id"].decode()]
        assert item["image"].shape == (product.height, product.width, 3)
        first = product.boxes[0]
        assert item["objects"]["label"][0] == OBJECT_CLASSES.index(first.label)
        corners = [
            first.ymin / product.height,
            first.xmin / product.width,
            first.ymax / product.height,
            first.xmax / product.width,
        ]
        np.testing.assert_allclose(item["objects"]["bbox"][0], corners, rtol=1e-6)


def test_a_test_product_annotated_to_train_on_is_refused(shared_data) -> None:
    source = CatalogueSource("fashion_product_images", manual_dir=str(shared_data))
    products = read_annotations(ANNOTATION_FILES / "fashion_product_images.json")
    wrong = [
        dataclasses.replace(product, split="train")
        for product in products
        if product.split == "test"
    ]
    with pytest.raises(FitRankError, match="keeps it for testing; mark it test"):
        annotated_items(open_catalogue(source), wrong, "train")
    with pytest.raises(FitRankError, match="none of the 1 products annotated for test"):
        annotated_items(open_catalogue(source), [BAG], "test")
