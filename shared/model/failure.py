"""Why something outside could not be read or done, as data and as the exception that carries it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar


class FailureKind(StrEnum):
    """What the caller may do about a failure; every kind has one exception class below."""

    TRANSIENT = "transient"
    """Nobody's fault and likely to pass: time-outs, resets, 5xx. Try again later."""
    THROTTLED = "throttled"
    """The rate limit asks us to wait until `Failure.retry_at`. Not an error of anyone."""
    DENIED = "denied"
    """We may not: sign-in, membership, licence or a permission is missing. A person must act."""
    GONE = "gone"
    """The service says that the thing does not exist, or that we may not know whether it does."""
    UNREADABLE = "unreadable"
    """The answer breaks the wire contract: wrong type, missing id, foreign continuation, truncated JSON."""


CAP_REACHED = "HourlyCapReached"
"""Code of the failure of what waits because HOURLY_REQUEST_CAP is used up."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One failure, told so that a person can act on it.

    `code` is a stable word for machines (`SignInRequired`, `NotAMember`, ...), `reason` says what happened
    and where, `fix` what to do about it, `permission` the right that would have allowed the call,
    `activity` the id that Microsoft support asks for, `tenant` the Microsoft Entra tenant that the
    organization belongs to, where the answer tells it (`NO_TENANT` for none). None of them ever holds a
    credential.
    """

    kind: FailureKind
    code: str
    reason: str
    fix: str = ""
    permission: str = ""
    status: int | None = None
    activity: str = ""
    retry_at: datetime | None = None
    tenant: str = ""

    def sentence(self) -> str:
        """Reason and fix in one line, for views and the journal."""
        return f"{self.reason} {self.fix}".strip()


class ServiceError(Exception):
    """Base of everything that a service outside may make us raise. Carries its `Failure`."""

    kind: ClassVar[FailureKind]

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.sentence())
        self.failure = failure

    @staticmethod
    def of(failure: Failure) -> ServiceError:
        """The exception whose class says the failure's kind."""
        return _CLASS_OF[failure.kind](failure)


class Transient(ServiceError):
    """Try again later."""

    kind = FailureKind.TRANSIENT


class Throttled(ServiceError):
    """Wait until `failure.retry_at`, then go on."""

    kind = FailureKind.THROTTLED


class Denied(ServiceError):
    """A right is missing; trying again changes nothing until somebody grants it."""

    kind = FailureKind.DENIED


class Gone(ServiceError):
    """Does not exist, or is hidden from this identity."""

    kind = FailureKind.GONE


class Unreadable(ServiceError):
    """The answer is not what the wire contract says; `failure.reason` names the field."""

    kind = FailureKind.UNREADABLE


_CLASS_OF: dict[FailureKind, type[ServiceError]] = {
    one.kind: one for one in (Transient, Throttled, Denied, Gone, Unreadable)
}
