"""A fingerprint of code changes with the executed code, and with nothing else."""

import shutil
from pathlib import Path

import pytest

from fitrank_tf.core.code import ROOT, code_fingerprint, imported_modules

FILES = {
    "__init__.py": "from fitrank_tf import other",
    "other.py": "VALUE = 1",
    "start.py": '"""What it does."""\nfrom fitrank_tf.room import deep\nX = 1  # why\n',
    "room/__init__.py": "",
    "room/deep.py": "def load():\n    import fitrank_tf.room.late\n    return 'w.json'",
    "room/late.py": "import numpy\nfrom fitrank_tf.core.errors import FitRankError\nY = 2",
    "room/w.json": "{}",
    "room/unnamed.json": "{}",
    "core/__init__.py": "",
    "core/errors.py": "class FitRankError(Exception): ...",
    "config/__init__.py": "A = 1",
    "training/__init__.py": "",
    "training/stages/__init__.py": "",
    "training/stages/first.py": "from fitrank_tf import start",
    "training/stages/second.py": "from fitrank_tf.training.stages.first import start",
}
START = ("fitrank_tf.start",)


def _package(folder: Path, **changes: str) -> Path:
    for name, text in {**FILES, **changes}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_all_imported_modules_are_found(tmp_path) -> None:
    root = _package(tmp_path)
    modules = ["room", "room.deep", "room.late", "start"]
    expected = [f"fitrank_tf.{name}" for name in modules if name != "room"]
    assert imported_modules(START, root) == expected


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("start.py", "from fitrank_tf.room import deep\nX = 2"),
        (
            "room/deep.py",
            "def load():\n    import fitrank_tf.room.late\n    return 3",
        ),
        ("room/late.py", "Y = 3"),
        ("room/w.json", "[]"),
    ],
)
def test_executed_code_changes_the_fingerprint(tmp_path, name: str, text: str) -> None:
    before = code_fingerprint(START, _package(tmp_path / "before"))
    assert code_fingerprint(START, _package(tmp_path / "after", **{name: text})) != before


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "start.py",
            '"""Said\notherwise."""\n\nfrom fitrank_tf.room import deep\n\nX = 1\n',
        ),
        ("other.py", "VALUE = 2"),
        ("__init__.py", ""),
        ("core/errors.py", "class FitRankError(Exception): code = 2"),
        ("config/__init__.py", "A = 2"),
        ("room/unnamed.json", "[]"),
    ],
)
def test_nothing_else_changes_the_fingerprint(tmp_path, name: str, text: str) -> None:
    before = code_fingerprint(START, _package(tmp_path / "before"))
    assert code_fingerprint(START, _package(tmp_path / "after", **{name: text})) == before


def test_the_code_of_other_stages_is_left_out(tmp_path) -> None:
    names = imported_modules(["fitrank_tf.training.stages.second"], _package(tmp_path))
    assert names == ["fitrank_tf.training.stages.second"]


def test_the_folder_does_not_change_the_fingerprint(tmp_path) -> None:
    copy = shutil.copytree(
        ROOT, tmp_path / "elsewhere", ignore=shutil.ignore_patterns("*.pyc")
    )
    modules = ["fitrank_tf.features.extract"]
    assert code_fingerprint(modules, copy) == code_fingerprint(modules)
