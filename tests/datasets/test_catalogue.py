"""Catalogues opened from the options of the command line."""

import csv
import io
import logging
import socket
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
from PIL import Image

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.catalogue import Catalogue, CatalogueSource, open_catalogue
from fitrank_tf.datasets.item import item_features
from fitrank_tf.datasets.splits import ALL, SPLITS, TEST, TRAIN, VALIDATION
from tests.datasets.small_catalogues import (
    encode,
    fashion_files,
    noise_photo,
    styles_row,
    write_csv,
    write_files,
    write_zip,
)
from tests.fashion import ATTRIBUTES

NUM_PRODUCTS = 30
# By the hash of the titles; the other products are for training.
SPLIT_OF = {0: VALIDATION, 7: VALIDATION, 16: VALIDATION, 23: TEST, 29: VALIDATION}
# One title of each split.
TITLES = {TRAIN: "Shirt Number 1", VALIDATION: "Shirt Number 0", TEST: "Shirt Number 23"}


def title(number: int) -> str:
    return f"Shirt Number {number}"


@pytest.fixture(scope="module")
def set_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty good products, and one for each reason to be left out."""
    lines = [styles_row(str(n), title(n)) for n in range(NUM_PRODUCTS)]
    lines += [styles_row(each, "Bad") for each in ("", "3", "gone", "cut", "empty", "text")]
    photos = {str(n): noise_photo(n) for n in range(NUM_PRODUCTS)}
    photos |= {"cut": noise_photo(99, 200, 200)[:5000], "empty": b"", "text": b"not found"}
    return write_files(tmp_path_factory.mktemp("set"), fashion_files(lines, photos))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def catalogue(set_dir: Path, cache: str) -> Catalogue:
    return open_fashion(set_dir, cache)


def open_fashion(manual_dir: Path, cache: str | Path) -> Catalogue:
    source = CatalogueSource("fashion_product_images", manual_dir=str(manual_dir))
    return open_catalogue(source, str(cache))


def ids_of(dataset: tf.data.Dataset) -> list[str]:
    return [item["id"].decode() for item in dataset.as_numpy_iterator()]


def test_each_good_product_is_in_the_split_of_its_title(catalogue: Catalogue) -> None:
    for split in SPLITS:
        expected = {str(n) for n in range(NUM_PRODUCTS) if SPLIT_OF.get(n, TRAIN) == split}
        assert set(ids_of(catalogue.items(split))) == expected
        assert catalogue.num_items(split) == len(expected)
    assert catalogue.num_items(ALL) == NUM_PRODUCTS


def test_items_have_the_content_of_the_source(catalogue: Catalogue) -> None:
    items = {item["id"].decode(): item for item in catalogue.items(ALL).as_numpy_iterator()}
    item = items["17"]
    # Pillow and TensorFlow round differently in the inverse DCT: at most 8 levels here.
    decoded = np.asarray(Image.open(io.BytesIO(noise_photo(17))))
    np.testing.assert_allclose(item["image"].astype(int), decoded, atol=8)
    assert item["text"].decode() == title(17)
    assert set(item["attributes"]) == set(ATTRIBUTES)
    assert item["attributes"]["article_type"] == b"Tshirts"
    assert item["attributes"]["sleeve"] == b""
    assert item["objects"]["bbox"].shape == (0, 4)


@pytest.mark.parametrize("split", [*SPLITS, ALL])
def test_items_encoded_items_and_records_agree_in_order(
    catalogue: Catalogue, split: str
) -> None:
    records = catalogue.records(split)
    assert list(records.ids) == ids_of(catalogue.items(split))
    assert list(records.ids) == ids_of(catalogue.encoded_items(split))
    assert len(records) == catalogue.num_items(split)
    assert records.texts == tuple(title(int(each)) for each in records.ids)
    assert records.splits == tuple(SPLIT_OF.get(int(each), TRAIN) for each in records.ids)
    assert records.attributes["colour"] == ("Blue",) * len(records)


def test_all_is_train_then_validation_then_test(catalogue: Catalogue) -> None:
    joined = [each for split in SPLITS for each in catalogue.records(split).ids]
    assert list(catalogue.records(ALL).ids) == joined


def test_encoded_items_keep_the_bytes(catalogue: Catalogue) -> None:
    for item in catalogue.encoded_items(TEST).as_numpy_iterator():
        assert item["image"] == noise_photo(int(item["id"]))


def test_products_left_out_are_counted_and_reported_each_time(
    set_dir: Path, cache: str, catalogue: Catalogue, caplog: pytest.LogCaptureFixture
) -> None:
    expected = {
        "empty id": 1,
        "duplicate id": 1,
        "no image file": 1,
        "truncated image": 1,
        "empty image file": 1,
        "unreadable image": 1,
    }
    assert catalogue.skipped == expected
    with caplog.at_level(logging.WARNING):
        assert open_fashion(set_dir, cache).skipped == expected
    assert any(
        "1 products left out: no image file (ids: gone in line " in m
        for m in caplog.messages
    )
    assert len(caplog.messages) == len(expected)


def test_only_the_first_ids_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lines = [styles_row(f"p{n}", "Good" if n == 0 else "Gone") for n in range(8)]
    files = fashion_files(lines, {"p0": noise_photo()})
    with caplog.at_level(logging.WARNING):
        open_fashion(write_files(tmp_path / "set", files), tmp_path / "cache")
    assert "7 products left out" in caplog.text
    assert (
        "(ids: p1 in line 3, p2 in line 4, p3 in line 5, p4 in line 6, p5 in line 7, ...)"
        in caplog.text
    )


def test_products_of_one_title_are_in_one_split(tmp_path: Path) -> None:
    titles = ["Shirt Number 0", "shirt  number 0", "SHIRT NUMBER 0 "]
    lines = [styles_row(f"{n}", titles[n % 3]) for n in range(12)]
    lines += [styles_row(f"{n}", TITLES[TRAIN]) for n in range(12, 24)]
    photos = {f"{n}": noise_photo(n) for n in range(24)}
    files = fashion_files(lines, photos)
    records = open_fashion(
        write_files(tmp_path / "set", files), tmp_path / "cache"
    ).records(ALL)
    split_of = dict(zip(records.ids, records.splits))
    assert {split_of[f"{n}"] for n in range(12)} == {VALIDATION}
    assert {split_of[f"{n}"] for n in range(12, 24)} == {TRAIN}


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("count", [1, 5])
def test_a_catalogue_of_one_title_is_all_for_training(
    tmp_path: Path, split: str, count: int
) -> None:
    lines = [styles_row(f"{n}", TITLES[split]) for n in range(count)]
    files = fashion_files(lines, {f"{n}": noise_photo(n) for n in range(count)})
    whole = open_fashion(write_files(tmp_path / "set", files), tmp_path / "cache")
    assert whole.records(ALL).splits == whole.records(TRAIN).splits == (TRAIN,) * count
    assert [whole.num_items(each) for each in (*SPLITS, ALL)] == [count, 0, 0, count]
    assert [len(list(whole.items(each))) for each in SPLITS] == [count, 0, 0]


def test_half_of_the_products_are_enough_for_training(tmp_path: Path) -> None:
    lines = [styles_row(split, TITLES[split]) for split in (TRAIN, TEST)]
    files = fashion_files(lines, {split: noise_photo() for split in (TRAIN, TEST)})
    halves = open_fashion(write_files(tmp_path / "set", files), tmp_path / "cache")
    assert sorted(halves.records(ALL).splits) == [TEST, TRAIN]


def one_product(tmp_path: Path, text: str, name: str = "set") -> Catalogue:
    files = fashion_files([styles_row("1", text)], {"1": noise_photo()})
    return open_fashion(write_files(tmp_path / name, files), tmp_path / "cache")


def test_split_without_products_reads_as_empty(tmp_path: Path) -> None:
    catalogue = one_product(tmp_path, "Red Shirt")
    (full,) = set(catalogue.records(ALL).splits)
    for split in set(SPLITS) - {full}:
        assert list(catalogue.items(split)) == []
        assert catalogue.items(split).element_spec == catalogue.items(full).element_spec
        assert catalogue.num_items(split) == len(catalogue.records(split)) == 0
        assert set(catalogue.records(split).attributes) == set(ATTRIBUTES)


def test_split_whose_photos_are_all_bad_is_empty(tmp_path: Path) -> None:
    lines = [styles_row(split, TITLES[split]) for split in SPLITS]
    photos = {TRAIN: noise_photo(), VALIDATION: b"bad", TEST: noise_photo()}
    folder = write_files(tmp_path / "set", fashion_files(lines, photos))
    catalogue = open_fashion(folder, tmp_path / "cache")
    assert [catalogue.num_items(split) for split in SPLITS] == [1, 0, 1]
    assert catalogue.skipped == {"unreadable image": 1}


def test_items_have_the_spec_of_the_schema(catalogue: Catalogue) -> None:
    spec = catalogue.items(TRAIN).element_spec
    expected = item_features(ATTRIBUTES).get_tensor_info()
    assert set(spec) == set(expected)
    assert spec["image"] == tf.TensorSpec((None, None, 3), tf.uint8)
    assert catalogue.encoded_items(TRAIN).element_spec["image"] == tf.TensorSpec(
        (), tf.string
    )


def test_other_content_under_another_manual_dir_is_not_taken_for_the_first(
    tmp_path: Path,
) -> None:
    first = one_product(tmp_path, "Red Shirt", "first")
    second = one_product(tmp_path, "Blue Jeans", "second")
    assert first.fingerprint != second.fingerprint
    assert first.records(ALL).texts == ("Red Shirt",)
    assert second.records(ALL).texts == ("Blue Jeans",)


def test_changed_content_of_one_manual_dir_is_detected(tmp_path: Path) -> None:
    assert one_product(tmp_path, "Red Shirt").records(ALL).texts == ("Red Shirt",)
    assert one_product(tmp_path, "Blue Jeans").records(ALL).texts == ("Blue Jeans",)


def test_images_of_every_kind_decode(tmp_path: Path) -> None:
    image = Image.open(io.BytesIO(noise_photo()))
    photos = {
        "cmyk": encode(image.convert("CMYK")),
        "grey": encode(image.convert("L")),
        "alpha": encode(image.convert("RGBA"), "PNG"),
        "palette": encode(image.quantize(8), "PNG"),
        "gif": encode(
            image, "GIF", save_all=True, append_images=[Image.new("RGB", (24, 32))]
        ),
    }
    lines = [styles_row(name, name) for name in photos]
    catalogue = open_fashion(
        write_zip(tmp_path / "archive.zip", fashion_files(lines, photos)),
        tmp_path / "cache",
    )
    shapes = {
        i["id"].decode(): i["image"].shape for i in catalogue.items(ALL).as_numpy_iterator()
    }
    assert shapes == dict.fromkeys(photos, (32, 24, 3))


@pytest.mark.parametrize("lines", [[], [styles_row("1", "Photo Gone")]])
def test_catalogue_without_a_usable_product_is_refused(
    tmp_path: Path, lines: list[str]
) -> None:
    files = fashion_files(lines, {"other": noise_photo()})
    reason = "no image file: 1" if lines else "the table has no rows"
    with pytest.raises(
        FitRankError, match=rf"styles\.csv: no product can be used \({reason}"
    ):
        open_fashion(write_files(tmp_path / "set", files), tmp_path / "cache")
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".lock"]


def test_csv_catalogue(tmp_path: Path) -> None:
    rows = [[f"a/{n}", title(n), "red", f"{n}.jpg"] for n in range(5)]
    table = write_csv(tmp_path / "shop.csv", [["sku", "name", "color", "file"], *rows])
    photos = write_files(
        tmp_path / "photos", {f"{n}.jpg": noise_photo(n) for n in range(5)}
    )
    source = CatalogueSource(
        "csv_catalogue",
        table=str(table),
        images=str(photos),
        columns=(("id", "sku"), ("text", "name"), ("colour", "color"), ("image", "file")),
    )
    catalogue = open_catalogue(source, str(tmp_path / "cache"))
    records = catalogue.records(ALL)
    assert dict(zip(records.ids, records.texts)) == {row[0]: row[1] for row in rows}
    assert set(records.attributes["colour"]) == {"red"}
    assert set(records.attributes) == {"colour"}
    assert catalogue.skipped == {}


def test_csv_catalogue_with_photos_inside_and_rows_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    photos = [{"bytes": noise_photo(n), "path": f"{n}.jpg"} for n in range(6)]
    photos[2], photos[3] = {"bytes": b"\xff\xd8no", "path": ""}, None
    columns = {
        "ID": [0.0, 1.0, 2.0, 3.0, None, 0.0],
        "Title": [title(n) for n in range(6)],
        "color": ["navy blue", "Navy Blue", "", "", "", ""],
        "image": photos,
    }
    pq.write_table(pa.table(columns), tmp_path / "t.parquet", row_group_size=2)
    source = CatalogueSource("csv_catalogue", table=str(tmp_path / "t.parquet"))
    with caplog.at_level(logging.WARNING):
        catalogue = open_catalogue(source, str(tmp_path / "cache"))
    items = list(catalogue.encoded_items(ALL).as_numpy_iterator())
    assert {item["id"]: item["image"] for item in items} == {
        b"0": noise_photo(0),
        b"1": noise_photo(1),
    }
    assert set(catalogue.records(ALL).attributes["colour"]) == {"navy blue"}
    left_out = "\n".join(caplog.messages)
    for reason in (
        "unreadable image (ids: 2 in line 3)",
        "no image file (ids: 3 in line 4)",
        "empty id (ids: in line 5)",
        "duplicate id (ids: 0 in line 6)",
    ):
        assert f"1 products left out: {reason}" in left_out


def test_synthetic_catalogue(tmp_path: Path) -> None:
    def opened(num_items: int, seed: int) -> Catalogue:
        return open_catalogue(
            CatalogueSource(num_items=num_items, seed=seed), str(tmp_path)
        )

    first, same, other = opened(12, 0), opened(12, 0), opened(12, 1)
    assert first.num_items(ALL) == 12
    assert first.skipped == {}
    assert same.fingerprint == first.fingerprint
    assert len({each.fingerprint for each in (first, other, opened(13, 0))}) == 3
    assert first.records(ALL) == same.records(ALL) != other.records(ALL)
    boxes = [len(item["objects"]["label"]) for item in first.items(ALL).as_numpy_iterator()]
    assert min(boxes) >= 1


def test_unknown_dataset_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        FitRankError,
        match=r"--dataset nope: unknown; choose one of csv_catalogue, "
        r"fashion_product_images, modanet, photo_folder, .*synthetic_catalogue",
    ):
        CatalogueSource("nope")


def test_unknown_split_is_a_bug_of_the_caller(catalogue: Catalogue) -> None:
    with pytest.raises(ValueError, match="unknown split 'dev'"):
        catalogue.items("dev")


def test_nothing_is_printed_to_stdout_and_nothing_asked_of_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert one_product(tmp_path, "Red Shirt").num_items(ALL) == 1
    assert capfd.readouterr().out == ""


@pytest.mark.slow
def test_the_real_archive(shared_data: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(shared_data / "fashion-product-images-dataset.zip") as archive:
        table = archive.read("fashion-dataset/styles.csv").decode()
    rows = {row["id"]: row for row in csv.DictReader(io.StringIO(table))}
    catalogue = open_fashion(shared_data, tmp_path)
    records = catalogue.records(ALL)
    assert len(rows) == 10_781
    assert dict(zip(records.ids, records.texts)) == {
        item_id: row["productDisplayName"].strip() for item_id, row in rows.items()
    }
    assert catalogue.skipped == {}
    index = records.ids.index("1525")
    assert records.texts[index] == "Puma Deck Navy Blue Backpack"
    assert records.attributes["colour"][index] == "Navy Blue"
    shares = Counter(records.splits)
    for split, share in zip(SPLITS, (0.8, 0.1, 0.1)):
        assert abs(shares[split] / len(records) - share) < 0.02
