"""Imports go one way: the contracts of `[tool.importlinter]` in pyproject.toml."""

from pathlib import Path

from importlinter.cli import lint_imports

REPOSITORY = Path(__file__).resolve().parent.parent


def test_imports_keep_the_contracts(monkeypatch, capsys) -> None:
    monkeypatch.chdir(REPOSITORY)
    exit_code = lint_imports(config_filename="pyproject.toml", no_cache=True, no_logo=True)
    assert exit_code == 0, capsys.readouterr().out
