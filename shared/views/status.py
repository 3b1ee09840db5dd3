"""How the whole connector does, in numbers, and what of it needs somebody: read from the state alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from shared.model.connector import Connector
from shared.model.failure import CAP_REACHED
from shared.model.ids import ConnectorId, OrganizationId
from shared.model.organization import Enrollment, OnboardingCause, OnboardingState, Organization
from shared.model.prerequisite import Prerequisite, PrerequisiteStatus
from shared.model.work import ONBOARDING_QUEUE, Work, WorkKind, is_held
from shared.reconcile.work import next_start

if TYPE_CHECKING:
    from shared.ports import ConnectorState, Intervals, ThrottleRecord

QueueCounts = Mapping[str, Mapping[str, int]]
"""How many messages each queue holds, by what becomes of them."""

UNKNOWN_AFTER = timedelta(days=1)
_QUEUE_LATE = 4
"""By how many times REQUEUE_AFTER: a message that was lost is sent again, and taken, well before that."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A number that is told of: its name, its unit (UCUM), what it means, and what it is told by."""

    name: str
    unit: str
    meaning: str
    attributes: tuple[str, ...] = ()


ORGANIZATIONS = Metric(
    "ado_connector.organizations",
    "{organization}",
    "Organizations that a connector knows.",
    ("connector", "state"),
)
PROJECTS = Metric("ado_connector.projects", "{project}", "Projects of the last listing.", ("organization",))
REPOSITORIES = Metric(
    "ado_connector.repositories", "{repository}", "Repositories of the last listing.", ("organization",)
)
DISCOVERY_LAG = Metric(
    "ado_connector.discovery.lag", "s", "Time since organizations were last looked for.", ("connector",)
)
REQUESTS = Metric(
    "ado_connector.requests",
    "{request}",
    "Requests to Azure DevOps in this clock hour, by all instances together. Those of no organization "
    "(who signs in, which organizations there are) are told under an empty name.",
    ("organization",),
)
THROTTLED = Metric(
    "ado_connector.throttled", "s", "Time that was waited for the rate limit, ever.", ("organization",)
)
BUDGET_LEFT = Metric(
    "ado_connector.budget.left",
    "1",
    "Share of the hourly cap, and of what the service last told, that is left; the smaller of them. "
    "Told where either is known.",
    ("organization",),
)
QUEUE_AGE = Metric(
    "ado_connector.queue.age", "s", "How long the oldest due work of the queue waits to be taken.", ("queue",)
)
DEAD_LETTERS = Metric(
    "ado_connector.dead_letters",
    "{message}",
    "Messages that were given up, counted up to 1,000. Not told while the queues do not answer.",
    ("queue",),
)
UNKNOWN_PREREQUISITES = Metric(
    "ado_connector.prerequisites.unknown",
    "{prerequisite}",
    "Prerequisites of the connector's organizations that could not be told.",
    ("connector",),
)
GAUGES = (
    ORGANIZATIONS,
    PROJECTS,
    REPOSITORIES,
    DISCOVERY_LAG,
    REQUESTS,
    THROTTLED,
    BUDGET_LEFT,
    QUEUE_AGE,
    DEAD_LETTERS,
    UNKNOWN_PREREQUISITES,
)
"""Read from the state by one timer, so that several instances never tell different numbers."""

WORK_DURATION = Metric(
    "ado_connector.work.duration",
    "s",
    "How long a slice of work took; `kind` inventory is the sync of an organization.",
    ("kind", "outcome"),
)
"""A histogram, taken from the events work.done and work.failed of whatever instance did the work."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The value of a metric at a moment."""

    metric: Metric
    value: float
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unknown:
    """An organization of which what decides was not learnt since then, though its connector asks."""

    organization: Organization
    connector: str
    kind: WorkKind
    since: datetime
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """The work of one kind that waits longest to be taken, and for how long."""

    work: Work
    seconds: float


