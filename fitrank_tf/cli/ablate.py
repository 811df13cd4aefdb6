"""What each part of a system is worth.

towers     the base towers, LoRA without the features, LoRA with them
fusions    the features beside the embedding, or as tokens of the blocks
groups     each feature group left out of the fusion, and each alone
ranks      adapters of higher and lower rank, scaled alike
rerankers  the towers' own order, a linear blend, LambdaMART, a generalised additive
           model (its curves in gam_shapes.png), the neural re-ranker
looks      the additive model, with how far the palette is from the asked colour, how alike
           text and garment box are, both
facets     the re-ranker, each feature group hidden from the heads that tell facets, and
           each alone
list_sizes the re-ranker, trained and asked with fewer or more candidates of a query
losses     the re-ranker, trained with each of the listwise losses

Every variant is trained from several seeds and asked the same queries, those of the test
products. Writes a table with means, intervals and tests, and each variant's run files.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from fitrank_tf.cli.catalogue import add_catalogue_arguments, catalogue_source
from fitrank_tf.cli.command import (
    add_recipe_arguments,
    run_config,
)
from fitrank_tf.cli.work_dir import add_work_arguments, work_dir_of
from fitrank_tf.core.command_line import command_line
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.files import write_atomically
from fitrank_tf.datasets.catalogue import open_catalogue
from fitrank_tf.evaluation.ablation import ablation_table
from fitrank_tf.evaluation.trec import write_qrels
from fitrank_tf.studies.study import Study, kinds_of, measure_study
from fitrank_tf.studies.variants import ALL_STUDIES

_MEASURES = ("nDCG@10", "R@10", "P@10", "mAP", "RR")


def check_seeds(text: str) -> list[int]:
    """The seeds named.

    Raises:
        FitRankError: if one is no whole number, or there is none.
    """
    try:
        seeds = [int(part) for part in text.split(",") if part]
    except ValueError as error:
        raise FitRankError(f"--seeds {text}: write whole numbers, e.g. 0,1,2") from error
    if not seeds:
        raise FitRankError("--seeds names none; write whole numbers, e.g. 0,1,2")
    return seeds


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog=command_line("ablate"),
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_catalogue_arguments(parser)
    add_recipe_arguments(parser, "tiny")
    parser.add_argument("--study", required=True, choices=ALL_STUDIES)
    parser.add_argument("--seeds", default="0,1,2", help="a training of each")
    parser.add_argument("--output_dir", required=True, help="table and run files")
    add_work_arguments(parser)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None) -> None:
    """See the module."""
    options = parse(arguments)
    source, config = catalogue_source(options), run_config(options)
    seeds, output = check_seeds(options.seeds), Path(options.output_dir)
    catalogue = open_catalogue(source, options.data_dir)
    work = work_dir_of(options)
    output.mkdir(parents=True, exist_ok=True)
    study = Study(config, catalogue, work, output)
    write_qrels(output / "judgments.qrels", study.query_set.qrels)
    measured = measure_study(study, options.study, seeds)
    table = ablation_table(measured, kinds_of(study.query_set), _MEASURES)
    write_atomically(output / f"{options.study}.md", table.encode())
    print(f"\nseeds {', '.join(map(str, seeds))}; mean ± half of the 95 % interval\n")
    print(table)
    print(f"table, runs, qrels    {output}")
