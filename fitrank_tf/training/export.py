"""The last stage of training: exports a bundle and measures what was exported."""

import dataclasses
import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from fitrank_tf.config import RunConfig
from fitrank_tf.core.chunks import map_in_chunks
from fitrank_tf.datasets.splits import TEST, TRAIN
from fitrank_tf.evaluation.run import EvaluationRun, held_out_queries
from fitrank_tf.evaluation.systems import SYSTEMS
from fitrank_tf.evaluation.trec import write_qrels, write_queries
from fitrank_tf.export.bundle import (
    BUNDLE_FILE,
    FEATURE_HEADS_DIR,
    REPORT_DIR,
    BundleInfo,
    link_newest,
    next_version,
    package_versions,
    write_bundle,
)
from fitrank_tf.export.catalogue_models import export_catalogue
from fitrank_tf.export.export_models import TrainedModels, export_models
from fitrank_tf.export.graphs.palette_match import palette_table
from fitrank_tf.export.graphs.request_reader import RequestReader, read_facets
from fitrank_tf.export.graphs.served_catalogue import SearchableCatalogue, SearchTables
from fitrank_tf.export.graphs.served_reranker import ServedReranker
from fitrank_tf.export.loaded_bundle import LoadedBundle
from fitrank_tf.export.signatures import save_served
from fitrank_tf.queries.lexicon import FacetLexicon
from fitrank_tf.queries.synonyms import with_synonyms
from fitrank_tf.rerank.title_facets import TitleFacets
from fitrank_tf.training.run import Run

logger = logging.getLogger(__name__)

# Searched products below which the measures of a training are said to mean little.
_FEW_PRODUCTS = 100


def write_measured_bundle(run: Run, output: Path, synonyms: str = "") -> str:
    """Writes the bundle with its report.

    Args:
        run: of which all stages are made that are not finished.
        output: the bundle's folder.
        synonyms: a file of the shop's own words (`queries.synonyms`), "" for none; not
            read where the run goes on from a bundle, which has its own.

    Returns:
        The table of the three systems, and the paths of what was written.
    """
    if run.start is not None:
        return _write_continued_bundle(run, run.start, output)
    lexicon = run.facet_heads.heads.lexicon
    models = _trained(run, with_synonyms(lexicon, synonyms) if synonyms else lexicon)
    with write_bundle(output) as folder:
        version = next_version(output)
        export_models(models, _searched(run, models), folder, version)
        table = _with_report(run, _info(run, run.config, models), folder, output)
    return f"{table}\n{_paths(output, version)}"


def _write_continued_bundle(run: Run, start: LoadedBundle, output: Path) -> str:
    """Writes the models of `start`, but the run's re-ranker, and its products to search."""
    tables, lexicon = run.facet_heads.tables, run.facet_heads.heads.lexicon
    sizes = (tables.embeddings.shape[1], tables.features.shape[1], lexicon.size)
    records, info = run.records, start.info
    with write_bundle(output) as folder:
        version = max(next_version(output), next_version(start.path))
        link_newest(start.path, folder)
        shutil.copytree(start.path / FEATURE_HEADS_DIR, folder / FEATURE_HEADS_DIR)
        served = ServedReranker(run.reranker.load(), *sizes)
        save_served(served, folder / "reranker", version)
        (folder / BUNDLE_FILE).write_text(info.to_json(), encoding="utf-8")
        known = LoadedBundle(folder).known(
            tables.embeddings, tables.features, records.texts
        )
        searched = SearchableCatalogue(
            records.ids,
            records.texts,
            records.attributes,
            known,
            records.declaration.filters,
        )
        export_catalogue(folder, searched, version, info.list_size, info.facets)
        info = dataclasses.replace(info, config=run.config.to_json())
        table = _with_report(run, info, folder, output)
    return f"{table}\n{_paths(output, version)}"


def _with_report(run: Run, info: BundleInfo, folder: Path, output: Path) -> str:
    """Writes `bundle.json` and the report of the models of a folder; returns the table."""
    (folder / BUNDLE_FILE).write_text(info.to_json(), encoding="utf-8")
    metrics, table = _report(run, run.config, folder, output)
    info = dataclasses.replace(info, metrics=metrics)
    (folder / BUNDLE_FILE).write_text(info.to_json(), encoding="utf-8")
    _write_judged_test(run, folder / REPORT_DIR)
    return table


