"""`--auth_token_file`, which TF-Serving lacks: a token that every call must carry."""

import hmac
from dataclasses import dataclass, field
from pathlib import Path

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
