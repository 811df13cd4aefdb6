"""DeepFashion's In-shop Clothes Retrieval in its own layout."""

import json
import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.photos.names import MISSING_IMAGE
from fitrank_tf.datasets.catalogue import CatalogueSource, open_catalogue
from fitrank_tf.datasets.deepfashion import MALFORMED
from fitrank_tf.datasets.deepfashion_inshop import Builder, DeepFashionInshopSource
from fitrank_tf.datasets.item import OBJECT_CLASSES
from fitrank_tf.datasets.product_builder import (
    NOT_IN_PHOTO,
    TURNED_PHOTO,
    first_usable_photo,
)
from fitrank_tf.datasets.product_source import LabelledBox, PixelBox, ProductRow
from fitrank_tf.datasets.splits import ALL, TEST, TRAIN
from tests.datasets.small_catalogues import encode, write_files

DUMMY = Path(Builder.code_path).parent / "dummy_data"
DRESS = "WOMEN_Dresses_id_00000001_01_1_front"
JACKET = "MEN_Jackets_Vests_id_00000002_02_1_front"
SHIRT = "WOMEN_Blouses_Shirts_id_00000003_01_6_flat"


class TestDeepFashionInshop(tfds.testing.DatasetBuilderTestCase):
    """TFDS's own test."""

    DATASET_CLASS = Builder
    SPLITS = {"train": 2, "test": 3}


def rows_of(folder: Path) -> dict[str, ProductRow]:
    return {row.id: row for row in DeepFashionInshopSource(str(folder)).rows()}


def test_a_photo_has_what_its_path_and_its_item_say(catalogue) -> None:
    row = rows_of(DUMMY)[DRESS]
    # To the blank: Marqo's text keeps the one at the end of the first line.
    assert row.text == "A red dress for tests.  || Knit || 100% cotton"
    records = catalogue.records(ALL)
    of = records.ids.index(DRESS)
    assert {name: column[of] for name, column in records.attributes.items()} == {
        "item": "id_00000001",
        "partition": "train",
        "gender": "Women",
        "category": "Dresses",
        "colour": "Navy-red",
        "pose": "front",
        "attributes": "abstract print",
    }


def test_what_is_not_known_is_empty(catalogue) -> None:
    records = catalogue.records(ALL)
    assert dict(zip(records.ids, records.texts))[SHIRT] == ""
    of = records.ids.index(SHIRT)
    assert records.column("pose")[of] == records.column("attributes")[of] == ""
    assert dict(zip(records.ids, records.column("attributes")))[JACKET] == (
        "long sleeve|hooded"
    )
    # A description of one line has no other.
    assert dict(zip(records.ids, records.texts))[JACKET] == ""
    assert dict(zip(records.ids, records.column("colour")))[JACKET] == "Navy"


def test_query_and_gallery_are_for_testing(catalogue) -> None:
    assert set(catalogue.records(TRAIN).column("partition")) == {"train"}
    tested = sorted(catalogue.records(TEST).column("partition"))
    assert tested == ["gallery", "gallery", "query"]


def test_what_is_left_out_is_counted(catalogue) -> None:
    assert catalogue.skipped == {MALFORMED: 1, MISSING_IMAGE: 1}
    malformed = catalogue.builder.info.metadata["skipped"][MALFORMED]
    assert malformed["ids"] == ["WOMEN_Dresses_id_00000001_01_2_side in line 5"]


def test_boxes_are_shares_of_the_photo(catalogue) -> None:
    boxes = {
        item["id"].decode(): (
            [OBJECT_CLASSES[label] for label in item["objects"]["label"]],
            item["objects"]["bbox"].tolist(),
        )
        for item in catalogue.items(ALL).as_numpy_iterator()
    }
    # ymin, xmin, ymax, xmax of 64 32 192 256 and of -4 16 128 128, of 256 pixels.
    assert boxes[DRESS] == (["one-piece"], [[0.125, 0.25, 1.0, 0.75]])
    assert boxes[JACKET] == (["top"], [[0.0625, 0.0, 0.5, 0.5]])
    # One of no width, and one that the file does not have.
    assert boxes["MEN_Jackets_Vests_id_00000002_02_4_full"] == ([], [])
    assert boxes[SHIRT] == ([], [])
    assert catalogue.builder.info.metadata["boxes_left_out"][NOT_IN_PHOTO]["count"] == 1


