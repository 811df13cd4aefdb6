"""INRIA Holidays in its own layout: the scene is in the file's name."""

from pathlib import Path

import pytest
import tensorflow_datasets as tfds

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.catalogue import CatalogueSource, open_catalogue
from fitrank_tf.datasets.inria_holidays import Builder, InriaHolidaysSource
from fitrank_tf.datasets.inria_holidays.source import NOT_OF_HOLIDAYS
from fitrank_tf.datasets.splits import ALL
from tests.datasets.small_catalogues import write_files

DUMMY = Path(Builder.code_path).parent / "dummy_data"


class TestInriaHolidays(tfds.testing.DatasetBuilderTestCase):
    """TFDS's own test."""

    DATASET_CLASS = Builder
    SPLITS = {"test": 6}


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory):
    source = CatalogueSource("inria_holidays", manual_dir=str(DUMMY))
    return open_catalogue(source, str(tmp_path_factory.mktemp("cache")))


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
        ({"jpg1.tar.gz": b""}, "no jpg in .*jpg1.tar.gz is there, packed.*tar xf"),
        ({"pictures/100000.jpg": b""}, "no jpg in .*tar xf"),
    ],
)
def test_a_folder_without_photos_is_one_line(
    tmp_path: Path, files: dict, said: str
) -> None:
    write_files(tmp_path, files)
    with pytest.raises(FitRankError, match=said) as error:
        InriaHolidaysSource(str(tmp_path))
    assert "\n" not in str(error.value)
