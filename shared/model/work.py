"""Recurring work on an organization: when it is due, who does it, how it went."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from shared.model.failure import Failure
from shared.model.ids import OrganizationId


class WorkKind(StrEnum):
    """One kind of recurring work per organization. The value is also the name of its queue."""

    PREREQUISITES = "prerequisites"
    INVENTORY = "inventory"
    EXTENSION = "extension"
    POSTURE = "posture"
    NOTIFICATIONS = "notifications"
    IMAGES = "images"


LOOKING = (WorkKind.PREREQUISITES, WorkKind.INVENTORY, WorkKind.EXTENSION, WorkKind.POSTURE)
"""Work that looks into Azure DevOps for each organization. The rest tells what was found, or is asked for."""

ONBOARDING_QUEUE = "onboarding"
"""Queue of forced onboarding; not a kind of recurring work."""


@dataclass(frozen=True, slots=True)
class Work:
    """State of one kind of work on one organization.

    A message names `revision`; only the current one can take the lease, and finishing raises it, so that an
    older or repeated message finds nothing to do. `attempt` counts leases of this revision and, with it,
    fences writes. `not_before` holds back retries and throttled work; `checkpoint` is where a sliced run
    goes on. `failing_since` is the first of the failures in a row.
    """

    organization: OrganizationId
    kind: WorkKind
    due_at: datetime
    revision: int = 1
    queued_at: datetime | None = None
    leased_until: datetime | None = None
    leased_by: str = ""
    attempt: int = 0
    failures_in_a_row: int = 0
    checkpoint: str = ""
    not_before: datetime | None = None
    last_success: datetime | None = None
    last_failure: Failure | None = None
    last_failure_at: datetime | None = None
    failing_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """Proof that a worker holds a piece of work; every write it makes is checked against it."""

    organization: OrganizationId
    kind: WorkKind
    revision: int
    attempt: int
    owner: str
    until: datetime
    checkpoint: str = ""


def without_lease(work: Work) -> Work:
    """The work as nobody holds it."""
    return replace(work, leased_until=None, leased_by="")


SKEW = timedelta(minutes=5)
"""By how much the clocks of machines may differ, or one clock may jump, without anybody taking notice."""


def is_held(work: Work, now: datetime, longest: timedelta) -> bool:
    """Whether a worker holds a lease on the work that is still good.

    Nobody takes a lease for longer than `longest`, the lease interval. One that ends later than that from now
    (and the skew of clocks) was taken by a clock that was wrong, and is not believed: its end might be hours
    away. Should its worker run all the same, its writes are refused once somebody else has the lease.
    """
    return work.leased_until is not None and now < work.leased_until <= now + longest + SKEW
