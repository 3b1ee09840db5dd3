"""Where a listing goes on: an opaque text of ids alone, so that whoever makes one up gains nothing."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence

_MOST = 4_096
_LETTERS = re.compile(r"[A-Za-z0-9_-]*")


class UnreadableToken(ValueError):
    """The token is none that was handed out."""


def write_token(parts: Sequence[str]) -> str:
    """The token for these texts. URL-safe as it is: clients encode it again, some of them twice."""
    document = json.dumps(list(parts), separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(document).decode().rstrip("=")


def read_token(token: str, count: int) -> tuple[str, ...]:
    """The texts of a token, `count` of them; as many empty ones for an empty token.

    Raises `UnreadableToken`.
    """
    if not token:
        return ("",) * count
    if len(token) > _MOST or _LETTERS.fullmatch(token) is None:
        raise UnreadableToken
    try:
        parts = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (ValueError, RecursionError):
        raise UnreadableToken from None
    if not isinstance(parts, list) or len(parts) != count:
        raise UnreadableToken
    if not all(isinstance(one, str) for one in parts):
        raise UnreadableToken
    return tuple(parts)
