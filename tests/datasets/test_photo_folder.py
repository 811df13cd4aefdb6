"""A folder of photos is a catalogue: ids by file name, no titles, no boxes."""

from pathlib import Path

import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.catalogue import CatalogueSource, open_catalogue
from fitrank_tf.datasets.photo_folder import PhotoFolderSource
from fitrank_tf.datasets.splits import ALL
from tests.datasets.small_catalogues import noise_photo, write_files


def open_folder(folder: Path, cache: Path):
    source = CatalogueSource("photo_folder", images=str(folder))
    return open_catalogue(source, str(cache))


def test_photos_come_by_name_and_other_files_do_not(tmp_path: Path) -> None:
    names = ("b.jpg", "a.PNG", "c.jpeg", "d.webp", "notes.txt", "e", "below/f.jpg")
    write_files(tmp_path, {name: name.encode() for name in names})
    source = PhotoFolderSource(str(tmp_path))
    rows = list(source.rows())
    assert [(row.id, row.photo) for row in rows] == [
        ("a", "a.PNG"),
        ("b", "b.jpg"),
        ("c", "c.jpeg"),
        ("d", "d.webp"),
    ]
    assert {(row.text, row.objects, row.problem) for row in rows} == {("", (), "")}
    assert source.read_photo("b.jpg") == b"b.jpg"


def test_the_folder_opens_as_a_catalogue(tmp_path: Path) -> None:
    photos = {f"set/p{n}.jpg": noise_photo(n, 20, 30) for n in range(6)}
    broken = {"set/cut.jpg": noise_photo(9, 200, 200)[:5000], "set/p3.png": noise_photo(7)}
    write_files(tmp_path, {**photos, **broken})
    catalogue = open_folder(tmp_path / "set", tmp_path / "cache")
    # p3 is there twice: the first by name is kept.
    assert catalogue.skipped == {"truncated image": 1, "duplicate id": 1}
    items = list(catalogue.items(ALL).as_numpy_iterator())
    assert sorted(item["id"].decode() for item in items) == [f"p{n}" for n in range(6)]
    assert all(item["image"].shape == (30, 20, 3) for item in items)
    assert all(item["objects"]["bbox"].shape == (0, 4) for item in items)
    records = catalogue.records(ALL)
    assert set(records.texts) == {""}
    assert records.attributes == {}
    assert set(records.column("colour")) == {""}


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        ("", r"--images \(not given\): name a folder"),
        ("gone", "gone: name a folder"),
        ("notes.txt", r"notes\.txt: name a folder"),
        ("empty", r"empty: no file ends in \.jpg, "),
    ],
)
def test_a_folder_without_photos_is_refused(
    tmp_path: Path, monkeypatch, folder: str, message: str
) -> None:
    write_files(tmp_path, {"notes.txt": b"", "empty/notes.txt": b""})
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FitRankError, match=message):
        PhotoFolderSource(folder)


def test_the_fingerprint_follows_names_and_sizes_of_photos(tmp_path: Path) -> None:
    def fingerprint(files: dict[str, bytes]) -> str:
        write_files(tmp_path, files)
        return PhotoFolderSource(str(tmp_path)).fingerprint()

    first = fingerprint({"a.jpg": b"one"})
    assert fingerprint({"notes.txt": b"anything"}) == first
    assert fingerprint({"a.jpg": b"more"}) != first
    assert fingerprint({"a.jpg": b"one", "b.jpg": b""}) != first
