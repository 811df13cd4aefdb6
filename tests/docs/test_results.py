import json

import pytest

from docs import results
from docs.chart import bar_chart

_PRINTED = """seeds 0, 1, 2

| queries      | variant |          nDCG@10 |     p |     n |
| ------------ | ------- | ---------------: | ----: | ----: |
| title (1131) | softmax | 0.7740 ± 0.0029 | 0.010 | 1,131 |
| title (1131) | base    | 0.5550           |       |    20 |

table, runs    OUT

| one query | ms | times |
| --- | ---: | ---: |
| a text | 2.75 | 1.00 x |
"""


@pytest.mark.parametrize(
    "path, text",
    results.written_files().items(),
    ids=lambda value: value.name if hasattr(value, "name") else "",
)
def test_page_is_what_the_command_writes(path, text):
    assert path.read_text() == text, "run `python -m docs.results`"


def test_every_measurement_has_its_place_on_the_page():
    named = [name for names in results.SECTIONS.values() for name in names]
    files = (results.ROOT / "docs" / "results").iterdir()
    assert sorted(named) == sorted(path.stem for path in files)


@pytest.mark.parametrize("name", [n for names in results.SECTIONS.values() for n in names])
def test_measurement_says_where_it_comes_from(name):
    result = results.read_result(name)
    for field in ("title", "command", "commit", "date", "machine"):
        assert result[field], field
    assert result["tables"]


def test_printed_tables_are_read_as_numbers_and_written_alike():
    first, second = results.read_tables(_PRINTED)
    assert first["columns"][2:] == [("nDCG@10", 4), ("p", 3), ("n", 0)]
    assert first["rows"] == [
        ["title (1131)", "softmax", [0.774, 0.0029], 0.01, 1131],
        ["title (1131)", "base", 0.555, None, 20],
    ]
    assert second["rows"] == [["a text", 2.75, 1.0]]
    assert results.markdown_table(first) == (
        "| queries | variant | nDCG@10 | p | n |\n"
        "| --- | --- | ---: | ---: | ---: |\n"
        "| title (1131) | softmax | 0.7740 ± 0.0029 | 0.010 | 1,131 |\n"
        "| title (1131) | base | 0.5550 |  | 20 |\n"
    )


def test_recording_keeps_what_was_written_about_a_measurement(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "_FOLDER", tmp_path)
    monkeypatch.setattr(results, "written_files", dict)
    old = {"title": "Losses", "about": "Why.", "findings": "So.", "tables": []}
    (tmp_path / "losses.json").write_text(json.dumps(old))
    (tmp_path / "printed.md").write_text(_PRINTED)
    table = str(tmp_path / "printed.md")
    told = ["--command", "ablate", "--machine", "2 cores", "--date", "2026-12-01"]
    results.main(["--record", "losses", "--table", table, "--commit", "abc1234", *told])
    new = results.read_result("losses")
    assert [new[field] for field in ("title", "about", "findings")] == [
        "Losses",
        "Why.",
        "So.",
    ]
    assert (new["commit"], new["command"], new["machine"]) == (
        "abc1234",
        "ablate",
        "2 cores",
    )
    assert new["tables"][1]["rows"] == [["a text", 2.75, 1.0]]


def test_text_in_a_column_of_numbers_is_refused():
    with pytest.raises(ValueError, match="column of text"):
        results.markdown_table({"columns": [["name", None]], "rows": [[0.5]]})


def test_bars_are_as_high_as_their_values():
    svg = bar_chart("Title", {"R@10": {"title": [0.5, 1.0]}}, ["clip", "reranked"])
    heights = [
        line.split("height='")[1].split("'")[0]
        for line in svg.splitlines()[2:]
        if "<rect" in line
    ]
    assert heights == ["11", "11", "75", "150"]
    assert "aria-label='Title'" in svg
