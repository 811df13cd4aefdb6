"""A report of stand-in models on a small catalogue: its files and its table."""

import numpy as np
import pytest

from fitrank_tf.config import EvaluationConfig
from fitrank_tf.datasets.catalogue import CatalogueSource, open_catalogue
from fitrank_tf.datasets.splits import ALL
from fitrank_tf.evaluation.metrics import MEASURES
from fitrank_tf.evaluation.run import EvaluationRun, QuerySet, measure_queries
from fitrank_tf.evaluation.systems import SYSTEMS
from fitrank_tf.queries.query_sets import FACET, TITLE, Query
from tests.evaluation.test_systems import Models, _on_circle

COUNT = 8
# Products lie on a quarter circle in their order; "at 0" is the first.
QUERIES = (Query("q0", "at 0", TITLE), Query("q1", "at 90", FACET))


class ModelsOfCircle(Models):
    """The stand-ins of the systems' test, for as many products as the catalogue has."""

    def embed_photos(self, photos, features) -> np.ndarray:
        return _on_circle(np.linspace(0.0, 90.0, COUNT))


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    return open_catalogue(CatalogueSource(num_items=COUNT), str(folder))


@pytest.fixture
def evaluation(catalogue) -> EvaluationRun:
    features = np.zeros((COUNT, 1), np.float32)
    return EvaluationRun(ModelsOfCircle(), catalogue, np.arange(COUNT), features, 16, COUNT)


def _judged(catalogue) -> QuerySet:
    """The first product matches the first query, the last one the second."""
    ids = catalogue.records(ALL).ids
    return QuerySet(QUERIES, {"q0": {ids[0]: 4}, "q1": {ids[-1]: 4}}, 4)


def test_a_report_has_every_file_and_names_where_they_will_be(
    evaluation, catalogue, tmp_path
) -> None:
    later = tmp_path / "later"
    config = EvaluationConfig(sheet_queries=2, sheet_columns=3)
    report = evaluation.report(
        _judged(catalogue), SYSTEMS, (), config, tmp_path, final_folder=later
    )
    assert [path.name for path in report.runs] == [f"{name}.run" for name in SYSTEMS]
    written = [*report.runs, report.sheet, report.sheet.with_suffix(".html")]
    written += [report.changes, tmp_path / "judgments.qrels"]
    assert all(path.stat().st_size for path in written)
    assert (tmp_path / "table.md").read_text(encoding="utf-8") == report.table
    assert str(later / "judgments.qrels") in report.table
    found = {(row.system, row.query_kind): row.values["RR"] for row in report.rows}
    assert set(found) == {(name, kind) for name in SYSTEMS for kind in (TITLE, FACET)}
    # By the base towers' angles the right product is the nearest.
    assert found["clip", TITLE] == found["clip", FACET] == 1.0
    assert found["clip_lora", TITLE] < 1.0


def test_without_judgments_there_is_no_table(evaluation, tmp_path) -> None:
    config = EvaluationConfig(sheet_queries=2, sheet_columns=3)
    report = evaluation.report(QuerySet(QUERIES, {}, 1), SYSTEMS[:1], (), config, tmp_path)
    assert not report.rows and report.table == "" and report.changes is None
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"clip.run", "contact_sheet.png", "contact_sheet.html"}


def test_one_run_is_written_and_measured_query_by_query(tmp_path) -> None:
    ranking = {"q0": [("a", 2.0), ("b", 1.0)], "q1": [("a", 2.0), ("b", 1.0)]}
    query_set = QuerySet(QUERIES, {"q0": {"a": 4}, "q1": {"b": 4}}, 4)
    path = tmp_path / "one.run"
    values = measure_queries(query_set, ranking, path, "one")
    assert {query: value["RR"] for query, value in values.items()} == {"q0": 1, "q1": 0.5}
    assert set(values["q0"]) == set(MEASURES)
    assert [line.split()[2] for line in path.read_text().splitlines()] == list("abab")
