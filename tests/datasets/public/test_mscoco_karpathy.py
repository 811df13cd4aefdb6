"""COCO's captions: photos of folders, and of a prepared `coco_captions`."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow_datasets as tfds

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.photos.folder import CORRUPT_ENTRY
from fitrank_tf.core.photos.names import MISSING_IMAGE
from fitrank_tf.datasets.catalogue import CatalogueSource, open_catalogue
from fitrank_tf.datasets.karpathy import MALFORMED_ENTRY, NO_CAPTION
from fitrank_tf.datasets.mscoco_karpathy import (
    Builder,
    MscocoKarpathySource,
    prepared_photos,
)
from fitrank_tf.datasets.mscoco_karpathy.source import NO_FOLDER
from fitrank_tf.datasets.splits import ALL, TEST
from tests.datasets.small_catalogues import noise_photo, write_files

DUMMY = Path(Builder.code_path).parent / "dummy_data"
NO_TRAIN = "photo of train2014, which is not unpacked"
NO_VAL = "photo of val2014, which is not unpacked"


class TestMscocoKarpathy(tfds.testing.DatasetBuilderTestCase):
    """TFDS's own test."""

    DATASET_CLASS = Builder
    SPLITS = {"train": 1, "validation": 1, "test": 1}


class CocoCaptions(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """A builder with the name and the features of TFDS's."""

    name = "coco_captions"
    VERSION = tfds.core.Version("1.1.0")
    BUILDER_CONFIGS = [tfds.core.BuilderConfig(name="2014")]

    def __init__(self, photos: Mapping[str, list[tuple[str, bytes]]], **kwargs: Any):
        self._photos = photos
        super().__init__(**kwargs)

    def _info(self) -> tfds.core.DatasetInfo:
        caption = {"text": np.str_, "id": np.int64}
        thing = {"bbox": tfds.features.BBoxFeature(), "is_crowd": np.bool_}
        features = {
            "image": tfds.features.Image(encoding_format="jpeg"),
            "image/filename": tfds.features.Text(),
            "image/id": np.int64,
            "captions": tfds.features.Sequence(caption),
            "objects": tfds.features.Sequence(thing),
        }
        return tfds.core.DatasetInfo(
            builder=self, features=tfds.features.FeaturesDict(features)
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Iterator]:
        return {name: self._generate_examples(name) for name in self._photos}

    def _generate_examples(self, split: str) -> Iterator[tuple[int, dict]]:
        for number, (name, data) in enumerate(self._photos[split]):
            box = {"bbox": tfds.features.BBox(0.0, 0.0, 0.5, 0.5), "is_crowd": False}
            yield (
                number,
                {
                    "image": data,
                    "image/filename": name,
                    "image/id": number,
                    "captions": [{"text": "Not read.", "id": 1}],
                    "objects": [box],
                },
            )


def photo_of(number: int, split: str, folder: str = "val2014") -> dict:
    return {
        "filepath": folder,
        "filename": f"COCO_{folder}_{number:012d}.jpg",
        "split": split,
        "cocoid": number,
        "sentences": [{"tokens": [], "raw": f"Caption {n} of {number}."} for n in (1, 2)],
    }


def write_list(folder: Path, photos: list) -> Path:
    data = json.dumps({"images": photos, "dataset": "coco"}).encode()
    return write_files(folder, {"dataset_coco.json": data})


def prepared(data_dir: Path, parts: Mapping[str, list[dict]]) -> None:
    """A builder that has `noise_photo(COCO's id)` of each photo."""
    photos = {
        part: [(photo["filename"], noise_photo(photo["cocoid"])) for photo in listed]
        for part, listed in parts.items()
    }
    CocoCaptions(photos, data_dir=str(data_dir), config="2014").download_and_prepare()


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No prepared data but what a test makes."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    return tmp_path


def opened(folder: Path, cache: Path):
    source = CatalogueSource("mscoco_karpathy", manual_dir=str(folder))
    return open_catalogue(source, str(cache))


def images(catalogue) -> dict[str, bytes]:
    items = catalogue.encoded_items(ALL).as_numpy_iterator()
    return {item["id"].decode(): item["image"] for item in items}


def test_captions_and_split_of_karpathy(tmp_path: Path) -> None:
    catalogue = opened(DUMMY, tmp_path)
    records = catalogue.records(ALL)
    assert dict(zip(records.ids, zip(records.splits, records.column("partition")))) == {
        "45": ("train", "restval"),
        "7": ("validation", "val"),
        "123": ("test", "test"),
    }
    assert catalogue.captions(TEST) == (
        (
            *("A cat.", "A red cat.", "One cat.", "A cat again.", "A cat, red."),
            "A sixth caption.",
        ),
    )
    assert catalogue.records(TEST).texts == ("A cat.",)
    assert catalogue.skipped == {NO_TRAIN: 2, MISSING_IMAGE: 1}
    assert catalogue.has_splits


@pytest.mark.parametrize("above", ["", "coco/images/"])
def test_photos_of_both_folders(tmp_path: Path, above: str) -> None:
    listed = [photo_of(1, "train", "train2014"), photo_of(2, "test")]
    write_list(tmp_path, listed)
    for photo in listed:
        name = f"{above}{photo['filepath']}/{photo['filename']}"
        write_files(tmp_path, {name: noise_photo(photo["cocoid"])})
    catalogue = opened(tmp_path, tmp_path / "cache")
    assert images(catalogue) == {"1": noise_photo(1), "2": noise_photo(2)}
    assert not catalogue.skipped


def test_malformed_entries_are_counted(tmp_path: Path) -> None:
    good, silent = photo_of(1, "test"), {**photo_of(2, "test"), "sentences": []}
    homeless = {key: good[key] for key in good if key != "filepath"} | {"cocoid": 3}
    wrong = [
        {**photo_of(4, "test"), **entry}
        for entry in (
            {"cocoid": None},
            {"cocoid": [4]},
            {"filename": None},
            {"filename": ""},
            {"filepath": 2014},
            {"sentences": {"raw": "A cat."}},
            {"sentences": "A cat."},
            {"sentences": {"1": {"raw": "A cat."}}},
            {"sentences": [{"raw": None}]},
        )
    ]
    write_list(tmp_path, [good, silent, {"cocoid": 3}, "photo", homeless, *wrong])
    write_files(tmp_path, {f"val2014/{good['filename']}": noise_photo(1)})
    catalogue = opened(tmp_path, tmp_path / "cache")
    assert catalogue.skipped == {
        **{NO_CAPTION: 1, NO_FOLDER: 1},
        MALFORMED_ENTRY: 2 + len(wrong),
    }


@pytest.mark.parametrize("place", ["tfds", "home/tensorflow_datasets", "manual"])
def test_photos_of_prepared_data(tmp_path: Path, place: str) -> None:
    parts = {
        "train": [photo_of(n, "train", "train2014") for n in range(1, 4)],
        "val": [photo_of(n, "val") for n in range(4, 6)],
        "test": [photo_of(n, "test") for n in range(6, 9)],
        "restval": [photo_of(n, "restval") for n in range(9, 11)],
    }
    prepared(tmp_path / place, parts)
    photos = [photo for listed in parts.values() for photo in listed]
    write_list(tmp_path / "manual", [*photos[::-1], photo_of(99, "test")])
    catalogue = opened(tmp_path / "manual", tmp_path / "cache")
    expected = {str(number): noise_photo(number) for number in range(1, 11)}
    assert images(catalogue) == expected
    records = catalogue.records(ALL)
    assert dict(zip(records.ids, records.column("partition"))) == {
        str(photo["cocoid"]): photo["split"] for photo in photos
    }
    assert catalogue.skipped == {NO_VAL: 1}


def test_a_folder_that_is_unpacked_comes_before_prepared_data(tmp_path: Path) -> None:
    listed = [photo_of(1, "test"), photo_of(2, "train", "train2014")]
    prepared(tmp_path / "tfds", {"whole": listed})
    write_list(tmp_path / "manual", listed)
    write_files(tmp_path / "manual/val2014", {listed[0]["filename"]: noise_photo(7)})
    catalogue = opened(tmp_path / "manual", tmp_path / "cache")
    assert images(catalogue) == {"1": noise_photo(7), "2": noise_photo(2)}


@pytest.mark.parametrize("most_kept", [2, 128])
def test_any_stored_order_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most_kept: int
) -> None:
    monkeypatch.setattr(prepared_photos, "_MOST_KEPT", most_kept)
    parts = ("train", "test", "val", "restval", "test")
    listed = [photo_of(number, parts[number % 5]) for number in range(40)]
    prepared(tmp_path / "tfds", {"whole": listed})
    write_list(tmp_path / "manual", listed)
    catalogue = opened(tmp_path / "manual", tmp_path / "cache")
    assert images(catalogue) == {str(number): noise_photo(number) for number in range(40)}


