"""The one pager. It follows continuation tokens to the end, or says why it did not get there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from shared.ado.errors import EndlessListing, Where, told
from shared.model.failure import ServiceError
from shared.model.observation import Observation

T = TypeVar("T")

PAGES_MOST: Final = 10_000
"""More pages than any listing of a supported size has, even at one item a page."""

TOKEN_MOST: Final = 8_192
"""Longest continuation token that is sent back, in characters: it has to fit into an address."""

_DIGITS_MOST: Final = 12

TOKEN_HEADER: Final = "x-ms-continuationtoken"  # noqa: S105 - the name of a header
TOKEN_PARAMETER: Final = "continuationToken"  # noqa: S105 - the name of a parameter


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One whole, validated answer, and the token of the next: from a header or the body; null and "" end."""

    items: Sequence[T]
    token: str | None


Fetch = Callable[[str | None], Page[T]]
"""Gets a page by its token; None is the first."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """How far to read ahead where tokens are offsets.

    So many items are `expected` in the whole listing, and so many pages have `places` to be fetched at once.
    """

    expected: int
    places: int


def read_pages(
    fetch: Fetch[T],
    where: Where,
    most: int = PAGES_MOST,
    *,
    start: str = "",
    is_time_up: Callable[[], bool] = lambda: False,
    ahead: Ahead | None = None,
) -> Observation[T]:
    """Fetch page after page; `fetch` gets the token to go on with, None for the first page.

    A page may be short or empty and still have a successor. The observation is partial when a page fails, a
    token comes a second time or leads elsewhere, or there are more than `most` pages: it then has the items
    of the pages before. `start` goes on with a listing that was cut. When `is_time_up` after a page, at least
    one having been read, the listing is cut there.
    """
    items: list[T] = []
    seen: set[str] = {start} if start else set()
    token = start
    pages = _Pages(fetch, ahead) if ahead is not None and ahead.places > 1 else None
    try:
        for _ in range(most):
            page = (pages.get if pages else fetch)(token or None)
            items += page.items
            following = page.token or ""
            if not following:
                return Observation.whole(tuple(items))
            _check(following, seen, where)
            seen.add(following)
            token = following
            if is_time_up():
                return Observation.cut(tuple(items), token)
        raise told(EndlessListing, where, f"the listing has more than {most} pages")
    except ServiceError as error:
        return Observation(tuple(items), complete=False, failure=error.failure, next_start=token)
    finally:
        if pages is not None:
            pages.close()


class _Pages(Generic[T]):
    """Pages fetched before their turn, where the tokens of the next ones can be foretold.

    Tokens of some listings are offsets (1 behind the first item, and so on). What is foretold is only when a
    page is fetched, never which: a page is used if the page before it named its very token, so that the
    result is what asking one by one would give. Nothing is fetched beyond what is known to be there, so that
    an unchanged listing takes no request more.
    """

    def __init__(self, fetch: Fetch[T], ahead: Ahead) -> None:
        self._fetch = fetch
        self._ahead = ahead
        self._pool = ThreadPoolExecutor(ahead.places, thread_name_prefix="pages")
        self._early: dict[str, Future[Page[T]]] = {}

    def get(self, token: str | None) -> Page[T]:
        """The page of this token. Raises what fetching it raises."""
        early = self._early.pop(token, None) if token else None
        if early is None:
            self._drop()
        page = self._fetch(token) if early is None else early.result()
        self._look_ahead(token, page)
        return page

    def _look_ahead(self, token: str | None, page: Page[T]) -> None:
        begin, end = _offset(token or "0"), _offset(page.token or "")
        if begin is None or end is None or end <= begin or not page.items:
            return
        size = end - begin
        for offset in range(end, min(end + size * self._ahead.places, self._ahead.expected), size):
            if str(offset) not in self._early:
                self._early[str(offset)] = self._pool.submit(copy_context().run, self._fetch, str(offset))

    def _drop(self) -> None:
        """The listing took another way than was foretold."""
        for one in self._early.values():
            one.cancel()
        self._early.clear()

    def close(self) -> None:
        """Wait for what is under way; what has not begun is not fetched."""
        self._drop()
        self._pool.shutdown(wait=True, cancel_futures=True)


def _offset(token: str) -> int | None:
    return int(token) if token.isascii() and token.isdecimal() and len(token) < _DIGITS_MOST else None


def _check(token: str, seen: set[str], where: Where) -> None:
    if token in seen:
        raise told(EndlessListing, where, "the listing goes in circles: a continuation token came again")
    # Tokens are opaque values. One that is an address wants to be followed somewhere, and never is.
    if "://" in token:
        raise told(EndlessListing, where, "the continuation token is an address, which is not followed")
    if len(token) > TOKEN_MOST:
        raise told(EndlessListing, where, f"the continuation token is longer than {TOKEN_MOST} characters")


def one_answer(fetch: Callable[[], Sequence[T]]) -> Observation[T]:
    """A listing that comes in one answer: whole, or nothing and why."""
    try:
        return Observation.whole(tuple(fetch()))
    except ServiceError as error:
        return Observation.partial((), error.failure)
