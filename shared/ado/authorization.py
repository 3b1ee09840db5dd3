"""The value of an Authorization header, which nothing prints: no log, no repr, no traceback with locals."""

from __future__ import annotations

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
