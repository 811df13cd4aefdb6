"""A bundle's catalogue is changed and exported by commands."""

import re
import shutil

import pytest

from fitrank_tf.cli import build_index, export, search
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.export.bundle import model_path


@pytest.fixture
def copy(bundle, tmp_path):
    """A bundle that may be changed."""
    return shutil.copytree(bundle, tmp_path / "bundle")


def _found(bundle, capsys, query: str, *options: str) -> list[str]:
    """The ids that a search prints."""
    capsys.readouterr()
    search.main(["--bundle", str(bundle), "--top_k=20", query, *options])
    return [line.split()[1] for line in capsys.readouterr().out.splitlines()[1:]]


def _catalogue(folder, tmp_path) -> list[str]:
    return [
        *("--dataset=fashion_product_images", f"--manual_dir={folder}"),
        f"--data_dir={tmp_path / 'data'}",
    ]


@pytest.mark.slow
def test_products_are_added_and_removed(copy, other_catalogue, tmp_path, capsys) -> None:
    other = _catalogue(other_catalogue, tmp_path)
    build_index.main([f"--bundle={copy}", "--add", *other])
    printed = capsys.readouterr().out
    assert printed.strip().endswith(str(model_path(copy, "search")))
    assert model_path(copy, "search").name == "2"
    # Six joined, all called Acme; filters know them too.
    joined = {str(100 + n) for n in range(6)}
    red = _found(copy, capsys, "shirt", "--filter=colour=red", "--filter=gender=men")
    assert "100" in red and not joined & (set(red) - {"100"})
    (tmp_path / "ids.txt").write_text("100\n\n101\n")
    build_index.main([f"--bundle={copy}", f"--remove_file={tmp_path / 'ids.txt'}"])
    assert "100" not in _found(copy, capsys, "shirt", "--filter=colour=red")


@pytest.mark.slow
def test_another_catalogue_replaces_the_first(
    copy, other_catalogue, tmp_path, capsys
) -> None:
    build_index.main([f"--bundle={copy}", *_catalogue(other_catalogue, tmp_path)])
    assert sorted(_found(copy, capsys, "red shirt")) == [str(100 + n) for n in range(6)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--remove=nobody"], "no product 'nobody'"),
        (["--remove=,"], "no id to remove"),
        (["--remove_file=/no/such"], "--remove_file /no/such: cannot be read"),
        (["--bundle=/no/such", "--remove=1"], "no bundle in /no/such"),
    ],
)
def test_unknown_products_to_remove_are_named(bundle, arguments, message) -> None:
    with pytest.raises(FitRankError, match=re.escape(message)):
        build_index.main([f"--bundle={bundle}", *arguments])
    assert model_path(bundle, "search").name == "1"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_ids_to_remove_are_cleaned_as_those_of_tables(
    encoding: str, tmp_path, monkeypatch
) -> None:
    removed = []

    class Old:
        def without(self, ids):
            removed.append(ids)

    monkeypatch.setattr(build_index, "change_catalogue", lambda _, change: change(Old()))
    ids = " A-1\u00a0\r\n\r\n\tcaf\u00e9 &amp; co\r\nnan\r\n"
    (tmp_path / "ids.txt").write_bytes(ids.encode(encoding))
    build_index.main([f"--remove_file={tmp_path / 'ids.txt'}"])
    build_index.main(["--remove= A-1\u00a0,, caf\u00e9 &amp; co"])
    assert removed == [["A-1", "café & co"]] * 2


@pytest.mark.parametrize("pair", ["size=M", "gender"])
def test_a_malformed_filter_is_named(bundle, pair: str) -> None:
    with pytest.raises(FitRankError, match=re.escape(f"filter '{pair}'")):
        search.main(["--bundle", str(bundle), "shirt", "--filter", pair])


def test_export_prints_labels_and_flags(bundle, tmp_path, capsys) -> None:
    export.main([f"--bundle={bundle}", f"--output_dir={tmp_path}", "--models=search"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["model", "stable", "canary"]
    assert lines[1].split() == ["search", "1", "-"]
    assert "--model_config_file=/models/models.config" in lines[-1]
    with pytest.raises(FitRankError, match="nothing to go back to"):
        export.main([f"--output_dir={tmp_path}", "--roll_back"])