def test_prepared_data_is_read_twice_and_little_of_it_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    openings: list[str] = []
    kept: list[int] = []
    stored, read = prepared_photos._stored, prepared_photos.PhotoReader._read

    def counted(builder, split: str, field: str):
        openings.append(split)
        return stored(builder, split, field)

    def watched(self, position: int) -> bytes:
        photo = read(self, position)
        kept.append(len(self._kept))
        return photo

    monkeypatch.setattr(prepared_photos, "_stored", counted)
    monkeypatch.setattr(prepared_photos.PhotoReader, "_read", watched)
    listed = [photo_of(number, "test") for number in range(300)]
    prepared(tmp_path / "tfds", {"test": listed})
    write_list(tmp_path / "manual", listed)
    opened(tmp_path / "manual", tmp_path / "cache")
    # For the names, and for the photos.
    assert openings == ["test", "test[0:]"]
    assert len(kept) == 300 and max(kept) <= 128


def test_a_photo_may_be_read_again(tmp_path: Path) -> None:
    listed = [photo_of(number, "test") for number in range(5)]
    prepared(tmp_path / "tfds", {"test": listed})
    write_list(tmp_path / "manual", listed)
    photos = [
        row.photos[0] for row in MscocoKarpathySource(str(tmp_path / "manual")).rows()
    ]
    by_name = {photo.name: photo for photo in photos}
    for number in (4, 0, 0, 3, 4):
        assert by_name[listed[number]["filename"]].read() == noise_photo(number)


