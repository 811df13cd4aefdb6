"""What a browser is told and what requests are refused, whatever the page itself does."""

from collections.abc import Collection, Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Nothing but the page's own files, and no markup made from texts.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_CHANGES_NOTHING = ("GET", "HEAD", "OPTIONS")


class SecurityHeaders:
    """Adds `HEADERS` to every response, errors included.

    Args:
        app: what answers.
    """

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Of ASGI."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


class OwnOriginOnly:
    """Refuses what another site's page would change: 403 for its POST.

    Args:
        app: what answers.
        origins: other origins that may, such as "https://shop.example".
    """

    def __init__(self, app: ASGIApp, origins: Collection[str]):
        self._app, self._origins = app, frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Of ASGI."""
        if scope["type"] == "http" and scope["method"] not in _CHANGES_NOTHING:
            headers = Headers(scope=scope)
            origin = headers.get("origin")
            host = headers.get("host", "")
            own = {f"http://{host}", f"https://{host}"}
            if origin is not None and origin not in own | self._origins:
                refused = JSONResponse(
                    {"error": f"origin {origin}: not allowed; see --allow_origin"}, 403
                )
                await refused(scope, receive, send)
                return
        await self._app(scope, receive, send)
