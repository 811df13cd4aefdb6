"""Trains the feature heads on a catalogue and manual labels."""

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
from fitrank_tf.features.attributes.columns import (
    CUT_LABELS,
    NECKLINE_LABELS,
    SLEEVE_LABELS,
    UNKNOWN,
)
from fitrank_tf.features.attributes.cut import cut_inputs
from fitrank_tf.features.attributes.network import without_auxiliary_outputs
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
from fitrank_tf.features.extract import feature_schema
from fitrank_tf.features.feature_models import LearnedHeads
from fitrank_tf.features.garment.views import GarmentViews, jittered
from fitrank_tf.features.heads.softmax_head import (
    SoftmaxHead,
    merge_heads,
    uniform_head,
)
from fitrank_tf.features.heads.training import train_head
from fitrank_tf.features.texture.patterns import pattern_inputs
from fitrank_tf.features.texture.statistics import texture_features

# The mean of three heads varies less than one of them.
_NAMING_HEADS = 3
# Augmented copies of each product: on the validation split 0.679 of the products get their
# colour name, 0.667 without copies.
_JITTERED_COPIES = 3

logger = logging.getLogger(__name__)

# Subcategories of *Fashion Product Images* whose products have arms or a pattern; in other
# catalogues these labels come from manual labels and titles alone.
_HAS_ARMS = {
    *("Topwear", "Dress", "Innerwear", "Loungewear and Nightwear", "Apparel Set"),
    "Saree",
}
# Of which length and fit can be seen.
_HAS_CUT = (_HAS_ARMS - {"Innerwear"}) | {"Bottomwear", "Socks"}
_HAS_PATTERN = _HAS_ARMS | {
    *("Bottomwear", "Bags", "Ties", "Scarves", "Mufflers", "Stoles"),
}
_COVERED = {
    "pattern": _HAS_PATTERN,
    "sleeve": _HAS_ARMS,
    "neckline": _HAS_ARMS,
    "length": _HAS_CUT,
    "fit": _HAS_CUT,
}


@dataclasses.dataclass(frozen=True)
class LabelledProducts:
    """The training products of a catalogue, and what people saw on some.

    Attributes:
        records: N products, all of the training split.
        labels: product id -> manual labels; not every product needs some.

    Raises:
        FitRankError: if a product is not of the training split.
    """

    records: CatalogueRecords
    labels: Mapping[str, ProductLabels]

    def __post_init__(self) -> None:
        leaked = [
            item
            for item, split in zip(self.records.ids, self.records.splits)
            if split != TRAIN
        ]
        if leaked:
            raise FitRankError(f"product {leaked[0]!r} is kept for testing")


@dataclasses.dataclass(frozen=True)
class FeatureData(LabelledProducts):
    """Training data of the heads that read the product cut out of its photo.

    Attributes:
        views: the same N products, cut out of their photos.
    """

    views: GarmentViews


def train_heads(
    data: FeatureData,
    appearance: AppearanceNetwork,
    config: RunConfig,
    backup: Path,
    namer: ColourNamer | None = None,
) -> LearnedHeads:
    """Trains the heads of colour names, patterns, sleeve and neckline.

    Those of length and fit are uniform: `train_cut_heads` trains them on features that
    these models extract.

    Args:
        data: training products.
        appearance: stored with the heads, not trained.
        config: its `colour_names`, `patterns`, `attributes` and `seed` are used.
        backup: folder of the state from which an interrupted training resumes.
        namer: of colours, for products without colour names; None trains one.

    Raises:
        FitRankError: if there are no labels to learn from.
    """
    colours = read_colours(data.views.crops)
    if namer is None:
        logger.info("colour names")
        namer = train_namer(data, colours, config)
    logger.info("patterns")
    pattern = train_pattern_head(data, colours, config)
    logger.info("sleeve and neckline")
    table, extra = attribute_table(data, config.attributes)
    network = train_attribute_network(table, extra, config.attributes, config.seed, backup)
    width = cut_inputs(np.zeros((1, feature_schema().size)), feature_schema()).shape[1]
    cut = {name: uniform_head(names, width) for name, names in CUT_LABELS.items()}
    return LearnedHeads(
        namer,
        pattern,
        without_auxiliary_outputs(network),
        cut["length"],
        cut["fit"],
        appearance,
    )


def train_cut_heads(
    data: LabelledProducts, features: np.ndarray, heads: LearnedHeads, config: RunConfig
) -> LearnedHeads:
    """Returns the heads with those of length and fit trained.

    One that no product has a label of is kept.

    Args:
        data: N training products.
        features: float32 [N, F], of the same products, extracted with `heads`.
        heads: the other ones are kept.
        config: its `cut` and `seed` are used.
    """
    logger.info("length and fit")
    inputs = cut_inputs(features, feature_schema())

    def trained(facet: str) -> SoftmaxHead:
        names = CUT_LABELS[facet]
        labels, trust = facet_labels(data, facet, names, config.cut.weak_trust)
        known = labels >= 0
        if not known.any():
            logger.warning("no product has a label of %s: it is not learned", facet)
            return getattr(heads, facet)
        return train_head(
            inputs[known], labels[known], names, config.cut, config.seed, trust[known]
        )

    return dataclasses.replace(heads, length=trained("length"), fit=trained("fit"))


