"""A run with judgments: lists of judged queries, and what is made anew for them."""

import logging
from pathlib import Path

import numpy as np
import pytest

from fitrank_tf.cli import train
from fitrank_tf.config import RunConfig, override
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.catalogue import CatalogueSource, open_catalogue
from fitrank_tf.datasets.splits import TRAIN, VALIDATION
from fitrank_tf.export.bundle import model_versions
from fitrank_tf.export.graphs.served_catalogue import read_catalogue
from fitrank_tf.export.loaded_bundle import LoadedBundle
from fitrank_tf.queries.judged import JudgedQuery, Judgment, merged
from fitrank_tf.recipes import load_recipe
from fitrank_tf.training.run import Run
from fitrank_tf.training.work_dir import WorkDir

FEW = 12


@pytest.fixture(scope="module")
def catalogue():
    return open_catalogue(CatalogueSource(num_items=160))


@pytest.fixture(scope="module")
def config(small_chain) -> RunConfig:
    shares = ("judgments.validation_share=0.3", "judgments.test_share=0")
    return override(
        load_recipe("tiny", "synthetic_catalogue"),
        [*small_chain, *shares, "reranker.queries_per_product=1"],
    )


@pytest.fixture(scope="module")
def judged(catalogue) -> list[JudgedQuery]:
    """Of each query two products that it does not name are wanted, and one is not."""
    records = catalogue.records("all")
    training = [item for item, of in zip(records.ids, records.splits) if of == TRAIN]
    held_out = [item for item, of in zip(records.ids, records.splits) if of != TRAIN]
    products = [training[number::FEW][:2] for number in range(FEW)]
    return merged(
        Judgment(f"wish {number}", item, grade)
        for number in range(FEW)
        for item, grade in zip(
            [*products[number], training[-1], held_out[0], "x"], [3, 2, 0, 2, 1]
        )
    ).queries


def _run(bundle, catalogue, config: RunConfig, judged=()) -> Run:
    return Run(config, catalogue, WorkDir(Path(f"{bundle}.work")), None, judged)


def test_lists_to_learn_from_have_the_judged_products_and_their_grades(
    bundle, catalogue, config, judged, caplog
) -> None:
    run = _run(bundle, catalogue, config, judged)
    with caplog.at_level(logging.WARNING):
        split = run.judged
    assert [line.split(":")[0] for line in caplog.messages] == [
        f"{FEW} judgments of products that are not there",
        f"{FEW} judgments of products outside of judgments.searched=train",
    ]
    learned = run.lists.judged.arrays
    assert len(learned) == len(split[TRAIN]) and split[VALIDATION]
    ids = np.array(run.records.ids)
    for query, positions, labels, scores, vector in zip(
        split[TRAIN], learned.positions, learned.labels, learned.scores, learned.queries
    ):
        known = labels >= 0
        assert set(ids[positions[known]]) == set(query.products)
        assert known.sum() == 3 and labels.max() == 4 and labels.min() == -1
        assert len(set(positions)) == len(positions)
        assert set(positions) <= set(run.products.ranker_rows)
        np.testing.assert_allclose(
            scores, run.lora.embeddings[positions] @ vector, atol=1e-5
        )


def test_judgments_change_the_reranker_alone(bundle, catalogue, config, judged) -> None:
    own, other = (_run(bundle, catalogue, config, of) for of in ((), judged))
    assert own.reranker.key != other.reranker.key
    assert own.lists.judged is None
    for name in ("of_all", "of_held_out", "of_validation"):
        assert getattr(own.lists, name).key == getattr(other.lists, name).key
    changed = override(config, ["judgments.share=0.9"])
    assert _run(bundle, catalogue, changed).reranker.key == own.reranker.key
    assert _run(bundle, catalogue, changed, judged).reranker.key != other.reranker.key
    learned = override(config, ["judgments.text_share=0.3"])
    towers = _run(bundle, catalogue, learned, judged)
    assert own.lora.key == other.lora.key != towers.lora.key
    assert own.base.key == towers.base.key


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_judged_lists_have_their_share(bundle, catalogue, config, judged, share) -> None:
    changed = override(config, [f"judgments.share={share}"])
    run = _run(bundle, catalogue, changed, judged)
    own = run.reranker.training_lists()
    learned = run.reranker.lists_to_learn_from()
    unknown = (learned.labels < 0) & (learned.positions >= 0)
    judged_part = learned.select(np.flatnonzero(unknown.any(axis=1)))
    gained = judged_part.weights[judged_part.labels > 0].mean() * len(judged_part)
    if share == 1.0:
        lists = run.lists.judged.arrays
        assert len(learned) == len(judged_part) == 20 * len(lists)
    else:
        assert len(learned) == len(own) + len(judged_part)
        assert gained == pytest.approx(len(own), rel=1e-5)


