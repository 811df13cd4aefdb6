"""The page and its data as an ASGI app, which may be mounted under any path."""

import asyncio
import dataclasses
import functools
import json
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from fitrank_tf.client.hits import Hit
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.photos.clean import UnreadablePhoto
from fitrank_tf.demo.filter_counts import FilterCounts
from fitrank_tf.demo.judgments import JudgmentFiles
from fitrank_tf.demo.photos import ProductPhotos, UploadedPhotos
from fitrank_tf.demo.search import DemoSearch, Want, contributions
from fitrank_tf.demo.trust import OwnOriginOnly, SecurityHeaders

LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")
STATIC = Path(__file__).with_name("static")
FILTER_PREFIX = "filter."
_MOST_TEXT = 2000
_MOST_HITS = 100
_MOST_UPLOAD = 10 * 2**20
_MOST_JSON = 16 * 2**10
# Seconds for a client to send a body.
_BODY_TIME = 30.0
# Values of an attribute that are counted in an answer, the most frequent ones.
_MOST_VALUES = 200
# Browsers ask again after an hour; a photo of the same id may have changed.
_PHOTO_CACHING = {"Cache-Control": "private, max-age=3600"}
_NO_CACHING = {"Cache-Control": "no-store"}
# Of nginx: the client went away before the answer.
_GONE = 499

_T = TypeVar("_T")
Answer = Callable[[Request], Awaitable[Response]]


@dataclasses.dataclass(frozen=True)
class DemoSettings:
    """Who may use the page.

    Attributes:
        hosts: names in a request's `Host` by which the page may be called, without a port;
            "*" admits any. Others are refused, so that no foreign name that resolves to
            this machine reads the catalogue.
        origins: of other sites whose pages may call it, such as "https://shop.example"; no
            CORS header is sent without any.

    Raises:
        FitRankError: without a host, or for an origin that is a pattern.
    """

    hosts: tuple[str, ...] = LOCAL_HOSTS
    origins: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.hosts:
            raise FitRankError("hosts: name one at least, such as localhost")
        wrong = [each for each in self.origins if "*" in each or "://" not in each]
        if wrong:
            raise FitRankError(
                f"--allow_origin {wrong[0]}: write it as https://shop.example"
            )


