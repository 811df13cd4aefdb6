"""Fetches photos that are named by an address, each once: they are kept on disk."""

import base64
import functools
import hashlib
import importlib
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes, urlsplit

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.files import cache_dir, write_atomically
from fitrank_tf.core.packages import imports_of
from fitrank_tf.core.photos.clean import UnreadablePhoto

if TYPE_CHECKING:
    import requests

MAX_BYTES = 64 * 2**20
_CHUNK = 2**16
# Connection, then any wait for more bytes, then the whole of a photo, in seconds.
_CONNECT, _READ, _WHOLE = 5.0, 20.0, 120.0
_RETRIES, _BACKOFF = 4, 0.5
_RETRIED_STATUS = (408, 425, 429, 500, 502, 503, 504)
# After so many failures in a row a host is not asked again.
_FAILURES = 8

_SCHEME = re.compile(r"^([a-z][a-z0-9+.\-]*)://", re.IGNORECASE)
_DATA = re.compile("data:", re.IGNORECASE)
_WITHOUT_SCHEME = re.compile(r"(?://|(?=www\.))[\w\-]+(?:\.[\w\-]+)+/", re.IGNORECASE)
# {scheme: (package that fsspec needs for it, the extra that installs that)}.
_DRIVERS = {
    "gs": ("gcsfs", "gs"),
    "gcs": ("gcsfs", "gs"),
    "s3": ("s3fs", "s3"),
    "s3a": ("s3fs", "s3"),
}

FAILED = "download failed"
TOO_LONG = f"{FAILED}: more than {MAX_BYTES // 2**20} MiB"
SLOW = f"{FAILED}: slower than {_WHOLE:g} s"
UNUSABLE = f"{FAILED}: unusable address"
NO_ANSWER = f"{FAILED}: no answer"
WEB_PAGE = f"{FAILED}: a web page, not a photo"
BAD_DATA = "data: address that cannot be read"


def is_address(name: str) -> bool:
    """Whether a name is an address such as https://, gs:// or data:, and no local path.

    `//host.com/photo.jpg`, which web pages use, and `www.host.com/photo.jpg` are too.
    """
    name = name.strip()
    scheme = _SCHEME.match(name)
    if scheme:
        return scheme[1].lower() != "file"
    return bool(_DATA.match(name) or _WITHOUT_SCHEME.match(name))


def download(address: str) -> bytes:
    """The bytes at an address, from the cache if they were fetched before.

    Args:
        address: http(s)://, gs://, s3:// or another scheme that fsspec knows; or data:.

    Raises:
        UnreadablePhoto: the reason why the download failed, after retries.
        FitRankError: if a package for the scheme is missing, or the cache folder cannot be
            written.
    """
    # Tables made from web pages have `&amp;` between the parts of a query.
    address = address.strip().replace("&amp;", "&")
    if _DATA.match(address):
        return _read_data(address)
    if _WITHOUT_SCHEME.match(address):
        address = f"https://{address.lstrip('/')}"
    kept = cache_dir() / "photos" / _file_name(address)
    try:
        return kept.read_bytes()
    except OSError:
        data = _hosts().fetch(address)
    write_atomically(kept, data)
    return data


def _file_name(address: str) -> Path:
    digest = hashlib.sha256(address.encode("utf-8", "surrogateescape")).hexdigest()
    return Path(digest[:2], digest)


def _read_data(address: str) -> bytes:
    head, comma, text = address.partition(",")
    data = unquote_to_bytes(text)
    try:
        if head.lower().endswith(";base64"):
            # The signs of padding at the end are often left out.
            data = base64.b64decode(data.rstrip(b"=") + b"==")
    except ValueError as error:
        raise UnreadablePhoto(BAD_DATA) from error
    if not (comma and data):
        raise UnreadablePhoto(BAD_DATA)
    return data


class _HostFailed(UnreadablePhoto):
    """A failure by which the host's other photos may be lost too."""


