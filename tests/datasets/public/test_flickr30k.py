"""Flickr30K in its own layouts: captions in four encodings, phrases and boxes."""

import io
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image, ImageOps

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.photos.names import MISSING_IMAGE
from fitrank_tf.datasets.catalogue import CatalogueSource, open_catalogue
from fitrank_tf.datasets.flickr30k import Builder, Flickr30kSource
from fitrank_tf.datasets.flickr30k.captions import MALFORMED_LINE, SECOND_CAPTION
from fitrank_tf.datasets.flickr30k.entities import (
    MALFORMED_ANNOTATIONS,
    MALFORMED_SENTENCES,
    NO_ANNOTATIONS,
    NO_SENTENCES,
)
from fitrank_tf.datasets.karpathy import MALFORMED_ENTRY, NO_CAPTION, UNKNOWN_PART
from fitrank_tf.datasets.product_builder import first_usable_photo
from fitrank_tf.datasets.splits import ALL
from tests.datasets.small_catalogues import encode, write_files

DUMMY = Path(Builder.code_path).parent / "dummy_data"
PHOTO = (DUMMY / "flickr30k-images/1000.jpg").read_bytes()


class TestKarpathy(tfds.testing.DatasetBuilderTestCase):
    """TFDS's own test."""

    DATASET_CLASS = Builder
    BUILDER_CONFIG_NAMES_TO_TEST = ["karpathy"]
    SPLITS = {"train": 1, "validation": 1, "test": 2}


class TestEntities(tfds.testing.DatasetBuilderTestCase):
    """TFDS's own test."""

    DATASET_CLASS = Builder
    BUILDER_CONFIG_NAMES_TO_TEST = ["entities"]
    SPLITS = {"train": 2, "validation": 1, "test": 1}


