"""The table of a study: means over queries and seeds, and significance."""

import numpy as np
import pytest

from fitrank_tf.evaluation.ablation import Measured, ablation_table
from fitrank_tf.evaluation.significance import paired_randomisation

IDS = [f"q{number}" for number in range(40)]
KINDS = {"title": IDS[:25], "facet": IDS[25:]}


def _measured(name: str, shift: float, seeds: int) -> Measured:
    """Values that are the query's own, the variant's shift and some noise."""
    generator = np.random.default_rng(seeds)
    own = np.random.default_rng(7).random(len(IDS))
    runs = []
    for _ in range(seeds):
        values = own + shift + generator.normal(0, 0.02, len(IDS))
        runs.append({key: {"nDCG@10": v, "RR": v / 2} for key, v in zip(IDS, values)})
    return Measured(name, runs)


def _cells(table: str) -> list[list[str]]:
    return [[c.strip() for c in line.strip("|").split("|")] for line in table.splitlines()]


def test_every_kind_has_a_line_a_variant() -> None:
    less, full = _measured("without", -0.1, 3), _measured("full", 0.0, 3)
    head, _, *lines = _cells(ablation_table([less, full], KINDS, ["nDCG@10", "RR"]))
    assert head == ["queries", "variant", "nDCG@10", "RR", "p (nDCG@10)"]
    assert [line[:2] for line in lines] == [
        ["title (25)", "without"],
        ["title (25)", "full"],
        ["facet (15)", "without"],
        ["facet (15)", "full"],
    ]
    ids = KINDS["facet"]
    means = [np.mean([run[key]["nDCG@10"] for key in ids]) for run in less.runs]
    half = 4.302653 * np.std(means, ddof=1) / np.sqrt(3)
    assert lines[2][2] == f"{np.mean(means):.4f} ± {half:.4f}"
    assert float(lines[0][4]) < 0.001 and lines[1][4] == ""


def test_one_seed_has_no_interval() -> None:
    table = ablation_table([_measured("full", 0.0, 1)], KINDS, ["RR"])
    assert "±" not in table


def test_p_is_over_queries_of_the_seeds_means() -> None:
    one, other = _measured("one", -0.003, 2), _measured("other", 0.0, 3)
    lines = _cells(ablation_table([one, other], KINDS, ["RR"]))[2:]
    ids = KINDS["title"]
    values = [
        np.mean([[run[key]["RR"] for key in ids] for run in variant.runs], axis=0)
        for variant in (one, other)
    ]
    assert float(lines[0][3]) == pytest.approx(paired_randomisation(*values), abs=1e-4)
