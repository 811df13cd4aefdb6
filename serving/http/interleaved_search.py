"""Two bundles on one page of results by team draft: `--interleave A,B`, under /interleaved.

    GET  /interleaved/search?q=red+shirt&top_k=10&session=NAME
         {"page": NAME, "hits": [{"id": ..., "title": ..., "position": 1}, ...]}
    POST /interleaved/clicks {"page": NAME, "product": ID}
         204, or 404 for a page that takes no more clicks

The log of it is scored by `fitrank clicks --interleaved LOG`.
"""

import asyncio
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from fitrank_tf.clicks.interleaving import team_draft
from fitrank_tf.clicks.recorder import ClickRecorder
from fitrank_tf.client.hits import Hit
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.export.loaded_bundle import LoadedBundle

PATH = "/interleaved"
_MOST_TEXT, _MOST_HITS, _MOST_BODY = 2000, 100, 4096


class Searchable(Protocol):
    """Interface of what is interleaved."""

    def search(self, queries: str, top_k: int) -> Sequence[Hit]:
        """The best products for a text."""


class InterleavedSearch:
    """The endpoints.

    Args:
        first: team A.
        second: team B.
        recorder: gets pages and clicks.
        seed: of the coins.
    """

    def __init__(
        self, first: Searchable, second: Searchable, recorder: ClickRecorder, seed: int
    ):
        self._teams = (first, second)
        self._recorder = recorder
        self._rng = np.random.default_rng(seed)
        # One search at a time, as the models use all cores.
        self._turn = asyncio.Lock()

    def app(self) -> Starlette:
        """The endpoints as an ASGI app."""
        routes = [
            Route("/search", self.search),
            Route("/clicks", self.click, methods=["POST"]),
        ]
        return Starlette(routes=routes)

    async def search(self, request: Request) -> Response:
        """A page of both bundles' results."""
        query = " ".join(request.query_params.get("q", "").split())
        session = request.query_params.get("session", "")
        top_k = request.query_params.get("top_k", "10")
        if not query or max(len(query), len(session)) > _MOST_TEXT:
            return _refused(f"q: give a text of 1 to {_MOST_TEXT} characters")
        if not (top_k.isascii() and top_k.isdecimal() and 0 < int(top_k[:9]) <= _MOST_HITS):
            return _refused(f"top_k: give a number from 1 to {_MOST_HITS}")
        return JSONResponse(await self._page(query, session, int(top_k)))

    async def _page(self, query: str, session: str, top_k: int) -> dict[str, object]:
        async with self._turn:
            found = [
                await asyncio.to_thread(team.search, query, top_k) for team in self._teams
            ]
        titles = {hit.id: hit.title for hits in found for hit in hits}
        first, second = ([hit.id for hit in hits] for hits in found)
        products, teams = team_draft(first, second, top_k, self._rng)
        page = await asyncio.to_thread(self._recorder.show, session, query, products, teams)
        hits = [
            {"id": item, "title": titles[item], "position": position}
            for position, item in enumerate(products, start=1)
        ]
        return {"page": page, "hits": hits}

    async def click(self, request: Request) -> Response:
        """Records a click."""
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MOST_BODY:
                return _refused("clicks: give page and product alone", 413)
        try:
            given = json.loads(body)
            page, product = str(given["page"]), str(given["product"])
        except (ValueError, KeyError, TypeError, RecursionError):
            return _refused("clicks: give page and product as JSON")
        if not self._recorder.click(page, product):
            return _refused("page: it takes no more clicks, or has no such product", 404)
        return Response(status_code=204)


def _refused(why: str, status: int = 400) -> JSONResponse:
    return JSONResponse({"error": why}, status)


def interleaved_search(bundles: str, log: str) -> tuple[Mount, ClickRecorder]:
    """Loads two bundles beside the served models.

    Args:
        bundles: folders of A and B, with a comma between.
        log: file of the clicks, which is added to.

    Returns:
        The endpoints, and the recorder, which must be closed when the server stops.

    Raises:
        FitRankError: a bundle cannot be loaded, or the log cannot be written.
    """
    paths = [path for path in bundles.split(",") if path]
    if len(paths) != 2:
        raise FitRankError(f"--interleave {bundles}: name two bundles, A,B")
    recorder = ClickRecorder(Path(log))
    first, second = (LoadedBundle(Path(path)) for path in paths)
    seed = int.from_bytes(os.urandom(4))
    return Mount(PATH, InterleavedSearch(first, second, recorder, seed).app()), recorder
