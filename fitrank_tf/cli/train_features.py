"""Trains the feature heads: colour names, pattern, sleeve, neckline, length and fit.

Colour names are learned from the catalogue's colours, the others from labels and, with less
weight, from titles. Labels are those of files, or else the catalogue's own attributes.
Without any colours the shipped model's names are kept, and without a length or a fit
nothing is learned of it. Prints the accuracy on the test split, and draws a confusion
matrix of each.
"""

import argparse
import logging
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from fitrank_tf.cli.options.catalogue import add_catalogue_arguments, catalogue_source
from fitrank_tf.cli.options.command import add_recipe_arguments, run_config
from fitrank_tf.config import RunConfig
from fitrank_tf.core.command_line import command_parser
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.shipped import find_shipped
from fitrank_tf.datasets.annotations.declared_labels import declared_labels
from fitrank_tf.datasets.annotations.label_file import (
    ProductLabels,
    merged_labels,
    read_labels,
)
from fitrank_tf.datasets.catalogue import Catalogue, open_catalogue
from fitrank_tf.datasets.splits import ALL, TEST, TRAIN
from fitrank_tf.evaluation.attribute_report import measure_attributes
from fitrank_tf.features.appearance.network import load_appearance
from fitrank_tf.features.colour.names import colour_numbers
from fitrank_tf.features.extract import FeatureExtractor
from fitrank_tf.features.feature_models import (
    APPEARANCE_DIR,
    FeatureModels,
    LearnedHeads,
    load_heads,
)
from fitrank_tf.features.garment.detector import Detector
from fitrank_tf.features.garment.views import view_garments
from fitrank_tf.features.heads.feature_training import (
    FeatureData,
    LabelledProducts,
    train_cut_heads,
    train_heads,
)

logger = logging.getLogger(__name__)

DEFAULT_HEADS = "saved_models/features"
LABELS = tuple(
    f"fitrank_tf/datasets/annotations/fashion_product_images_{name}.csv"
    for name in ("labels", "cuts")
)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = command_parser("train-features", __doc__)
    add_catalogue_arguments(parser)
    parser.add_argument(
        "--labels",
        nargs="+",
        default=(),
        help="CSV files of manual labels; by default the attributes sleeve, neckline, "
        "pattern, length and fit of the catalogue itself, or else those of "
        "fashion_product_images",
    )
    add_recipe_arguments(parser, "features")
    parser.add_argument("--heads", default="", help="measures these instead of training")
    parser.add_argument(
        "--kept_heads", default="", help="of these all are kept but length and fit"
    )
    parser.add_argument(
        "--appearance",
        default=f"{DEFAULT_HEADS}/{APPEARANCE_DIR}",
        help="KerasHub image backbone of the appearance features: a folder or a preset",
    )
    parser.add_argument("--output_dir", default=DEFAULT_HEADS)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None) -> None:
    """See the module."""
    options = parse(arguments)
    source = catalogue_source(options)
    config = run_config(options)
    given = merged_labels([read_labels(path) for path in options.labels])
    catalogue = open_catalogue(source, options.data_dir)
    labels = given if options.labels else _labels(catalogue)
    folder = Path(options.heads or options.output_dir)
    detector = find_shipped(config.detector.preset)
    if not options.heads:
        data = _training_data(catalogue, labels)
        finder = Detector.load(detector)
        models = FeatureModels(finder, _heads(options, config, finder, catalogue, data))
        items = catalogue.items(TRAIN)
        features = FeatureExtractor(models).extract(items, len(data.records))
        heads = train_cut_heads(data, features, models.heads, config)
        folder.mkdir(parents=True, exist_ok=True)
        heads.save(folder)
        logger.info("wrote the feature models to %s", folder)
    _measure(catalogue, labels, FeatureModels.load(detector, folder), folder)


def _labels(catalogue: Catalogue) -> Mapping[str, ProductLabels]:
    """The catalogue's own labels; those of the real products if it has none."""
    declared = declared_labels(catalogue.records(ALL))
    if declared:
        logger.info("labels are the catalogue's own, of %d products", len(declared))
    return declared or merged_labels([read_labels(path) for path in LABELS])


def _training_data(
    catalogue: Catalogue, labels: Mapping[str, ProductLabels]
) -> LabelledProducts:
    records = catalogue.records(TRAIN)
    if not len(records):
        raise FitRankError("the catalogue has no training product; give a larger one")
    train_labels = {item: of for item, of in labels.items() if of.split == TRAIN}
    return LabelledProducts(records, train_labels)


def _heads(
    options: argparse.Namespace,
    config: RunConfig,
    detector: Detector,
    catalogue: Catalogue,
    data: LabelledProducts,
) -> LearnedHeads:
    """All heads but those of length and fit, trained or kept."""
    if options.kept_heads:
        return load_heads(find_shipped(options.kept_heads))
    appearance = load_appearance(options.appearance)
    views = view_garments(catalogue.items(TRAIN), len(data.records), detector)
    folder = Path(options.output_dir)
    backup = folder.with_name(folder.name + ".work")
    seen = FeatureData(data.records, data.labels, views)
    namer = None
    if (colour_numbers(data.records.column("colour")) < 0).all():
        logger.warning("the catalogue has no colour names; the shipped model's are kept")
        namer = load_heads(find_shipped(DEFAULT_HEADS)).namer
    heads = train_heads(seen, appearance, config, backup, namer)
    shutil.rmtree(backup, ignore_errors=True)
    return heads


def _measure(
    catalogue: Catalogue,
    labels: Mapping[str, ProductLabels],
    models: FeatureModels,
    folder: Path,
) -> None:
    records = catalogue.records(TEST)
    features = FeatureExtractor(models).extract(catalogue.items(TEST), len(records))
    report = measure_attributes(features, records, labels)
    print(report.table())
    for path in report.draw(folder / "report"):
        logger.info("wrote %s", path)
