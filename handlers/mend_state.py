"""How each cure is done, on the condition that what it mends still is as it was found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from shared.model.assessment import Findings
from shared.model.exemption import Exemption
from shared.model.ids import OrganizationId
from shared.model.journal import JournalEntry, JournalEvent
from shared.model.mapping import GraphFacts
from shared.model.record import Record, RecordKind
from shared.model.summary import PostureSummary, ProjectSummary, findings_of, with_change
from shared.model.work import WorkKind
from shared.ports import State, StateConflict, ThrottleRecord
from shared.posture.exemption_plan import in_words, terms
from shared.reconcile.consistency.findings import (
    AddNodes,
    DateJournal,
    Discover,
    EndWait,
    Finding,
    LookAgain,
    MendStorage,
    NumberHistory,
    Recount,
    RemoveAll,
    Replace,
)


class Outcome(StrEnum):
    """What became of a finding."""

    FOUND = "found"
    """Nothing was asked for but to find it."""
    MENDED = "mended"
    DUE = "due"
    """The work that finds out what is right is due now, and mends it."""
    BY_HAND = "byHand"
    """Only a person can tell what is right."""
    BUSY = "busy"
    """It belongs to an organization that is being worked on."""
    CHANGED = "changed"
    """It is no longer as it was found."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who asked, as leases and the journal name them."""

    owner: str
    name: str


def cure(
    state: State, finding: Finding, now: datetime, person: Person, again: set[WorkKind] | None = None
) -> Outcome:
    """Mend one thing, unless it is no longer as it was found, and write into the journal who asked.

    `again` takes the work of the organization that is held and shall begin anew.
    """
    if finding.cure is None:
        return Outcome.BY_HAND
    match finding.cure:
        case Discover():
            outcome = Outcome.DUE
        case LookAgain(organization, kind):
            if again is None or not _has(state, organization, kind):
                state.bring_forward(organization, kind, now)
            else:
                again.add(kind)
            outcome = Outcome.DUE
        case Replace(record, after):
            outcome = Outcome.MENDED if state.replace_record(record, after) else Outcome.CHANGED
            if (
                outcome is Outcome.MENDED
                and (record.problem or isinstance(record.value, bytes))
                and again is not None
            ):
                # What is observed is observed anew.
                again.update((WorkKind.INVENTORY, WorkKind.POSTURE))
        case EndWait(name):
            outcome = _end_wait(state, name)
        case MendStorage(name):
            outcome = Outcome.MENDED if state.mend_storage(name) else Outcome.BY_HAND
        case other:
            lost = _make_anew(state, other, now)
            if lost and again is not None:
                again.add(WorkKind.POSTURE)
            outcome = Outcome.MENDED
    if outcome in {Outcome.MENDED, Outcome.DUE}:
        state.append_journal([entry_of(finding, now, person)])
    return outcome


def _end_wait(state: State, name: str) -> Outcome:
    before = state.throttle(name)
    try:
        state.put_throttle(name, ThrottleRecord(revision=before.revision))
    except StateConflict:
        return Outcome.CHANGED
    return Outcome.MENDED


def _make_anew(
    state: State, cure_: AddNodes | DateJournal | NumberHistory | Recount | RemoveAll, now: datetime
) -> bool:
    """Says whether verdicts were lost, which only a refresh finds again."""
    match cure_:
        case AddNodes(nodes):
            state.record_mappings(GraphFacts(nodes))
        case NumberHistory(organization, last):
            _number_history(state, organization, last)
        case DateJournal():
            state.date_journal(now)
        case RemoveAll(organization):
            state.drop_records_of(organization)
        case Recount() as recount:
            return _recount(state, recount, now)
    return False


def _has(state: State, organization: OrganizationId, kind: WorkKind) -> bool:
    return any(one.kind is kind for one in state.work(organization=organization))


def _number_history(state: State, organization: OrganizationId, last: int) -> None:
    """With what was told outside and what was not as it was."""
    told = state.notified(organization)
    left = [
        sum(1 for _ in state.status_changes(organization, after=one)) for one in (told.told, told.sending)
    ]
    state.number_status_changes(organization, last)
    for record in list(state.records_of(organization, (RecordKind.NOTIFIED,))):
        after = replace(
            told, told=last - left[0], sending=last - left[1] if told.sending_at is not None else told.sending
        )
        state.replace_record(record, after)


def _recount(state: State, recount: Recount, now: datetime) -> bool:
    """Make the sums of a project anew from its assessments, and the organization's from those.

    Says whether more was counted than there is.
    """
    of = recount.organization
    name = (of, recount.project or "")
    before = next(
        (one for one in state.records_of(of, (RecordKind.POSTURE,)) if one.key == name),
        Record(RecordKind.POSTURE, name, None),
    )
    rows = [one for one in state.assessments(of, recount.project) if one.resource.project == recount.project]
    if isinstance(before.value, ProjectSummary):
        assessed_at = before.value.assessed_at
    else:  # no later than it was: when something last changed
        assessed_at = max((one.changed_at for row in rows for one in row.assessments.values()), default=now)
    counted = findings_of(rows)
    state.replace_record(before, ProjectSummary(recount.project, counted, assessed_at))
    (total,) = [
        *state.records_of(of, (RecordKind.POSTURE_TOTAL,)),
        Record(RecordKind.POSTURE_TOTAL, (of,), None),
    ][:1]
    told = total.value if isinstance(total.value, PostureSummary) else PostureSummary(of)
    parts = state.project_summaries(of)
    summed: PostureSummary = replace(
        told,
        findings={},
        projects=sum(1 for one in parts if one.project is not None),
        newest=max((one.assessed_at for one in parts), default=told.newest),
    )
    for part in parts:
        summed = replace(summed, findings=with_change(summed.findings, {}, part.findings))
    state.replace_record(total, summed)
    return isinstance(before.value, ProjectSummary) and _number(before.value.findings) > _number(counted)


def _number(findings: Findings) -> int:
    return sum(sum(counts.values()) for counts in findings.values())


def entry_of(finding: Finding, now: datetime, person: Person) -> JournalEntry:
    """What the journal tells of it, with somebody's wish that was removed."""
    mended = finding.cure
    lost = mended.record.value if isinstance(mended, Replace) and mended.after is None else None
    wish = f"{in_words(lost.scope)}, {terms(lost)}: {lost.reason}" if isinstance(lost, Exemption) else ""
    return JournalEntry(
        at=now,
        event=JournalEvent.STATE_MENDED,
        organization=finding.organization,
        subject=finding.code.value,
        before=wish,
        reason=finding.what,
        requested_by=person.name,
    )


def forget_facts(state: State, organization: OrganizationId) -> None:
    """Have the next refresh read and judge everything: by what was kept, it would leave out what is lost."""
    for record in list(state.records_of(organization, (RecordKind.PARTIAL,))):
        if record.key[1] == WorkKind.POSTURE.value:
            state.replace_record(record, None)
