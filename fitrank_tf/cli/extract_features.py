"""Extracts the image features of a whole catalogue.

    --output_dir DIR   sharded TFRecords with their schema, written by an Apache Beam
                       pipeline that resumes after an interruption; Beam's options are
                       passed on, e.g. --runner=FlinkRunner, --direct_num_workers=2
    --csv FILE         a row for each product in words: colours, pattern, sleeve,
                       neckline, objects
    --preview OUT.png  some photos with boxes, palette and predictions

Without --output_dir the shards are kept in the cache folder and reused.
"""

import argparse
import hashlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from fitrank_tf.cli.options.catalogue import add_catalogue_arguments, catalogue_source
from fitrank_tf.cli.options.command import add_recipe_arguments, run_config
from fitrank_tf.core.command_line import command_parser
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.files import cache_dir, write_atomically
from fitrank_tf.core.progress import tracked
from fitrank_tf.core.shipped import find_shipped
from fitrank_tf.datasets.catalogue import Catalogue, open_catalogue
from fitrank_tf.features.extract import FeatureExtractor, feature_schema
from fitrank_tf.features.feature_models import FeatureModels, load_heads, models_fingerprint
from fitrank_tf.features.io.merchandise_csv import write_merchandise_csv
from fitrank_tf.features.io.preview_sheet import draw_preview
from fitrank_tf.features.io.saved_features import (
    read_features,
    skipped_lines,
    total_skipped,
    write_summary,
)

_FINGERPRINT_CHARS = 12


def parse(arguments: Sequence[str] | None) -> tuple[argparse.Namespace, list[str]]:
    """The parsed command line, and the remaining arguments, which are Beam's."""
    # Beam's options must not be taken for the beginning of one of these.
    parser = command_parser("extract-features", __doc__, allow_abbrev=False)
    add_catalogue_arguments(parser)
    parser.add_argument("--output_dir", default="", help="folder for the shards")
    parser.add_argument("--shard_size", type=int, default=1000, help="products of a file")
    parser.add_argument("--csv", default="", help="file with a row for each product")
    parser.add_argument("--preview", default="", help="PNG to draw")
    parser.add_argument("--preview_count", type=int, default=24, help="photos in it")
    add_recipe_arguments(parser, "features")
    return parser.parse_known_args(arguments)


def main(arguments: Sequence[str] | None) -> None:
    """See the module."""
    options, beam_options = parse(arguments)
    _check(options, beam_options)
    source = catalogue_source(options)
    config = run_config(options)
    detector, heads = (
        find_shipped(folder) for folder in (config.detector.preset, config.feature_heads)
    )
    catalogue = open_catalogue(source, options.data_dir)
    if options.preview:
        _preview(options, catalogue, FeatureModels.load(detector, heads))
    if options.output_dir or options.csv or not options.preview:
        made_of = {
            "catalogue": catalogue.fingerprint,
            **models_fingerprint(detector, heads),
            "schema": hashlib.sha256(feature_schema().to_json().encode()).hexdigest(),
        }
        folder = _extract(options, beam_options, catalogue, made_of, detector, heads)
        if options.csv:
            prototypes = load_heads(heads).namer.prototypes
            count = write_merchandise_csv(
                Path(options.csv),
                tracked(read_features(folder), "csv", "products"),
                prototypes,
            )
            print(f"csv       {options.csv}: {count} products")


def _check(options: argparse.Namespace, beam_options: Sequence[str]) -> None:
    for name in ("shard_size", "preview_count"):
        if getattr(options, name) < 1:
            raise FitRankError(f"--{name} is {getattr(options, name)}; it must be above 0")
    if options.preview and Path(options.preview).suffix.lower() != ".png":
        raise FitRankError(f"--preview {options.preview}: give a file that ends in .png")
    if beam_options:
        # Imported here, as below: a preview needs no Beam.
        from fitrank_tf.features.io.beam_shards import check_beam_options

        check_beam_options(beam_options)


def _extract(
    options: argparse.Namespace,
    beam_options: Sequence[str],
    catalogue: Catalogue,
    made_of: Mapping[str, str],
    detector: Path,
    heads: Path,
) -> Path:
    # Imported here: a preview needs no Beam.
    from fitrank_tf.features.io.beam_extraction import plan_extraction, run_extraction

    folder = Path(options.output_dir or _cached(made_of, options.shard_size))
    plan = plan_extraction(catalogue, detector, heads, folder, options.shard_size)
    summaries = run_extraction(plan, made_of, beam_options)
    skipped = dict(catalogue.skipped)
    for reason, ids in total_skipped(summaries).items():
        skipped[reason] = skipped.get(reason, 0) + len(ids)
    written = sum(summary.written for summary in summaries)
    print(f"features  {folder}: {written} products in {len(summaries)} shards")
    print("\n".join(skipped_lines(skipped) or ["left out 0"]))
    print(f"summary   {write_summary(folder, summaries, skipped)}")
    return folder


def _cached(made_of: Mapping[str, str], shard_size: int) -> Path:
    parts = [value[:_FINGERPRINT_CHARS] for value in made_of.values()]
    return cache_dir() / "features" / "-".join([*parts, str(shard_size)])


def _preview(
    options: argparse.Namespace, catalogue: Catalogue, models: FeatureModels
) -> None:
    items = list(catalogue.evenly_spaced_items(options.preview_count).as_numpy_iterator())
    photos = [item["image"] for item in items]
    seen = FeatureExtractor(models).extract_photos(photos)
    ids = [item["id"].decode() for item in items]
    sheet = draw_preview(photos, ids, seen, models.heads.namer.prototypes)
    picture = io.BytesIO()
    sheet.save(picture, "PNG")
    write_atomically(options.preview, picture.getvalue())
    print(f"preview   {options.preview}: {len(photos)} photos")
