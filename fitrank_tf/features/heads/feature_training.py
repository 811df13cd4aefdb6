"""Training all that stands on the detector, from a catalogue and labels by eye."""

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from fitrank_tf.config import AttributeConfig, RunConfig
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.annotations.label_file import PATTERNS, ProductLabels
from fitrank_tf.datasets.annotations.title_labels import title_label
from fitrank_tf.datasets.catalogue import CatalogueRecords
from fitrank_tf.datasets.splits import TRAIN
from fitrank_tf.features.appearance.network import AppearanceNetwork
from fitrank_tf.features.attributes.columns import NECKLINE_ANSWERS, SLEEVE_ANSWERS, UNKNOWN
from fitrank_tf.features.attributes.network import asked_only
from fitrank_tf.features.attributes.training import (
    AttributeTable,
    train_attribute_network,
)
from fitrank_tf.features.colour.cells import cell_centres
from fitrank_tf.features.colour.names import (
    COLOUR_NAMES,
    ColourNamer,
    colour_numbers,
    learn_prototypes,
    name_inputs,
)
from fitrank_tf.features.colour.palette import Colours, read_colours
from fitrank_tf.features.feature_models import LearnedHeads
from fitrank_tf.features.garment.views import GarmentViews, shaken
from fitrank_tf.features.heads.softmax_head import SoftmaxHead, merged
from fitrank_tf.features.heads.training import train_head
from fitrank_tf.features.texture.patterns import pattern_inputs
from fitrank_tf.features.texture.statistics import texture_features

# The mean of three is steadier than any of them.
_NAMING_HEADS = 3
# Beside each product as it was seen so many times a little differently: on the
# validation split 0.679 against 0.667 of the products get their name.
_SHAKEN = 3

logger = logging.getLogger(__name__)

# What a subcategory of *Fashion Product Images* covers; of other catalogues the
# labels by eye and the titles have to do.
_HAS_ARMS = {
    *("Topwear", "Dress", "Innerwear", "Loungewear and Nightwear", "Apparel Set"),
    "Saree",
}
_HAS_PATTERN = _HAS_ARMS | {
    *("Bottomwear", "Bags", "Ties", "Scarves", "Mufflers", "Stoles"),
}


@dataclasses.dataclass(frozen=True)
class FeatureData:
    """What the heads learn from: the training products of a catalogue.

    Attributes:
        records: N products, all of the training split.
        views: of the same products.
        labels: product id -> labels by eye; products without are allowed.
    """

    records: CatalogueRecords
    views: GarmentViews
    labels: Mapping[str, ProductLabels]

    def __post_init__(self) -> None:
        leaked = [
            item
            for item, split in zip(self.records.ids, self.records.splits)
            if split != TRAIN
        ]
        if leaked:
            raise FitRankError(f"product {leaked[0]!r} is kept for testing")


def train_heads(
    data: FeatureData,
    appearance: AppearanceNetwork,
    config: RunConfig,
    backup: Path,
) -> LearnedHeads:
    """Trains colour names, patterns, sleeve and neckline.

    Args:
        data: training products.
        appearance: goes with the heads as it is.
        config: sections `colour_names`, `patterns`, `attributes`, and the seed.
        backup: folder where an interrupted training finds its state.

    Raises:
        FitRankError: if there is nothing to learn from.
    """
    colours = read_colours(data.views.crops)
    logger.info("colour names")
    namer = train_namer(data, colours, config)
    logger.info("patterns")
    pattern = train_pattern_head(data, colours, config)
    logger.info("sleeve and neckline")
    table, extra = attribute_table(data, config.attributes)
    network = train_attribute_network(table, extra, config.attributes, config.seed, backup)
    return LearnedHeads(namer, pattern, asked_only(network), appearance)


