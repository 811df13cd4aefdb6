"""Marqo's corpora: Parquet shards as Hugging Face's `datasets` writes them."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow_datasets as tfds

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.photos.names import MISSING_IMAGE
from fitrank_tf.datasets.catalogue import CatalogueSource, open_catalogue
from fitrank_tf.datasets.marqo_parquet import Builder, MarqoParquetSource
from fitrank_tf.datasets.product_builder import DUPLICATE_ID
from fitrank_tf.datasets.splits import ALL, split_of
from fitrank_tf.datasets.tables import Blob
from tests.datasets.small_catalogues import noise_photo, write_files

DUMMY = Path(Builder.code_path).parent / "dummy_data"
_IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


class TestKagl(tfds.testing.DatasetBuilderTestCase):
    """TFDS's own test."""

    DATASET_CLASS = Builder
    BUILDER_CONFIG_NAMES_TO_TEST = ["kagl"]
    SPLITS = {"train": 5, "test": 1}


class TestFashion200k(tfds.testing.DatasetBuilderTestCase):
    """TFDS's own test."""

    DATASET_CLASS = Builder
    BUILDER_CONFIG_NAMES_TO_TEST = ["fashion200k"]
    SPLITS = {"train": 1, "validation": 1, "test": 1}


class TestAtlas(tfds.testing.DatasetBuilderTestCase):
    """TFDS's own test."""

    DATASET_CLASS = Builder
    BUILDER_CONFIG_NAMES_TO_TEST = ["atlas"]
    SPLITS = {"train": 2}


class TestPolyvore(tfds.testing.DatasetBuilderTestCase):
    """TFDS's own test."""

    DATASET_CLASS = Builder
    BUILDER_CONFIG_NAMES_TO_TEST = ["polyvore"]
    SPLITS = {"train": 2}


def opened(config: str, folder: Path, cache: Path):
    source = CatalogueSource(f"marqo_parquet/{config}", manual_dir=str(folder))
    return open_catalogue(source, str(cache))


def write_shard(path: Path, photos: list, group: int = 2, **columns: Any) -> None:
    named: Mapping[str, Any] = {
        "image": pa.array([photo and {"bytes": photo} for photo in photos], _IMAGE),
        "text": [f"Title {number}" for number in range(len(photos))],
        "item_ID": list(range(len(photos))),
        "category1": ["Bags"] * len(photos),
        "category": ["Bags"] * len(photos),
        **columns,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(dict(named)), path, row_group_size=group)


def test_columns_of_kagl(tmp_path: Path) -> None:
    catalogue = opened("kagl", DUMMY, tmp_path)
    records = catalogue.records(ALL)
    names = records.declaration.names
    of = dict(zip(records.ids, zip(*(records.column(name) for name in names))))
    assert names == (
        *("gender", "category1", "category2", "category3"),
        *("colour", "season", "year", "usage"),
    )
    shirt = ("Men", "Apparel", "Topwear", "Shirts", "Red", "Fall", "2011", "Casual")
    watch = ("Women", "Accessories", "Watches", "Watches", "Silver", "Winter", "", "")
    assert (of["15970"], of["59263"]) == (shirt, watch)
    assert set(of) == {"15970", "39386", "59263", "21379", "53759", "30805"}
    assert dict(zip(records.ids, records.texts))["59263"] == "Silver Watch"
    assert catalogue.skipped == {MISSING_IMAGE: 1, DUPLICATE_ID: 1}


@pytest.mark.parametrize(
    ("config", "columns"),
    [
        (
            "fashion200k",
            {
                "women_dresses_1": ("dresses", "casual dresses", "red casual dress"),
                "women_skirts_2": ("skirts", "midi skirts", "green midi skirt"),
                "women_jackets_3": ("jackets", "blazers", "blue blazer"),
            },
        ),
        ("atlas", {"a1": ("", "Women", "Sarees"), "a2": ("", "Men", "Kurtas")}),
        ("polyvore", {"100": ("bags",), "101": ("shoes",)}),
    ],
)
def test_columns_of_the_others(tmp_path: Path, config: str, columns: dict) -> None:
    catalogue = opened(config, DUMMY, tmp_path)
    records = catalogue.records(ALL)
    names = records.declaration.names
    assert dict(zip(records.ids, zip(*map(records.column, names)))) == columns
    assert set(records.declaration.facets) <= set(names)


def test_products_are_split_by_their_titles(tmp_path: Path) -> None:
    catalogue = opened("kagl", DUMMY, tmp_path)
    records = catalogue.records(ALL)
    assert not catalogue.has_splits
    assert records.splits == tuple(map(split_of, records.ids, records.texts))


def test_photos_are_those_of_their_rows(tmp_path: Path) -> None:
    write_shard(
        tmp_path / "data-00000-of-00002.parquet", [noise_photo(n) for n in range(5)]
    )
    write_shard(
        tmp_path / "data-00001-of-00002.parquet",
        [noise_photo(n) for n in range(5, 8)],
        item_ID=[5, 6, 7],
    )
    catalogue = opened("polyvore", tmp_path, tmp_path / "cache")
    items = catalogue.encoded_items(ALL).as_numpy_iterator()
    assert {int(item["id"]): item["image"] for item in items} == {
        number: noise_photo(number) for number in range(8)
    }


