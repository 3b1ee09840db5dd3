"""Faults: which requests they hit, and what becomes of the answer."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import unquote

from local.ado_simulator.wire import Request


class FaultKind(StrEnum):
    """What a fault does. Those in `PASSING` let the request be answered and change the answer."""

    STATUS = "status"
    SIGN_IN = "sign-in"
    WEB_PAGE = "web-page"
    SIGN_IN_REDIRECT = "sign-in-redirect"
    REDIRECT = "redirect"
    UNAUTHORIZED = "unauthorized"
    UNAUTHORIZED_USER = "unauthorized-user"
    ACCESS_DENIED = "access-denied"
    NOT_FOUND = "not-found"
    NOT_FOUND_PLAIN = "not-found-plain"
    NOT_FOUND_HTML = "not-found-html"
    CONFLICT = "conflict"
    BLOCKED = "blocked"
    TROUBLE = "trouble"
    STOPPED = "stopped"
    EMPTY = "empty"
    EMPTY_LIST = "empty-list"
    RESET = "reset"
    HANG = "hang"
    DELAY = "delay"
    RUN = "run"
    SLOW_DOWN = "slow-down"
    TRUNCATED = "truncated"
    MALFORMED = "malformed"
    MUTATE = "mutate"
    WRONG_TYPES = "wrong-types"
    MISSING_IDS = "missing-ids"
    DROP_ITEMS = "drop-items"
    DUPLICATE_ITEMS = "duplicate-items"
    DEEP_NESTING = "deep-nesting"
    HUGE_NAMES = "huge-names"
    LOOP_TOKEN = "loop-token"  # noqa: S105 - no secret
    REPEAT_TOKEN = "repeat-token"  # noqa: S105 - no secret


PASSING = frozenset(
    {
        FaultKind.DELAY,
        FaultKind.RUN,
        FaultKind.SLOW_DOWN,
        FaultKind.TRUNCATED,
        FaultKind.MALFORMED,
        FaultKind.MUTATE,
        FaultKind.WRONG_TYPES,
        FaultKind.MISSING_IDS,
        FaultKind.DROP_ITEMS,
        FaultKind.DUPLICATE_ITEMS,
        FaultKind.DEEP_NESTING,
        FaultKind.HUGE_NAMES,
        FaultKind.LOOP_TOKEN,
        FaultKind.REPEAT_TOKEN,
    }
)


@dataclass(eq=False)
class Fault:
    """One fault. Every filter that is set must match; the first `after` matches are spared.

    `path` is a regular expression searched, in any case, in the decoded path and query behind the host.
    `page` hits that page of a listing only, counted from 1. `times` None means for ever. `type_key` is for
    the JSON body of kind `status`.
    """

    kind: FaultKind | str
    host: str | None = None
    organization: str | None = None
    method: str | None = None
    path: str | None = None
    token: str | None = None
    page: int | None = None
    after: int = 0
    times: int | None = None
    status: int | None = None
    type_key: str | None = None
    body: str | bytes | None = None
    content_type: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    retry_after: float | str | None = None
    retry_after_date: bool = False
    seconds: float = 0.0
    location: str | None = None
    mutate: Callable[[Any], Any] | None = None
    action: Callable[[], object] | None = None
    seen: int = 0
    fired: int = 0

    def __post_init__(self) -> None:
        """Check the kind and what it needs."""
        self.kind = FaultKind(self.kind)
        if self.kind is FaultKind.MUTATE and self.mutate is None:
            raise ValueError("a fault of kind mutate needs a callable")
        if self.kind is FaultKind.RUN and self.action is None:
            raise ValueError("a fault of kind run needs an action")
        if self.kind is FaultKind.STATUS and self.status is None:
            raise ValueError("a fault of kind status needs a status")
        self._pattern = re.compile(self.path, re.IGNORECASE) if self.path else None

    @property
    def passing(self) -> bool:
        """Whether the request is answered as usual, and the answer changed then."""
        return self.kind in PASSING

    def matches(self, target: Target) -> bool:
        """Whether the filters match, apart from page, after and times."""
        return (
            (self.host is None or self.host.lower() == target.host)
            and (self.organization is None or self.organization.lower() == target.organization)
            and (self.method is None or self.method.upper() == target.request.method)
            and (self.token is None or self.token == target.token)
            and (self._pattern is None or self._pattern.search(target.text) is not None)
        )


@dataclass(slots=True)
class Target:
    """What faults look at of a request."""

    request: Request
    host: str
    organization: str
    path: str
    query: dict[str, str]
    token: str | None
    text: str


def target_text(path: str, query: str) -> str:
    """The text in which `Fault.path` is searched."""
    return unquote(f"{path}?{query}" if query else path)


class FaultBook:
    """The faults in force."""

    def __init__(self) -> None:
        """Begin without faults."""
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Put a fault in force."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Remove every fault."""
        with self._lock:
            self._faults.clear()

    def __iter__(self) -> Iterator[Fault]:
        """The faults in force."""
        with self._lock:
            return iter(list(self._faults))

    def strike(self, target: Target, page: int | None = None, *, paged: bool = False) -> list[Fault]:
        """The faults that hit a request now, up to the first that replaces the answer.

        First called without pages, before the request is answered; then, when the answer is a page of a
        listing, with `paged` for the faults that wait for a page.
        """
        if not self._faults:
            return []
        hit: list[Fault] = []
        with self._lock:
            for fault in self._faults:
                if (fault.page is not None) is not paged or (paged and fault.page != page):
                    continue
                if not fault.matches(target):
                    continue
                fault.seen += 1
                if fault.seen <= fault.after or (fault.times is not None and fault.fired >= fault.times):
                    continue
                fault.fired += 1
                hit.append(fault)
                if not fault.passing:
                    break
        return hit
