"""Ablation studies: measures the effect of each part of a system.

towers     the base towers, LoRA without image features, LoRA with image features
fusions    features added to the embedding (residual) or as tokens
groups     the fusion without each feature group, and with each alone
adaptation LoRA+, LoRA with other weights of the texts, full fine-tuning, distilled from the
           base, interpolated with it (WiSE-FT, with its curve), LoRA
ranks      adapters of higher and lower rank, with the same scale
rerankers  the towers' order, a linear blend, LambdaMART, a generalised additive model
           (its curves in gam_shapes.png), the neural re-ranker
extra_features
           the additive model with the distance of the palette from the query's colour,
           with the similarity of text and garment box, and with both
joint      scores that read words and patches together, alone and beside the re-ranker, and
           query-bank normalisation; on other catalogues too (--elsewhere), and their cost
facets     the re-ranker with facet heads without each feature group, and with each alone
list_sizes the re-ranker with fewer or more candidates for each query
losses     the re-ranker trained with each of the listwise losses

Every variant is trained from several seeds and measured on the same queries, those of the
test products. Writes a table with means, intervals and tests, and the run files of each
variant.
"""

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path

from fitrank_tf.cli.options.catalogue import add_catalogue_arguments, catalogue_source
from fitrank_tf.cli.options.command import (
    add_recipe_arguments,
    run_config,
)
from fitrank_tf.cli.options.work_dir import add_work_arguments, work_dir_of
from fitrank_tf.core.command_line import command_parser
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.files import write_atomically
from fitrank_tf.datasets.catalogue import CatalogueSource, open_catalogue
from fitrank_tf.evaluation.trec import write_qrels
from fitrank_tf.studies.study import Study, study_tables
from fitrank_tf.studies.variants import ALL_STUDIES, JOINT


def check_seeds(text: str) -> list[int]:
    """Parses comma-separated seeds.

    Raises:
        FitRankError: if a seed is not a whole number, or there is none.
    """
    try:
        seeds = [int(part) for part in text.split(",") if part]
    except ValueError as error:
        raise FitRankError(f"--seeds {text}: write whole numbers, e.g. 0,1,2") from error
    if not seeds:
        raise FitRankError("--seeds names none; write whole numbers, e.g. 0,1,2")
    return seeds


def other_catalogues(listed: Sequence[str]) -> list[CatalogueSource]:
    """The catalogues of `--elsewhere`."""
    parser = command_parser("--elsewhere", "The options of another catalogue.")
    add_catalogue_arguments(parser)
    return [catalogue_source(parser.parse_args(shlex.split(each))) for each in listed]


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = command_parser("ablate", __doc__)
    add_catalogue_arguments(parser)
    add_recipe_arguments(parser, "tiny")
    parser.add_argument("--study", required=True, choices=ALL_STUDIES)
    parser.add_argument("--seeds", default="0,1,2", help="seeds of the trainings")
    parser.add_argument(
        "--elsewhere",
        action="append",
        default=[],
        metavar="OPTIONS",
        help="study joint: another catalogue to measure on, by its options in quotes, as "
        "'--dataset photo_folder --images DIR'; several times for several",
    )
    parser.add_argument("--output_dir", required=True, help="table and run files")
    add_work_arguments(parser)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None) -> None:
    """See the module."""
    options = parse(arguments)
    source, config = catalogue_source(options), run_config(options)
    seeds, output = check_seeds(options.seeds), Path(options.output_dir)
    if options.elsewhere and options.study != JOINT:
        raise FitRankError(f"--elsewhere: only --study {JOINT} measures on others")
    others = other_catalogues(options.elsewhere)
    catalogue = open_catalogue(source, options.data_dir)
    elsewhere = [open_catalogue(other, options.data_dir) for other in others]
    work = work_dir_of(options)
    output.mkdir(parents=True, exist_ok=True)
    study = Study(config, catalogue, work, output)
    write_qrels(output / "judgments.qrels", study.query_set.qrels)
    tables = study_tables(study, options.study, seeds, elsewhere)
    text = "\n".join(tables)
    write_atomically(output / f"{options.study}.md", text.encode())
    print(f"\nseeds {', '.join(map(str, seeds))}; mean ± half of the 95 % interval\n")
    print(text)
    print(f"table, runs, qrels    {output}")
