"""Looks through the state for what contradicts itself, and mends it where asked.

What belongs to one organization is mended while all of its work is held, so that nobody writes meanwhile;
what belongs to everybody, on the condition that it still is as it was read. Both stores refuse anything else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import islice

from handlers.mend_state import Outcome, Person, cure, entry_of, forget_facts
from handlers.state_readers import READERS
from shared.model.ids import OrganizationId
from shared.model.journal import JournalEntry, JournalEvent
from shared.model.record import RecordKind
from shared.model.storage import StorageProblem
from shared.model.work import Lease, WorkKind, without_lease
from shared.ports import Clock, LeaseLost, State, StateUnavailable
from shared.reconcile.consistency.check_everybody import check_everybody
from shared.reconcile.consistency.check_organization import check_organization
from shared.reconcile.consistency.everybody import Everybody, Longest
from shared.reconcile.consistency.findings import (
    Discover,
    Finding,
    LookAgain,
    MendStorage,
)
from shared.reconcile.consistency.graph_and_journal import check_told
from shared.reconcile.consistency.reading import Known
from shared.reconcile.consistency.storage import storage_finding
from shared.reconcile.consistency.waiting import check_waits, unreadable_waits

_AT_ONCE = 1_000
"""Findings of one organization that are kept in memory; the next ones are found when these are mended."""

_ROUNDS = 50
_INVENTORY = (RecordKind.PROJECT, RecordKind.REPOSITORY)


def verify_state(state: State, now: datetime, longest: Longest) -> Iterator[tuple[Finding, Outcome]]:
    """Everything that is wrong: found, or due where it was asked for already and nothing has run since."""
    for finding, problem in _check_storage(state):
        yield finding, Outcome.FOUND
        if problem.stops:
            return
    everybody = _everybody(state, now, longest)
    repairs = _Repairs(state)
    for finding in _everywhere(state, everybody, now, longest):
        yield finding, _asked_for(repairs, everybody, finding, now)


def _everywhere(state: State, everybody: Everybody, now: datetime, longest: Longest) -> Iterator[Finding]:
    yield from _check_everybody(state, everybody, now, longest)
    for organization in _organizations(state, everybody):
        yield from _check(state, everybody, organization, now)


def _asked_for(repairs: _Repairs, everybody: Everybody, finding: Finding, now: datetime) -> Outcome:
    """Whether a repair had this looked at again, and the work that does it is still to come."""
    if isinstance(finding.cure, Discover):
        checked = (one.authorization.checked_at for one in everybody.connectors.values())
        last = max((one for one in checked if one is not None), default=None)
        return Outcome.DUE if repairs.asked(finding, last) else Outcome.FOUND
    if not isinstance(finding.cure, LookAgain):
        return Outcome.FOUND
    organization, kind = finding.cure.organization, finding.cure.kind
    kept = everybody.work.get((organization, kind))
    if kept is None or kept.dropped or kept.work.due_at > now:
        return Outcome.FOUND
    return Outcome.DUE if repairs.asked(finding, kept.work.last_success) else Outcome.FOUND


class _Repairs:
    """What repairs wrote into the journal: read once for each organization, whose findings come together."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._of: OrganizationId | None = None
        self._entries: tuple[JournalEntry, ...] | None = None

    def asked(self, finding: Finding, since: datetime | None) -> bool:
        """Whether a repair of what was found so was asked for since then."""
        if self._entries is None or self._of != finding.organization:
            self._of = finding.organization
            self._entries = self._state.journal(
                organization=self._of, event=JournalEvent.STATE_MENDED, limit=_AT_ONCE
            )
        return any(
            one.subject == finding.code.value and one.reason == finding.what
            for one in self._entries
            if since is None or one.at >= since
        )


def _check_storage(state: State) -> Iterator[tuple[Finding, StorageProblem]]:
    for one in list(state.storage_problems()):
        yield storage_finding(one), one


def _mend_storage(state: State, now: datetime, person: Person) -> Iterator[tuple[Finding, Outcome]]:
    """What is wrong with the place comes first, and stops the rest where it cannot be mended."""
    told: list[Finding] = []
    stops = False
    for finding, problem in _check_storage(state):
        outcome = Outcome.BY_HAND
        if isinstance(finding.cure, MendStorage) and state.mend_storage(finding.cure.name):
            outcome = Outcome.MENDED
            told.append(finding)
        stops = stops or (problem.stops and outcome is Outcome.BY_HAND)
        yield finding, outcome
    if stops:
        raise _Stopped
    state.append_journal([entry_of(one, now, person) for one in told])


class _Stopped(Exception):
    """Nothing more can be read."""


def _everybody(state: State, now: datetime, longest: Longest) -> Everybody:
    everybody = Everybody.of(state.records_of_everybody(), READERS)
    everybody.free(now, longest)
    return everybody


