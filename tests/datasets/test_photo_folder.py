"""A folder of photos is a catalogue: ids by file name, no titles, no boxes."""

import io
import os
from pathlib import Path

import pytest
from PIL import Image

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.catalogue import CatalogueSource, open_catalogue
from fitrank_tf.datasets.photo_folder import PhotoFolderSource
from fitrank_tf.datasets.photo_folder.source import HIDDEN, NO_PHOTO
from fitrank_tf.datasets.splits import ALL
from tests.datasets.small_catalogues import encode, noise_photo, write_files


def open_folder(folder: Path, cache: Path):
    source = CatalogueSource("photo_folder", images=str(folder))
    return open_catalogue(source, str(cache))


def test_every_file_is_a_product_or_is_counted_by_reason(tmp_path: Path) -> None:
    names = ("b.jpg", "a.PNG", "c.jpeg", "d.webp", "notes.txt", "e", ".DS_Store", "g.TIF")
    below = ("below/f.jpg", "below/deep/a.bmp", "below/clip.mp4", ".git/h.jpg")
    write_files(tmp_path, {name: name.encode() for name in names + below})
    write_files(tmp_path, {"no_suffix": noise_photo()})
    source = PhotoFolderSource(str(tmp_path))
    rows = list(source.rows())
    assert [(row.id, *row.photos) for row in rows if not row.problem] == [
        ("a", "a.PNG"),
        ("b", "b.jpg"),
        ("c", "c.jpeg"),
        ("d", "d.webp"),
        ("g", "g.TIF"),
        ("no_suffix", "no_suffix"),
        ("below/f", "below/f.jpg"),
        ("below/deep/a", "below/deep/a.bmp"),
    ]
    assert [(row.id, row.problem) for row in rows if row.problem] == [
        (".DS_Store", HIDDEN),
        ("e", NO_PHOTO),
        ("notes.txt", NO_PHOTO),
        ("below/clip.mp4", NO_PHOTO),
    ]
    assert {(row.text, row.objects) for row in rows} == {("", ())}
    assert source.read_photo("b.jpg") == b"b.jpg"


def test_the_folder_opens_as_a_catalogue(tmp_path: Path) -> None:
    photos = {f"set/p{n}.jpg": noise_photo(n, 20, 30) for n in range(6)}
    more = {
        "set/cut.jpg": noise_photo(9, 200, 200)[:5000],
        "set/p3.png": noise_photo(7),
        "set/notes.txt": b"",
    }
    pixels = Image.open(io.BytesIO(noise_photo(1, 20, 30)))
    more |= {
        f"set/winter/p{n}.{suffix}": encode(pixels.convert(mode), suffix.upper())
        for n, (suffix, mode) in enumerate([("tiff", "RGB"), ("bmp", "L"), ("gif", "P")])
    }
    write_files(tmp_path, {**photos, **more})
    catalogue = open_folder(tmp_path / "set", tmp_path / "cache")
    # p3 is there twice: the first by name is kept.
    assert catalogue.skipped == {"truncated image": 1, "duplicate id": 1, NO_PHOTO: 1}
    items = list(catalogue.items(ALL).as_numpy_iterator())
    assert sorted(item["id"].decode() for item in items) == [
        *(f"p{n}" for n in range(6)),
        *(f"winter/p{n}" for n in range(3)),
    ]
    assert all(item["image"].shape == (30, 20, 3) for item in items)
    assert all(item["objects"]["bbox"].shape == (0, 4) for item in items)
    records = catalogue.records(ALL)
    assert set(records.texts) == {""}
    assert records.attributes == {}
    assert set(records.column("colour")) == {""}


def test_names_in_latin_1_and_in_two_unicode_forms_are_read(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    folder = os.fsencode(tmp_path / "set")
    names = ("café.jpg".encode("latin-1"), "öl.jpg".encode(), "o\u0308de.jpg".encode())
    for number, name in enumerate(names):
        with open(os.path.join(folder, name), "wb") as file:  # noqa: PTH118, PTH123
            file.write(noise_photo(number))
    catalogue = open_folder(tmp_path / "set", tmp_path / "cache")
    assert not catalogue.skipped
    assert sorted(catalogue.records(ALL).ids) == ["café", "öde", "öl"]


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        ("", r"--images \(not given\): name a folder"),
        ("gone", "gone: name a folder"),
        ("notes.txt", r"notes\.txt: name a folder"),
        ("empty", r"empty: no file in it or below ends in \.jpg, "),
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
