"""Packs the towers' training data for a machine without TensorFlow.

Writes the training products as the towers of the recipe read them (photos at the towers'
size, texts as tokens, features), and the validation products for model selection.
`fitrank train-packed` trains on them with JAX alone.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from keras_hub.models import CLIPTokenizer

from fitrank_tf.cli.options.catalogue import add_catalogue_arguments, catalogue_source
from fitrank_tf.cli.options.command import add_recipe_arguments, run_config
from fitrank_tf.cli.options.work_dir import add_work_arguments, work_dir_of
from fitrank_tf.core.command_line import command_parser
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.progress import tracked
from fitrank_tf.datasets.catalogue import open_catalogue
from fitrank_tf.datasets.splits import ALL
from fitrank_tf.inputs.packed import PACKED_FILE, PackedProducts, encode_square
from fitrank_tf.inputs.photos import chosen_photos, photos
from fitrank_tf.towers.tokenise import tokenise
from fitrank_tf.towers.towers import Towers
from fitrank_tf.training.contrastive import contrastive_table
from fitrank_tf.training.run import Run

_MOST_QUALITY = 100


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = command_parser("pack", __doc__)
    add_catalogue_arguments(parser)
    add_recipe_arguments(parser, "fitrank_tiny")
    parser.add_argument("--output_dir", required=True, help="the folder to write")
    add_work_arguments(parser)
    parser.add_argument("--quality", type=int, default=92, help="of the JPEGs, 1 to 100")
    return parser.parse_args(arguments)


def pack(run: Run, quality: int) -> tuple[PackedProducts, CLIPTokenizer]:
    """Packs the products of a run.

    Args:
        run: the training run.
        quality: JPEG quality of the photos, 1..100.

    Returns:
        (packed products, the tokenizer of the towers that they are packed for).
    """
    towers, products = run.base.new_towers(), run.products
    features = run.features.values if run.config.base.feature_weight else None
    tokenizer = towers.tokenizer
    if tokenizer is None:
        raise FitRankError("packing texts needs a tokenizer: install TensorFlow")
    titles = run.records.select(products.validation_rows).texts
    packed = PackedProducts(
        table=contrastive_table(
            products,
            towers,
            features,
            run.config.seed,
            run.config.base.text_shares,
        ),
        photos=list(_encoded(run, towers, products.tower_rows, quality)),
        validation_photos=list(_encoded(run, towers, products.validation_rows, quality)),
        validation_titles=tokenise(tokenizer, titles, towers.context_length),
        image_size=towers.image_size,
        vocabulary_size=tokenizer.vocabulary_size(),
    )
    return packed, tokenizer


def _encoded(run: Run, towers: Towers, rows: np.ndarray, quality: int) -> Iterator[bytes]:
    squares = chosen_photos(photos(run.catalogue, ALL, towers.image_size), rows)
    photos_in_order = squares.as_numpy_iterator()
    for _, square in tracked(photos_in_order, "packing", "photos", len(rows)):
        yield encode_square(square, quality)


def main(arguments: Sequence[str] | None) -> None:
    """See the module."""
    options = parse(arguments)
    if not 1 <= options.quality <= _MOST_QUALITY:
        raise FitRankError(f"--quality {options.quality}: write 1 to {_MOST_QUALITY}")
    output = Path(options.output_dir)
    catalogue = open_catalogue(catalogue_source(options), options.data_dir)
    work = work_dir_of(options)
    run = Run(run_config(options), catalogue, work)
    packed, tokenizer = pack(run, options.quality)
    tokenizer.save_to_preset(str(output))
    packed.save(output)
    size = (output / PACKED_FILE).stat().st_size / 2**20
    print(
        f"{len(packed.photos)} training products, {len(packed.validation_photos)} for "
        f"validation    {output} ({size:.1f} MiB)"
    )
