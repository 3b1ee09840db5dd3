"""What is wrong with what waits or is held: work, sign-ins under renewal, pauses of the rate limit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from shared.model.organization import Enrollment, OnboardingState
from shared.model.record import KeptWork, Record, RecordKind
from shared.model.sign_in import SignInRecord
from shared.model.work import LOOKING, SKEW, Work, WorkKind, without_lease
from shared.reconcile.consistency.any_record import told_as
from shared.reconcile.consistency.everybody import Everybody, Longest
from shared.reconcile.consistency.findings import Code, EndWait, Finding, LookAgain, Replace
from shared.reconcile.consistency.ownership import holds

LONGEST_PAUSE = timedelta(days=1)
"""The rate limit asks for minutes, and its budgets are of an hour."""


def check_waits(waits: Mapping[str, datetime | None], now: datetime) -> Iterator[Finding]:
    """What is wrong with the waits of the rate limit, by the names of their records."""
    for name, until in waits.items():
        if until is not None and until > now + LONGEST_PAUSE:
            what = f"The rate limit of {name} is told to ask for a pause until {told_as(until)}."
            yield Finding(Code.WAIT_WITHOUT_END, what, EndWait(name))


def unreadable_waits(problem: str) -> Finding:
    """One of the records of the rate limit cannot be read."""
    fix = "Remove the row by hand: it tells of the moment, and is made anew."
    return Finding(Code.UNREADABLE, f"A record of the rate limit cannot be read: {problem}", None, fix=fix)


def sign_in(all_: Everybody, record: Record, now: datetime, longest: Longest) -> Iterator[Finding]:
    """A sign-in that is renewed for ever, or that nobody uses."""
    value = record.value
    until = value.renewing_until if isinstance(value, SignInRecord) else None
    if isinstance(value, SignInRecord) and until is not None and until > longest.until(now):
        free = replace(value, renewing_by="", renewing_until=None, revision=value.revision + 1)
        what = f"The sign-in {record.key[0]} is being renewed until {told_as(until)}; nobody takes that long."
        yield Finding(Code.LEASE_WITHOUT_END, what, Replace(record, free))
        return
    if all_.is_unreadable(RecordKind.CONNECTOR):
        return
    used = {
        identity.sign_in
        for one in all_.connectors.values()
        for identity in (one.identity, one.discover_as)
        if identity is not None
    }
    if record.key[0] not in used:
        what = f"The sign-in {record.key[0]} is used by no connector."
        yield Finding(Code.SIGN_IN_OF_NOBODY, what, Replace(record, None))


def work(
    all_: Everybody, record: Record, kept: KeptWork, now: datetime, longest: Longest
) -> Iterator[Finding]:
    """Work of nobody, and what a wrong clock wrote."""
    work = kept.work
    told = f"The {work.kind.value} work of organization {work.organization}"
    if kept.dropped:
        return
    if work.organization not in all_.organizations and not all_.is_unreadable(RecordKind.ORGANIZATION):
        ended = replace(kept, work=without_lease(work), dropped=True)
        what = f"{told} is of an organization that is not known."
        yield Finding(Code.WORK_OF_NO_ORGANIZATION, what, Replace(record, ended), work.organization)
        return
    free: KeptWork
    if (work.leased_until is None) != (not work.leased_by):
        free = replace(kept, work=without_lease(work))
        what = f"{told} is leased by {work.leased_by or 'nobody'} until {told_as(work.leased_until)}."
        yield Finding(Code.LEASE_WITHOUT_END, what, Replace(record, free), work.organization)
    elif _numbers(work) != work:
        what = f"{told} has numbers that cannot be: revision {work.revision}, attempt {work.attempt}, "
        what += f"{work.failures_in_a_row} failures in a row."
        cure = Replace(record, replace(kept, work=_numbers(work)))
        yield Finding(Code.IMPOSSIBLE_NUMBER, what, cure, work.organization)
    elif work.leased_until is not None and work.leased_until > longest.until(now):
        free = replace(kept, work=without_lease(work))
        what = f"{told} is leased until {told_as(work.leased_until)}, longer than anybody takes a lease for."
        yield Finding(Code.LEASE_WITHOUT_END, what, Replace(record, free), work.organization)
    elif work.queued_at is not None and work.queued_at > max(now, work.due_at, work.not_before or now) + SKEW:
        anew = replace(kept, work=replace(work, queued_at=None))
        what = f"{told} was queued at {told_as(work.queued_at)}, which is still to come."
        yield Finding(Code.QUEUED_IN_FUTURE, what, Replace(record, anew), work.organization)
    elif (late := max(work.due_at, work.not_before or work.due_at)) > now + longest.wait:
        due = replace(kept, work=replace(work, due_at=now, not_before=None, queued_at=None))
        what = f"{told} may not begin before {told_as(late)}; no interval is longer than {longest.wait}."
        yield Finding(Code.DUE_TOO_LATE, what, Replace(record, due), work.organization)


def _numbers(work: Work) -> Work:
    """The work with numbers that it can have."""
    failed = work.last_failure_at is not None
    return replace(
        work,
        revision=max(work.revision, 1),
        attempt=max(work.attempt, 0),
        failures_in_a_row=max(work.failures_in_a_row, 0) if failed else 0,
    )


def work_lacking(all_: Everybody, now: datetime) -> Iterator[Finding]:
    """Work that there ought to be, and what it ought to have left."""
    if all_.is_unreadable(RecordKind.WORK):
        return
    told = {one.key for one in (*all_.others, *all_.unreadable) if one.kind is RecordKind.PREREQUISITES}
    for (organization, connector), record in all_.enrollments.items():
        enrollment = record.value
        if (
            not isinstance(enrollment, Enrollment)
            or enrollment.state is not OnboardingState.ONBOARDED
            or not holds(all_, organization, connector)
            or organization not in all_.organizations
            or not all_.is_whole(enrollment, now)
        ):
            continue
        for kind in LOOKING:
            kept = all_.work.get((organization, kind))
            if kept is None or kept.dropped:
                what = f"There is no {kind.value} work for organization {organization}, which is onboarded."
                cure = LookAgain(organization, kind)
                yield Finding(Code.WORK_LACKING, what, cure, organization)
        checking = all_.work.get((organization, WorkKind.PREREQUISITES))
        # Of a connector that has just taken it over, they are due already.
        if checking is not None and checking.work.due_at > now and (organization, connector) not in told:
            what = f"Organization {organization} is onboarded by connector {connector} without prerequisites."
            cure = LookAgain(organization, WorkKind.PREREQUISITES)
            yield Finding(Code.PREREQUISITES_LACKING, what, cure, organization)
