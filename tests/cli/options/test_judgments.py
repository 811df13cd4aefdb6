"""What the options of judgments need of each other."""

from pathlib import Path

import pytest

from fitrank_tf.cli import train
from fitrank_tf.cli.options.judgments import read_judged
from fitrank_tf.core.errors import FitRankError


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--train_queries=q.tsv"], "--train_qrels need each other"),
        (["--train_qrels=q.qrels"], "--train_qrels need each other"),
        (["--own_judgments"], "synthetic_catalogue has none"),
        (["--from=bundle"], "--from learns of judgments alone"),
        (["--from=bundle", "--train_judgments={table}", "--synonyms=s"], "no --synonyms"),
        (["--from=nowhere", "--train_judgments={table}"], "no bundle in nowhere"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    tmp_path: Path, arguments: list[str], says: str
) -> None:
    table = tmp_path / "table.csv"
    table.write_text("query,product,grade\nshirt,1,2\n", encoding="utf-8")
    with pytest.raises(FitRankError, match=says):
        train.main([argument.format(table=table) for argument in arguments])


def test_files_and_tables_come_together(tmp_path: Path) -> None:
    for name, text in (
        ("q.tsv", "q1\tred shirt\n"),
        ("q.qrels", "q1 0 a 3\n"),
        ("t.csv", "query,product,grade\nblue bag,b,1\n"),
    ):
        (tmp_path / name).write_text(text, encoding="utf-8")
    options = train.parse(
        [f"--train_queries={tmp_path / 'q.tsv'}", f"--train_qrels={tmp_path / 'q.qrels'}"]
        + [f"--train_judgments={tmp_path / 't.csv'}"]
    )
    assert [query.text for query in read_judged(options)] == ["red shirt", "blue bag"]