def test_boxes_of_small_photos_are_not_put_on_large_ones(copy: Path) -> None:
    photo = copy / "Img/img/WOMEN/Dresses/id_00000001/01_1_front.jpg"
    photo.write_bytes(encode(Image.new("RGB", (750, 1101))))
    read = first_usable_photo(DeepFashionInshopSource(str(copy)), rows_of(copy)[DRESS])
    assert (read.objects, read.boxes_left_out) == ([], NOT_IN_PHOTO)


def test_boxes_beyond_the_small_photos_are_of_the_photos_themselves(copy: Path) -> None:
    photo = copy / "Img/img/WOMEN/Dresses/id_00000001/01_1_front.jpg"
    photo.write_bytes(encode(Image.new("RGB", (750, 1000))))
    boxes = copy / "Anno/list_bbox_inshop.txt"
    boxes.write_text(boxes.read_text().replace("064 032 192 256", "075 200 600 900"))
    source = DeepFashionInshopSource(str(copy))
    # The photo is shrunk to 512 pixels when it is read; its box is of all of it.
    [box] = first_usable_photo(source, rows_of(copy)[DRESS]).objects
    assert box == LabelledBox("one-piece", 0.2, 0.1, 0.9, 0.8)


@pytest.mark.parametrize(
    ("corners", "expected"),
    [
        ((10, 10, 50, 60), (0.05, 0.1, 0.3, 0.5)),
        ((-10, -10, 500, 500), (0.0, 0.0, 1.0, 1.0)),
        ((100, 10, 120, 60), None),
        ((60, 10, 50, 60), None),
    ],
)
def test_the_part_of_a_box_that_is_in_the_photo(corners, expected) -> None:
    box = PixelBox("top", corners).in_photo((100, 200))
    if expected is None:
        assert box is None
        return
    np.testing.assert_allclose([box.ymin, box.xmin, box.ymax, box.xmax], expected)


def test_wrong_counts_and_lines_are_logged(caplog) -> None:
    with caplog.at_level(logging.WARNING):
        rows_of(DUMMY)
    said = caplog.text
    assert "list_bbox_inshop.txt says that it has 52712 lines; it has 5" in said
    assert "1 lines without 7 columns are left out, the first in line 7" in said
    assert "2 photos are of items without a description" in said.replace(
        "1 photos", "2 photos"
    )


def test_names_of_attributes_without_the_line_of_columns_are_one_line(
    copy: Path, caplog
) -> None:
    """Their first would be taken for it, and all others for their neighbours."""
    names = copy / "Anno/attributes/list_attr_cloth.txt"
    names.write_text(names.read_text().replace("attribute_name\n", ""))
    values = copy / "Anno/attributes/list_attr_items.txt"
    said = f"{values}, line 3: not 3 columns, nor have 1 other lines; .* names beside"
    with pytest.raises(FitRankError, match=said) as error:
        rows_of(copy)
    assert "\n" not in str(error.value)
    assert f"{names} says that it has 3 lines; it has 2" in caplog.text


def test_attributes_may_lie_beside_the_boxes(copy: Path) -> None:
    for path in (copy / "Anno/attributes").iterdir():
        path.rename(copy / "Anno" / path.name)
    assert rows_of(copy)[JACKET].attributes["attributes"] == ("long sleeve", "hooded")


def test_descriptions_may_be_an_object_a_line(copy: Path) -> None:
    path = copy / "Anno/list_description_inshop.json"
    before = rows_of(copy)
    entries = json.loads(path.read_text())
    path.write_text("\n".join(map(json.dumps, entries)) + "\n")
    assert rows_of(copy) == before


def test_without_descriptions_there_are_no_texts(copy: Path, caplog) -> None:
    (copy / "Anno/list_description_inshop.json").unlink()
    with caplog.at_level(logging.WARNING):
        rows = rows_of(copy)
    assert {row.text for row in rows.values()} == {""}
    assert caplog.text.count("so no texts and colours") == 1
    assert "without a description" not in caplog.text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('[{"color": "Red"}]', "no JSON array of .*'item'"),
        ("[" * 100_000, "no JSON array of .*RecursionError"),
        ('{"item": "id_1", "description": "Soft"}', "item id_1: `description` is no list"),
        ('[{"item": "id_1", "description": ["a", 2]}]', "id_1: `description` is no list"),
        ('[{"item": "id_1", "color": 3}]', "item id_1: `color` is no text"),
    ],
)
def test_a_description_that_is_none_is_one_line(
    copy: Path, content: str, said: str
) -> None:
    (copy / "Anno/list_description_inshop.json").write_text(content)
    with pytest.raises(FitRankError, match=f"{said}.*unpack it again") as error:
        rows_of(copy)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("end", ["\u2028", "\x85", "\f"])
