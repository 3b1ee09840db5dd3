"""The value of an Authorization header, which nothing prints: no log, no repr, no traceback with locals."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import requests
from requests.auth import AuthBase


class Authorization(AuthBase):
    """Sets the header as requests' own authentication: given so, no .netrc entry replaces it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._value
        return request

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Authorization) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "Authorization(hidden)"


class _Nobody(Authorization):
    """No sign-in, and none of the environment's either."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__("")

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


NOBODY: Final[Authorization] = _Nobody()
"""For what is public."""

RENEW_BEFORE: Final = timedelta(minutes=5)
"""A token is renewed so long before it expires."""

STILL_GOOD: Final = timedelta(seconds=30)
"""A token that lasts no longer is not begun anything with."""


def next_renewal(expires: datetime, now: datetime) -> datetime:
    """When to ask for a newer token than the one that was just got, or is left after asking in vain.

    Five minutes before it expires. One that ends sooner was short from the start, or nothing newer can be
    had: asking before each request would not change that, so half a minute passes first, while it lasts.
    """
    return max(expires - RENEW_BEFORE, min(now + STILL_GOOD, expires - STILL_GOOD))
