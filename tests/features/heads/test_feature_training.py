"""The label a product is trained on: manual, from its title, from its kind, or none."""

import dataclasses

import numpy as np
import pytest

from fitrank_tf.config import AttributeConfig, HeadConfig, RunConfig
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.annotations.label_file import PATTERNS, ProductLabels
from fitrank_tf.datasets.catalogue import CatalogueRecords
from fitrank_tf.features.attributes.columns import (
    CUT_LABELS,
    NECKLINE_LABELS,
    SLEEVE_LABELS,
)
from fitrank_tf.features.attributes.cut import cut_inputs
from fitrank_tf.features.colour.palette import read_colours
from fitrank_tf.features.extract import feature_schema
from fitrank_tf.features.garment.crop import GarmentCrop
from fitrank_tf.features.garment.views import GarmentViews
from fitrank_tf.features.heads.feature_training import (
    FeatureData,
    LabelledProducts,
    attribute_table,
    facet_labels,
    train_cut_heads,
    train_pattern_head,
)
from fitrank_tf.features.texture.patterns import pattern_inputs
from fitrank_tf.features.texture.statistics import texture_features
from tests.fashion import ATTRIBUTES, DECLARATION
from tests.small_feature_models import small_heads

ANSWERS = {
    "sleeve": SLEEVE_LABELS,
    "neckline": NECKLINE_LABELS,
    "pattern": PATTERNS,
    **CUT_LABELS,
}
WEAK = 0.25


def _crop(pixels: np.ndarray | None = None) -> GarmentCrop:
    pixels = np.full((96, 96, 3), 200, np.uint8) if pixels is None else pixels
    return GarmentCrop(pixels, np.full(3, 255, np.uint8), 0.0, 0.0)


def _data(
    titles: list[str],
    kind: tuple[str, str] = ("", ""),
    labels: tuple[ProductLabels, ...] = (),
    splits: tuple[str, ...] = (),
) -> FeatureData:
    """Products p0, p1, ... of one subcategory and article type."""
    ids = tuple(f"p{row}" for row in range(len(titles)))
    attributes = dict.fromkeys(ATTRIBUTES, ("",) * len(ids))
    attributes |= {"subcategory": (kind[0],) * len(ids)}
    attributes |= {"article_type": (kind[1],) * len(ids)}
    records = CatalogueRecords(
        ids, tuple(titles), attributes, splits or ("train",) * len(ids), DECLARATION
    )
    views = GarmentViews([_crop() for _ in ids], np.zeros((len(ids), 13), np.float32))
    return FeatureData(records, {product.id: product for product in labels}, views)


def _by_eye(**fields: str) -> ProductLabels:
    values = {"sleeve": "", "neckline": "", "pattern": ""}
    return ProductLabels("p0", "train", {**values, **fields})


def _first_label(data: FeatureData, facet: str) -> tuple[str, float]:
    """The first product's label, "" for none, and its weight."""
    labels, trust = facet_labels(data, facet, ANSWERS[facet], WEAK)
    assert labels.shape == trust.shape == (len(data.records),)
    return "" if labels[0] < 0 else ANSWERS[facet][labels[0]], float(trust[0])


TOP, SHIRT, SHOES = ("Topwear", "Tshirts"), ("Topwear", "Shirts"), ("Shoes", "Heels")
TITLE = "Striped Polo Tshirt with Full Sleeves"


@pytest.mark.parametrize(
    ("kind", "title", "facet", "label"),
    [
        (TOP, TITLE, "sleeve", ("long", WEAK)),
        (TOP, TITLE, "neckline", ("collar", WEAK)),
        (TOP, TITLE, "pattern", ("striped", WEAK)),
        # No label if the title has none,
        (TOP, "Red Tshirt", "sleeve", ("", 0)),
        (TOP, "Red Tshirt", "neckline", ("", 0)),
        (TOP, "Red Tshirt", "pattern", ("", 0)),
        # but shirts have collars.
        (SHIRT, "Red Shirt", "neckline", ("collar", WEAK)),
        (SHIRT, "Red V Neck Shirt", "neckline", ("v", WEAK)),
        (SHIRT, "Red Shirt", "sleeve", ("", 0)),
        # A kind without arms, whatever the title says.
        (SHOES, "Heels", "sleeve", ("unknown", WEAK)),
        (SHOES, "Heels", "neckline", ("unknown", WEAK)),
        (("Bottomwear", "Capris"), "3/4 Pants", "sleeve", ("unknown", WEAK)),
        (("Bags", "Backpacks"), "Hooded Bag", "neckline", ("unknown", WEAK)),
        # "unknown" is no pattern; shoes have none to learn from, trousers do.
        (SHOES, "Striped Heels", "pattern", ("", 0)),
        (("Bottomwear", "Jeans"), "Striped Jeans", "pattern", ("striped", WEAK)),
        # Length and fit are seen of garments and socks, not of what lies below them.
        (TOP, "Slim Fit Tshirt", "fit", ("slim", WEAK)),
        (TOP, "Mini Tshirt", "length", ("", 0)),
        (("Bottomwear", "Capris"), "3/4 Pants", "length", ("calf", WEAK)),
        (("Innerwear", "Briefs"), "Slim Fit Briefs", "fit", ("unknown", WEAK)),
        (SHOES, "Ankle Length Heels", "length", ("unknown", WEAK)),
        # A catalogue without kinds: the title alone.
        (("", ""), "Sleeveless Top", "sleeve", ("sleeveless", WEAK)),
        (("", ""), "Top", "sleeve", ("", 0)),
    ],
)
def test_without_a_manual_label_the_title_is_used(kind, title, facet, label) -> None:
    assert _first_label(_data([title], kind), facet) == label