def _held_since(before: int, most: int) -> int:
    """Bytes that Arrow holds, as soon as its threads have let go of what they have read."""
    until = time.monotonic() + 10.0
    while (held := pa.total_allocated_bytes() - before) >= most:
        if time.monotonic() > until:
            break
        time.sleep(0.01)
    return held


def test_bytes_of_photos_are_not_kept(tmp_path: Path) -> None:
    size, group = 100_000, 4
    noise = np.random.default_rng(0)
    for shard in range(4):
        write_shard(
            tmp_path / f"data/data-0000{shard}-of-00004.parquet",
            [noise.bytes(size) for _ in range(12)],
            group=group,
            item_ID=list(range(12 * shard, 12 * shard + 12)),
        )
    before, most = pa.total_allocated_bytes(), 2 * size * group
    rows = MarqoParquetSource(str(tmp_path), "polyvore").rows()
    photos = [photo for row in rows for photo in row.photos]
    assert _held_since(before, most) < most
    for photo in photos:
        assert isinstance(photo, Blob) and len(photo.read()) == size
        assert _held_since(before, most) < most
    assert len(photos) == 48


def test_missing_shards_are_named_in_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    MarqoParquetSource(str(DUMMY), "kagl")
    (warning,) = [record.getMessage() for record in caplog.records]
    assert "1 of 3 shards are missing" in warning
    assert "data-00001-of-00003.parquet" in warning
    assert "data-00000" not in warning


def test_a_column_that_is_not_there_is_named_once(caplog: pytest.LogCaptureFixture) -> None:
    source = MarqoParquetSource(str(DUMMY), "atlas")
    assert len(list(source.rows())) == 2
    (warning,) = [record.getMessage() for record in caplog.records]
    assert warning.endswith("no column for gender")


def test_the_folder_of_the_corpus_comes_before_others(tmp_path: Path) -> None:
    for name in ("atlas", "marqo-KAGL"):
        write_shard(
            tmp_path / name / "data/data-00000-of-00001.parquet", [b""], text=[name]
        )
    (row,) = MarqoParquetSource(str(tmp_path), "kagl").rows()
    assert row.text == "marqo-KAGL"


@pytest.mark.parametrize("named", ["", "polyvore", "marqo-Polyvore"])
@pytest.mark.parametrize("place", ["", "data"])
def test_the_folder_of_another_corpus_is_not_read(
    tmp_path: Path, named: str, place: str
) -> None:
    folder = tmp_path / (named or "polyvore")
    write_shard(folder / place / "data-00000-of-00001.parquet", [b""])
    with pytest.raises(FitRankError, match=r"no data/data-.* in .*fetch the folder"):
        MarqoParquetSource(str(folder if named else tmp_path), "kagl")
    assert MarqoParquetSource(str(tmp_path), "polyvore").where == str(folder / place)


@pytest.mark.parametrize("spelled", [str.upper, str.lower, "_{} ".format])
def test_columns_may_be_in_another_case(tmp_path: Path, spelled) -> None:
    path = tmp_path / "data-00000-of-00001.parquet"
    write_shard(path, [b"x"])
    table = pq.read_table(path)
    pq.write_table(table.rename_columns(list(map(spelled, table.column_names))), path)
    (row,) = MarqoParquetSource(str(tmp_path), "polyvore").rows()
    assert (row.id, row.text, row.attributes) == ("0", "Title 0", {"category": "Bags"})
    assert len(row.photos) == 1


def write_pointer(path: Path) -> None:
    write_files(path, {"data-00000-of-00001.parquet": b"version https://git-lfs\n"})


def write_without_categories(path: Path) -> None:
    write_shard(path / "data-00000-of-00001.parquet", [b""])
    table = pq.read_table(path / "data-00000-of-00001.parquet")
    table = table.drop_columns(["category", "category1"])
    pq.write_table(table, path / "data-00000-of-00001.parquet")


def write_other(path: Path) -> None:
    write_shard(path / "data-00000-of-00001.parquet", [b""])
    table = pa.table({"image": ["a"], "text": ["b"]})
    pq.write_table(table, path / "data-00000-of-00001.parquet")


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda path: None, r"no data/data-.* in .*fetch the folder `data`"),
        (write_pointer, "data-00000-of-00001.parquet: cannot be read as Parquet"),
        (write_without_categories, "no column 'gender' or .*'usage'; it has image, text,"),
        (write_other, "no column 'item_ID'; it has image, text: fetch"),
    ],
)
def test_a_folder_without_a_corpus_is_one_line(tmp_path: Path, write, said: str) -> None:
    write(tmp_path)
    with pytest.raises(FitRankError, match=said) as error:
        MarqoParquetSource(str(tmp_path), "kagl")
    assert "\n" not in str(error.value)


def test_the_fingerprint_changes_with_any_shard(tmp_path: Path) -> None:
    prints = set()
    for title in ("Red", "Tan"):
        write_shard(tmp_path / "data-00000-of-00002.parquet", [b"x"], text=["Blue"])
        write_shard(tmp_path / "data-00001-of-00002.parquet", [b"x"], text=[title])
        prints.add(MarqoParquetSource(str(tmp_path), "kagl").fingerprint())
        assert MarqoParquetSource(str(tmp_path), "kagl").fingerprint() in prints
    assert len(prints) == 2
