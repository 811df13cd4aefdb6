"""The three systems measured on a catalogue: runs, qrels, table, contact sheet."""

import dataclasses
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from fitrank_tf.config import EvaluationConfig
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.progress import tracked
from fitrank_tf.datasets.catalogue import Catalogue, CatalogueRecords
from fitrank_tf.datasets.iteration import chosen_rows
from fitrank_tf.datasets.splits import ALL, TEST
from fitrank_tf.evaluation.changes import most_changed, ndcg_gains, with_notes
from fitrank_tf.evaluation.metrics import (
    evaluate_queries,
    evaluate_run,
    ir_measures_command,
)
from fitrank_tf.evaluation.report import ResultRow, results_table
from fitrank_tf.evaluation.sheets.contact_sheet import (
    SheetItem,
    SheetRow,
    draw_contact_sheet,
    draw_page,
)
from fitrank_tf.evaluation.systems import (
    CLIP_LORA,
    RERANKED,
    EvaluatedCatalogue,
    Ranking,
    SearchModels,
    SystemRuns,
    run_systems,
)
from fitrank_tf.evaluation.trec import read_qrels, read_queries, write_qrels, write_run
from fitrank_tf.inputs.photos import photos
from fitrank_tf.queries.grades import EXACT
from fitrank_tf.queries.judgments import Judge
from fitrank_tf.queries.query_sets import (
    GIVEN,
    Query,
    facet_queries,
    first_query_of_each_text,
    sample_of_each_kind,
    single_facet_queries,
    title_queries,
    with_misspellings,
)
from fitrank_tf.rerank.candidates import Index
from fitrank_tf.retrieval.choose_index import build_index

logger = logging.getLogger(__name__)

_THUMBNAIL = 160
Runs = Mapping[str, Mapping[str, Ranking]]


@dataclasses.dataclass(frozen=True)
class QuerySet:
    """Queries and, where there are any, their judgments.

    Attributes:
        queries: to search with.
        qrels: {query id: {product id: grade}}; empty without judgments.
        binary_grade: the least grade that binary measures count.
    """

    queries: Sequence[Query]
    qrels: Mapping[str, Mapping[str, int]]
    binary_grade: int

    def texts(self) -> dict[str, str]:
        """{query id: text}."""
        return {query.id: query.text for query in self.queries}


def own_queries(records: CatalogueRecords, config: EvaluationConfig, seed: int) -> QuerySet:
    """As `held_out_queries`, but at least one.

    Raises:
        FitRankError: if no test product gives a query.
    """
    query_set = held_out_queries(records, config, seed)
    if not query_set.queries:
        raise FitRankError(
            "no test product has a title or attributes, so there is nothing to ask "
            f"({records.splits.count(TEST)} test products); give a larger catalogue, or "
            "--queries and --qrels"
        )
    return query_set


def held_out_queries(
    records: CatalogueRecords, config: EvaluationConfig, seed: int
) -> QuerySet:
    """Queries for a catalogue, judged by its attributes; none of a catalogue too small.

    Titles and facet queries of the test products, some of those misspelt, and single
    facets that ten products or more of the searched ones share.
    """
    tested = records.select(np.flatnonzero([part == TEST for part in records.splits]))
    faceted = facet_queries(tested, config.facet_queries, seed)
    queries = title_queries(tested) + with_misspellings(faceted, records, seed)
    for facet in records.declaration.alone:
        queries += single_facet_queries(records, facet, seed)
    return QuerySet(queries, Judge(records).qrels(queries), EXACT)


def given_queries(queries: Path, qrels: Path | None, binary_grade: int) -> QuerySet:
    """A user's own queries, with qrels or without."""
    given = [
        Query(id=key, text=text, kind=GIVEN) for key, text in read_queries(queries).items()
    ]
    return QuerySet(given, read_qrels(qrels) if qrels else {}, binary_grade)


