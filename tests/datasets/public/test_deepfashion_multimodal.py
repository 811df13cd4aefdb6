"""DeepFashion-MultiModal in its own layout: numbers become values that labels have here."""

import json
import logging
from pathlib import Path

import pytest
import tensorflow_datasets as tfds

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.photos.names import MISSING_IMAGE
from fitrank_tf.datasets.annotations.label_file import LABEL_FIELDS
from fitrank_tf.datasets.catalogue import CatalogueSource, open_catalogue
from fitrank_tf.datasets.deepfashion_multimodal import Builder, DeepFashionMultimodalSource
from fitrank_tf.datasets.deepfashion_multimodal.source import OTHER_NAME
from fitrank_tf.datasets.product_source import ProductRow
from fitrank_tf.datasets.splits import ALL
from tests.datasets.small_catalogues import write_files

DUMMY = Path(Builder.code_path).parent / "dummy_data"
DRESS = "WOMEN-Dresses-id_00000901-01_1_front"
SIDE = "WOMEN-Dresses-id_00000901-01_2_side"
SHIRT = "WOMEN-Blouses_Shirts-id_00000018-02_1_front"
JACKET = "MEN-Jackets_Vests-id_00000015-03_7_additional"


class TestDeepFashionMultimodal(tfds.testing.DatasetBuilderTestCase):
    """TFDS's own test."""

    DATASET_CLASS = Builder
    SPLITS = {"train": 2, "validation": 1, "test": 1}


def rows_of(folder: Path) -> dict[str, ProductRow]:
    return {row.id: row for row in DeepFashionMultimodalSource(str(folder)).rows()}


def labelled(folder: Path, name: str, line: str) -> dict[str, str]:
    """The attributes of a photo with these twelve numbers, plain and denim throughout."""
    write_files(
        folder,
        {
            "images/" + name: b"",
            "labels/shape/shape_anno_all.txt": f"{name} {line}\n".encode(),
            "labels/texture/pattern_ann.txt": f"{name} 3 3 3\n".encode(),
            "labels/texture/fabric_ann.txt": f"{name} 0 0 0\n".encode(),
        },
    )
    [row] = rows_of(folder).values()
    return dict(row.attributes)


@pytest.mark.parametrize(
    ("photo", "expected"),
    [
        (
            DRESS,
            ("id_00000901", "Women", "Dresses", "sleeveless", "v", "calf", "printed")
            + ("chiffon",),
        ),
        # Four numbers are missing in its line, and it is in no other file.
        (SIDE, ("id_00000901", "Women", "Dresses", "", "", "", "", "")),
        (
            SHIRT,
            ("id_00000018", "Women", "Blouses_Shirts", "long", "collar", "", "checked")
            + ("cotton",),
        ),
        # The jacket is leather; the shirt below has a pattern that is not ours.
        (JACKET, ("id_00000015", "Men", "Jackets_Vests", "", "", "", "", "leather")),
    ],
)
def test_what_the_name_and_the_numbers_say(catalogue, photo, expected) -> None:
    records = catalogue.records(ALL)
    of = records.ids.index(photo)
    assert tuple(column[of] for column in records.attributes.values()) == expected


@pytest.mark.parametrize(
    ("category", "numbers", "expected"),
    [
        # sleeve, length, neckline
        *(
            ("Tees_Tanks", f"{number} 3 0 0 0 0 0 0 0 6 0 0", (value, "", ""))
            for number, value in enumerate(
                ("sleeveless", "short", "three-quarter", "long", "", "")
            )
        ),
        *(
            ("Skirts", f"3 {number} 0 0 0 0 0 0 0 0 0 0", ("", value, ""))
            for number, value in enumerate(("thigh", "knee", "calf", "ankle", ""))
        ),
        *(
            ("Sweaters", f"5 4 0 0 0 0 0 0 0 {number} 0 0", ("", "", value))
            for number, value in enumerate(
                ("v", "other", "round", "collar", "collar", "other", "")
            )
        ),
    ],
)
def test_each_number_of_a_shape(tmp_path, category, numbers, expected) -> None:
    found = labelled(tmp_path, f"WOMEN-{category}-id_00000001-01_1_front.jpg", numbers)
    assert (found["sleeve"], found["length"], found["neckline"]) == expected
    for field, value in found.items():
        assert value in ("", *LABEL_FIELDS.get(field, (value,)))


@pytest.mark.parametrize(
    ("category", "pattern", "expected"),
    [
        *(
            ("Tees_Tanks", f"{number} 2 2", value)
            for number, value in enumerate(
                ("printed", "printed", "striped", "plain", "checked", "", "plain", "")
            )
        ),
        # What is sold is the lower garment, then the outer one, then the upper one.
        ("Pants", "4 2 3", "striped"),
        ("Jackets_Coats", "4 2 3", "plain"),
        ("Jackets_Coats", "4 2 7", "checked"),
    ],
)
def test_the_pattern_is_that_of_the_item(tmp_path, category, pattern, expected) -> None:
    name = f"MEN-{category}-id_00000001-01_1_front.jpg"
    labelled(tmp_path, name, "5 4 0 0 0 0 0 0 0 6 0 0")
    table = tmp_path / "labels/texture/pattern_ann.txt"
    table.write_text(f"{name} {pattern} \n")
    [row] = rows_of(tmp_path).values()
    assert row.attributes["pattern"] == expected