def _searched(run: Run, models: TrainedModels) -> SearchableCatalogue:
    """The catalogue that the exported models search: all products of the run."""
    records, tables = run.records, run.facet_heads.tables
    named = read_facets(RequestReader(models.lexicon), records.texts)
    mixed = TitleFacets(models.lexicon, models.title_trust)
    feature_projection = map_in_chunks(models.reranker.feature_projection, tables.features)
    return SearchableCatalogue(
        records.ids,
        records.texts,
        records.attributes,
        SearchTables(
            tables.embeddings,
            feature_projection,
            map_in_chunks(mixed, tables.facet_probs, named),
            palette_table(tables.features, run.features.schema),
        ),
        records.declaration.filters,
    )


def _trained(run: Run, lexicon: FacetLexicon) -> TrainedModels:
    tuned, fusion = run.lora.load()
    return TrainedModels(
        base=run.base.load(),
        tuned=tuned,
        fusion=fusion,
        feature_models=run.features.models,
        facet_heads=run.facet_heads.heads,
        lexicon=lexicon,
        title_trust=run.facet_heads.title_trust,
        reranker=run.reranker.load(),
        num_features=run.features.schema.size,
        list_size=run.config.reranker.list_size,
    )


def _info(run: Run, config: RunConfig, models: TrainedModels) -> BundleInfo:
    return BundleInfo(
        config=config.to_json(),
        dataset=run.catalogue.source.dataset,
        fingerprint=run.catalogue.fingerprint,
        image_size=models.tuned.image_size,
        list_size=config.reranker.list_size,
        schema=run.features.schema,
        facets=models.facet_heads.lexicon.facets,
        declaration=run.catalogue.declaration,
        packages=package_versions(),
    )


def _report(
    run: Run, config: RunConfig, folder: Path, output: Path
) -> tuple[dict[str, Any], str]:
    """Measures the exported models on products outside the training split.

    Returns:
        {"system/kind of query": {measure: value}}, and the table; of a catalogue without
        test products nothing, and a line that says so.
    """
    rows = np.flatnonzero([part != TRAIN for part in run.records.splits])
    tested = run.records.select(rows)
    query_set = held_out_queries(tested, config.evaluation, config.seed)
    if not query_set.queries:
        return {}, (
            f"\nnothing was measured: of {len(run.records)} products none is left to test "
            "with, or none has a title or attributes"
        )
    bundle = LoadedBundle(folder)
    evaluation = EvaluationRun(
        bundle,
        run.catalogue,
        rows,
        run.known_features.values[rows],
        bundle.info.image_size,
        config.reranker.list_size,
    )
    report = evaluation.report(
        query_set,
        SYSTEMS,
        bundle.info.facets,
        config.evaluation,
        folder / REPORT_DIR,
        final_folder=output / REPORT_DIR,
    )
    searched, queries = len(tested), len(query_set.queries)
    metrics = {f"{row.system}/{row.query_kind}": dict(row.values) for row in report.rows}
    if searched < _FEW_PRODUCTS:
        logger.warning(
            "only %d products are searched: so few make high figures, and one of them more "
            "or less changes them; measure with more products",
            searched,
        )
    return metrics, (
        f"\n{queries} queries of test products against {searched} products never trained "
        f"on\n\n{report.table}"
    )


def _write_judged_test(run: Run, folder: Path) -> None:
    """Writes the judged queries that nothing was learned from, for `evaluate`."""
    queries = {f"j{number}": one for number, one in enumerate(run.judged[TEST])}
    if not queries:
        return
    folder.mkdir(exist_ok=True)
    texts = {key: query.text for key, query in queries.items()}
    write_queries(folder / "judged_test.tsv", texts)
    qrels = {
        key: dict(zip(query.products, np.rint(query.grades).astype(int).tolist()))
        for key, query in queries.items()
    }
    write_qrels(folder / "judged_test.qrels", qrels)


def _paths(output: Path, version: int) -> str:
    report = output / REPORT_DIR
    models = sorted(output.glob(f"*/{version}/saved_model.pb"))
    measured = (
        f"contact sheet  {report / 'contact_sheet.png'} (and .html)",
        f"what moved     {report / 'changes.html'}",
        f"runs, qrels    {report}",
    )
    lines = [f"SavedModel     {path.parent}" for path in models]
    return "\n".join([*(measured if report.is_dir() else ()), *lines])
