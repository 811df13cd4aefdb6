"""The root of a data set below the folder that a person names."""

import logging
from pathlib import Path

import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.manual_dir import ManualDir, located
from tests.datasets.small_catalogues import write_files

UNPACK = "unpack it"


def test_a_folder_is_no_file_and_a_file_no_folder(tmp_path: Path) -> None:
    files = {"a/list.txt/x": b"1", "a/jpg": b"1", "b/c/list.txt": b"1", "b/c/jpg/x": b"1"}
    write_files(tmp_path, files)
    for name in ("list.txt", "jpg"):
        opened = ManualDir(str(tmp_path), name, UNPACK)
        assert opened.root == tmp_path / "b/c"
        assert opened.find(name) == located(str(tmp_path), [name], UNPACK)
    with pytest.raises(FitRankError, match=f"no list.txt in .*{UNPACK}"):
        ManualDir(str(tmp_path / "a"), "list.txt", UNPACK)


@pytest.mark.parametrize("content", [b"", b" \n\t\r\n"])
def test_an_empty_file_counts_as_absent(tmp_path: Path, content: bytes, caplog) -> None:
    write_files(tmp_path, {"Eval/a.txt": content, "Eval/b.txt": b"1"})
    opened = ManualDir(str(tmp_path), "Eval/a.txt", UNPACK)
    assert opened.find("Eval/a.txt") is None
    assert f"{tmp_path}/Eval/a.txt is empty" in caplog.text
    assert opened.need("Eval/a.txt", "Eval/b.txt").name == "b.txt"
    said = r"no Eval/a.txt in .* \(a.txt is there, but empty\); unpack it"
    with pytest.raises(FitRankError, match=said):
        opened.need("Eval/a.txt")


@pytest.mark.parametrize("target", ["elsewhere", "elsewhere/deeper"])
def test_links_to_folders_are_followed(tmp_path: Path, target: str) -> None:
    write_files(tmp_path / target, {"Eval/a.txt": b"1"})
    named = tmp_path / "named"
    named.mkdir()
    (named / "link").symlink_to(tmp_path / "elsewhere")
    (named / "circle").symlink_to(named)
    opened = ManualDir(str(named), "Eval/a.txt", UNPACK)
    assert opened.root.resolve() == tmp_path / target


def test_other_folders_that_it_may_be_are_logged(tmp_path: Path, caplog) -> None:
    write_files(tmp_path, {"a/list.txt": b"1", "b/list.txt": b"1", "c/other.txt": b"1"})
    with caplog.at_level(logging.INFO):
        assert ManualDir(str(tmp_path), "list.txt", UNPACK).root == tmp_path / "a"
    assert f"{tmp_path}/a is read, and not {tmp_path}/b" in caplog.text