def test_line_ends_within_a_text_do_not_end_a_line(copy: Path, end: str) -> None:
    entries = [
        {"item": f"id_0000000{n}", "color": "Red", "description": [f"a{end}b", "c"]}
        for n in (1, 2)
    ]
    lines = [json.dumps(entry, ensure_ascii=False) for entry in entries]
    if end == "\f":
        lines = [json.dumps(entry) for entry in entries]
    path = copy / "Anno/list_description_inshop.json"
    path.write_text("\n".join(lines), encoding="utf-8")
    assert rows_of(copy)[DRESS].text == f"a{end}b"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_that_is_turned_has_no_boxes(copy: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = copy / "Img/img/WOMEN/Dresses/id_00000001/01_1_front.jpg"
    photo.write_bytes(encode(Image.new("RGB", (256, 256)), exif=exif))
    read = first_usable_photo(DeepFashionInshopSource(str(copy)), rows_of(copy)[DRESS])
    assert len(read.objects) == (orientation == 1)
    assert read.boxes_left_out == ("" if orientation == 1 else TURNED_PHOTO)


def test_boxes_of_turned_photos_are_counted(copy: Path, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    photo = copy / "Img/img/WOMEN/Dresses/id_00000001/01_1_front.jpg"
    photo.write_bytes(encode(Image.new("RGB", (256, 256)), exif=exif))
    source = CatalogueSource("deepfashion_inshop", manual_dir=str(copy))
    builder = open_catalogue(source, str(tmp_path / "cache")).builder
    assert builder.info.metadata["boxes_left_out"][TURNED_PHOTO] == {
        "count": 1,
        "ids": [f"{DRESS} in line 3"],
    }


def test_the_fingerprint_is_of_tables_and_photos(copy: Path) -> None:
    def fingerprint() -> str:
        return DeepFashionInshopSource(str(copy)).fingerprint()

    seen = {fingerprint(), fingerprint()}
    assert len(seen) == 1
    with (copy / "Anno/list_bbox_inshop.txt").open("a") as file:
        file.write("\n")
    seen.add(fingerprint())
    (copy / "Img/img/WOMEN/Dresses/id_00000001/01_1_front.jpg").write_bytes(b"")
    assert len(seen | {fingerprint()}) == 3


def test_the_folder_is_found_below(tmp_path: Path) -> None:
    shutil.copytree(DUMMY, tmp_path / "DeepFashion/In-shop Clothes Retrieval Benchmark")
    (tmp_path / "DeepFashion/Eval").mkdir()
    assert len(rows_of(tmp_path)) == 7


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"Anno.zip": b""}, r"no Anno/list_item_inshop.txt or .*\(Anno.zip is there, pa"),
        ({"Anno/list_item_inshop.txt": b"0\n"}, "no Img/img or img in .*; unpack"),
        (
            {"Anno/list_item_inshop.txt": b"0\n", "Img/img.zip": b""},
            r"no Img/img or img in .*\(img.zip is there, packed\); unpack",
        ),
        (
            {"Anno/list_item_inshop.txt": b"0\n", "Img/img/a.jpg": b""},
            "no Eval/list_eval_partition.txt in .*; unpack .* Anno and Eval",
        ),
    ],
)
def test_a_folder_that_lacks_something_is_one_line(
    tmp_path: Path, files: dict, said: str
) -> None:
    write_files(tmp_path, files)
    with pytest.raises(FitRankError, match=said) as error:
        DeepFashionInshopSource(str(tmp_path))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["img/", "/", ".", "//"])
def test_a_line_without_a_photo_is_counted(copy: Path, name: str) -> None:
    partition = copy / "Eval/list_eval_partition.txt"
    partition.write_text(f"{partition.read_text()}{name} id_1 train\n")
    problems = [row.problem for row in DeepFashionInshopSource(str(copy)).rows()]
    assert problems.count(MALFORMED) == 2


@pytest.mark.parametrize("written", ["directory", "empty"])
def test_what_is_no_file_of_boxes_counts_as_absent(copy: Path, written, caplog) -> None:
    boxes = copy / "Anno/list_bbox_inshop.txt"
    boxes.unlink()
    boxes.mkdir() if written == "directory" else boxes.touch()
    assert {row.objects for row in rows_of(copy).values()} == {()}
    assert "no Anno/list_bbox_inshop.txt, so no boxes and poses" in caplog.text
    assert ("list_bbox_inshop.txt is empty" in caplog.text) == (written == "empty")
