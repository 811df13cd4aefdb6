"""Files and folders are written atomically."""

import os
from pathlib import Path

import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.files import (
    folder_written_aside,
    remove_folder,
    remove_left_over,
    replace_folder,
    write_atomically,
    written_aside,
)


def test_writes_makes_folders_and_leaves_nothing_else(tmp_path):
    write_atomically(tmp_path / "new" / "x.txt", b"one")
    write_atomically(tmp_path / "new" / "x.txt", b"two")
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["x.txt"]
    assert (tmp_path / "new" / "x.txt").read_bytes() == b"two"


def test_a_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "x.txt"
    path.write_bytes(b"old")

    def half_written(self: Path, content: bytes) -> None:
        with self.open("wb") as file:
            file.write(content[:1])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half_written)
    with pytest.raises(FitRankError, match=r"cannot write .*x\.txt: No space left"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_a_folder_in_the_way_is_named(tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(FitRankError, match=r"cannot write .*taken"):
        write_atomically(tmp_path / "taken", b"x")
    assert [p.name for p in tmp_path.iterdir()] == ["taken"]
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FitRankError, match="cannot write"):
        write_atomically(tmp_path / "file" / "x", b"x")


def _folder(place: Path, text: str) -> Path:
    place.mkdir()
    (place / "x").write_text(text, encoding="utf-8")
    return place


def _content(parent: Path) -> dict[str, str]:
    """{path below `parent`: text} of all files; empty folders are not in it."""
    files = (path for path in parent.rglob("*") if path.is_file())
    return {str(path.relative_to(parent)): path.read_text() for path in files}


def test_a_folder_replaces_an_older_one_and_remains_of_a_killed_process(tmp_path):
    _folder(tmp_path / "1", "old")
    _folder(tmp_path / ".tmp-1", "half")
    _folder(tmp_path / ".old-1", "older")
    with folder_written_aside(tmp_path / "1") as unfinished:
        assert list(unfinished.iterdir()) == []
        (unfinished / "y").write_text("new", encoding="utf-8")
        assert (tmp_path / "1" / "x").read_text() == "old"
    assert _content(tmp_path) == {"1/y": "new"}
    with folder_written_aside(tmp_path / "a" / "b") as unfinished:
        (unfinished / "z").write_text("first", encoding="utf-8")
    assert _content(tmp_path) == {"1/y": "new", "a/b/z": "first"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_older_folder_stays_after_an_error(tmp_path, error):
    _folder(tmp_path / "1", "old")
    with pytest.raises(error), folder_written_aside(tmp_path / "1") as unfinished:
        (unfinished / "x").write_text("new", encoding="utf-8")
        raise error
    assert _content(tmp_path) == {"1/x": "old"}
    assert [child.name for child in tmp_path.iterdir()] == ["1"]


@pytest.mark.parametrize("write", [written_aside, folder_written_aside])
def test_content_is_synced_before_it_is_renamed(tmp_path, monkeypatch, write):
    synced = []

    def sync(number: int) -> None:
        assert not (tmp_path / "new").exists()
        synced.append(Path(f"/proc/self/fd/{number}").readlink())

    monkeypatch.setattr(os, "fsync", sync)
    with write(tmp_path / "new") as unfinished:
        file = unfinished / "deep" / "x" if unfinished.is_dir() else unfinished
        file.parent.mkdir(exist_ok=True)
        file.write_text("text", encoding="utf-8")
    assert synced == [file]
    assert (tmp_path / "new").exists()


def test_a_folder_is_replaced_by_another_or_removed(tmp_path):
    _folder(tmp_path / "1", "old")
    replace_folder(_folder(tmp_path / "made", "new"), tmp_path / "1")
    assert _content(tmp_path) == {"1/x": "new"}
    remove_folder(tmp_path / "1")
    assert list(tmp_path.iterdir()) == []


def test_only_remains_are_deleted(tmp_path):
    for name in (".tmp-2", ".old-1", "2", ".mine"):
        _folder(tmp_path / name, name)
    remove_left_over(tmp_path)
    assert _content(tmp_path) == {"2/x": "2", ".mine/x": ".mine"}