@pytest.fixture(scope="module")
def karpathy(tmp_path_factory: pytest.TempPathFactory):
    return opened("karpathy", DUMMY, tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def entities(tmp_path_factory: pytest.TempPathFactory):
    return opened("entities", DUMMY, tmp_path_factory.mktemp("cache"))


def opened(config: str, folder: Path, cache: Path):
    return open_catalogue(
        CatalogueSource(f"flickr30k/{config}", manual_dir=str(folder)), str(cache)
    )


def captions_of(folder: Path) -> Mapping[str, tuple[str, ...]]:
    rows = list(Flickr30kSource(str(folder), "karpathy").rows())
    return {row.id: row.more["captions"] for row in rows if not row.problem}


def problems(folder: Path, config: str = "karpathy") -> list[tuple[str, str, int]]:
    rows = Flickr30kSource(str(folder), config).rows()
    return [(row.id, row.problem, row.line) for row in rows if row.problem]


def karpathy_json(*photos: object) -> bytes:
    return json.dumps({"images": photos, "dataset": "flickr30k"}).encode()


def photo_of(name: str, split: str, *captions: str) -> dict:
    sentences = [{"tokens": ["raw"], "raw": caption} for caption in captions]
    return {"filename": name, "split": split, "sentences": sentences}


def test_captions_and_split_of_karpathy(karpathy) -> None:
    records = karpathy.records(ALL)
    assert dict(zip(records.ids, zip(records.splits, records.column("partition")))) == {
        "1000": ("train", "train"),
        "1002": ("validation", "val"),
        "1003": ("test", "test"),
        "2199200615": ("test", "test"),
    }
    assert dict(zip(records.ids, karpathy.captions(ALL))) == {
        "1000": ("A man runs .", "Someone in red runs ."),
        "1002": ("A green field .", "Grass , and grass ."),
        "1003": ("Blue water .", "A lake ."),
        "2199200615": ("A yellow dog runs .", "A dog runs across sand ."),
    }
    assert records.texts == tuple(captions[0] for captions in karpathy.captions(ALL))
    assert karpathy.has_splits


def test_what_is_left_out_is_counted(karpathy) -> None:
    assert karpathy.skipped == {MISSING_IMAGE: 1, NO_CAPTION: 1, MALFORMED_LINE: 1}
    assert ("", MALFORMED_LINE, 10) in problems(DUMMY)


TOKEN = b"7.jpg#1\tSecond , of 7 .\n7.jpg#0\tFirst .\n9.jpg#0\tNine .  \r\n"
KAGGLE = (
    b"image_name| comment_number| comment\r\n"
    b"7.jpg| 0| Kaggle's | first .\r\n7.jpg| 1   Kaggle's second .\r\n9.jpg| 0| Nine .\r\n"
)
SPLIT = "caption_datasets/dataset_flickr30k.json"
JSON = karpathy_json(
    photo_of("7.jpg", "test", " Raw first.\n", "Raw second."),
    photo_of("9.jpg", "train", "Raw nine."),
)
TEST_FILE = b"image,caption\n7.jpg,Of the test, first.\n7.jpg,Second.\n"


@pytest.mark.parametrize(
    ("files", "captions"),
    [
        (
            {"results_20130124.token": TOKEN, "results.csv": KAGGLE, SPLIT: JSON},
            {"7": ("First .", "Second , of 7 ."), "9": ("Nine .",)},
        ),
        (
            {"flickr30k_images/results.csv": KAGGLE, SPLIT: JSON},
            {"7": ("Kaggle's | first .", "Kaggle's second ."), "9": ("Nine .",)},
        ),
        (
            {SPLIT: JSON, "flickr30k_test_karpathy.txt": TEST_FILE},
            {"7": ("Raw first.", "Raw second."), "9": ("Raw nine.",)},
        ),
        (
            {"flickr30k_test_karpathy.txt": TEST_FILE},
            {"7": ("Of the test, first.", "Second.")},
        ),
        (
            {"results_20130124.token": TOKEN, "flickr30k_test_karpathy.txt": TEST_FILE},
            {"7": ("First .", "Second , of 7 .")},
        ),
    ],
    ids=["token", "kaggle", "json", "test file", "token of the test file"],
)
def test_captions_of_the_first_file_that_is_there(
    tmp_path: Path, files: dict[str, bytes], captions: dict
) -> None:
    named = {
        name.replace("k.json", "x/dataset_flickr30k.json"): files[name] for name in files
    }
    write_files(tmp_path, {**named, "flickr30k-images/7.jpg": PHOTO})
    assert captions_of(tmp_path) == captions


@pytest.mark.parametrize(
    "photo",
    ["flickr30k-images/7.jpg", "flickr30k_images/flickr30k_images/7.jpg"],
)
def test_photos_of_both_layouts(tmp_path: Path, photo: str) -> None:
    write_files(tmp_path, {f"down/{photo}": PHOTO, "dataset_flickr30k.json": JSON})
    source = Flickr30kSource(str(tmp_path), "karpathy")
    assert source.read_photo("7.jpg") == PHOTO


def test_malformed_entries_are_counted(tmp_path: Path) -> None:
    data = karpathy_json(
        {"split": "test"},
        photo_of("3.jpg", "exam", "A."),
        photo_of("4.jpg", "test"),
        {"filename": "5.jpg", "split": "test", "sentences": [{"tokens": []}]},
        photo_of("6.jpg", "test", "Six."),
    )
    write_files(tmp_path, {"dataset_flickr30k.json": data, "flickr30k-images/6.jpg": PHOTO})
    assert problems(tmp_path) == [
        ("entry 1", MALFORMED_ENTRY, 0),
        ("3", UNKNOWN_PART, 0),
        ("4", NO_CAPTION, 0),
        ("entry 4", MALFORMED_ENTRY, 0),
    ]
    assert captions_of(tmp_path) == {"6": ("Six.",)}


def test_phrases_and_boxes_of_entities(entities) -> None:
    items = {item["id"].decode(): item for item in tfds.as_numpy(entities.items(ALL))}
    assert {name: str(item["text"], "utf-8") for name, item in items.items()} == {
        "1000": "A man in a red shirt runs .",
        "1003": "Two hands wave .",
        "1002": "A green field .",
        "2199200615": "A yellow dog runs .",
    }
    phrases = items["1000"]["phrases"]
    columns = ("sentence", "first_word", "text", "entity", "kind")
    assert list(zip(*(phrases[column].tolist() for column in columns))) == [
        (0, 0, b"A man", b"77", b"people"),
        (0, 3, b"a red shirt", b"78", b"clothing"),
        (1, 0, b"Someone", b"77", b"people"),
        (1, 2, b"noon", b"0", b"notvisual"),
        (1, 4, b"the beach", b"79", b"scene"),
    ]
    assert items["1003"]["phrases"]["kind"].tolist() == [b"bodyparts/other"]
    boxes = items["1000"]["boxes"]
    assert boxes["entity"].tolist() == [b"77", b"77", b"78"]
    left, centre = [0, 0, 1, 0.5], [0.25, 0.25, 0.5, 0.5]
    np.testing.assert_allclose(boxes["bbox"], [left, centre, centre])
    assert items["1002"]["boxes"]["bbox"].shape == (0, 4)


def test_split_of_entities_is_its_own(entities) -> None:
    records = entities.records(ALL)
    assert dict(zip(records.ids, zip(records.splits, records.column("partition")))) == {
        "1000": ("train", "train"),
        "1003": ("train", "train"),
        "1002": ("validation", "val"),
        "2199200615": ("test", "test"),
    }
    assert entities.skipped == {MALFORMED_SENTENCES: 1, NO_SENTENCES: 1}


_SIZE = "<size><width>10</width><height>10</height></size>"
_LAUGHS = "".join(
    f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol"}">' for n in range(10)
)


def _object(box: str) -> bytes:
    sides = zip(("xmin", "ymin", "xmax", "ymax"), box.split())
    inside = "".join(f"<{side}>{value}</{side}>" for side, value in sides)
    name = "<object><name>1</name>"
    return f"<a>{_SIZE}{name}<bndbox>{inside}</bndbox></object></a>".encode()


@pytest.mark.parametrize(
    ("annotation", "problem"),
    [
        (None, NO_ANNOTATIONS),
        (b"<annotation><size>", MALFORMED_ANNOTATIONS),
        (b"<annotation/>", MALFORMED_ANNOTATIONS),
        (f"<!DOCTYPE a []><a>{_SIZE}</a>".encode(), MALFORMED_ANNOTATIONS),
        (f"<!DOCTYPE a [{_LAUGHS}]><a>&l9;</a>".encode("utf-16"), MALFORMED_ANNOTATIONS),
        (
            b"<?xml version='1.0' encoding='foo'?>" + _object("1 1 2 3"),
            MALFORMED_ANNOTATIONS,
        ),
        (_object(f"1 1 {'9' * 400} 3").replace(b">10<", b">1e999<"), MALFORMED_ANNOTATIONS),
        (_object("5 1 2 3"), MALFORMED_ANNOTATIONS),
        (_object("1 1 nan 3"), MALFORMED_ANNOTATIONS),
        (_object("1 1 2"), MALFORMED_ANNOTATIONS),
    ],
)
def test_annotations_that_cannot_be_read_are_counted(
    tmp_path: Path, annotation: bytes | None, problem: str
) -> None:
    lists = {f"{part}.txt": b"1\n" for part in ("train", "val", "test")}
    xml = {"Annotations/1.xml": annotation} if annotation else {"Annotations/2.xml": b""}
    write_files(tmp_path, {**lists, **xml, "Sentences/1.txt": b"A .\n"})
    write_files(tmp_path, {"flickr30k-images/1.jpg": PHOTO})
    assert set(problems(tmp_path, "entities")) == {("1", problem, 0)}


def test_a_box_at_the_edge_is_within_the_photo(tmp_path: Path) -> None:
    lists = {f"{part}.txt": b"1\n" for part in ("train", "val", "test")}
    write_files(tmp_path, {**lists, "Annotations/1.xml": _object("0 1 11 10")})
    write_files(tmp_path, {"Sentences/1.txt": b"A .\n", "flickr30k-images/1.jpg": PHOTO})
    row = next(Flickr30kSource(str(tmp_path), "entities").rows())
    assert row.more["boxes"]["bbox"] == [tfds.features.BBox(0.0, 0.0, 1.0, 1.0)]


@pytest.mark.parametrize("drawn_in", ["stored", "turned"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_of_a_turned_photo_are_turned_with_it(
    tmp_path: Path, orientation: int, drawn_in: str
) -> None:
    """A red patch is drawn into a photo, and looked for in what is kept of it."""
    pixels = np.zeros((40, 80, 3), np.uint8)
    pixels[8:16, 10:50] = (255, 0, 0)
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = encode(Image.fromarray(pixels), "PNG", exif=exif)
    of_tool = Image.fromarray(pixels)
    if drawn_in == "turned" and orientation > 4:
        of_tool = ImageOps.exif_transpose(Image.open(io.BytesIO(photo)))
    ymin, xmin, ymax, xmax = red_patch(of_tool)
    annotation = _object(f"{xmin + 1} {ymin + 1} {xmax} {ymax}").replace(
        _SIZE.encode(),
        "<size><width>{}</width><height>{}</height></size>".format(*of_tool.size).encode(),
    )
    lists = {f"{part}.txt": b"1\n" for part in ("train", "val", "test")}
    write_files(tmp_path, {**lists, "Annotations/1.xml": annotation})
    write_files(tmp_path, {"Sentences/1.txt": b"A .\n", "flickr30k-images/1.jpg": photo})
    source = Flickr30kSource(str(tmp_path), "entities")
    read = first_usable_photo(source, next(source.rows()))
    kept = Image.open(io.BytesIO(read.image))
    seen = np.divide(red_patch(kept), np.tile(kept.size[::-1], 2))
    np.testing.assert_allclose(read.more["boxes"]["bbox"], [seen])
    assert set(read.more) == set(source.more_features)


def red_patch(photo: Image.Image) -> list[int]:
    """ymin, xmin, ymax, xmax of what is red, in pixels."""
    rows, columns = np.nonzero(np.asarray(photo.convert("RGB"))[..., 0] > 127)
    return [rows.min(), columns.min(), rows.max() + 1, columns.max() + 1]


@pytest.mark.parametrize(
    ("config", "files", "said"),
    [
        ("karpathy", {"flickr30k-images.tar.gz": b""}, "no flickr30k-images or .*packed"),
        (
            "karpathy",
            {"flickr30k-images/1.jpg": b"", "caption_datasets.zip": b""},
            "no dataset_flickr30k.json or .*caption_datasets.zip is there, packed",
        ),
        (
            "entities",
            {"flickr30k-images/1.jpg": b"", "annotations.zip": b"", "val.txt": b""},
            "no Sentences in .*annotations.zip is there, packed",
        ),
        ("entities", {"flickr30k-images/1.jpg": b"", "Sentences/1.txt": b""}, "Annotat"),
        (
            "karpathy",
            {"flickr30k-images/1.jpg": b"", "flickr30k_test_karpathy.txt": b""},
            "no dataset_flickr30k.json or .*karpathy.txt is there, but empty.*; unpack",
        ),
        (
            "karpathy",
            {"flickr30k-images/1.jpg": b"", "dataset_flickr30k.json": b"[1"},
            "is not a file of Karpathy's split",
        ),
    ],
)
def test_a_half_unpacked_folder_is_one_line(
    tmp_path: Path, config: str, files: dict[str, bytes], said: str
) -> None:
    write_files(tmp_path, files)
    with pytest.raises(FitRankError, match=said) as error:
        list(Flickr30kSource(str(tmp_path), config).rows())
    assert "\n" not in str(error.value)


def test_the_fingerprint_is_of_what_is_read(tmp_path: Path) -> None:
    files = {"dataset_flickr30k.json": JSON, "flickr30k-images/7.jpg": PHOTO}
    write_files(tmp_path, files)
    before = Flickr30kSource(str(tmp_path), "karpathy").fingerprint()
    assert Flickr30kSource(str(tmp_path), "karpathy").fingerprint() == before
    write_files(tmp_path, {"results_20130124.token": TOKEN})
    assert Flickr30kSource(str(tmp_path), "karpathy").fingerprint() != before


@pytest.mark.parametrize("end", ["\u2028", "\x85", "\f"])
def test_other_line_ends_do_not_end_a_caption(tmp_path: Path, end: str) -> None:
    lists = {f"{part}.txt": b"1\n" for part in ("train", "val", "test")}
    write_files(tmp_path, {**lists, "Annotations/1.xml": _object("1 1 10 10")})
    caption = f"A man runs{end}fast ."
    write_files(tmp_path, {"Sentences/1.txt": f"{caption}\r\nTwo .\n".encode()})
    write_files(tmp_path, {"flickr30k-images/1.jpg": PHOTO})
    row = next(Flickr30kSource(str(tmp_path), "entities").rows())
    assert row.more["captions"] == (caption, "Two .")


@pytest.mark.parametrize(
    ("name", "line"),
    [("results_20130124.token", "7.jpg#{}\t{}"), ("results.csv", "7.jpg| {}| {}")],
)
def test_a_second_caption_of_a_number_is_counted(
    tmp_path: Path, name: str, line: str
) -> None:
    head = "head\n" if name == "results.csv" else ""
    numbers = (0, 1, 0, "9" * 5000, 2)
    lines = [line.format(number, f"Line {n} .") for n, number in enumerate(numbers)]
    files = {"flickr30k-images/7.jpg": PHOTO, "dataset_flickr30k.json": JSON}
    write_files(tmp_path, {**files, name: (head + "\n".join(lines)).encode()})
    assert captions_of(tmp_path)["7"] == ("Line 0 .", "Line 1 .", "Line 4 .")
    above = len(head.split())
    assert problems(tmp_path)[:2] == [
        ("", SECOND_CAPTION, 3 + above),
        ("", MALFORMED_LINE, 4 + above),
    ]


def test_an_empty_file_of_captions_is_passed_over(tmp_path: Path, caplog) -> None:
    files = {"dataset_flickr30k.json": JSON, "flickr30k-images/7.jpg": PHOTO}
    write_files(tmp_path, {**files, "results_20130124.token": b""})
    assert captions_of(tmp_path)["9"] == ("Raw nine.",)
    assert "results_20130124.token is empty" in caplog.text


@pytest.mark.parametrize("name", ["\ud83d.jpg", "a\0b.jpg", "\udc80\udbff.jpg"])
def test_a_name_that_no_file_has_is_counted(tmp_path: Path, name: str) -> None:
    data = karpathy_json(photo_of(name, "test", "A ."), photo_of("7.jpg", "test", "B ."))
    write_files(tmp_path, {"dataset_flickr30k.json": data, "flickr30k-images/7.jpg": PHOTO})
    catalogue = opened("karpathy", tmp_path, tmp_path / "cache")
    assert catalogue.skipped == {MISSING_IMAGE: 1}


def test_a_list_that_is_not_utf8_is_one_line(tmp_path: Path) -> None:
    lists = {f"{part}.txt": b"caf\xe9\n" for part in ("train", "val", "test")}
    write_files(tmp_path, {**lists, "Annotations/1.xml": b"", "Sentences/1.txt": b"A .\n"})
    write_files(tmp_path, {"flickr30k-images/1.jpg": PHOTO})
    source = Flickr30kSource(str(tmp_path), "entities")
    assert source.fingerprint()
    with pytest.raises(FitRankError, match=r"train.txt, line 1: not UTF-8"):
        list(source.rows())