def train_namer(data: FeatureData, colours: Colours, config: RunConfig) -> ColourNamer:
    """Learns what the catalogue calls colours, from its own column."""
    names = colour_numbers(data.records.attributes["colour"])
    prototypes = learn_prototypes(colours.palette[:, 0], names, config.seed)
    evidence = prototypes.likelihood(cell_centres())
    generator = np.random.default_rng(config.seed)
    seen = [colours] + [
        read_colours(shaken(data.views, generator).crops) for _ in range(_SHAKEN)
    ]
    known = names >= 0
    inputs = np.concatenate(
        [name_inputs(of, data.views.evidence, evidence)[known] for of in seen]
    )
    truth = np.tile(names[known], len(seen))
    heads = [
        train_head(inputs, truth, COLOUR_NAMES, config.colour_names, seed)
        for seed in range(config.seed, config.seed + _NAMING_HEADS)
    ]
    return ColourNamer(prototypes, merged(heads))


def train_pattern_head(
    data: FeatureData, colours: Colours, config: RunConfig
) -> SoftmaxHead:
    """Learns patterns from labels by eye and, trusted less, from titles."""
    texture = texture_features(data.views.crops)
    labels, trust = answers_of(data, "pattern", PATTERNS, config.patterns.weak_trust)
    known = labels >= 0
    # Rare patterns count more, by the square root: fully balanced, a plain product is
    # called checked too often.
    counts = np.bincount(labels[known], minlength=len(PATTERNS))
    balance = np.sqrt(counts.mean() / np.maximum(counts, 1))
    return train_head(
        pattern_inputs(texture, colours)[known],
        labels[known],
        PATTERNS,
        config.patterns,
        config.seed,
        weights=(trust * balance[labels])[known].astype(np.float32),
    )


def attribute_table(
    data: FeatureData, config: AttributeConfig
) -> tuple[AttributeTable, dict[str, int]]:
    """What the attribute network learns; beside sleeve and neckline pattern and kind.

    Returns:
        The table, and {name: classes} of the extra questions.
    """
    weak = config.weak_trust
    kinds = sorted(set(data.records.attributes["article_type"]))
    kind = np.array([kinds.index(name) for name in data.records.attributes["article_type"]])
    labelled = {
        "sleeve": answers_of(data, "sleeve", SLEEVE_ANSWERS, weak),
        "neckline": answers_of(data, "neckline", NECKLINE_ANSWERS, weak),
        "pattern": answers_of(data, "pattern", PATTERNS, weak),
        "kind": (kind, np.full(len(kind), weak, np.float32)),
    }
    by_eye = np.array([item in data.labels for item in data.records.ids])
    table = AttributeTable(
        canvases=np.stack([crop.canvas() for crop in data.views.crops]),
        answers={name: answers for name, (answers, _) in labelled.items()},
        trust={name: trust for name, (_, trust) in labelled.items()},
        times=np.where(by_eye, config.times_seen, 1),
    )
    return table, {"pattern": len(PATTERNS), "kind": len(kinds)}


def answers_of(
    data: FeatureData, facet: str, answers: Sequence[str], weak_trust: float
) -> tuple[np.ndarray, np.ndarray]:
    """The label of each product: by eye, else what its title says.

    A product of a kind without arms or neck has the answer "unknown", where that is
    one of the answers; a "" by eye means the same.

    Returns:
        int [N], index in `answers` or -1, and float32 [N], its trust.
    """
    labels = np.full(len(data.records), -1)
    trust = np.zeros(len(data.records), np.float32)
    for row, item in enumerate(data.records.ids):
        if item in data.labels:
            said, weight = getattr(data.labels[item], facet), 1.0
        else:
            said, weight = _said_by_shop(data.records, row, facet), weak_trust
            if said is None:
                continue
        said = said or UNKNOWN
        if said in answers:
            labels[row], trust[row] = answers.index(said), weight
    return labels, trust


def _said_by_shop(records: CatalogueRecords, row: int, facet: str) -> str | None:
    """What the title says; "" for a kind of product without; None for "who knows"."""
    covered = _HAS_PATTERN if facet == "pattern" else _HAS_ARMS
    subcategory = records.attributes["subcategory"][row]
    if subcategory and subcategory not in covered:
        return ""
    said = title_label(records.texts[row], facet)
    if not said and facet == "neckline":
        is_shirt = records.attributes["article_type"][row] == "Shirts"
        said = "collar" if is_shirt else ""
    return said or None
