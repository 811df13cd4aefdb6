"""Photos come over HTTP and fsspec once, within bounds, and failures have a reason."""

import base64
import http.server
import threading
from collections import Counter
from pathlib import Path

import fsspec
import pytest
import requests

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.photos import download as module
from fitrank_tf.core.photos.clean import UnreadablePhoto
from fitrank_tf.core.photos.download import download, is_address
from tests.datasets.small_catalogues import noise_photo

PHOTO = noise_photo(1)


class _Shop(http.server.BaseHTTPRequestHandler):
    asked: Counter[str]

    def do_GET(self) -> None:
        self.asked[self.path] += 1
        path, times = self.path.partition("?")[0], self.asked[self.path]
        if path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/photo.jpg")
            self.end_headers()
        elif path == "/busy-twice" and times <= 2:
            self._answer(503, b"busy")
        elif path == "/busy":
            self._answer(429, b"busy")
        elif (path == "/cut-once" and times == 1) or path == "/cut":
            self._answer(200, PHOTO, claimed=len(PHOTO) + 10)
        elif path == "/page":
            self._answer(200, b"<html>", "text/html; charset=utf-8")
        elif path == "/gone":
            self._answer(404, b"")
        else:
            self._answer(200, PHOTO)

    def _answer(self, status: int, body: bytes, kind: str = "image/jpeg", claimed: int = 0):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(claimed or len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(autouse=True)
def _new_process(tmp_path: Path, monkeypatch) -> None:
    """An empty cache, no host known to fail, and no long waits."""
    monkeypatch.setenv("FITRANK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(module, "_BACKOFF", 0.01)
    monkeypatch.setattr(module, "_threads", threading.local())
    module._hosts.cache_clear()


@pytest.fixture
def asked() -> Counter[str]:
    return Counter()


@pytest.fixture
def shop(asked: Counter[str]):
    handler = type("Shop", (_Shop,), {"asked": asked})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("path", "times"),
    [
        ("photo.jpg", 1),
        ("p.jpg?v=3&w=600", 1),
        ("moved", 1),
        ("busy-twice", 3),
        ("cut-once", 2),
    ],
)
def test_a_photo_is_fetched_and_kept(shop: str, asked, path: str, times: int) -> None:
    assert [download(f"{shop}/{path}") for _ in range(2)] == [PHOTO] * 2
    assert asked[f"/{path}"] == times


@pytest.mark.parametrize(
    ("path", "reason", "times"),
    [
        ("gone", "download failed: HTTP status 404", 1),
        ("busy", "download failed: HTTP status 429", 5),
        ("cut", "download failed: the connection broke off", 5),
        ("page", "download failed: a web page, not a photo", 1),
    ],
)
def test_a_failure_has_a_reason_and_is_not_kept(
    shop: str, asked, path: str, reason: str, times: int
) -> None:
    for attempt in (1, 2):
        with pytest.raises(UnreadablePhoto, match=reason):
            download(f"{shop}/{path}")
        assert asked[f"/{path}"] == times * attempt


def test_a_photo_that_is_too_long_is_not_read_to_its_end(shop: str, monkeypatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", len(PHOTO) - 1)
    with pytest.raises(UnreadablePhoto, match="download failed: more than"):
        download(f"{shop}/photo.jpg")


def test_a_slow_photo_is_given_up(shop: str, monkeypatch) -> None:
    monkeypatch.setattr(module, "_WHOLE", 0.0)
    with pytest.raises(UnreadablePhoto, match="download failed: slower than"):
        download(f"{shop}/photo.jpg")


@pytest.mark.parametrize("path", ["busy", "cut"])
def test_a_host_that_gives_nothing_is_asked_a_few_times_only(
    shop: str, asked, path: str
) -> None:
    reasons = set()
    for number in range(12):
        with pytest.raises(UnreadablePhoto) as failed:
            download(f"{shop}/{path}?{number}")
        reasons.add(str(failed.value))
    assert len(asked) == 8
    assert len(reasons) == 1


def test_photos_that_are_gone_do_not_end_the_others(shop: str) -> None:
    for number in range(12):
        with pytest.raises(UnreadablePhoto, match="404"):
            download(f"{shop}/gone?{number}")
    assert download(f"{shop}/photo.jpg") == PHOTO


@pytest.mark.parametrize("address", ["https://down.example", "memory://down"])
def test_a_host_that_never_answers_is_asked_a_few_times_only(monkeypatch, address) -> None:
    calls: list[str] = []

    def silent(address: str, *_: object, **__: object) -> bytes:
        calls.append(address)
        raise requests.ConnectionError("down")

    monkeypatch.setattr(requests.Session, "get", lambda _, *args, **rest: silent(*args))
    monkeypatch.setattr(fsspec, "open", silent)
    reason = r"no answer|memory:// ConnectionError"
    for number in range(50):
        with pytest.raises(UnreadablePhoto, match=reason):
            download(f"{address}/{number}.jpg")
    assert len(calls) == 8


def test_a_file_that_may_not_be_read_has_its_reason(monkeypatch) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(fsspec, "open", forbidden)
    with pytest.raises(UnreadablePhoto, match="download failed: not permitted"):
        download("memory://shop/secret.jpg")


@pytest.mark.parametrize(
    ("written", "asked_for"),
    [
        ("http://shop.com/p?a=1&amp;w=600", "http://shop.com/p?a=1&w=600"),
        ("//cdn.shop.com/a.jpg", "https://cdn.shop.com/a.jpg"),
        ("www.shop.com/a.jpg", "https://www.shop.com/a.jpg"),
        ("WWW.shop.com/a.jpg", "https://WWW.shop.com/a.jpg"),
    ],
)
def test_addresses_as_web_pages_have_them(monkeypatch, written, asked_for) -> None:
    calls: list[str] = []
    monkeypatch.setattr(module, "_fetch_http", lambda at: calls.append(at) or PHOTO)
    assert download(written) == PHOTO
    assert calls == [asked_for]


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("http://127.0.0.1:1/a.jpg", "no answer"),
        ("http://[bad/a.jpg", "unusable address"),
        ("https:///a.jpg", "unusable address"),
        ("nonsense://a.jpg", "download failed: nonsense:// ValueError"),
        ("memory://not-there.jpg", "no such file"),
        ("data:image/png;base64,@", "data: address"),
        ("data:nothing", "data: address"),
    ],
)
def test_addresses_that_lead_to_nothing(address: str, reason: str) -> None:
    with pytest.raises(UnreadablePhoto, match=reason):
        download(address)


