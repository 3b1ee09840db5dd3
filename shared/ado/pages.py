"""The one pager. It follows continuation tokens to the end, or says why it did not get there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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

TOKEN_HEADER: Final = "x-ms-continuationtoken"  # noqa: S105 - the name of a header
TOKEN_PARAMETER: Final = "continuationToken"  # noqa: S105 - the name of a parameter


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One whole, validated answer, and the token of the next: from a header or the body; null and "" end."""

    items: Sequence[T]
    token: str | None


def read_pages(
    fetch: Callable[[str | None], Page[T]], where: Where, most: int = PAGES_MOST
) -> Observation[T]:
    """Fetch page after page; `fetch` gets the token to go on with, None for the first page.

    A page may be short or empty and still have a successor. The observation is partial when a page fails, a
    token comes a second time or leads elsewhere, or there are more than `most` pages: it then has the items
    of the pages before.
    """
    items: list[T] = []
    seen: set[str] = set()
    token: str | None = None
    try:
        for _ in range(most):
            page = fetch(token)
            items += page.items
            token = page.token
            if not token:
                return Observation.whole(tuple(items))
            _check(token, seen, where)
            seen.add(token)
        raise told(EndlessListing, where, f"the listing has more than {most} pages")
    except ServiceError as error:
        return Observation.partial(tuple(items), error.failure)


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