def demo_app(
    search: DemoSearch,
    photos: ProductPhotos,
    judgments: JudgmentFiles | None = None,
    settings: DemoSettings | None = None,
) -> Starlette:
    """The page as an ASGI app.

    Args:
        search: what it asks.
        photos: of the products; those that have none are shown without.
        judgments: where thumbs are written; None shows no thumbs.
        settings: who may use it; None admits this machine alone.
    """
    settings = settings or DemoSettings()
    page = _Page(search, photos, judgments)
    routes = [
        Route("/", page.index),
        Route("/api/describe", _answered(page.describe)),
        Route("/api/search", _answered(page.search)),
        Route("/api/without", _answered(page.without)),
        Route("/api/photos", _answered(page.upload), methods=["POST"]),
        Route("/api/judgments", _answered(page.judge), methods=["POST"]),
        Route("/photo", page.photo),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
    middleware = [
        Middleware(SecurityHeaders),
        Middleware(
            TrustedHostMiddleware, allowed_hosts=list(settings.hosts), www_redirect=False
        ),
        Middleware(OwnOriginOnly, origins=settings.origins),
        Middleware(GZipMiddleware, minimum_size=1024, compresslevel=1),
    ]
    if settings.origins:
        cors = Middleware(
            CORSMiddleware,
            allow_origins=list(settings.origins),
            allow_methods=["GET", "POST"],
            allow_headers=["Content-Type"],
        )
        middleware.insert(2, cors)
    return Starlette(routes=routes, middleware=middleware)


class _Page:
    """The endpoints; see `demo_app` for the arguments."""

    def __init__(
        self, search: DemoSearch, photos: ProductPhotos, judgments: JudgmentFiles | None
    ):
        self._search, self._photos, self._judgments = search, photos, judgments
        self._uploads = UploadedPhotos()
        # A photo of many pixels takes hundreds of megabytes while it is decoded.
        self._decoding = asyncio.Semaphore(2)

    async def index(self, request: Request) -> Response:
        """The page itself."""
        return FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-cache"})

    async def describe(self, request: Request) -> dict[str, Any]:
        """What can be searched."""
        described = await self._search.describe()
        filters = [{"name": one.name, "kind": one.kind} for one in described.filters]
        return {
            **dataclasses.asdict(described),
            "filters": filters,
            "judging": self._judgments is not None,
            "photos": bool(self._photos.photos),
        }

    async def search(self, request: Request) -> dict[str, Any]:
        """Hits of one system or several, what was understood, and the filters' counts."""
        text, filters = _text(request, "q"), _filters(request)
        top_k = _whole(request, "top_k", 24)
        photo = self._photo_to_search(request)
        wants: Sequence[Want] = await self._search.understand(text) if text.strip() else ()
        if photo is not None:
            hits = await self._search.similar(photo, text, filters, top_k)
            columns = [{"system": "similar", "hits": self._shown(hits)}]
        else:
            described = await self._search.describe()
            given = request.query_params.get("systems") or described.systems[0].name
            columns = [
                {
                    "system": system,
                    "hits": self._shown(
                        await self._search.search(text, filters, top_k, system)
                    ),
                }
                for system in dict.fromkeys(given.split(","))
            ]
        return {
            "columns": columns,
            "understood": [dataclasses.asdict(want) for want in wants],
            "counts": _counts(await self._search.count(filters)),
            "grades": self._grades(text) if photo is None else {},
        }

    async def without(self, request: Request) -> dict[str, Any]:
        """The text without what one chip was read from."""
        values = tuple(request.query_params.getlist("value"))
        want = Want(
            _text(request, "facet"), values, request.query_params.get("denied") == "true"
        )
        return {"text": await self._search.without(_text(request, "q"), want)}

    async def upload(self, request: Request) -> dict[str, Any]:
        """Keeps a photo to search by."""
        data = await _body(request, _MOST_UPLOAD, "photo")
        try:
            async with self._decoding:
                return {"photo": await asyncio.to_thread(self._uploads.add, data)}
        except UnreadablePhoto as error:
            raise FitRankError(
                f"photo: {error}; choose an image file that opens"
            ) from error

    async def judge(self, request: Request) -> dict[str, Any]:
        """Writes a thumb; answers with the query's grades."""
        if self._judgments is None:
            raise HTTPException(404, "no judgments are taken here")
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            raise HTTPException(415, "send a judgment as application/json")
        given = _judgment(await _body(request, _MOST_JSON, "judgment"))
        return {"grades": await asyncio.to_thread(self._judgments.judge, *given)}

    async def photo(self, request: Request) -> Response:
        """A product's photo for a card, or one that was uploaded."""
        key = request.query_params.get("uploaded")
        if key is not None:
            found = self._uploads.get(key)
        else:
            product = request.query_params.get("id", "")
            found = await asyncio.to_thread(self._photos.thumbnail, product)
        if found is None:
            return Response("no such photo", 404, media_type="text/plain")
        kind = "image/png" if found.startswith(b"\x89PNG") else "image/jpeg"
        return Response(found, media_type=kind, headers=_PHOTO_CACHING)

    def _photo_to_search(self, request: Request) -> bytes | None:
        """The photo of `photo`, an upload's key, or of `like`, a product's id."""
        key, product = (request.query_params.get(name) for name in ("photo", "like"))
        if key is not None:
            found = self._uploads.get(key)
            if found is None:
                raise FitRankError("photo: it is no longer kept here; choose it again")
            return found
        if product is None:
            return None
        if product not in self._photos.photos:
            raise FitRankError(f"like {product!r}: this product has no photo here")
        return self._photos.photos[product]

    def _shown(self, hits: Sequence[Hit]) -> list[dict[str, Any]]:
        return [
            {
                "id": hit.id,
                "title": hit.title,
                "score": hit.score,
                "photo": hit.id in self._photos.photos,
                "contributions": contributions(hit.explanation),
            }
            for hit in hits
        ]

    def _grades(self, text: str) -> Mapping[str, int]:
        return self._judgments.grades(text) if self._judgments and text.strip() else {}


def _answered(answer: Callable[[Request], Coroutine[Any, Any, dict[str, Any]]]) -> Answer:
    """An endpoint that gives JSON, and errors of input as `{"error": one line}`.

    When the client goes away, as the page does with answers that a further key press has
    made stale, the work that has not begun is dropped.
    """

    @functools.wraps(answer)
    async def endpoint(request: Request) -> Response:
        # A body must be read before: what is received after it says that the client left.
        if request.method == "POST":
            return await _as_json(answer(request))
        working = asyncio.ensure_future(_as_json(answer(request)))
        leaving = asyncio.ensure_future(_left(request))
        try:
            await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
            return working.result() if working.done() else Response(status_code=_GONE)
        finally:
            working.cancel()
            leaving.cancel()

    return endpoint


async def _as_json(answer: Awaitable[dict[str, Any]]) -> Response:
    try:
        return JSONResponse(await answer, headers=_NO_CACHING)
    except FitRankError as error:
        return JSONResponse({"error": str(error)}, 400, headers=_NO_CACHING)
    except HTTPException as error:
        return JSONResponse({"error": error.detail}, error.status_code)


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _body(request: Request, most: int, name: str) -> bytes:
    """A request's body, of which never more than `most` bytes are read."""
    data = bytearray()
    try:
        async with asyncio.timeout(_BODY_TIME):
            async for chunk in request.stream():
                data += chunk
                if len(data) > most:
                    raise HTTPException(
                        413, f"{name}: more than {most / 2**20:.3g} MB; send a smaller one"
                    )
    except TimeoutError as error:
        raise HTTPException(408, f"{name}: it came too slowly; send it again") from error
    return bytes(data)


def _judgment(body: bytes) -> tuple[str, str, int | None]:
    """(query, product, grade) of {"query": text, "product": id, "grade": 0, 1 or null}."""
    try:
        given = json.loads(body)
        query, product, grade = (given[name] for name in ("query", "product", "grade"))
        # Lone surrogates, which JSON can hold, are no text.
        f"{query}{product}".encode()
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise FitRankError("judgment: give query, product and grade as JSON") from error
    if not isinstance(query, str) or not isinstance(product, str):
        raise FitRankError("judgment: query and product are texts")
    if grade is not None and type(grade) is not int:
        raise FitRankError("judgment: the grade is 1 for good, 0 for bad or null")
    return _checked(query, "query"), product, grade


def _text(request: Request, name: str) -> str:
    return _checked(request.query_params.get(name, ""), name)


def _checked(text: str, name: str) -> str:
    if len(text) > _MOST_TEXT:
        raise FitRankError(f"{name}: {len(text)} characters; write at most {_MOST_TEXT}")
    return text.replace("\0", " ")


def _whole(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= _MOST_HITS):
        raise FitRankError(f"{name} {text[:20]!r}: give a number from 1 to {_MOST_HITS}")
    return int(text)


def _filters(request: Request) -> dict[str, str]:
    return {
        name.removeprefix(FILTER_PREFIX): _checked(text, name)
        for name, text in request.query_params.items()
        if name.startswith(FILTER_PREFIX) and text.strip()
    }


def _counts(counts: FilterCounts) -> dict[str, Any]:
    """As JSON: pairs, for objects of JavaScript do not keep the order of "2011" and "M"."""
    return {
        "admitted": counts.admitted,
        "values": {
            name: [pair for pair in of.items() if pair[1]][:_MOST_VALUES]
            for name, of in counts.values.items()
        },
        "numbers": {name: dataclasses.asdict(of) for name, of in counts.numbers.items()},
    }
