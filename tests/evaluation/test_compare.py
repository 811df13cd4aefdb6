"""Two systems on the same judgments."""

import numpy as np
import pytest
from scipy import stats

from fitrank_tf.cli import compare as command
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.evaluation.compare import compare, comparison_table
from fitrank_tf.evaluation.metrics import MEASURES
from fitrank_tf.evaluation.significance import bootstrap_interval


def test_the_bootstrap_interval_is_scipys():
    rng = np.random.default_rng(0)
    first, second = rng.random(200), rng.random(200)
    reference = stats.bootstrap(
        (first - second,), np.mean, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert bootstrap_interval(first, second) == pytest.approx(tuple(reference), abs=0.005)


@pytest.mark.parametrize("gain", [0.0, 0.2])
def test_a_gain_is_told_from_none(gain):
    values = np.random.default_rng(0).random(60)
    noise = np.random.default_rng(1).normal(0, 0.1, 60)
    first, second = (
        {str(place): dict.fromkeys(MEASURES, value) for place, value in enumerate(of)}
        for of in (values, values + gain + noise - noise.mean())
    )
    [difference, *_] = compare(first, second)
    assert difference.second - difference.first == pytest.approx(gain)
    low, high = difference.interval
    assert (low < 0 < high) == (difference.p > 0.05) == (gain == 0)
    assert difference.better + difference.worse == 60
    assert f"{gain:+.4f}" in comparison_table([difference], ["a", "b"]).replace(
        "-0.0", "+0.0"
    )


def test_runs_are_compared_from_their_files(tmp_path, capsys):
    (tmp_path / "q.qrels").write_text("".join(f"q{n} 0 good 1\n" for n in range(12)))
    for name, order in (("a", "bad good"), ("b", "good bad")):
        lines = [
            f"q{n} Q0 {item} {rank} {9 - rank} {name}\n"
            for n in range(12)
            for rank, item in enumerate(order.split(), start=1)
        ]
        (tmp_path / f"{name}.run").write_text("".join(lines))
    runs = [str(tmp_path / "a.run"), str(tmp_path / "b.run")]
    command.main([*runs, "--qrels", str(tmp_path / "q.qrels")])
    out = capsys.readouterr().out
    assert "| RR " in out and "0.5000 | 1.0000 |    +0.5000" in out and "12 queries" in out
    with pytest.raises(FitRankError, match="need --qrels"):
        command.main(runs)
