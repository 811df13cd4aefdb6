"""The library's verbs: open a catalogue, train, load and evaluate a bundle."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from fitrank_tf.config import EvaluationConfig, RunConfig, override
from fitrank_tf.datasets import catalogue as catalogues
from fitrank_tf.datasets.catalogue import Catalogue, CatalogueSource
from fitrank_tf.datasets.splits import ALL, TRAIN
from fitrank_tf.evaluation.report import ResultRow, results_table
from fitrank_tf.evaluation.run import EvaluationRun, QuerySet, measure, own_queries
from fitrank_tf.evaluation.systems import SYSTEMS, SystemRuns, check_systems
from fitrank_tf.export.bundle import check_replaceable
from fitrank_tf.export.loaded_bundle import LoadedBundle
from fitrank_tf.features.extract import FeatureExtractor
from fitrank_tf.queries.judged import JudgedQuery
from fitrank_tf.recipes import load_recipe

_NO_COLUMNS: Mapping[str, str] = {}


def open_catalogue(
    dataset: str = CatalogueSource.dataset,
    *,
    table: str | Path = "",
    images: str | Path = "",
    columns: Mapping[str, str] = _NO_COLUMNS,
    attributes: Mapping[str, str] = _NO_COLUMNS,
    encoding: str = "",
    delimiter: str = "",
    separator: str = "",
    manual_dir: str | Path = "",
    num_items: int = CatalogueSource.num_items,
    seed: int = CatalogueSource.seed,
    data_dir: str | Path | None = None,
) -> Catalogue:
    """Opens a catalogue; prepares it if this content never was.

    Args:
        dataset: `csv_catalogue`, `photo_folder`, `synthetic_catalogue`,
            `fashion_product_images`, `modanet`, or one of `datasets.public.PUBLIC`.
        table: csv_catalogue: a CSV, JSON Lines, Parquet, Arrow or Excel file.
        images: csv_catalogue, photo_folder: the folder of photos.
        columns: csv_catalogue: {field: column of the table}.
        attributes: csv_catalogue: {column: kind} of the columns that are attributes, ""
            for a kind to be found out, "*" for all others; {} for all columns.
        encoding: csv_catalogue: of a text file, "" to find it out.
        delimiter: csv_catalogue: between the cells of a text file, "" to find it out.
        separator: csv_catalogue: between several values of an attribute in one cell, "" for
            one value a cell.
        manual_dir: of those that have an archive: the folder that holds it.
        num_items: synthetic_catalogue: how many products are drawn.
        seed: synthetic_catalogue: another seed draws other products.
        data_dir: where prepared catalogues are kept; by default the cache folder.

    Raises:
        FitRankError: if the source is not there, cannot be read, or has no product.
    """
    source = CatalogueSource(
        dataset=dataset,
        manual_dir=str(manual_dir),
        table=str(table),
        images=str(images),
        columns=tuple(columns.items()),
        attributes=tuple(attributes.items()),
        encoding=encoding,
        delimiter=delimiter,
        separator=separator,
        num_items=num_items,
        seed=seed,
    )
    return catalogues.open_catalogue(source, None if data_dir is None else str(data_dir))


def train(
    catalogue: Catalogue,
    recipe: str | RunConfig = "tiny",
    output_dir: str | Path = "saved_models/default",
    *,
    overrides: Sequence[str] = (),
    work_dir: str | Path | None = None,
    strategy: str = "auto",
    judged: Sequence[JudgedQuery] = (),
    start: LoadedBundle | None = None,
) -> LoadedBundle:
    """Trains, exports and measures all three systems, as `fitrank train` does.

    Args:
        catalogue: products to train on.
        recipe: a module of `fitrank_tf.recipes`, or a configuration.
        output_dir: the bundle to write.
        overrides: changes of single fields, as "lora_training.epochs=4".
        work_dir: where finished stages are kept, by default `output_dir` + ".work"; an
            interrupted training goes on from there.
        strategy: how the towers' training is spread over devices, see
            `towers.training.strategies`.
        judged: queries with graded products, of which the re-ranker learns besides.
        start: a bundle of this catalogue whose re-ranker learns on, of `judged`; give its
            configuration (`RunConfig.from_json(start.info.config)`) as `recipe`.

    Returns:
        The bundle that was written.

    Raises:
        FitRankError: for an unknown recipe or field, a value that is refused, a catalogue
            that is too small, or an `output_dir` with something else in it.
    """
    # Imported here: what searches and measures needs no TF-Ranking.
    from fitrank_tf.towers.training.strategies import strategy_named
    from fitrank_tf.training.export import write_measured_bundle
    from fitrank_tf.training.run import STAGES, Run
    from fitrank_tf.training.work_dir import WorkDir

    if isinstance(recipe, str):
        recipe = load_recipe(recipe, catalogue.source.dataset)
    config, output = override(recipe, overrides), Path(output_dir)
    check_replaceable(output)
    work = WorkDir(Path(work_dir or f"{output}.work"))
    run = Run(config, catalogue, work, strategy_named(strategy), judged, start)
    run.make(STAGES)
    write_measured_bundle(run, output)
    return load_bundle(output)


def load_bundle(bundle: str | Path) -> LoadedBundle:
    """The bundle in a folder, its models loaded when they are first used.

    Raises:
        FitRankError: if there is none, or it cannot be used.
    """
    return LoadedBundle(Path(bundle))


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What a bundle's systems answer on a catalogue.

    Attributes:
        run: draws contact sheets of it.
        query_set: what was asked, with judgments where there are any.
        answers: the systems' rankings.
    """

    run: EvaluationRun
    query_set: QuerySet
    answers: SystemRuns

    def rows(self) -> list[ResultRow]:
        """The measures of each system on each kind of query.

        Raises:
            FitRankError: without judgments.
        """
        return measure(self.query_set, self.answers.rankings)

    def table(self) -> str:
        """`rows` as a Markdown table, readable as plain text."""
        return results_table(self.rows())