class Status:
    """What the state says at this moment. Reads each record once; queues may be away (None)."""

    def __init__(
        self, state: ConnectorState, queues: QueueCounts | None, now: datetime, intervals: Intervals
    ) -> None:
        self._state = state
        self._now = now
        self._intervals = intervals
        self.queues = queues
        self.connectors: tuple[Connector, ...] = state.connectors()
        self._names = {one.id: one.name for one in self.connectors}
        self._work = state.work()
        self._prerequisites: dict[tuple[OrganizationId, ConnectorId], tuple[Prerequisite, ...]] = {}

    @cached_property
    def organizations(self) -> Mapping[OrganizationId, Organization]:
        """Every organization by its id."""
        return {one.id: one for one in self._state.organizations()}

    @cached_property
    def holders(self) -> Mapping[OrganizationId, str]:
        """The name of the connector that holds each organization."""
        claims = self._state.claims()
        return {of: self._names[holder] for of, holder in claims.items() if holder in self._names}

    @cached_property
    def _enrollments(self) -> tuple[Enrollment, ...]:
        return self._state.enrollments()

    # --- what needs somebody ------------------------------------------------------------------------------

    def lag(self, connector: Connector) -> float:
        """Seconds since its organizations were last looked for (0 where a clock is behind)."""
        last = connector.provisioning_at or connector.created_at
        return max((self._now - last).total_seconds(), 0.0)

    def late(self, longest: timedelta) -> list[Connector]:
        """Connectors whose organizations were not looked for longer than that."""
        return [one for one in self.connectors if self.lag(one) > longest.total_seconds()]

    def waiting(self) -> dict[str, Waiting]:
        """By queue, the work that is due, held by nobody, and waits longest."""
        longest: dict[str, Waiting] = {}
        for work in self._work:
            start = next_start(work, self._now)
            if start > self._now or is_held(work, self._now, self._intervals.lease):
                continue
            waits = Waiting(work, (self._now - start).total_seconds())
            known = longest.get(work.kind.value)
            if known is None or known.seconds < waits.seconds:
                longest[work.kind.value] = waits
        return longest

    def overdue(self) -> dict[str, Waiting]:
        """Those of them that wait longer than the making up of what was lost takes."""
        most = (self._intervals.requeue_after * _QUEUE_LATE).total_seconds()
        return {queue: one for queue, one in self.waiting().items() if one.seconds > most}

    def dead_letters(self) -> dict[str, int]:
        """The queues that hold dead letters, and how many."""
        counts = {queue: one.get("dead_lettered", 0) for queue, one in (self.queues or {}).items()}
        return {queue: number for queue, number in counts.items() if number}

    def out_of_budget(self) -> list[Work]:
        """For each organization whose cap of requests is used up, the work that waits longest for it."""
        waiting: dict[OrganizationId, Work] = {}
        for work in self._work:
            failure, until = work.last_failure, work.not_before
            if failure is None or failure.code != CAP_REACHED or until is None or until <= self._now:
                continue
            known = waiting.get(work.organization)
            if known is None or known.not_before is None or known.not_before < until:
                waiting[work.organization] = work
        return list(waiting.values())

    def unknown(self) -> list[Unknown]:
        """Organizations that a connector has, or means to have, and of which it could not tell for a day.

        Either its work did not succeed, or it did, and a required prerequisite could not be told.
        """
        by_key = {(one.organization, one.kind): one for one in self._work}
        connectors = {one.id: one for one in self.connectors}
        found: dict[OrganizationId, Unknown] = {}
        for enrollment in self._enrollments:
            organization = self.organizations.get(enrollment.organization)
            connector = connectors.get(enrollment.connector)
            if organization is None or connector is None:
                continue
            for kind in _looked_by(enrollment):
                work = by_key.get((organization.id, kind))
                since = (work.last_success if work else None) or enrollment.discovered_at
                if work is not None and self._is_too_long_ago(since, kind):
                    found.setdefault(organization.id, _unread(organization, connector, work, since))
            for one in self._untold(enrollment, connector):
                if self._is_too_long_ago(one.since, WorkKind.PREREQUISITES):
                    told = Unknown(
                        organization,
                        connector.name,
                        WorkKind.PREREQUISITES,
                        one.since,
                        one.name.value,
                        one.evidence or "It could not be told.",
                    )
                    found.setdefault(organization.id, told)
        return list(found.values())

    def _is_too_long_ago(self, since: datetime, kind: WorkKind) -> bool:
        return self._now - since > max(UNKNOWN_AFTER, 2 * self._intervals.work[kind])

    def _untold(self, enrollment: Enrollment, connector: Connector) -> list[Prerequisite]:
        """What decides about the organization and could not be told, though the connector wants it.

        Where one is known to be not met, that decides: nobody needs to know more.
        """
        wanted = enrollment.state is OnboardingState.ONBOARDED or (
            enrollment.state is OnboardingState.NOT_ONBOARDED
            and enrollment.cause is OnboardingCause.PREREQUISITES
        )
        required = [
            one
            for one in self._prerequisites_of(enrollment)
            if wanted and one.name in connector.options.required_prerequisites
        ]
        if any(one.status is PrerequisiteStatus.NOT_MET for one in required):
            return []
        return [one for one in required if one.status is PrerequisiteStatus.UNKNOWN]

    def _prerequisites_of(self, enrollment: Enrollment) -> tuple[Prerequisite, ...]:
        key = enrollment.organization, enrollment.connector
        if key not in self._prerequisites:
            self._prerequisites[key] = self._state.prerequisites(*key)
        return self._prerequisites[key]

    # --- numbers ------------------------------------------------------------------------------------------

    def readings(self, throttles: Mapping[str, ThrottleRecord], cap: int) -> Iterator[Reading]:
        """Every gauge. `cap` is the hourly cap of requests to an organization, 0 for none."""
        yield from self._of_organizations()
        for one in self.connectors:
            yield Reading(DISCOVERY_LAG, self.lag(one), {"connector": one.name})
        names = {one.name.casefold(): one.name for one in self.organizations.values()}
        for reading in _of_requests(throttles, cap, self._now):
            name = reading.attributes["organization"]
            yield replace(reading, attributes={"organization": names.get(name, name)})
        waiting = self.waiting()
        for kind in WorkKind:
            age = waiting[kind.value].seconds if kind.value in waiting else 0.0
            yield Reading(QUEUE_AGE, age, {"queue": kind.value})
        if self.queues is not None:
            for queue in (ONBOARDING_QUEUE, *(kind.value for kind in WorkKind)):
                number = self.queues.get(queue, {}).get("dead_lettered", 0)
                yield Reading(DEAD_LETTERS, number, {"queue": queue})

    def _of_organizations(self) -> Iterator[Reading]:
        states: Counter[tuple[str, str]] = Counter()
        unknown: Counter[str] = Counter()
        for enrollment in self._enrollments:
            name = self._names.get(enrollment.connector)
            if name is None:
                continue
            states[name, enrollment.state.value] += 1
            unknown[name] += sum(
                one.status is PrerequisiteStatus.UNKNOWN for one in self._prerequisites_of(enrollment)
            )
        for connector in self.connectors:
            for state in OnboardingState:
                told = {"connector": connector.name, "state": state.value}
                yield Reading(ORGANIZATIONS, states[connector.name, state.value], told)
            yield Reading(UNKNOWN_PREREQUISITES, unknown[connector.name], {"connector": connector.name})
        for organization in self.organizations.values():
            if organization.last_complete_listing is not None:
                yield Reading(PROJECTS, organization.projects, {"organization": organization.name})
                yield Reading(REPOSITORIES, organization.repositories, {"organization": organization.name})