@dataclasses.dataclass(frozen=True)
class Report:
    """Files that `EvaluationRun.report` wrote.

    Attributes:
        rows: a row of measures for each system and kind of query; none without judgments.
        table: the rows as Markdown, with the command that checks them; "" without rows.
        runs: the run files, one a system.
        sheet: the contact sheet.
        changes: the page of what re-ranking changed; None where it changed nothing.
    """

    rows: Sequence[ResultRow]
    table: str
    runs: Sequence[Path]
    sheet: Path
    changes: Path | None


class EvaluationRun:
    """Measures a bundle's systems on a part of a catalogue.

    Args:
        models: the bundle's.
        catalogue: the whole catalogue.
        rows: of its products that are searched, N of them, ascending.
        features: float32 [N, F], of these.
        image_size: side of the towers' input, in pixels.
        list_size: depth of the runs.
    """

    def __init__(
        self,
        models: SearchModels,
        catalogue: Catalogue,
        rows: np.ndarray,
        features: np.ndarray,
        image_size: int,
        list_size: int,
    ):
        self._models, self._catalogue = models, catalogue
        self._rows, self._features = rows, features
        self._image_size, self._list_size = image_size, list_size
        self.records = catalogue.records(ALL).select(rows)

    def run(
        self,
        query_set: QuerySet,
        systems: Sequence[str],
        tuned_index: Callable[[np.ndarray], Index] = build_index,
    ) -> SystemRuns:
        """Every system's ranking of every query; see `run_systems`."""
        searched = EvaluatedCatalogue(
            ids=self.records.ids,
            photos=self._photos(self._image_size),
            features=self._features,
            titles=self.records.texts,
        )
        logger.info(
            "%d queries against %d products", len(query_set.queries), len(self.records)
        )
        return run_systems(
            self._models,
            searched,
            query_set.texts(),
            systems,
            self._list_size,
            tuned_index,
        )

    def report(
        self,
        query_set: QuerySet,
        systems: Sequence[str],
        facets: Sequence[str],
        config: EvaluationConfig,
        folder: Path,
        final_folder: Path | None = None,
        tuned_index: Callable[[np.ndarray], Index] = build_index,
    ) -> Report:
        """Runs the systems and writes runs, qrels, table, contact sheet and changes.

        Args:
            query_set: what to search for.
            systems: which of `SYSTEMS`.
            facets: names of the re-ranker's.
            config: sizes of the sheets.
            folder: gets the files.
            final_folder: where the files will be when somebody reads the table; `folder`
                if None.
            tuned_index: see `run_systems`.
        """
        found = self.run(query_set, systems, tuned_index)
        runs = found.rankings
        paths = _write_runs(query_set, runs, folder)
        rows, table = [], ""
        if query_set.qrels:
            rows = measure(query_set, runs)
            table = _table_with_command(query_set, rows, final_folder or folder)
            (folder / "table.md").write_text(table, encoding="utf-8")
        sheet = self._draw_sheet(query_set, runs, config, folder)
        changes = self._draw_changes(query_set, found, facets, config, folder)
        return Report(rows, table, paths, sheet, changes)

    def _photos(self, size: int) -> tf.data.Dataset:
        return chosen_rows(photos(self._catalogue, ALL, size), self._rows)

    def _draw_sheet(
        self, query_set: QuerySet, runs: Runs, config: EvaluationConfig, folder: Path
    ) -> Path:
        """Draws the results of some queries; returns the PNG's path."""
        shown = sample_of_each_kind(query_set.queries, config.sheet_queries)
        path = folder / "contact_sheet.png"
        rows = self._sheet_rows(query_set, shown, runs, config.sheet_columns)
        draw_contact_sheet(rows, path, path.with_suffix(".html"))
        return path

    def _draw_changes(
        self,
        query_set: QuerySet,
        runs: SystemRuns,
        facets: Sequence[str],
        config: EvaluationConfig,
        folder: Path,
    ) -> Path | None:
        """Draws the queries that re-ranking helps and hurts most, with explanations.

        Gives the page's path; None where no query's nDCG changed.

        Args:
            query_set: with judgments, else nothing is drawn.
            runs: of `clip_lora` and `reranked`, else nothing is drawn.
            facets: names of the re-ranker's.
            config: how many queries and products.
            folder: gets `changes.html`.
        """
        if not query_set.qrels or not {CLIP_LORA, RERANKED} <= set(runs.rankings):
            return None
        gains = ndcg_gains(query_set, runs.rankings)
        shown = most_changed(gains, config.sheet_queries)
        if not shown:
            return None
        by_id = {query.id: query for query in query_set.queries}
        by_text = first_query_of_each_text(by_id[query_id] for query_id in shown)
        queries = list(by_text.values())
        rows = self._sheet_rows(query_set, queries, runs.rankings, config.sheet_columns)
        ids = [by_text[row.query].id for row in rows]
        noted = [
            with_notes(row, query_id, runs, gains[query_id], facets)
            for row, query_id in zip(rows, ids)
        ]
        path = folder / "changes.html"
        draw_page(noted, path)
        return path

    def _sheet_rows(
        self, query_set: QuerySet, shown: Sequence[Query], runs: Runs, columns: int
    ) -> list[SheetRow]:
        rows = [
            (query, system, runs[system][query.id][:columns])
            for query in shown
            for system in runs
        ]
        pictures = self._thumbnails({item for *_, hits in rows for item, _ in hits})
        titles = dict(zip(self.records.ids, self.records.texts))
        return [
            SheetRow(
                query=query.text,
                system=system,
                items=tuple(
                    SheetItem(
                        id=item,
                        title=titles[item],
                        image=pictures[item],
                        grade=query_set.qrels.get(query.id, {}).get(item, 0),
                    )
                    for item, _ in hits
                ),
            )
            for query, system, hits in rows
        ]

    def _thumbnails(self, ids: set[str]) -> dict[str, np.ndarray]:
        wanted = self._photos(_THUMBNAIL).as_numpy_iterator()
        searched = tracked(self.records.ids, "reading thumbnails", "photos")
        return {item: photo for item, photo in zip(searched, wanted) if item in ids}