def test_a_reranker_learns_what_was_judged(bundle, catalogue, config, judged) -> None:
    """Wishes that no attribute explains: alone, judged products rise among themselves."""
    assignments = (
        "judgments.share=1",
        "judgments.validation_share=0",
        "reranker.dropout=0",
    )
    changed = override(
        config, [*assignments, "reranker.epochs=3", "reranker.learning_rate=0.01"]
    )
    run = _run(bundle, catalogue, changed, judged)
    lists, tables = run.lists.judged.arrays, run.facet_heads.learned_tables

    def right_pairs(model) -> float:
        [(inputs, labels)] = lists.batches(tables, len(lists))
        scores, labels = model(inputs).numpy(), labels.numpy()
        pairs = (labels[:, :, None] > labels[:, None]) & (labels[:, None] >= 0)
        return float((scores[:, :, None] > scores[:, None])[pairs].mean())

    before = right_pairs(_run(bundle, catalogue, config).reranker.load())
    assert right_pairs(run.reranker.load()) > max(0.9, before + 0.1)


@pytest.mark.slow
@pytest.mark.parametrize("kept", [True, False])
def test_a_training_goes_on_from_a_bundle(bundle, judged, tmp_path, kept: bool) -> None:
    """Only what depends on judgments is made anew; without kept stages, from its models."""
    work = Path(f"{bundle}.work") if kept else tmp_path / "work"
    before, output = set(work.glob("*")), tmp_path / "bundle"
    table = tmp_path / "judgments.csv"
    rows = [
        f"{query.text},{item},{grade:g}"
        for query in judged
        for item, grade in zip(query.products, query.grades)
    ]
    table.write_text("\n".join(["query,product,grade", *rows]), encoding="utf-8")
    train.main(
        ["--num_items=160", f"--from={bundle}", f"--train_judgments={table}"]
        + [f"--output_dir={output}", f"--work_dir={work}", "--set=judgments.share=0.9"]
    )
    made = {folder.name.split("-")[0] for folder in set(work.glob("*")) - before}
    others = {"bundle_products", "facet_heads", "lists"}
    assert made == {"judged_lists", "reranker"} | (set() if kept else others)
    old, new = LoadedBundle(bundle), LoadedBundle(output)
    assert new.info.config["judgments"]["share"] == 0.9
    assert new.info.metrics.keys() == old.info.metrics.keys()
    for name in ("query_encoder", "image_encoder", "facet_heads", "reranker", "search"):
        versions = [model_versions(path, name)[-1] for path in (bundle, output)]
        assert (versions[0] == versions[1]) == (name not in ("reranker", "search"))
    weights = [
        [one.numpy() for one in models.model("reranker")._variables]
        for models in (old, new)
    ]
    moved = [np.abs(one - other).max() for one, other in zip(*weights)]
    assert 0 < max(moved) < 0.5
    hits = new.search("red shirt", top_k=3)
    assert {hit.id for hit in hits} <= set(read_catalogue(new.model("search")).ids)
    assert (output / "report" / "judged_test.qrels").is_file()


def test_a_bundle_of_another_catalogue_is_refused(bundle, config, judged) -> None:
    other = open_catalogue(CatalogueSource(num_items=40))
    run = Run(config, other, WorkDir(Path("unused")), None, judged, LoadedBundle(bundle))
    with pytest.raises(FitRankError, match="was trained on another catalogue"):
        run.make(["reranker"])
