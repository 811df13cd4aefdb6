"""`--auth_token_file`, which TF-Serving lacks: a token that every call must carry."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc

from fitrank_tf.core.errors import FitRankError

HEADER = "authorization"
REFUSAL = (
    "no valid token: send `authorization: Bearer TOKEN` with the token of the server's "
    "--auth_token_file"
)
_SCHEME = "bearer"
_MIN_LENGTH = 16


@dataclass(frozen=True)
class AuthToken:
    """The secret that clients share with the server.

    Attributes:
        secret: the token, ASCII without spaces.
    """

    secret: str = field(repr=False)

    def admits(self, authorization: str | bytes | None) -> bool:
        """Whether an `authorization` header holds the token; compares in constant time."""
        if authorization is None:
            return False
        if isinstance(authorization, str):
            authorization = authorization.encode()
        scheme, _, given = authorization.partition(b" ")
        return scheme.lower() == _SCHEME.encode() and hmac.compare_digest(
            given.strip(), self.secret.encode()
        )


class TokenInterceptor(grpc.ServerInterceptor):
    """Rejects every gRPC call without the token as UNAUTHENTICATED."""

    def __init__(self, token: AuthToken) -> None:
        self._token = token
        self._refusal = grpc.unary_unary_rpc_method_handler(_refuse)

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler:
        """The method's own handler, or the one that rejects the call."""
        for key, value in handler_call_details.invocation_metadata:
            if key == HEADER:
                admitted = self._token.admits(value)
                return continuation(handler_call_details) if admitted else self._refusal
        return self._refusal


def read_auth_token(path: Path) -> AuthToken:
    """Reads the token, the only line of a file.

    Raises:
        FitRankError: the file cannot be read, or does not hold one token of 16 characters
            or more.
    """
    try:
        secret = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise FitRankError(
            f"{path}: cannot be read ({error}): check --auth_token_file"
        ) from error
    if len(secret) < _MIN_LENGTH or any(character.isspace() for character in secret):
        raise FitRankError(
            f"{path}: write one token of at least {_MIN_LENGTH} characters, as "
            "`openssl rand -hex 32` makes one"
        )
    return AuthToken(secret)


def _refuse(request: Any, context: grpc.ServicerContext) -> None:
    context.abort(grpc.StatusCode.UNAUTHENTICATED, REFUSAL)
