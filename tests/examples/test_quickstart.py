"""The notebook's code cells, run in their order in one namespace, as a kernel runs them.

Jupyter's machinery adds nothing to what is tested, and six packages.
"""

import json
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).resolve().parents[2] / "examples" / "quickstart.ipynb"


def code_cells() -> list[str]:
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    return ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]


def test_notebook_is_stored_without_outputs():
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    assert not [c for c in cells if c["cell_type"] == "code" and c["outputs"]]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_notebook_trains_searches_and_measures(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    names: dict = {}
    for number, cell in enumerate(code_cells()):
        exec(compile(cell, f"{NOTEBOOK.name}, cell {number}", "exec"), names)
    hits = names["hits"]
    assert hits and [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    assert [hit.score for hit in hits] == sorted((h.score for h in hits), reverse=True)
    assert all(hit.id and hit.title and hit.explanation for hit in hits)
    for system in ("clip", "clip_lora", "reranked"):
        assert f"| {system} " in names["table"]
    assert names["table"] in capsys.readouterr().out
    assert names["folder"].is_relative_to(tmp_path)
    assert (names["folder"] / "bundle" / "bundle.json").is_file()
