"""Makes calls as one identity: sign-in, throttle gate, retries, the error of every answer, one log event."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, TypeVar

from shared.ado.auth import Credential
from shared.ado.calls import Call, Query
from shared.ado.errors import (
    AzureDevOpsError,
    BrokenAnswer,
    Head,
    RateLimited,
    TokenRefused,
    Where,
    WrongField,
    error_of,
    told,
)
from shared.ado.parse import BrokenJsonError, ShapeError, parse_document
from shared.ado.throttle import Gate, Gates, NotNowError
from shared.ado.transport import Answer, Outgoing, Transport
from shared.model.failure import Transient
from shared.ports import Clock, Urgency

T = TypeVar("T")

LOGGER: Final = "ado_connector.ado"

_PAUSES = (0.2, 0.8)
"""Seconds before the second and the third try of a request that met passing trouble."""
_PAUSE_JITTER = 0.5
_NOT_SENT: Final = "not sent"
_BLOCKS_MOST = 3
"""How often one request may be blocked by the rate limit before its wait is given back to the queue."""


class Client:
    """Azure DevOps as one identity sees it, one request at a time. Safe across threads."""

    def __init__(
        self,
        transport: Transport,
        credential: Credential,
        gates: Gates,
        identity_key: str,
        clock: Clock,
        urgency: Urgency = Urgency.NORMAL,
    ) -> None:
        self._transport = transport
        self._credential = credential
        self._gates = gates
        self._identity_key = identity_key
        self._clock = clock
        self._urgency = urgency
        self._sent = threading.local()
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        """The present, by the clock that deadlines are told in."""
        return self._clock.now()

    @property
    def sent(self) -> int:
        """How many requests this thread has sent, tries that failed included."""
        number: int = getattr(self._sent, "number", 0)
        return number

    @property
    def ahead(self) -> timedelta:
        """How far our clock is ahead of the service's, as its last answer tells, to the second."""
        return self._ahead

    def _note_time(self, head: Head) -> None:
        try:
            told_at = parsedate_to_datetime(head.headers.get("Date", ""))
        except ValueError:
            return
        at = told_at if told_at.tzinfo else told_at.replace(tzinfo=UTC)
        self._ahead = self._clock.now() - at

    @property
    def places(self) -> int:
        """How many requests to one organization may be under way at once."""
        return self._gates.places

    def document(
        self,
        call: Call,
        segments: dict[str, str],
        read: Callable[[object], T],
        *,
        query: Query = (),
        json: object | None = None,
    ) -> T:
        """Make the call and read the JSON document of its answer. See `request`."""
        return self.request(
            call, segments, lambda answer: read(parse_document(answer.read())), query=query, json=json
        )

    def request(
        self,
        call: Call,
        segments: dict[str, str],
        read: Callable[[Answer], T],
        *,
        query: Query = (),
        json: object | None = None,
    ) -> T:
        """Make the call and give what `read` makes of its answer, which is a success of the right type.

        Passing trouble is tried three times in all, a block by the rate limit as often as the gate lets
        through, a refused token once more with a fresh one. `read` may raise `ShapeError` and
        `BrokenJsonError`, and is run anew with each try.

        Raises `AzureDevOpsError`; see `shared.ado.errors`.
        """
        where = call.where(segments.get("organization", ""))
        url = call.url(segments, query)
        gate = self._gates.of(where.organization if call.is_of_organization else "", self._identity_key)
        pauses = iter(_PAUSES if call.repeatable else ())
        blocks = 0
        renewed = False
        while True:
            # Before the gate: fetching a token takes time, and the gate's word must be fresh.
            authorization = self._credential.authorization(where)
            outgoing = Outgoing(call.method, url, call.accept, where, authorization, json)
            error: AzureDevOpsError | None = None
            with gate.admitted(where, self._urgency) as started:
                try:
                    return self._once(call, outgoing, gate, started, read)
                except AzureDevOpsError as caught:
                    error = caught
                except NotNowError:
                    pass
            if error is None:
                continue
            if isinstance(error, RateLimited):
                blocks += 1
                if blocks >= _BLOCKS_MOST:
                    cause = "the rate limit of the identity is used up (429), try after try"
                    raise told(RateLimited, where, cause, retry_at=gate.until() or self._clock.now())
            elif isinstance(error, TokenRefused) and not renewed:
                renewed = True
                if not self._credential.renewed(authorization, where):
                    raise error
            elif isinstance(error, Transient) and (pause := next(pauses, None)) is not None:
                self._clock.sleep(pause * random.uniform(1, 1 + _PAUSE_JITTER))  # noqa: S311 - no secret
            else:
                raise error

    def sign_in(self, where: Where) -> datetime | None:
        """Get a credential; when it ends for good, if known. Raises `AzureDevOpsError` when there is none."""
        self._credential.authorization(where)
        return self._credential.ends_at()

    def pause(self, seconds: float) -> None:
        """Wait a little, outside of the gate, so that others may go on."""
        self._clock.sleep(seconds)

    def _once(
        self, call: Call, outgoing: Outgoing, gate: Gate, started: float, read: Callable[[Answer], T]
    ) -> T:
        head: Head | None = None
        outcome = ""
        try:
            with self._transport.send(outgoing, gate.start) as answer:
                head = answer.head
                gate.heed(head, started)
                self._note_time(head)
                problem = error_of(head, outgoing.where, accepts=call.accepts)
                if problem is not None:
                    # The body may tell more: a JSON error has a `typeKey`.
                    head = Head(head.status, head.headers, answer.read_start())
                    raise error_of(head, outgoing.where, accepts=call.accepts) or problem
                return _read(read, answer, outgoing.where)
        except AzureDevOpsError as error:
            outcome = error.failure.code
            raise
        except NotNowError:
            outcome = _NOT_SENT
            raise
        finally:
            if outcome != _NOT_SENT:
                self._sent.number = self.sent + 1
            _log(call, outgoing.where, head, started, outcome)


def _read(read: Callable[[Answer], T], answer: Answer, where: Where) -> T:
    try:
        return read(answer)
    except ShapeError as error:
        cause = f"field {error.path} of the answer {error.problem}"
        raise told(WrongField, where, cause, head=answer.head) from None
    except BrokenJsonError as error:
        raise told(BrokenAnswer, where, f"the answer cannot be read: {error}", head=answer.head) from None
    except RecursionError:
        raise told(BrokenAnswer, where, "the answer is nested too deeply", head=answer.head) from None


def _log(call: Call, where: Where, head: Head | None, started: float, outcome: str) -> None:
    """One event per request. The path is the template: no query, and no name but the organization's."""
    logger = logging.getLogger(LOGGER)
    if not logger.isEnabledFor(logging.DEBUG):
        return
    import structlog  # noqa: PLC0415 - only who reads debug events pays for it

    event = structlog.wrap_logger(logger, wrapper_class=structlog.stdlib.BoundLogger)
    event.debug(
        "ado.request",
        method=call.method,
        host=call.host,
        path=call.path,
        organization=where.organization,
        status=head.status if head else None,
        activity=head.activity if head else "",
        seconds=round(time.monotonic() - started, 3),
        outcome=outcome or "ok",
    )
