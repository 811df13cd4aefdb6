"""The last stage of training: exports a bundle and measures what was exported."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from fitrank_tf.config import RunConfig
from fitrank_tf.core.chunks import map_in_chunks
from fitrank_tf.datasets.splits import TRAIN
from fitrank_tf.evaluation.run import EvaluationRun, own_queries
from fitrank_tf.evaluation.systems import SYSTEMS
from fitrank_tf.export.bundle import (
    BUNDLE_FILE,
    REPORT_DIR,
    BundleInfo,
    next_version,
    package_versions,
    write_bundle,
)
from fitrank_tf.export.export_models import TrainedModels, export_models
from fitrank_tf.export.graphs.served_catalogue import SearchableCatalogue, SearchTables
from fitrank_tf.export.loaded_bundle import LoadedBundle
from fitrank_tf.rerank.model import Reranker
from fitrank_tf.training.run import Run


def write_measured_bundle(run: Run, output: Path) -> None:
    """Exports a run's models as a bundle with its report; prints the table and the paths.

    Args:
        run: the training run.
        output: folder of the bundle.
    """
    config = run.config
    models = _trained(run, config)
    with write_bundle(output) as folder:
        version = next_version(output)
        export_models(models, _searched(run, models.reranker), folder, version)
        info = _info(run, config, models)
        (folder / BUNDLE_FILE).write_text(info.to_json(), encoding="utf-8")
        info = dataclasses.replace(info, metrics=_report(run, config, folder, output))
        (folder / BUNDLE_FILE).write_text(info.to_json(), encoding="utf-8")
    _print_paths(output, version)


def _searched(run: Run, reranker: Reranker) -> SearchableCatalogue:
    """The catalogue that the exported models search: all products of the run."""
    records, tables = run.records, run.facet_heads.tables
    feature_projection = map_in_chunks(reranker.feature_projection, tables.features)
    return SearchableCatalogue(
        records.ids,
        records.texts,
        records.attributes,
        SearchTables(tables.embeddings, feature_projection, tables.facet_probs),
    )


def _trained(run: Run, config: RunConfig) -> TrainedModels:
    tuned, fusion = run.lora.load()
    return TrainedModels(
        base=run.base.load(),
        tuned=tuned,
        fusion=fusion,
        feature_models=run.features.models,
        facet_heads=run.facet_heads.heads,
        reranker=run.reranker.load(),
        num_features=run.features.schema.size,
        list_size=config.reranker.list_size,
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
        packages=package_versions(),
    )


def _report(run: Run, config: RunConfig, folder: Path, output: Path) -> dict[str, Any]:
    """Measures the exported models on products outside the training split."""
    keep = [part != TRAIN for part in run.records.splits]
    bundle = LoadedBundle(folder)
    evaluation = EvaluationRun(
        bundle,
        run.catalogue,
        run.features.values,
        keep,
        bundle.info.image_size,
        config.reranker.list_size,
    )
    query_set = own_queries(evaluation.records, config.evaluation, config.seed)
    report = evaluation.report(
        query_set,
        SYSTEMS,
        bundle.info.facets,
        config.evaluation,
        folder / REPORT_DIR,
        final_folder=output / REPORT_DIR,
    )
    searched, queries = np.count_nonzero(keep), len(query_set.queries)
    print(
        f"\n{queries} queries of test products against {searched} products never trained "
        "on\n"
    )
    print(report.table)
    return {f"{row.system}/{row.query_kind}": dict(row.values) for row in report.rows}


def _print_paths(output: Path, version: int) -> None:
    report = output / REPORT_DIR
    print(f"contact sheet  {report / 'contact_sheet.png'} (and .html)")
    print(f"what moved     {report / 'changes.html'}")
    print(f"runs, qrels    {report}")
    for path in sorted(output.glob(f"*/{version}/saved_model.pb")):
        print(f"SavedModel     {path.parent}")
