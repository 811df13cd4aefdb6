"""The command on the log of a simulated population."""

import numpy as np
import pytest

from benchmarks.clicks.shoppers import Shoppers, browse, shop_rankings
from fitrank_tf.cli.clicks import main
from fitrank_tf.core.errors import FitRankError

_QUERIES, _PRODUCTS = 40, 10


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    grades = np.random.default_rng(0).integers(0, 5, (_QUERIES, _PRODUCTS))
    shown = shop_rankings(grades + 0.0, 5, 5, 2.0, seed=1)
    pages = browse(Shoppers(), shown, grades, 20_000, 2)
    counts = pages.counts(_QUERIES, _PRODUCTS)
    columns = (counts.query, counts.product, counts.position)
    lines = ["term,sku,rank,clicks,impressions"]
    for *key, clicks, shown in zip(*columns, counts.clicks, counts.impressions):
        lines.append(",".join(map(str, [*key, clicks, shown])))
    (folder / "log.csv").write_text("\n".join([*lines, "1,gone,1,0,1"]))
    (folder / "q.tsv").write_text("".join(f"id{q}\t{q}\n" for q in range(_QUERIES)))
    (folder / "products.csv").write_text("id\n" + "\n".join(map(str, range(_PRODUCTS))))
    for name, sign in (("good", -1), ("bad", 1)):
        order = np.argsort(sign * grades, axis=1)
        run = [
            f"id{q} Q0 {item} {rank} {9 - rank} {name}\n"
            for q in range(_QUERIES)
            for rank, item in enumerate(order[q, :5], start=1)
        ]
        (folder / f"{name}.run").write_text("".join(run))
    return folder


def test_bias_grades_and_estimates_come_from_a_log(folder, capsys):
    runs = f"{folder}/good.run,{folder}/bad.run"
    main(
        [
            f"--log={folder}/log.csv",
            "--columns=query=term",
            f"--products={folder}/products.csv",
            f"--output={folder}/grades.tsv",
            f"--queries={folder}/q.tsv",
            f"--runs={runs}",
        ]
    )
    out = capsys.readouterr().out
    assert "1 rows: `product` is not in the catalogue, as 'gone'" in out
    assert "harvest" in out and "| 2        |     0.5" in out
    [good], [bad] = (
        [line.split("|") for line in out.splitlines() if name in line]
        for name in ("good.run", "bad.run")
    )
    assert float(good[3]) > 1.2 * float(bad[3])
    grades = (folder / "grades.tsv").read_text().splitlines()
    assert grades[0] == "query\tproduct\tgrade\tweight" and len(grades) > 200


@pytest.mark.parametrize(
    ("options", "word"),
    [([], "--log"), (["--log=x", "--runs=a"], "--queries"), (["--log=none"], "none")],
)
def test_what_is_missing_is_named(options, word):
    with pytest.raises(FitRankError, match=word):
        main(options)