def measure(query_set: QuerySet, runs: Runs) -> list[ResultRow]:
    """A row of measures for each system and kind of query."""
    rows = []
    for kind in dict.fromkeys(query.kind for query in query_set.queries):
        ids = [query.id for query in query_set.queries if query.kind == kind]
        qrels = {key: query_set.qrels[key] for key in ids if key in query_set.qrels}
        for system, run in runs.items():
            part = {key: run[key] for key in ids}
            values = evaluate_run(part, qrels, query_set.binary_grade)
            rows.append(ResultRow(system, kind, len(qrels), values))
    return rows


def _write_runs(query_set: QuerySet, runs: Runs, folder: Path) -> list[Path]:
    """Writes `<system>.run` and the queries' judgments, TREC's formats; gives the runs."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{system}.run" for system in runs]
    for path, (system, run) in zip(paths, runs.items()):
        write_run(path, run, system)
    if query_set.qrels:
        write_qrels(folder / "judgments.qrels", query_set.qrels)
    return paths


def measure_queries(
    query_set: QuerySet, run: Mapping[str, Ranking], path: Path, name: str
) -> dict[str, dict[str, float]]:
    """Writes one run as a file, and measures every query of it.

    Args:
        query_set: with judgments.
        run: {query id: ranking}.
        path: the run file.
        name: of the run in the file.

    Returns:
        {query id: {measure: value}}, of `metrics.evaluate_queries`.
    """
    write_run(path, run, name)
    logger.info("wrote %s", path)
    return evaluate_queries(run, query_set.qrels, query_set.binary_grade)


def _table_with_command(
    query_set: QuerySet, rows: Sequence[ResultRow], folder: Path
) -> str:
    """The table, and the command that checks it with another program."""
    system = rows[-1].system
    check = ir_measures_command(
        folder / "judgments.qrels", folder / f"{system}.run", query_set.binary_grade
    )
    return f"{results_table(rows)}\n\nCheck (all queries of one system together): {check}\n"