def test_other_schemes_go_through_fsspec() -> None:
    with fsspec.open("memory://shop/a.jpg", "wb") as file:
        file.write(PHOTO)
    assert download("memory://shop/a.jpg") == PHOTO


@pytest.mark.parametrize(("scheme", "extra"), [("gs", "gs"), ("s3", "s3")])
def test_a_missing_driver_ends_with_its_extra(monkeypatch, scheme: str, extra: str) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(module.importlib, "import_module", missing)
    with pytest.raises(FitRankError, match=rf'pip install "fitrank-tf\[{extra}\]"'):
        download(f"{scheme}://bucket/a.jpg")


@pytest.mark.parametrize("head", ["data:image/jpeg;base64", "DATA:;Base64"])
@pytest.mark.parametrize("length", range(3))
def test_a_data_address_holds_the_photo(head: str, length: int) -> None:
    photo = PHOTO + bytes(length)
    text = base64.b64encode(photo).decode()
    for written in (text, text.rstrip("=")):
        assert download(f"{head},{written}") == photo


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("https://x.com/a.jpg", True),
        ("S3://bucket/a.jpg", True),
        ("//cdn.shop.com/a.jpg", True),
        ("data:image/png;base64,aa", True),
        ("Data:image/png;base64,aa", True),
        ("www.shop.com/a.jpg", True),
        ("www.jpg", False),
        ("www/a.jpg", False),
        ("file:///a.jpg", False),
        (r"C:\a.jpg", False),
        ("C:/a.jpg", False),
        ("//a.jpg", False),
        ("a.jpg", False),
    ],
)
def test_what_is_an_address(name: str, expected: bool) -> None:
    assert is_address(name) is expected