def _check_everybody(
    state: State, everybody: Everybody, now: datetime, longest: Longest
) -> Iterator[Finding]:
    yield from check_everybody(everybody, now, longest)
    try:
        waits = {name: one.not_before for name, one in state.throttles().items()}
    except StateUnavailable as problem:
        yield unreadable_waits(str(problem))
    else:
        yield from check_waits(waits, now)
    yield from check_told(state.records_of_graph_and_journal(), now)


def repair_state(
    state: State, clock: Clock, longest: Longest, person: Person
) -> Iterator[tuple[Finding, Outcome]]:
    """Mend what can be mended, and say of each finding what became of it."""
    try:
        yield from _mend_storage(state, clock.now(), person)
    except _Stopped:
        return
    told: set[str] = set()
    for _ in range(_ROUNDS):
        everybody = _everybody(state, clock.now(), longest)
        checked = _check_everybody(state, everybody, clock.now(), longest)
        found = [one for one in checked if one.what not in told]
        cured = [(one, cure(state, one, clock.now(), person)) for one in found]
        # What one repair changed for another is found anew, as it is then.
        done = [one for one in cured if one[1] is not Outcome.CHANGED] or cured
        told |= {finding.what for finding, _ in done}
        yield from done
        if not found:
            break
    # What belongs to organizations is judged by what is of everybody, as it is by now.
    everybody = _everybody(state, clock.now(), longest)
    for organization in _organizations(state, everybody):
        if next(_check(state, everybody, organization, clock.now()), None) is not None:
            yield from _repair(state, clock, longest, organization, person)


def _organizations(state: State, everybody: Everybody) -> Iterator[OrganizationId]:
    seen = set()
    for organization in state.organizations_with_records():
        seen.add(organization)
        yield organization
    yield from sorted(everybody.organizations.keys() - seen)


def _check(
    state: State, everybody: Everybody, organization: OrganizationId, now: datetime
) -> Iterator[Finding]:
    known = Known.of(state.records_of(organization, _INVENTORY))
    yield from check_organization(everybody, organization, known, state.records_of(organization), now)


def _repair(
    state: State, clock: Clock, longest: Longest, organization: OrganizationId, person: Person
) -> Iterator[tuple[Finding, Outcome]]:
    now = clock.now()
    held = _hold(state, organization, now, now + longest.lease, person)
    if held is None:
        everybody = _everybody(state, now, longest)
        for finding in _check(state, everybody, organization, now):
            yield finding, Outcome.BUSY
        return
    again: set[WorkKind] = set()
    told: set[str] = set()
    try:
        for _ in range(_ROUNDS):
            # Held work is work under way, and would not be judged: it is taken for what it was before.
            everybody = _without(_everybody(state, clock.now(), longest), held)
            checked = _check(state, everybody, organization, clock.now())
            found = list(islice((one for one in checked if one.what not in told), _AT_ONCE))
            cured = [(one, cure(state, one, clock.now(), person, again)) for one in found]
            # What one repair changed for another is found anew, as it is then.
            done = [one for one in cured if one[1] is not Outcome.CHANGED] or cured
            told |= {finding.what for finding, _ in done}
            yield from done
            if not found:
                break
        if WorkKind.POSTURE in again:
            forget_facts(state, organization)
    except LeaseLost:
        return
    finally:
        _release(state, held, again, clock.now())


def _hold(
    state: State, organization: OrganizationId, now: datetime, until: datetime, person: Person
) -> list[Lease] | None:
    """All of an organization's work, or None when somebody is at it."""
    held: list[Lease] = []
    for work in state.work(organization=organization):
        lease = state.lease_work(
            organization, work.kind, work.revision, owner=person.owner, now=now, until=until
        )
        if lease is None:
            _release(state, held, set(), now)
            return None
        held.append(lease)
    return held


def _release(state: State, held: list[Lease], again: set[WorkKind], now: datetime) -> None:
    """Give the work back as it was; what shall look again begins anew, now."""
    for lease in held:
        found = state.work(organization=lease.organization)
        work = next((one for one in found if one.kind is lease.kind), None)
        if work is None:
            continue
        if lease.kind in again:
            work = replace(work, due_at=now, checkpoint="", not_before=None)
        try:
            state.finish_work(lease, work)
        except LeaseLost:  # it took longer than a lease lasts, and somebody else goes on
            continue


def _without(everybody: Everybody, held: list[Lease]) -> Everybody:
    for lease in held:
        kept = everybody.work.get((lease.organization, lease.kind))
        if kept is not None:
            everybody.work[lease.organization, lease.kind] = replace(kept, work=without_lease(kept.work))
    return everybody
