"""A file is whole or not there."""

from pathlib import Path

import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.files import write_atomically


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
