"""Timer: tell in numbers how all is, and name what needs somebody, under names that alerts rely on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from shared.model.ids import OrganizationId
from shared.ports import Dependencies, ThrottleStore
from shared.views.status import CountQueues, Reading, Status


@dataclass(frozen=True, slots=True)
class Reporting:
    """What this timer is given beside `Dependencies`.

    `record` takes the readings to wherever metrics go; `cap` is the hourly cap of requests, 0 for none.
    """

    count_queues: CountQueues
    throttles: ThrottleStore
    record: Callable[[Iterable[Reading]], None]
    late_after: timedelta
    cap: int = 0


def report_status(deps: Dependencies, reporting: Reporting) -> None:
    """Tell each thing anew as long as it is so: an alert that fires once is missed once."""
    now = deps.clock.now()
    status = Status(deps.state, reporting.count_queues(), now, deps.intervals)
    for connector in status.late(reporting.late_after):
        deps.log.error("discovery.late", connector=connector.name, seconds=round(status.lag(connector)))
    for queue, waiting in status.overdue().items():
        organization = waiting.work.organization
        deps.log.error(
            "queue.late",
            queue=queue,
            seconds=round(waiting.seconds),
            organization=_name_of(organization, status),
            organization_id=organization,
            connector=status.holders.get(organization, ""),
        )
    if status.queues is None:
        deps.log.warning("queue.unread")
    for queue, messages in status.dead_letters().items():
        deps.log.error("queue.deadLetters", queue=queue, messages=messages)
    for unknown in status.unknown():
        deps.log.error(
            "organization.unknown",
            organization=unknown.organization.name,
            organization_id=unknown.organization.id,
            connector=unknown.connector,
            kind=unknown.kind.value,
            since=unknown.since.isoformat(timespec="seconds"),
            code=unknown.code,
            reason=unknown.reason,
        )
    for work in status.out_of_budget():
        failure = work.last_failure
        deps.log.warning(
            "budget.exhausted",
            organization=_name_of(work.organization, status),
            organization_id=work.organization,
            connector=status.holders.get(work.organization, ""),
            reason=failure.reason if failure else "",
            until=work.not_before.isoformat(timespec="seconds") if work.not_before else "",
        )
    reporting.record(status.readings(reporting.throttles.throttles(), reporting.cap))


def _name_of(organization: OrganizationId, status: Status) -> str:
    known = status.organizations.get(organization)
    return known.name if known else ""
