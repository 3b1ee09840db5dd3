"""Forms of the pages: only a page of ours, in the browser of whoever looks, can send one.

A form carries a text that a cookie has as well, which no other site can read or set. The cookie is of one
browser and means nothing by itself, so that any instance of the app can compare the two.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

COOKIE: Final = "ado-connector-form"
FIELD: Final = "form"
"""Name of the hidden field with the text of the cookie."""

_TEXT: Final = re.compile(r"[A-Za-z0-9_-]{32,64}")


def text_in(headers: Mapping[str, str]) -> str:
    """The text in the cookie; empty where there is none, or one that we did not make."""
    for one in headers.get("cookie", "").split(";"):
        name, _, value = one.strip().partition("=")
        if name == COOKIE and _TEXT.fullmatch(value):
            return value
    return ""


def cookie(text: str, *, secure: bool) -> str:
    """The cookie for a new text."""
    return f"{COOKIE}={text}; Path=/; HttpOnly; SameSite=Strict{'; Secure' if secure else ''}"


def is_genuine(headers: Mapping[str, str], fields: Mapping[str, str]) -> bool:
    """Whether a form comes from a page of ours: by its text, and by what the browser says of its origin."""
    text = text_in(headers)
    if not text or not hmac.compare_digest(text.encode(), fields.get(FIELD, "").encode()):
        return False
    if headers.get("sec-fetch-site", "same-origin").lower() not in {"same-origin", "none"}:
        return False
    origin = headers.get("origin")
    hosts = {headers.get(name, "").lower() for name in ("host", "x-original-host", "x-forwarded-host")} - {""}
    return origin is None or urlsplit(origin).netloc.lower() in hosts
