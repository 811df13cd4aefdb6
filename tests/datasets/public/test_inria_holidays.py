"""INRIA Holidays in its own layout: the scene is in the file's name."""

from pathlib import Path

import pytest
import tensorflow_datasets as tfds

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.inria_holidays import Builder, InriaHolidaysSource
from fitrank_tf.datasets.inria_holidays.source import NOT_OF_HOLIDAYS
from fitrank_tf.datasets.splits import ALL
from tests.datasets.small_catalogues import noise_photo, write_files

DUMMY = Path(Builder.code_path).parent / "dummy_data"


class TestInriaHolidays(tfds.testing.DatasetBuilderTestCase):
    """TFDS's own test."""

    DATASET_CLASS = Builder
    SPLITS = {"test": 6}


def test_the_scene_is_the_first_four_digits(catalogue) -> None:
    records = catalogue.records(ALL)
    assert dict(zip(records.ids, records.column("scene"))) == {
        "100000": "1000",
        "100001": "1000",
        "100002": "1000",
        "100100": "1001",
        "100101": "1001",
        "100200": "1002",
    }
    assert set(records.splits) == {"test"}


def test_other_files_are_counted(catalogue) -> None:
    assert catalogue.skipped == {NOT_OF_HOLIDAYS: 1}


def test_the_folder_is_found_below(tmp_path: Path) -> None:
    write_files(tmp_path, {"holidays/data/jpg/100000.jpg": b""})
    assert InriaHolidaysSource(str(tmp_path)).where.endswith("holidays/data/jpg")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"jpg1.tar.gz": b""}, "no jpg or .* in .*jpg1.tar.gz is there, packed.*tar xf"),
        ({"pictures/100000.jpg": b""}, "no jpg or .* in .*tar xf"),
    ],
)
def test_a_folder_without_photos_is_one_line(
    tmp_path: Path, files: dict, said: str
) -> None:
    write_files(tmp_path, files)
    with pytest.raises(FitRankError, match=said) as error:
        InriaHolidaysSource(str(tmp_path))
    assert "\n" not in str(error.value)


def test_each_archive_may_be_in_its_own_folder(tmp_path: Path) -> None:
    one, two = noise_photo(1), noise_photo(2)
    files = {"jpg1/jpg/100001.jpg": one, "jpg2/jpg/100000.jpg": two}
    write_files(tmp_path / "holidays", files)
    source = InriaHolidaysSource(str(tmp_path))
    assert {row.id: source.read_photo(*row.photos) for row in source.rows()} == {
        "100000": two,
        "100001": one,
    }
    before = source.fingerprint()
    write_files(tmp_path / "holidays", {"jpg2/jpg/100002.jpg": one})
    assert InriaHolidaysSource(str(tmp_path)).fingerprint() != before


@pytest.mark.parametrize("count", [0, 1490, 1491, 1492])
def test_another_number_of_photos_is_logged(tmp_path: Path, count: int, caplog) -> None:
    names = [f"jpg/{number}.jpg" for number in range(100000, 100000 + count)]
    write_files(tmp_path, {"jpg/notes.txt": b"", **dict.fromkeys(names, b"")})
    InriaHolidaysSource(str(tmp_path))
    assert (f"has {count} photos of the 1491" in caplog.text) == (count != 1491)


def test_a_link_in_a_circle_is_no_photo(tmp_path: Path) -> None:
    write_files(tmp_path, {"jpg/100000.jpg": b""})
    (tmp_path / "jpg/100001.jpg").symlink_to(tmp_path / "jpg/100001.jpg")
    rows = InriaHolidaysSource(str(tmp_path)).rows()
    assert [row.id for row in rows] == ["100000"]
