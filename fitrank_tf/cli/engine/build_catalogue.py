"""Computes a bundle's side of a catalogue of any size, by an Apache Beam pipeline.

fitrank build-catalogue --table p.parquet --images photos --output_dir shards
fitrank build-catalogue ... --output_dir new --since shards     only what has changed
fitrank load-engine --shards shards --engine URI                into a vector database

The products' embeddings, facet probabilities and what else the search stores of them, in
Parquet shards. A run that was stopped goes on where it was. Beam's options are passed on,
e.g. --direct_num_workers=2 or --runner=FlinkRunner.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from fitrank_tf.cli.options.catalogue import add_catalogue_arguments, catalogue_source
from fitrank_tf.cli.options.command import DEFAULT_BUNDLE
from fitrank_tf.core.command_line import command_parser
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.catalogue import open_catalogue
from fitrank_tf.features.io.saved_features import skipped_lines, total_skipped


def parse(arguments: Sequence[str] | None) -> tuple[argparse.Namespace, list[str]]:
    """The parsed command line, and the remaining arguments, which are Beam's."""
    # Beam's options must not be taken for the beginning of one of these.
    parser = command_parser("build-catalogue", __doc__, allow_abbrev=False)
    add_catalogue_arguments(parser)
    parser.add_argument("--bundle", default=DEFAULT_BUNDLE, help="(default: %(default)s)")
    parser.add_argument("--output_dir", required=True, help="folder for the shards")
    parser.add_argument(
        "--shard_size",
        type=int,
        default=1000,
        help="the most products of a shard, the work of one call (default: %(default)s)",
    )
    parser.add_argument(
        "--since",
        default="",
        metavar="DIR",
        help="earlier shards by the same bundle: products with the same photo, title and "
        "attributes are taken over",
    )
    return parser.parse_known_args(arguments)


def main(arguments: Sequence[str] | None) -> None:
    """See the module."""
    options, beam_options = parse(arguments)
    if options.shard_size < 1:
        raise FitRankError(f"--shard_size is {options.shard_size}; it must be above 0")
    # Here, because the options are told without Beam.
    from fitrank_tf.export.shards.build import build_catalogue
    from fitrank_tf.features.io.beam_shards import check_beam_options

    check_beam_options(beam_options)
    catalogue = open_catalogue(catalogue_source(options), options.data_dir)
    shards = build_catalogue(
        Path(options.bundle),
        catalogue,
        Path(options.output_dir),
        options.shard_size,
        Path(options.since) if options.since else None,
        beam_options,
    )
    skipped = dict(catalogue.skipped)
    for reason, ids in total_skipped(shards.summaries).items():
        skipped[reason] = skipped.get(reason, 0) + len(ids)
    copied = sum(summary.copied for summary in shards.summaries)
    print(f"products  {len(shards)} in {len(shards.summaries)} shards, {copied} as before")
    print("\n".join(skipped_lines(skipped) or ["left out 0"]))
    print(f"shards    {options.output_dir}")
