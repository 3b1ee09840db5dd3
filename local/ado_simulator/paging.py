"""Cutting listings into pages, with the token in a header."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from local.ado_simulator.answers import Refusal
from local.ado_simulator.router import Call, bad_request
from local.ado_simulator.wire import Answer

T = TypeVar("T")
HEADER = "x-ms-continuationtoken"
_BODY_HEAD = "+RID:~sim=#RT:1"
_BODY_TAIL = "#ISV:2#FPC:AQEAAA+AAA=="


def body_token(offset: int) -> str:
    """A token of the shape that must be encoded to survive a query string."""
    return f"{_BODY_HEAD}#TRC:{offset}{_BODY_TAIL}"


def body_offset(token: str) -> int | None:
    """The offset that such a token stands for; None for any other text."""
    number = token.removeprefix(f"{_BODY_HEAD}#TRC:").removesuffix(_BODY_TAIL)
    return int(number) if number.isdigit() and token == body_token(int(number)) else None


def offset_page(call: Call, items: Sequence[T]) -> tuple[list[T], int | None, int]:
    """The page that `$top`, `$skip` and `continuationToken` ask for, the next offset, and the page's number.

    The token is an offset into the listing as it is now: what is created, renamed or deleted between two
    pages shifts the rest, as in the service.
    """
    largest = call.options.page_size
    top = call.number("$top")
    size = largest if top is None or top <= 0 else min(top, largest)
    token = call.query.get("continuationtoken")
    if token:
        if not token.isdigit():
            raise Refusal(bad_request(f"The continuation token '{token}' is not valid."))
        start = int(token)
    else:
        start = max(0, call.number("$skip") or 0)
    end = start + size
    following = end if end < len(items) else None
    return list(items[start:end]), following, start // size + 1


def with_token(answer: Answer, following: object | None, page: int, header: str = HEADER) -> Answer:
    """Note the page's number and, when there is more, the token."""
    answer.page = page
    if following is not None:
        answer.headers[header] = str(following)
    return answer
