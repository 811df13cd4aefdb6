"""Photos for cards, and those that people search by."""

import io

import pytest
from PIL import Image

from fitrank_tf.core.photos.clean import UnreadablePhoto
from fitrank_tf.demo.photos import ProductPhotos, UploadedPhotos, thumbnail


def _encoded(kind: str, width: int, height: int, colour: int = 128) -> bytes:
    encoded = io.BytesIO()
    Image.new("RGB", (width, height), (colour, 40, 40)).save(encoded, kind)
    return encoded.getvalue()


@pytest.mark.parametrize(
    ("kind", "size", "shown"),
    [
        ("JPEG", (168, 224), (168, 224)),
        ("JPEG", (300, 600), (180, 360)),
        ("PNG", (100, 50), (100, 50)),
        ("PNG", (512, 512), (360, 360)),
    ],
)
def test_a_thumbnail_is_a_small_jpeg(kind: str, size, shown) -> None:
    photo = _encoded(kind, *size)
    small = thumbnail(photo)
    with Image.open(io.BytesIO(small)) as image:
        assert (image.format, image.size) == ("JPEG", shown)
    assert (small == photo) == (kind == "JPEG" and size == shown)


def test_photos_are_found_by_id_alone() -> None:
    photos = ProductPhotos({"../a b": _encoded("JPEG", 20, 30)})
    assert photos.thumbnail("../a b") == photos.photos["../a b"]
    assert photos.thumbnail("a b") is None


def test_the_last_uploads_are_kept(monkeypatch) -> None:
    monkeypatch.setattr("fitrank_tf.demo.photos._KEPT_UPLOADS", 2)
    uploads = UploadedPhotos()
    first, second = (uploads.add(_encoded("JPEG", 9, 9, n)) for n in (1, 90))
    assert uploads.add(_encoded("JPEG", 9, 9, 1)) == first != second
    third = uploads.add(_encoded("JPEG", 9, 9, 200))
    assert uploads.get(second) is None
    assert uploads.get(first) and uploads.get(third)
    with pytest.raises(UnreadablePhoto):
        uploads.add(b"no photo")