@pytest.mark.parametrize(
    ("facet", "manual", "label"),
    [
        ("sleeve", "short", ("short", 1)),
        ("neckline", "v", ("v", 1)),
        ("pattern", "plain", ("plain", 1)),
        # An empty manual label means "unknown", if the facet has it.
        ("sleeve", "", ("unknown", 1)),
        ("neckline", "", ("unknown", 1)),
        ("pattern", "", ("", 0)),
    ],
)
@pytest.mark.parametrize("kind", [TOP, SHOES])
def test_a_manual_label_overrides_the_title(facet: str, manual: str, label, kind) -> None:
    data = _data([TITLE, TITLE], kind, (_by_eye(**{facet: manual}),))
    assert _first_label(data, facet) == label
    # The other product has no manual label.
    assert facet_labels(data, facet, ANSWERS[facet], WEAK)[1][1] < 1


@pytest.mark.parametrize("split", ["test", "validation"])
def test_products_kept_for_testing_are_refused(split: str) -> None:
    with pytest.raises(FitRankError, match="product 'p1' is kept for testing"):
        _data(["a", "b", "c"], splits=("train", split, "train"))


def test_pattern_and_kind_are_auxiliary_outputs() -> None:
    data = _data(["Striped Tee", "Tee"], TOP, (_by_eye(sleeve="short"),))
    kinds = ("Tshirts", "Dresses")
    attributes = {**data.records.attributes, "article_type": kinds}
    data = dataclasses.replace(
        data, records=dataclasses.replace(data.records, attributes=attributes)
    )
    config = AttributeConfig(weak_trust=WEAK, times_seen=4)
    table, extra = attribute_table(data, config)
    assert extra == {"pattern": len(PATTERNS), "kind": 2}
    assert set(table.labels) == set(table.weights) == {"sleeve", "neckline", *extra}
    assert table.repeats.tolist() == [4, 1]
    assert table.canvases.shape == (2, 96, 96, 3) and table.canvases.dtype == np.uint8
    assert table.labels["sleeve"].tolist() == [SLEEVE_LABELS.index("short"), -1]
    assert table.weights["sleeve"].tolist() == [1, 0]
    # By the alphabet: dresses, then T-shirts.
    assert table.labels["kind"].tolist() == [1, 0]
    assert table.weights["kind"].tolist() == [WEAK, WEAK]


def _striped(generator: np.random.Generator, stripes: bool) -> GarmentCrop:
    pixels = np.full((96, 96, 3), generator.integers(60, 200, 3), np.uint8)
    if stripes:
        pixels[(np.arange(96) // generator.integers(4, 9)) % 2 == 1] = 240
    return _crop(pixels)


def test_patterns_are_learned_from_titles_and_manual_labels() -> None:
    generator = np.random.default_rng(0)
    truth = np.arange(48) % 2
    crops = [_striped(generator, bool(stripes)) for stripes in truth]
    titles = ["Striped Shirt" if stripes else "Plain Shirt" for stripes in truth]
    # The first title is wrong, its manual label is right.
    titles[0] = "Striped Shirt"
    data = _data(titles, SHIRT, (_by_eye(pattern="plain"),))
    views = dataclasses.replace(data.views, crops=crops)
    data = dataclasses.replace(data, views=views)
    colours = read_colours(crops)
    config = RunConfig("test", patterns=HeadConfig(epochs=20, batch_size=16))
    head = train_pattern_head(data, colours, config)
    inputs = pattern_inputs(texture_features(crops), colours)
    predicted = head.probabilities(inputs).argmax(axis=1)
    assert (predicted == truth).mean() > 0.95 and predicted[0] == PATTERNS.index("plain")


def test_a_catalogue_without_labels_is_refused() -> None:
    data = _data(["Tee", "Tee"], TOP)
    with pytest.raises(FitRankError, match="no product has a label of plain, striped"):
        train_pattern_head(data, read_colours(data.views.crops), RunConfig("test"))


def test_only_products_labelled_for_the_network_come_more_often() -> None:
    labels = (_by_eye(), ProductLabels("p1", "train", {"length": "knee"}))
    table, _ = attribute_table(_data(["a", "b"], TOP, labels), AttributeConfig())
    assert table.repeats.tolist() == [AttributeConfig().times_seen, 1]


def test_length_and_fit_are_learned_from_the_other_features() -> None:
    generator, schema = np.random.default_rng(0), feature_schema()
    features = generator.random((90, schema.size), np.float32)
    long_ones = np.arange(90) % 2 == 0
    features[:, schema.slice("appearance").start] = 6.0 * long_ones
    labels = tuple(
        ProductLabels(
            f"p{row}",
            "train",
            {"length": "ankle" if is_long else "thigh", "fit": "loose" if is_long else ""},
        )
        for row, is_long in enumerate(long_ones)
    )
    data = _data(["a"] * 90, TOP, labels)
    data = LabelledProducts(data.records, data.labels)
    before = small_heads()
    config = RunConfig("x", cut=HeadConfig(hidden=(), epochs=40, learning_rate=0.02))
    heads = train_cut_heads(data, features, before, config)
    assert heads.pattern is before.pattern and heads.attributes is before.attributes
    for head, yes, no in (
        (heads.length, "ankle", "thigh"),
        (heads.fit, "loose", "unknown"),
    ):
        told = head.probabilities(cut_inputs(features, schema)).argmax(axis=1)
        expected = [head.labels.index(yes if is_long else no) for is_long in long_ones]
        assert np.mean(told == expected) > 0.95
