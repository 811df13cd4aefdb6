"""DeepFashion's Category and Attribute Prediction in its own layout."""

import json
import logging
import re
import shutil
import tracemalloc
from pathlib import Path

import pytest
import tensorflow_datasets as tfds

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.photos.names import MISSING_IMAGE
from fitrank_tf.datasets.annotations.label_file import LABEL_FIELDS
from fitrank_tf.datasets.deepfashion import MALFORMED
from fitrank_tf.datasets.deepfashion_attributes import Builder, DeepFashionAttributesSource
from fitrank_tf.datasets.item import OBJECT_CLASSES
from fitrank_tf.datasets.product_source import PixelBox, ProductRow
from fitrank_tf.datasets.splits import ALL
from tests.datasets.small_catalogues import write_files

FOLDER = Path(Builder.code_path).parent
DUMMY = FOLDER / "dummy_data"
BLOUSE = "Striped_V-Neck_Blouse_img_00000001"
DRESS = "Plaid_Maxi_Dress_img_00000001"
OTHER_DRESS = "Plaid_Maxi_Dress_img_00000002"
JEANS = "Cropped_Skinny_Jeans_img_00000001"
PARKA = "Hooded_Parka_img_00000001"


class TestDeepFashionAttributes(tfds.testing.DatasetBuilderTestCase):
    """TFDS's own test."""

    DATASET_CLASS = Builder
    SPLITS = {"train": 2, "validation": 1, "test": 1}


def rows_of(folder: Path) -> dict[str, ProductRow]:
    rows = DeepFashionAttributesSource(str(folder)).rows()
    return {row.id: row for row in rows if not row.problem}


@pytest.mark.parametrize(
    ("photo", "expected"),
    [
        (
            BLOUSE,
            {
                "category": "Blouse",
                "texture": "stripe",
                "part": "long sleeve|v-neck",
                "style": "chic",
                "sleeve": "long",
                "neckline": "v",
                "pattern": "striped",
            },
        ),
        # It has long sleeves, and none: the field is empty.
        (
            DRESS,
            {
                "category": "Dress",
                "fabric": "plaid",
                "shape": "a-line|maxi",
                "part": "long sleeve|sleeveless",
                "length": "ankle",
                "pattern": "checked",
            },
        ),
        (OTHER_DRESS, {"category": "Dress"}),
        # Trousers are not cropped above the hip.
        (JEANS, {"category": "Skinny Jeans", "shape": "cropped", "style": "chic"}),
    ],
)
def test_attributes_by_type_and_derived(catalogue, photo, expected) -> None:
    records = catalogue.records(ALL)
    of = records.ids.index(photo)
    found = {name: column[of] for name, column in records.attributes.items()}
    assert {name: value for name, value in found.items() if value} == expected


def test_cropped_tops_end_above_the_hip(copy: Path) -> None:
    table = copy / "Anno_coarse/list_category_img.txt"
    table.write_text(table.read_text().replace(" 2\n", " 1\n"))
    assert rows_of(copy)[JEANS].attributes["length"] == "cropped"


def test_a_category_that_is_none_is_empty() -> None:
    row = rows_of(DUMMY)[PARKA]
    assert row.attributes == {"category": ""}
    assert row.objects == ()


