"""WANDS and ESCI: products without photos, and what people said of them."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets import esci, wands
from fitrank_tf.datasets.catalogue import CatalogueSource, open_catalogue
from fitrank_tf.datasets.splits import ALL
from fitrank_tf.training.judgments import read_own_judgments

WANDS, ESCI = (Path(of.Builder.code_path).parent / "dummy_data" for of in (wands, esci))


class TestWands(tfds.testing.DatasetBuilderTestCase):
    """TFDS's own test."""

    DATASET_CLASS = wands.Builder
    SPLITS = {"train": 5}


class TestEsci(tfds.testing.DatasetBuilderTestCase):
    """TFDS's own test."""

    DATASET_CLASS = esci.Builder
    BUILDER_CONFIG_NAMES_TO_TEST = ["us_large"]
    SPLITS = {"train": 4}


@pytest.mark.parametrize(
    ("dataset", "folder", "products"),
    [
        (
            "wands",
            WANDS,
            {
                "0": ("solid wood platform bed", "Beds", "Furniture"),
                "1": ("all-clad 7 qt . slow cooker", "Slow Cookers", "Kitchen & Tabletop"),
                "2": ('salon "barber" chair, black', "Massage Chairs", "Furniture"),
                "3": ("coffee table with drawers", "Coffee & Cocktail Tables", "Furniture"),
                "4": ('12" clay planter', "", ""),
            },
        ),
        (
            "esci/us_small",
            ESCI,
            {
                "B0000AQO03": ("Ticonderoga Pencils", "Ticonderoga", "Yellow"),
                "B0018RP0D4": ("Mechanical Pencils", "BIC", ""),
                "B07X3Y6B1V": ("Sharpener", "", "Blue"),
            },
        ),
        ("esci/es_small", ESCI, {"B0000AQO03": ("Lápices", "Ticonderoga", "Amarillo")}),
        ("esci/jp_large", ESCI, {"B0000AQO03": ("鉛筆 12本", "Ticonderoga", "黄")}),
    ],
)
def test_products_have_texts_and_a_blank_photo(
    tmp_path: Path, dataset: str, folder: Path, products: dict
) -> None:
    source = CatalogueSource(dataset, manual_dir=str(folder))
    catalogue = open_catalogue(source, str(tmp_path))
    records = catalogue.records(ALL)
    cells = [records.column(name) for name in records.declaration.names]
    assert dict(zip(records.ids, zip(records.texts, *cells))) == products
    photos = [item["image"] for item in catalogue.items(ALL).as_numpy_iterator()]
    assert all(np.all(photo == 255) for photo in photos)


@pytest.mark.parametrize(
    ("dataset", "folder", "judged"),
    [
        (
            "wands",
            WANDS,
            {
                "salon chair": {"2": 2, "3": 0},
                "smart coffee table": {"3": 1, "0": 0},
                '12" planter': {"4": 2},
            },
        ),
        # Of the split for training alone.
        (
            "esci/us_small",
            ESCI,
            {"#2 pencils": {"B0000AQO03": 3, "B0018RP0D4": 2, "B07X3Y6B1V": 1}},
        ),
        ("esci/es_small", ESCI, {"camisa roja": {"B0000AQO03": 3}}),
        ("esci/jp_small", ESCI, {"鉛筆": {"B0000AQO03": 3}}),
    ],
)
def test_labels_are_grades(dataset: str, folder: Path, judged: dict) -> None:
    found = read_own_judgments(CatalogueSource(dataset, manual_dir=str(folder)))
    assert {
        query.text: dict(zip(query.products, query.grades)) for query in found
    } == judged


def test_an_unknown_label_is_named_with_its_line(tmp_path: Path) -> None:
    folder = shutil.copytree(WANDS, tmp_path / "wands")
    with (folder / "label.csv").open("a", encoding="utf-8") as file:
        file.write("9\t0\t2\tPerfect\n")
    with pytest.raises(FitRankError, match=r"label\.csv, line 7: .*'Perfect'"):
        read_own_judgments(CatalogueSource("wands", manual_dir=str(folder)))


def test_a_data_set_without_judgments_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("id,text\n1,shirt\n", encoding="utf-8")
    table = CatalogueSource("csv_catalogue", table=str(tmp_path / "p.csv"))
    with pytest.raises(FitRankError, match="csv_catalogue has none; choose one of esci/"):
        read_own_judgments(table)