def train_namer(data: FeatureData, colours: Colours, config: RunConfig) -> ColourNamer:
    """Trains the colour namer on the catalogue's colour column.

    Args:
        data: training products.
        colours: of the same products.
        config: its `colour_names` and `seed` are used.
    """
    names = colour_numbers(data.records.column("colour"))
    prototypes = learn_prototypes(colours.palette[:, 0], names, config.seed)
    evidence = prototypes.likelihood(cell_centres())
    generator = np.random.default_rng(config.seed)
    copies = [colours] + [
        read_colours(jittered(data.views, generator).crops) for _ in range(_JITTERED_COPIES)
    ]
    known = names >= 0
    inputs = np.concatenate(
        [name_inputs(copy, data.views.evidence, evidence)[known] for copy in copies]
    )
    truth = np.tile(names[known], len(copies))
    heads = [
        train_head(inputs, truth, COLOUR_NAMES, config.colour_names, seed)
        for seed in range(config.seed, config.seed + _NAMING_HEADS)
    ]
    return ColourNamer(prototypes, merge_heads(heads))


def train_pattern_head(
    data: FeatureData, colours: Colours, config: RunConfig
) -> SoftmaxHead:
    """Trains the pattern head on manual labels and, with less weight, on titles.

    Args:
        data: training products.
        colours: of the same products.
        config: its `patterns` and `seed` are used.
    """
    texture = texture_features(data.views.crops)
    labels, trust = facet_labels(data, "pattern", PATTERNS, config.patterns.weak_trust)
    known = labels >= 0
    # Rare patterns weigh more, by the square root: fully balanced, plain products are
    # predicted to be checked too often.
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
    """Builds the training data of the attribute network.

    Pattern and kind of product are auxiliary outputs beside sleeve and neckline.

    Args:
        data: training products.
        config: weight of weak labels, and how often manual labels are repeated.

    Returns:
        The table, and {name: number of classes} of the auxiliary outputs.
    """
    weak = config.weak_trust
    column = data.records.column(data.records.declaration.decisive)
    kinds = sorted(set(column))
    kind = np.array([kinds.index(name) for name in column])
    labelled = {
        "sleeve": facet_labels(data, "sleeve", SLEEVE_LABELS, weak),
        "neckline": facet_labels(data, "neckline", NECKLINE_LABELS, weak),
        "pattern": facet_labels(data, "pattern", PATTERNS, weak),
        "kind": (kind, np.full(len(kind), weak, np.float32)),
    }
    by_eye = np.array(
        [
            item in data.labels and not labelled.keys().isdisjoint(data.labels[item].values)
            for item in data.records.ids
        ]
    )
    table = AttributeTable(
        canvases=np.stack([crop.canvas() for crop in data.views.crops]),
        labels={name: labels for name, (labels, _) in labelled.items()},
        weights={name: weights for name, (_, weights) in labelled.items()},
        repeats=np.where(by_eye, config.times_seen, 1),
    )
    return table, {"pattern": len(PATTERNS), "kind": len(kinds)}


def facet_labels(
    data: LabelledProducts, facet: str, names: Sequence[str], weak_trust: float
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the label of each product: the manual one, else one from its title.

    The label of products without arms or neck is "unknown", if `names` has it; an empty
    manual label means the same.

    Args:
        data: N training products.
        facet: one of `LABEL_FIELDS`.
        names: the facet's labels.
        weak_trust: weight of labels from titles; manual labels have weight 1.

    Returns:
        int [N], index in `names` or -1, and float32 [N], its weight.
    """
    labels = np.full(len(data.records), -1)
    trust = np.zeros(len(data.records), np.float32)
    for row, item in enumerate(data.records.ids):
        by_eye = data.labels[item].values if item in data.labels else {}
        said: str | None
        if facet in by_eye:
            said, weight = by_eye[facet], 1.0
        else:
            said, weight = _label_of_title(data.records, row, facet), weak_trust
        label = UNKNOWN if said == "" else said
        if label in names:
            labels[row], trust[row] = names.index(label), weight
    return labels, trust


def _label_of_title(records: CatalogueRecords, row: int, facet: str) -> str | None:
    """The title's label; "" for kinds of product without the facet; None if unknown."""
    covered = _COVERED[facet]
    subcategory = records.column("subcategory")[row]
    if subcategory and subcategory not in covered:
        return ""
    label = title_label(records.texts[row], facet)
    if not label and facet == "neckline":
        is_shirt = records.column("article_type")[row] == "Shirts"
        label = "collar" if is_shirt else ""
    return label or None