def test_the_derived_values_are_those_of_labels() -> None:
    values = json.loads((FOLDER / "attribute_values.json").read_text())
    assert {field for of in values.values() for field in of} == {
        *("sleeve", "neckline", "length", "pattern")
    }
    for name, of in values.items():
        assert name == " ".join(name.lower().split())
        for field, value in of.items():
            assert value in LABEL_FIELDS[field]


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("long-sleeved", "sleeve", "long"),
        ("sleeveless", "sleeve", "sleeveless"),
        ("cap-sleeve", "sleeve", "short"),
        ("deep v-neck", "neckline", "v"),
        ("crew neck", "neckline", "round"),
        ("collared", "neckline", "collar"),
        ("hooded", "neckline", "hood"),
        ("off-the-shoulder", "neckline", "other"),
        ("mini", "length", "thigh"),
        ("knee-length", "length", "knee"),
        ("midi", "length", "calf"),
        ("floral maxi", "length", "ankle"),
        ("floral maxi", "pattern", "printed"),
        ("gingham", "pattern", "checked"),
        ("pinstripe", "pattern", "striped"),
        ("polka dot", "pattern", "printed"),
    ],
)
def test_what_an_attribute_means(copy: Path, name, field, value) -> None:
    names = copy / "Anno_coarse/list_attr_cloth.txt"
    names.write_text(names.read_text().replace("stripe ", f"{name} "))
    table = copy / "Anno_coarse/list_attr_img.txt"
    head = "".join(table.read_text().splitlines(keepends=True)[:2])
    table.write_text(f"{head}img/Striped_V-Neck_Blouse/img_00000001.jpg {'-1 ' * 8}1 -1\n")
    assert rows_of(copy)[BLOUSE].attributes[field] == value


def test_splits_are_the_benchmarks(catalogue) -> None:
    records = catalogue.records(ALL)
    assert dict(zip(records.ids, records.splits)) == {
        BLOUSE: "train",
        DRESS: "train",
        OTHER_DRESS: "validation",
        JEANS: "test",
    }


def test_what_is_left_out_is_counted(catalogue) -> None:
    assert catalogue.skipped == {MALFORMED: 1, MISSING_IMAGE: 1}
    malformed = catalogue.builder.info.metadata["skipped"][MALFORMED]
    assert malformed["ids"] == [f"{BLOUSE} in line 8"]


def test_boxes_are_of_the_categorys_type(catalogue) -> None:
    boxes = {
        item["id"].decode(): (
            [OBJECT_CLASSES[label] for label in item["objects"]["label"]],
            item["objects"]["bbox"].astype(float).round(4).tolist(),
        )
        for item in catalogue.items(ALL).as_numpy_iterator()
    }
    # ymin, xmin, ymax, xmax in photos of 60 x 90; the dress's reaches beyond.
    assert boxes == {
        BLOUSE: (["top"], [[0.1, 0.25, 0.9, 0.75]]),
        DRESS: (["one-piece"], [[0.2, 0.1, 1.0, 1.0]]),
        OTHER_DRESS: ([], []),
        JEANS: (["bottom"], [[0.5, 0.0, 1.0, 0.5]]),
    }


def test_wrong_counts_and_lines_are_logged(caplog) -> None:
    with caplog.at_level(logging.WARNING):
        rows_of(DUMMY)
    assert "list_attr_cloth.txt says that it has 1000 lines; it has 10" in caplog.text
    assert "1 lines without 11 columns are left out, the first in line 7" in caplog.text


def test_the_older_folder_is_read(copy: Path) -> None:
    before = rows_of(copy)
    (copy / "Anno_coarse").rename(copy / "Anno")
    assert rows_of(copy) == before


def test_without_attributes_and_boxes_there_are_categories(copy: Path, caplog) -> None:
    for name in ("list_attr_cloth.txt", "list_attr_img.txt", "list_bbox.txt"):
        (copy / "Anno_coarse" / name).unlink()
    with caplog.at_level(logging.WARNING):
        row = rows_of(copy)[BLOUSE]
    assert (row.attributes, row.objects) == ({"category": "Blouse"}, ())
    assert caplog.text.count("so no boxes") == 1