def test_damage_of_prepared_data_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = [photo_of(number, "test") for number in range(3)]
    listed.append(photo_of(3, "val"))
    prepared(tmp_path / "tfds", {"test": listed[:3], "val": listed[3:]})
    write_list(tmp_path / "manual", listed)
    source = MscocoKarpathySource(str(tmp_path / "manual"))
    rows = list(source.rows())
    (file,) = (tmp_path / "tfds").rglob("*-test.tfrecord-*")
    file.write_bytes(file.read_bytes()[:-40])
    builder = Builder(source, str(tmp_path / "cache"))
    with monkeypatch.context() as patched:
        patched.setattr(source, "rows", lambda: iter(rows))
        builder.download_and_prepare()
    assert builder.info.metadata["skipped"][CORRUPT_ENTRY]["count"] == 1
    assert builder.info.splits["test"].num_examples == 2
    with pytest.raises(FitRankError, match=r"split test cannot be read .*again") as error:
        list(source.rows())
    assert "\n" not in str(error.value)


def test_remains_of_a_killed_run_are_no_prepared_data(tmp_path: Path) -> None:
    write_list(tmp_path / "manual", [photo_of(1, "test")])
    incomplete = "coco_captions/2014/incomplete.ABC_1.1.0/dataset_info.json"
    write_files(tmp_path / "tfds", {incomplete: b"{}"})
    with pytest.raises(FitRankError, match="no val2014 or train2014 in"):
        MscocoKarpathySource(str(tmp_path / "manual"))


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"caption_datasets.zip": b""}, "no dataset_coco.json in .*zip is there, packed"),
        (
            {"dataset_coco.json": b'{"images": []}', "val2014.zip": b""},
            "no val2014 or train2014 in .*val2014.zip is there, packed.*coco_captions",
        ),
    ],
)
def test_a_half_unpacked_folder_is_one_line(
    tmp_path: Path, files: dict[str, bytes], said: str
) -> None:
    write_files(tmp_path / "manual", files)
    with pytest.raises(FitRankError, match=said) as error:
        MscocoKarpathySource(str(tmp_path / "manual"))
    assert "\n" not in str(error.value)


def test_another_json_is_one_line(tmp_path: Path) -> None:
    write_files(tmp_path, {"dataset_coco.json": b'{"annotations": []}'})
    write_files(tmp_path, {"val2014/1.jpg": b""})
    with pytest.raises(FitRankError, match="is not a file of Karpathy's split") as error:
        list(MscocoKarpathySource(str(tmp_path)).rows())
    assert "\n" not in str(error.value)


def test_the_fingerprint_is_of_what_is_read(tmp_path: Path) -> None:
    write_list(tmp_path / "manual", [photo_of(1, "test")])
    prepared(tmp_path / "tfds", {"test": [photo_of(1, "test")]})
    before = MscocoKarpathySource(str(tmp_path / "manual")).fingerprint()
    assert MscocoKarpathySource(str(tmp_path / "manual")).fingerprint() == before
    write_files(tmp_path / "manual/val2014", {"1.jpg": b""})
    assert MscocoKarpathySource(str(tmp_path / "manual")).fingerprint() != before


def test_the_list_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    write_list(tmp_path, [photo_of(1, "test")])
    path = tmp_path / "dataset_coco.json"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    write_files(tmp_path, {"val2014/1.jpg": b""})
    assert [row.id for row in MscocoKarpathySource(str(tmp_path)).rows()] == ["1"]
