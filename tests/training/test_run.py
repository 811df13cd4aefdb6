"""Candidate lists of a run: their content, and that they are kept."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from fitrank_tf.config import override
from fitrank_tf.datasets.catalogue import CatalogueSource, open_catalogue
from fitrank_tf.queries.grades import EXACT
from fitrank_tf.queries.judgments import Judge
from fitrank_tf.queries.query_sets import facet_queries, title_queries
from fitrank_tf.recipes import load_recipe
from fitrank_tf.rerank.candidates import with_labels
from fitrank_tf.training.run import Run
from fitrank_tf.training.stages import lists as lists_stage
from fitrank_tf.training.work_dir import WorkDir


@pytest.fixture(scope="module")
def catalogue():
    return open_catalogue(CatalogueSource(num_items=160))


def _work(bundle) -> Path:
    return Path(f"{bundle}.work")


def _run(bundle, catalogue, small_chain, *assignments: str) -> Run:
    """The bundle's own run, on the stages that its training has left, or another."""
    config = load_recipe("tiny", "synthetic_catalogue")
    config = override(config, [*small_chain, *assignments])
    return Run(config, catalogue, WorkDir(_work(bundle)))


def _kept(bundle) -> set[Path]:
    return set(_work(bundle).glob("lists-*"))


def test_lists_are_the_nearest_products_with_their_grades(
    bundle, catalogue, small_chain
) -> None:
    run = _run(bundle, catalogue, small_chain)
    lists = run.lists.of_all.arrays
    embeddings = run.lora.embeddings[run.products.ranker_rows]
    scores = lists.queries @ embeddings.T
    nearest = -np.sort(-scores)[:, :20]
    np.testing.assert_allclose(nearest[:, :19], lists.scores[:, :19], atol=1e-5)
    # The last one gave place only where no other is exact.
    given = nearest[:, 19] - lists.scores[:, 19] > 1e-5
    assert (lists.labels[given, :19] < EXACT).all()
    assert (lists.labels[given, 19] == EXACT).all()
    assert not given.all()
    at_positions = np.take_along_axis(scores, lists.positions, axis=1)
    np.testing.assert_allclose(at_positions, lists.scores, atol=1e-5)
    # Which query a list is of: a list has the grades of one that is asked.
    records = run.records.select(run.products.ranker_rows)
    queries = title_queries(records) + facet_queries(records, len(records), 0)
    grades = np.array([Judge(records).grades(query) for query in queries])
    for positions, labels in zip(lists.positions, lists.labels):
        assert (grades[:, positions] == labels).all(axis=1).any()
        assert labels.min() < labels.max()


@pytest.mark.parametrize(
    "assignment", ["reranker.seed=5", "reranker.loss=softmax", "reranker.epochs=9"]
)
def test_lists_are_reused_after_changes_without_effect(
    bundle, catalogue, small_chain, monkeypatch, assignment: str
) -> None:
    def made_again(*_):
        raise AssertionError("these lists are there")

    own = _run(bundle, catalogue, small_chain).reranker.training_lists()
    monkeypatch.setattr(lists_stage, "with_labels", made_again)
    other = _run(bundle, catalogue, small_chain, assignment)
    for name, array in dataclasses.asdict(own).items():
        found = getattr(other.reranker.training_lists(), name)
        np.testing.assert_array_equal(found, array)
        assert found.dtype == array.dtype


def test_held_out_products_have_lists_among_themselves(
    bundle, catalogue, small_chain
) -> None:
    run = _run(bundle, catalogue, small_chain)
    lists, everything = run.reranker.training_lists(), run.lists.of_all.arrays
    own = lists.select(np.arange(len(everything), len(lists)))
    assert len(own) > len(run.products.held_out_rows)
    rows = run.products.ranker_rows[own.positions[own.positions >= 0]]
    assert set(rows) <= set(run.products.held_out_rows)
    assert not set(rows) & set(run.products.tower_rows)
    # What a list says of a candidate is of the product that its position names.
    places = np.maximum(own.positions, 0)
    scores = np.einsum(
        "qd,qld->ql", own.queries, run.facet_heads.ranker_tables.embeddings[places]
    )
    inside = own.positions >= 0
    np.testing.assert_allclose(scores[inside], own.scores[inside], atol=1e-5)


def test_missed_positives_are_added_to_training_lists_alone(
    bundle, catalogue, small_chain
) -> None:
    """With short lists of untrained towers, which rarely contain a title's product."""
    run = _run(bundle, catalogue, small_chain, "reranker.list_size=2")
    assert (run.lists.of_all.arrays.labels.max(axis=1) == EXACT).all()
    chosen = run.reranker.validation_lists()
    assert (chosen.labels.max(axis=1) < EXACT).any()
    vectors = run.lora.embeddings[run.products.validation_rows]
    best = np.sort(chosen.queries @ vectors.T, axis=1)[:, :-3:-1]
    np.testing.assert_allclose(chosen.scores, best, atol=1e-5)


def test_each_split_has_lists_of_its_own(bundle, catalogue, small_chain) -> None:
    run = _run(bundle, catalogue, small_chain)
    for lists, rows in (
        (run.reranker.training_lists(), run.products.ranker_rows),
        (run.reranker.validation_lists(), run.products.validation_rows),
    ):
        assert lists.positions.max() == len(rows) - 1


@pytest.mark.parametrize(
    ("assignment", "width", "queries_each"),
    [
        ("reranker.list_size=7", 7, 2),
        pytest.param("reranker.queries_per_product=2", 20, 3, marks=pytest.mark.slow),
    ],
)
def test_changes_with_an_effect_make_other_lists(
    bundle,
    catalogue,
    small_chain,
    monkeypatch,
    assignment: str,
    width: int,
    queries_each: int,
) -> None:
    judged = []

    def counted(lists, queries, judge):
        judged.append(len(queries))
        return with_labels(lists, queries, judge)

    monkeypatch.setattr(lists_stage, "with_labels", counted)
    before = _kept(bundle)
    run = _run(bundle, catalogue, small_chain, assignment)
    assert run.reranker.training_lists().positions.shape[1] == width
    # Of the held-out products four times as many facet queries.
    held_out = (1 + 4 * (queries_each - 1)) * len(run.products.held_out_rows)
    assert sorted(judged) == sorted(
        [held_out, queries_each * len(run.products.ranker_rows)]
    )
    assert len(_kept(bundle) - before) == 2


def test_other_training_products_make_other_towers(bundle, catalogue, small_chain) -> None:
    """Also of a preset base, whose own key does not say which products are held out."""
    shipped = ("towers.preset=saved_models/fitrank_tiny", "base.epochs=0")
    own = _run(bundle, catalogue, small_chain, *shipped)
    other = _run(bundle, catalogue, small_chain, *shipped, "reranker.holdout_share=0.5")
    assert len(other.products.tower_rows) < len(own.products.tower_rows)
    assert other.lora.key != own.lora.key
    assert other.base.key == own.base.key