def test_the_thousand_attributes_are_not_kept_in_memory(tmp_path: Path) -> None:
    photos, attributes = 400, 1000
    shutil.copytree(DUMMY, tmp_path, dirs_exist_ok=True)
    names = "".join(f"name {number} 5\n" for number in range(attributes))
    values = " ".join(["-1", "1", *["-1"] * (attributes - 2)])
    files = {
        "Anno_coarse/list_attr_cloth.txt": f"{attributes}\nhead\n{names}",
        "Anno_coarse/list_attr_img.txt": f"{photos}\nhead\n"
        + "".join(f"img/a/{number}.jpg {values}\n" for number in range(photos)),
        "Eval/list_eval_partition.txt": f"{photos}\nhead\n"
        + "".join(f"img/a/{number}.jpg train\n" for number in range(photos)),
    }
    write_files(tmp_path, {name: text.encode() for name, text in files.items()})
    source = DeepFashionAttributesSource(str(tmp_path))
    tracemalloc.start()
    rows = list(source.rows())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [row.attributes["style"] for row in rows] == [("name 1",)] * photos
    # The file of attributes has 3,000 bytes a photo.
    assert peak < 2000 * photos


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"Anno_coarse.zip": b""}, r"no Anno_coarse/list_cat.* or Anno/.*is there, packed"),
        (
            {"Anno/list_category_img.txt": b"0\n", "Img/img.zip": b""},
            r"no Img/img or img in .*\(img.zip is there, packed\); unpack",
        ),
        (
            {"Anno/list_category_img.txt": b"0\n", "Img/img/a.jpg": b""},
            r"no Eval/list_eval_partition.txt in .*; unpack .* Anno_coarse",
        ),
    ],
)
def test_a_folder_that_lacks_something_is_one_line(
    tmp_path: Path, files: dict, said: str
) -> None:
    write_files(tmp_path, files)
    with pytest.raises(FitRankError, match=said) as error:
        DeepFashionAttributesSource(str(tmp_path))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("corners", "expected"),
    [
        ("15.0 9.0 045.0 81", (15, 9, 45, 81)),
        ("-4 9 1e2 81", (-4, 9, 100, 81)),
        (f"15 9 {'9' * 20} 81", (15, 9, 10**20, 81)),
        (f"15 9 {'9' * 400} 81", None),
        ("15 9 nan 81", None),
        ("15 9 45.5 81", None),
        ("15 9 three 81", None),
    ],
)
def test_corners_are_whole_numbers(copy: Path, corners, expected, caplog) -> None:
    table = copy / "Anno_coarse/list_bbox.txt"
    table.write_text(table.read_text().replace("015 009 045 081", corners))
    objects = rows_of(copy)[BLOUSE].objects
    assert objects == ((PixelBox("top", expected),) if expected else ())
    # Beside the one that cannot be read as it is.
    lines = 1 if expected else 2
    assert f"list_bbox.txt: {lines} lines with boxes that are not four wh" in caplog.text


@pytest.mark.parametrize(
    ("number", "category"),
    [
        ("01", "Blouse"),
        ("003", "Dress"),
        ("0", ""),
        ("99", ""),
        ("x", ""),
        ("9" * 9999, ""),
    ],
)
def test_the_number_of_a_category(copy: Path, number, category, caplog) -> None:
    table = copy / "Anno_coarse/list_category_img.txt"
    table.write_text(table.read_text().replace(" 1\n", f" {number}\n"))
    assert rows_of(copy)[BLOUSE].attributes["category"] == category
    lines = 1 if category else 2
    assert f"_img.txt: {lines} lines with a category that is none" in caplog.text


def test_a_category_without_a_type_keeps_its_name(copy: Path, caplog) -> None:
    names = copy / "Anno_coarse/list_category_cloth.txt"
    for written in ("Blouse", "Skinny Jeans"):
        names.write_text(re.sub(rf"{written} +\d", written, names.read_text()))
        assert f"{written!r} has no type" not in caplog.text
    rows = rows_of(copy)
    assert (rows[BLOUSE].attributes["category"], rows[BLOUSE].objects) == ("Blouse", ())
    assert rows[JEANS].attributes["category"] == "Skinny Jeans"
    assert "'Blouse' has no type" in caplog.text
    assert "'Skinny Jeans' has no type" in caplog.text