def _unread(organization: Organization, connector: Connector, work: Work, since: datetime) -> Unknown:
    failure = work.last_failure
    return Unknown(
        organization,
        connector.name,
        work.kind,
        since,
        failure.code if failure else "",
        failure.reason if failure else "It was not tried, or did not come to an end.",
    )


def _looked_by(enrollment: Enrollment) -> tuple[WorkKind, ...]:
    """The work that tells whether the organization is known."""
    if enrollment.state is OnboardingState.ONBOARDED:
        return (WorkKind.PREREQUISITES, WorkKind.INVENTORY)
    pending = enrollment.cause is OnboardingCause.PENDING
    return (WorkKind.PREREQUISITES,) if enrollment.state is OnboardingState.NOT_ONBOARDED and pending else ()


def _of_requests(throttles: Mapping[str, ThrottleRecord], cap: int, now: datetime) -> Iterator[Reading]:
    """Of each organization, named in lower case: of several that ask it, the least budget counts."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    requests: Counter[str] = Counter()
    throttled: dict[str, float] = {}
    left: dict[str, float] = {}
    for key, record in throttles.items():
        name = key.partition("|")[0]
        sent = record.requests if record.hour is not None and record.hour >= hour else 0
        requests[name] += sent
        throttled[name] = throttled.get(name, 0.0) + record.throttled_seconds
        shares = [_share(cap - sent, cap)] if cap else []
        if record.remaining is not None and record.limit:
            is_over = record.reset_at is not None and record.reset_at <= now
            shares.append(1.0 if is_over else _share(record.remaining, record.limit))
        if shares:
            left[name] = min(*shares, left.get(name, 1.0))
    for name, seconds in throttled.items():
        told = {"organization": name}
        yield Reading(REQUESTS, requests[name], told)
        yield Reading(THROTTLED, seconds, told)
        if name in left:
            yield Reading(BUDGET_LEFT, left[name], told)


def _share(part: float, whole: float) -> float:
    return min(max(part / whole, 0.0), 1.0)


CountQueues = Callable[[], "QueueCounts | None"]
"""Asks the queues how many messages they hold; None while they are away."""
