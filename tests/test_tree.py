"""Files stay short and folders small enough to take in at a glance."""

import subprocess
from collections import Counter
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
MAX_LINES = 450
MAX_FILES = 20


@pytest.fixture(scope="module")
def tracked_files() -> list[Path]:
    """Every file that git tracks, relative to the repository."""
    if not (REPOSITORY / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    names = listed.stdout.split("\0")[:-1]
    return [Path(name) for name in names if (REPOSITORY / name).is_file()]


def test_no_python_file_is_too_long(tracked_files: list[Path]) -> None:
    lengths = {
        str(path): len((REPOSITORY / path).read_text(encoding="utf-8").splitlines())
        for path in tracked_files
        if path.suffix == ".py"
    }
    assert {path: lines for path, lines in lengths.items() if lines > MAX_LINES} == {}


def test_no_folder_holds_too_many_files(tracked_files: list[Path]) -> None:
    counts = Counter(str(path.parent) for path in tracked_files)
    assert {folder: files for folder, files in counts.items() if files > MAX_FILES} == {}
