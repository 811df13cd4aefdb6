"""Trains the detector on annotated and synthetic photos.

Prints the average precision on the annotations marked "test". For a dataset with boxes
(modanet, deepfashion_inshop, deepfashion_attributes, deepfashion_consumer_to_shop), the
detector is trained and measured on the photos that have one.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fitrank_tf.cli.options.catalogue import add_catalogue_arguments, catalogue_source
from fitrank_tf.cli.options.command import add_recipe_arguments, run_config
from fitrank_tf.config import RunConfig
from fitrank_tf.core.command_line import command_parser
from fitrank_tf.datasets.annotations import read_annotations
from fitrank_tf.datasets.annotations.annotated_items import annotated_items
from fitrank_tf.datasets.catalogue import Catalogue, CatalogueSource, open_catalogue
from fitrank_tf.datasets.splits import TEST, TRAIN
from fitrank_tf.evaluation.detector_report import measure_detector
from fitrank_tf.features.garment.detector import Detector
from fitrank_tf.features.garment.detector_training import train_detector

if TYPE_CHECKING:
    import tensorflow as tf


ANNOTATIONS = "fitrank_tf/datasets/annotations/fashion_product_images.json"


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = command_parser("train-detector", __doc__)
    add_catalogue_arguments(parser)
    parser.add_argument("--annotations", default=ANNOTATIONS, help="COCO JSON")
    add_recipe_arguments(parser, "detector")
    parser.add_argument("--drawn", type=int, default=600, help="synthetic photos")
    parser.add_argument(
        "--detector", default="", help="measures this SavedModel instead of training"
    )
    parser.add_argument("--output_dir", default="saved_models/detector")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None) -> None:
    """See the module."""
    options = parse(arguments)
    source = catalogue_source(options)
    config = run_config(options)
    catalogue = open_catalogue(source, options.data_dir)
    measured = _boxed(options, catalogue, TEST)
    if options.detector:
        detector = Detector.load(Path(options.detector))
    else:
        detector = _train(options, config, _boxed(options, catalogue, TRAIN))
        detector.save(Path(options.output_dir))
    print(measure_detector(detector, measured).table())


def _boxed(
    options: argparse.Namespace, catalogue: Catalogue, split: str
) -> "tf.data.Dataset":
    """Items with boxes of the catalogue itself, or else of the annotations."""
    if catalogue.has_boxes:
        return catalogue.items(split)
    return annotated_items(catalogue, read_annotations(options.annotations), split)


def _train(
    options: argparse.Namespace, config: RunConfig, annotated: "tf.data.Dataset"
) -> Detector:
    drawn = open_catalogue(CatalogueSource(), options.data_dir).items(TRAIN)
    # Annotated photos first, because the configuration limits the number of photos.
    photos = _photos_and_boxes(annotated).concatenate(
        _photos_and_boxes(drawn.take(options.drawn))
    )
    return Detector.from_network(train_detector(photos, config.detector, config.seed))


def _photos_and_boxes(items: "tf.data.Dataset") -> "tf.data.Dataset":
    """Items with the fields `image` and `objects` alone."""
    return items.map(lambda item: {"image": item["image"], "objects": item["objects"]})