def evaluate(
    bundle: LoadedBundle,
    catalogue: Catalogue,
    query_set: QuerySet | None = None,
    systems: Sequence[str] = SYSTEMS,
    held_out: bool = False,
) -> Evaluation:
    """Measures a bundle's systems on a catalogue.

    Args:
        bundle: trained.
        catalogue: the whole catalogue.
        query_set: asked of the whole catalogue. None makes queries from its test products,
            judged by their attributes, and asks the products outside the training split.
        systems: some of `evaluation.systems.ALL_SYSTEMS`.
        held_out: asks `query_set` of the products outside the training split alone.

    Raises:
        FitRankError: for an unknown system, or if no test product gives a query.
    """
    systems = check_systems(systems)
    run, query_set = prepare_evaluation(bundle, catalogue, query_set, held_out)
    return Evaluation(run, query_set, run.run(query_set, systems))


def prepare_evaluation(
    bundle: LoadedBundle,
    catalogue: Catalogue,
    query_set: QuerySet | None,
    held_out: bool,
) -> tuple[EvaluationRun, QuerySet]:
    """Extracts the features of what is searched, and makes queries if there are none.

    Arguments and errors are those of `evaluate`.
    """
    info = bundle.info
    records = catalogue.records(ALL)
    everything = query_set is not None and not held_out
    rows = np.flatnonzero([everything or part != TRAIN for part in records.splits])
    extractor = FeatureExtractor(bundle.feature_models)
    features = extractor.extract(catalogue.chosen_items(rows), len(rows))
    run = EvaluationRun(bundle, catalogue, rows, features, info.image_size, info.list_size)
    if query_set is None:
        config = EvaluationConfig(**info.config["evaluation"])
        query_set = own_queries(run.records, config, info.config["seed"])
    return run, query_set
