"""Studies of the re-ranker, on the stages of the small run."""

import cv2
import pytest

from fitrank_tf.cli import ablate
from fitrank_tf.config import RANKING_LOSSES, LoraConfig, RerankerConfig, override
from fitrank_tf.evaluation.ablation import Variant
from fitrank_tf.recipes import load_recipe
from fitrank_tf.studies import rerank as rerank_study
from fitrank_tf.studies import variants
from tests.evaluation.run_files import read_run


def _ablate(bundle, small_chain, study: str, output) -> list[list[str]]:
    """The cells of the table's lines about facet queries."""
    options = [f"--set={assignment}" for assignment in small_chain]
    ablate.main(
        [
            *(f"--study={study}", "--seeds=0", "--num_items=160", *options),
            *(f"--work_dir={bundle}.work", f"--output_dir={output}"),
        ]
    )
    lines = (output / f"{study}.md").read_text().splitlines()
    return [line.split(" | ") for line in lines if "facet (10)" in line]


def _orders(path) -> dict[str, list[str]]:
    """{query id: product ids, the best first} of a run file."""
    return {query: [item for item, _ in hits] for query, hits in read_run(path).items()}


@pytest.mark.slow
def test_rerankers_are_compared(bundle, small_chain, tmp_path, capsys) -> None:
    """On the stages of the run; the last line agrees with the bundle's report."""
    rows = _ablate(bundle, small_chain, "rerankers", tmp_path)
    assert (tmp_path / "rerankers.md").read_text() in capsys.readouterr().out
    names = [row[1] for row in rows if row[1] != "LambdaMART"]
    assert names == ["fine-tuned towers", "linear blend", "GAM", "re-ranker"]
    for run, measured in (("towers", "clip_lora"), ("reranker.seed_0", "reranked")):
        reported = _orders(bundle / "report" / f"{measured}.run")
        assert _orders(tmp_path / f"{run}.run") == reported
    additive = _orders(tmp_path / "gam.seed_0.run")
    towers = _orders(tmp_path / "towers.run")
    assert additive != towers
    assert {q: set(ids) for q, ids in additive.items()} == {
        q: set(ids) for q, ids in towers.items()
    }
    assert cv2.imread(str(tmp_path / "gam_shapes.png")) is not None


@pytest.mark.slow
def test_extra_features_are_columns_of_the_additive_model(
    bundle, small_chain, tmp_path, monkeypatch
) -> None:
    extra_features = {
        name: rerank_study.GAM_VARIANTS[name] for name in ("GAM", "with both")
    }
    monkeypatch.setattr(rerank_study, "GAM_VARIANTS", extra_features)
    rows = _ablate(bundle, small_chain, "extra_features", tmp_path)
    assert [row[1] for row in rows] == ["GAM", "with both"]
    assert _orders(tmp_path / "GAM.seed_0.run") != _orders(
        tmp_path / "with_both.seed_0.run"
    )
    assert cv2.imread(str(tmp_path / "gam_shapes.png")) is not None


@pytest.mark.slow
def test_feature_groups_are_hidden_from_the_facet_heads(
    bundle, small_chain, tmp_path, monkeypatch
) -> None:
    """Each variant has its own heads; those of the whole one are the bundle's."""
    all_variants = variants.RERANKED_STUDIES["facets"]
    ends = (all_variants[0], all_variants[-1])
    monkeypatch.setitem(variants.RERANKED_STUDIES, "facets", ends)
    _ablate(bundle, small_chain, "facets", tmp_path)
    alone = _orders(tmp_path / "embedding_alone.seed_0.run")
    whole = _orders(tmp_path / "embedding_and_all_groups.seed_0.run")
    assert whole == _orders(bundle / "report" / "reranked.run")
    assert alone != whole


@pytest.mark.slow
def test_the_list_size_is_also_the_number_of_candidates_measured(
    bundle, small_chain, tmp_path, monkeypatch
) -> None:
    """The shorter lists' candidates are the towers' first; the others the bundle's."""
    two_sizes = tuple(
        Variant(f"{size} candidates", (f"reranker.list_size={size}",)) for size in (6, 20)
    )
    monkeypatch.setitem(variants.RERANKED_STUDIES, "list_sizes", two_sizes)
    rows = _ablate(bundle, small_chain, "list_sizes", tmp_path)
    assert [row[1] for row in rows] == ["6 candidates", "20 candidates"]
    towers = _orders(bundle / "report" / "clip_lora.run")
    short = _orders(tmp_path / "6_candidates.seed_0.run")
    assert {q: set(ids) for q, ids in short.items()} == {
        q: set(ids[:6]) for q, ids in towers.items()
    }
    long = _orders(tmp_path / "20_candidates.seed_0.run")
    assert long == _orders(bundle / "report" / "reranked.run")


@pytest.mark.parametrize(
    ("study", "field", "values"),
    [("losses", "loss", RANKING_LOSSES), ("list_sizes", "list_size", (20, 50, 100, 200))],
)
def test_the_default_is_the_last_of_a_study(study: str, field: str, values) -> None:
    configs = [
        override(load_recipe("tiny", ""), variant.assignments).reranker
        for variant in variants.RERANKED_STUDIES[study]
    ]
    assert sorted(getattr(config, field) for config in configs) == sorted(values)
    assert configs[-1] == RerankerConfig()


def test_ranks_differ_in_rank_alone() -> None:
    """An adapter is scaled by alpha / rank."""
    configs = [
        override(load_recipe("tiny", ""), variant.assignments).lora
        for variant in variants.STUDIES["ranks"]
    ]
    assert len({config.alpha / config.rank for config in configs}) == 1
    assert len({config.rank for config in configs}) == len(configs)
    assert configs[-1] == LoraConfig()


@pytest.mark.slow
def test_adaptations_are_compared_and_the_curve_is_shown(
    bundle, small_chain, tmp_path, monkeypatch
) -> None:
    """Two of them; what WiSE-FT chose scores highest of those it tried."""
    first, *_, wise, last = variants.STUDIES["adaptation"]
    monkeypatch.setitem(variants.STUDIES, "adaptation", (first, wise, last))
    rows = _ablate(bundle, small_chain, "adaptation", tmp_path)
    assert [row[1] for row in rows] == ["base towers", "full, distilled, WiSE-FT", "LoRA"]
    assert _orders(tmp_path / "LoRA.seed_0.run") == _orders(
        bundle / "report" / "clip_lora.run"
    )
    table = (tmp_path / "adaptation.md").read_text().split("share of the")[1]
    lines = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
    assert [float(share) for share, _ in lines] == [0, 0.2, 0.4, 0.6, 0.8, 1]
    assert all(0 < float(value) <= 1 for _, value in lines)
