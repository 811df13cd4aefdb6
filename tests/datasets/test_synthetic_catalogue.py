"""The TFDS builder of the embedded catalogue, fully prepared."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow_datasets as tfds

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.annotations.declared_labels import declared_labels
from fitrank_tf.datasets.catalogue import CatalogueSource, open_catalogue
from fitrank_tf.datasets.item import OBJECT_CLASSES, item_features
from fitrank_tf.datasets.splits import ALL, split_of
from fitrank_tf.datasets.synthetic_catalogue import (
    SyntheticCatalogue,
    SyntheticCatalogueConfig,
    synthetic_catalogue_dataset_builder,
)
from fitrank_tf.datasets.synthetic_catalogue.product import draw_product, write_listing
from tests.fashion import ATTRIBUTES


def prepared(data_dir, num_items: int, seed: int = 0) -> SyntheticCatalogue:
    builder = SyntheticCatalogue(
        config=SyntheticCatalogueConfig(num_items, seed), data_dir=data_dir
    )
    builder.download_and_prepare()
    return builder


def items_by_split(builder: SyntheticCatalogue, **options) -> dict[str, list[dict]]:
    return {
        split: list(tfds.as_numpy(builder.as_dataset(split=split, **options)))
        for split in builder.info.splits
    }


def jpegs(builder: SyntheticCatalogue) -> dict[bytes, bytes]:
    """Id -> the photo's bytes as stored."""
    splits = items_by_split(builder, decoders={"image": tfds.decode.SkipDecoding()})
    return {item["id"]: item["image"] for items in splits.values() for item in items}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("catalogues")


@pytest.fixture(scope="module")
def catalogue(data_dir):
    return prepared(data_dir, num_items=40)


def test_the_schema_is_that_of_an_item(catalogue):
    assert (
        catalogue.info.features.get_tensor_info()
        == item_features(ATTRIBUTES).get_tensor_info()
    )
    names = catalogue.info.features["objects"]["label"].names
    assert tuple(names) == OBJECT_CLASSES


def test_items_are_the_drawn_products(catalogue):
    items = [item for members in items_by_split(catalogue).values() for item in members]
    assert len(items) == 40
    for item in items:
        product = draw_product(0, int(item["id"].decode().removeprefix("syn-")))
        assert item["text"].decode() == product.text
        assert {k: v.decode() for k, v in item["attributes"].items()} == product.attributes
        boxes = [(box.ymin, box.xmin, box.ymax, box.xmax) for box in product.boxes]
        np.testing.assert_allclose(item["objects"]["bbox"], boxes, atol=1e-6)
        labels = [OBJECT_CLASSES[label] for label in item["objects"]["label"]]
        assert labels == [box.label for box in product.boxes]
        # JPEG halves the resolution of colour, which blurs fine checks.
        error = np.abs(item["image"].astype(int) - product.image).mean()
        assert item["image"].shape == product.image.shape and error < 10


def test_every_item_lies_in_the_split_of_its_title(catalogue):
    for split, items in items_by_split(catalogue).items():
        for item in items:
            assert split_of(item["id"].decode(), item["text"].decode()) == split


def test_a_larger_catalogue_begins_with_the_smaller(catalogue, data_dir):
    smaller, whole = jpegs(prepared(data_dir, num_items=12)), jpegs(catalogue)
    assert set(smaller) == {f"syn-{index:06d}".encode() for index in range(12)}
    assert all(whole[item_id] == photo for item_id, photo in smaller.items())


def test_preparing_again_writes_the_same_bytes_and_another_seed_others(data_dir, tmp_path):
    first, again = prepared(data_dir, 12), prepared(tmp_path, 12)
    other = prepared(tmp_path, 12, seed=1)
    assert jpegs(first) == jpegs(again)
    assert not set(jpegs(first).values()) & set(jpegs(other).values())


def test_a_split_without_items_is_left_out(tmp_path):
    builder = prepared(tmp_path, num_items=1)
    listing = write_listing(seed=0, index=0)
    assert list(builder.info.splits) == [split_of(listing.id, listing.text)]


def test_products_of_equal_title_share_a_split(tmp_path, monkeypatch):
    """Every three products get one title; without it their splits would differ."""
    module = synthetic_catalogue_dataset_builder

    def title(index: int) -> str:
        return f"Twin {index // 3}"

    def twin_listing(seed: int, index: int, more: tuple[str, ...]):
        return replace(write_listing(seed, index, more), text=title(index))

    def twin_product(seed: int, index: int, more: tuple[str, ...]):
        return replace(draw_product(seed, index, more), text=title(index))

    monkeypatch.setattr(module, "write_listing", twin_listing)
    monkeypatch.setattr(module, "draw_product", twin_product)
    splits = items_by_split(prepared(tmp_path, num_items=45, seed=9))
    assert len(splits) > 1
    titles = {split: {item["text"] for item in items} for split, items in splits.items()}
    assert sum(len(members) for members in titles.values()) == 15


def test_the_default_config_may_also_be_given(tmp_path):
    builders = [
        SyntheticCatalogue(config=config, data_dir=tmp_path)
        for config in (None, SyntheticCatalogueConfig(), "2000_seed0")
    ]
    for builder in builders:
        assert builder.builder_config.name == "2000_seed0"
        assert (builder.builder_config.num_items, builder.builder_config.seed) == (2000, 0)


def test_the_name_contains_the_config():
    assert SyntheticCatalogueConfig(num_items=40, seed=7).name == "40_seed7"
    assert SyntheticCatalogueConfig(40, 7, ("fit",)).name == "40_seed7_fit"


def test_length_and_fit_are_labels_where_they_vary(tmp_path):
    source = CatalogueSource("synthetic_catalogue/cuts", num_items=40)
    records = open_catalogue(source, str(tmp_path)).records(ALL)
    assert records.declaration.names == (*ATTRIBUTES, "length", "fit")
    cut = list(zip(records.column("length"), records.column("fit")))
    for item, (length, fit) in zip(records.ids, cut):
        index = int(item.removeprefix("syn-"))
        facets = write_listing(0, index, ("length", "fit")).facets
        assert (length, fit) == (facets.length, facets.fit)
    labels = declared_labels(records)
    trousers = [i for i, of in enumerate(records.column("article_type")) if of == "Jeans"]
    watches = [i for i, of in enumerate(records.column("article_type")) if of == "Watches"]
    assert trousers and watches
    for rows, empty in ((trousers, False), (watches, True)):
        of_rows = [labels[records.ids[i]] for i in rows if records.ids[i] in labels]
        assert all((of.values["length"] == "") == empty for of in of_rows)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"num_items": 0}, "num_items is 0"),
        ({"num_items": -5}, "num_items is -5"),
        ({"num_items": 2.5}, "num_items is 2.5"),
        ({"num_items": True}, "num_items is True"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": "a"}, "seed is 'a'"),
        ({"more": ("colour",)}, "give some of length, fit"),
    ],
)
def test_a_bad_config_is_named_in_one_line(options, named):
    with pytest.raises(FitRankError, match=named) as error:
        SyntheticCatalogueConfig(**options)
    assert "\n" not in str(error.value)