class _Hosts:
    """Connections to hosts, and which of them give nothing."""

    def __init__(self) -> None:
        self._failures: Counter[str] = Counter()
        self._reasons: dict[str, str] = {}

    def fetch(self, address: str) -> bytes:
        try:
            parts = urlsplit(address)
        except ValueError as error:
            raise UnreadablePhoto(UNUSABLE) from error
        host = f"{parts.scheme.lower()}://{parts.netloc}"
        if self._failures[host] >= _FAILURES:
            raise UnreadablePhoto(self._reasons[host])
        fetch = _fetch_http if parts.scheme.lower() in ("http", "https") else _fetch_fsspec
        try:
            data = fetch(address)
        except _HostFailed as error:
            self._failures[host] += 1
            self._reasons[host] = str(error)
            raise
        self._failures[host] = 0
        return data


@functools.cache
def _hosts() -> _Hosts:
    return _Hosts()


_threads = threading.local()


def _session() -> "requests.Session":
    """This thread's connections, with retries after busy answers and lost connections."""
    import requests
    import urllib3

    if not hasattr(_threads, "session"):
        retry = urllib3.Retry(
            total=_RETRIES,
            backoff_factor=_BACKOFF,
            status_forcelist=_RETRIED_STATUS,
            # A host could ask for hours.
            respect_retry_after_header=False,
            raise_on_status=False,
        )
        _threads.session = requests.Session()
        for scheme in ("http://", "https://"):
            _threads.session.mount(scheme, requests.adapters.HTTPAdapter(max_retries=retry))
        _threads.session.headers["User-Agent"] = "fitrank-tf"
    return _threads.session


def _fetch_http(address: str) -> bytes:
    try:
        import requests
    except ModuleNotFoundError as error:
        raise FitRankError(
            f"photo {address}: an address needs a package; `pip install requests`"
        ) from error

    for attempt in range(_RETRIES + 1):
        try:
            with _session().get(address, stream=True, timeout=(_CONNECT, _READ)) as answer:
                if not answer.ok:
                    is_busy = answer.status_code in _RETRIED_STATUS
                    failed = _HostFailed if is_busy else UnreadablePhoto
                    raise failed(f"{FAILED}: HTTP status {answer.status_code}")
                if answer.headers.get("Content-Type", "").startswith("text/html"):
                    raise UnreadablePhoto(WEB_PAGE)
                return _bounded(answer.iter_content(_CHUNK))
        except (
            requests.exceptions.InvalidURL,
            requests.exceptions.InvalidSchema,
            requests.exceptions.TooManyRedirects,
            UnicodeError,
        ) as error:
            raise UnreadablePhoto(UNUSABLE) from error
        except requests.exceptions.ChunkedEncodingError as error:
            # The connection broke off within the photo: the session retries only heads.
            if attempt == _RETRIES:
                raise _HostFailed(f"{FAILED}: the connection broke off") from error
            time.sleep(_BACKOFF * 2**attempt)
        except requests.RequestException as error:
            raise _HostFailed(NO_ANSWER) from error
    raise AssertionError("the last attempt returns or raises")


def _bounded(chunks: Iterator[bytes]) -> bytes:
    end, data = time.monotonic() + _WHOLE, bytearray()
    for chunk in chunks:
        data += chunk
        if len(data) > MAX_BYTES:
            raise UnreadablePhoto(TOO_LONG)
        if time.monotonic() > end:
            raise _HostFailed(SLOW)
    return bytes(data)


def _fetch_fsspec(address: str) -> bytes:
    """Reads through fsspec; its drivers of gs:// and s3:// retry themselves."""
    scheme = urlsplit(address).scheme.lower()
    import fsspec

    if scheme in _DRIVERS:
        package, extra = _DRIVERS[scheme]
        with imports_of(extra):
            importlib.import_module(package)
    try:
        with fsspec.open(address, "rb") as file:
            return _bounded(iter(lambda: file.read(_CHUNK), b""))
    except UnreadablePhoto:
        raise
    except FileNotFoundError as error:
        raise UnreadablePhoto(f"{FAILED}: no such file") from error
    except PermissionError as error:
        raise UnreadablePhoto(f"{FAILED}: not permitted") from error
    except Exception as error:
        # Each driver raises errors of its own.
        raise _HostFailed(f"{FAILED}: {scheme}:// {type(error).__name__}") from error