def test_captions_are_the_texts(catalogue) -> None:
    records = catalogue.records(ALL)
    assert dict(zip(records.ids, records.texts)) == {
        DRESS: "The dress is for tests, with a v neckline.",
        SIDE: "",
        SHIRT: "A shirt.",
        JACKET: "",
    }


def test_what_is_left_out_is_counted(catalogue) -> None:
    assert catalogue.skipped == {OTHER_NAME: 1, MISSING_IMAGE: 1}


def test_photos_without_captions_and_malformed_lines_are_logged(caplog) -> None:
    with caplog.at_level(logging.WARNING):
        rows_of(DUMMY)
    # The file of another name is none of them.
    assert "2 photos have no caption" in caplog.text
    assert "shape_anno_all.txt: 1 lines without 13 columns are left out" in caplog.text
    assert "the first in line 4" in caplog.text


def test_all_photos_of_an_item_are_in_one_split(tmp_path: Path) -> None:
    names = [
        f"images/MEN-Pants-id_{item:08d}-0{view}_1_front.jpg"
        for item in range(60)
        for view in (1, 2)
    ]
    write_files(tmp_path, {"captions.json": b"{}", **dict.fromkeys(names, b"")})
    splits: dict[str, set[str]] = {}
    for row in rows_of(tmp_path).values():
        splits.setdefault(str(row.attributes["item"]), set()).add(row.split)
    assert {len(of) for of in splits.values()} == {1}
    assert set.union(*splits.values()) == {"train", "validation", "test"}


def test_without_captions_there_are_no_texts(copy: Path, caplog) -> None:
    (copy / "captions.json").unlink()
    with caplog.at_level(logging.WARNING):
        rows = rows_of(copy)
    assert {row.text for row in rows.values()} == {""}
    assert caplog.text.count("so no captions") == 1
    assert "have no caption" not in caplog.text


@pytest.mark.parametrize("content", ["[]", "{", "[" * 100_000, '"A dress."'])
def test_captions_that_are_none_are_one_line(copy: Path, content: str) -> None:
    (copy / "captions.json").write_text(content)
    with pytest.raises(FitRankError, match=r"no JSON object of photos.*again") as error:
        rows_of(copy)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"images.zip": b""}, r"no captions.json or labels in .*images.zip is there, pac"),
        ({"captions.json": b"{}"}, "no images/images or images in .*; unpack images.zip"),
    ],
)
def test_a_folder_that_lacks_something_is_one_line(
    tmp_path: Path, files: dict, said: str
) -> None:
    write_files(tmp_path, files)
    with pytest.raises(FitRankError, match=said) as error:
        DeepFashionMultimodalSource(str(tmp_path))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("spelled", ["images/{}.jpg", "{}.JPG", "a/b/{}.jpeg", "{}"])
def test_captions_and_labels_find_their_photos(copy: Path, spelled: str) -> None:
    before = rows_of(copy)
    for path in (copy / "captions.json", *(copy / "labels").rglob("*.txt")):
        text = path.read_text()
        for name in (DRESS, SIDE, SHIRT, JACKET):
            text = text.replace(f"{name}.jpg", spelled.format(name))
        path.write_text(text)
    after = rows_of(copy)
    for name in (DRESS, SIDE, SHIRT, JACKET):
        assert after[name] == before[name]
    assert before[DRESS].text and before[DRESS].attributes["sleeve"]


def test_photos_may_have_large_suffixes(copy: Path) -> None:
    before = rows_of(copy)[DRESS]
    photo = copy / f"images/{DRESS}.jpg"
    photo.rename(photo.with_suffix(".JPG"))
    after = rows_of(copy)[DRESS]
    assert (after.text, after.attributes) == (before.text, before.attributes)
    assert after.photos == (f"{DRESS}.JPG",)


@pytest.mark.parametrize("caption", [None, 3, ["A dress."], " "])
def test_captions_that_are_no_text_are_counted(copy: Path, caption, caplog) -> None:
    path = copy / "captions.json"
    captions = json.loads(path.read_text())
    path.write_text(json.dumps({**captions, f"{DRESS}.jpg": caption}))
    assert rows_of(copy)[DRESS].text == ""
    # Beside those of the two photos that have none.
    assert "3 photos have no caption" in caplog.text


@pytest.mark.parametrize("name", ["", "/", ".", "..", "images/"])
def test_a_caption_of_no_photo_is_counted(copy: Path, name: str) -> None:
    path = copy / "captions.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), name: "A dress."}))
    problems = [row.problem for row in DeepFashionMultimodalSource(str(copy)).rows()]
    assert problems.count(OTHER_NAME) == 2


def test_halves_of_characters_are_replaced(copy: Path, tmp_path: Path, caplog) -> None:
    path = copy / "captions.json"
    captions = {f"{DRESS}.jpg": "A \ud83d dress.", "\ud83d-\udc00.jpg": "A dress."}
    path.write_text(json.dumps(captions))
    source = CatalogueSource("deepfashion_multimodal", manual_dir=str(copy))
    catalogue = open_catalogue(source, str(tmp_path / "cache"))
    records = catalogue.records(ALL)
    assert dict(zip(records.ids, records.texts))[DRESS] == "A \ufffd dress."
    assert "\ufffd-\ufffd" in catalogue.builder.info.metadata["skipped"][OTHER_NAME]["ids"]
    assert caplog.text.encode()
