"""What is stuck: since when, why, and what comes next. Read from the state and the queues alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cli.output import Row, instant
from shared.model.connector import ProvisioningState
from shared.model.failure import FailureKind
from shared.model.ids import OrganizationId
from shared.model.work import Work, is_held
from shared.reconcile.work import next_start
from shared.views.organizations import WORK_TITLES, sentence

if TYPE_CHECKING:
    from shared.ports import Intervals, State
    from shared.queue.receiver import DeadLetter, Queues
    from shared.wiring.runtime import Runtime

_OFTEN = 2
"""Failures in a row from which on work counts as stuck; one may pass by itself."""

_LETTERS = 20
"""Dead letters that are told one by one, of each queue."""


def stuck_rows(runtime: Runtime, now: datetime) -> list[Row]:
    """Everything that does not go on, or has to wait; the longest first."""
    state = runtime.state
    names = {one.id: one.name for one in state.organizations()}
    rows = [
        *_discovery(state),
        *_work(state, runtime.dependencies.intervals, names, now),
        *_throttled(state, names, now),
        *_dead_letters(state, runtime.queue, names),
    ]
    return sorted(rows, key=lambda one: (one["since"] is None, str(one["since"]), str(one["subject"])))


def ago(since: object, now: datetime) -> str:
    """How long ago that was, in one unit, with the time itself in UTC."""
    if not isinstance(since, str):
        return "-"
    passed = max((now - datetime.fromisoformat(since)).total_seconds(), 0)
    number, unit = passed, "s"
    for seconds, longer in ((60, "min"), (3600, "h"), (86400, "d")):
        if passed >= seconds:
            number, unit = passed / seconds, longer
    return f"{int(number)} {unit} ago ({since})"


def _row(subject: str, what: str, kind: str, since: datetime | None, why: str, then: str) -> Row:
    return {
        "subject": subject,
        "what": what,
        "kind": kind,
        "since": instant(since),
        "why": sentence(why),
        "next": sentence(then),
    }


def _discovery(state: State) -> Iterator[Row]:
    for one in state.connectors():
        if one.provisioning is ProvisioningState.FAILED:
            yield _row(
                f"connector {one.name}",
                "discoveryFails",
                "discovery",
                one.provisioning_at,
                f"Its organizations could not be listed: {one.provisioning_message}",
                "Mend what it names; the next discovery goes on by itself",
            )


def _work(
    state: State, intervals: Intervals, names: dict[OrganizationId, str], now: datetime
) -> Iterator[Row]:
    for work in state.work():
        name = names.get(work.organization)
        if name is not None:
            yield from _one_work(work, name, intervals, now)


def _one_work(work: Work, name: str, intervals: Intervals, now: datetime) -> Iterator[Row]:
    failure, kind, title = work.last_failure, work.kind.value, WORK_TITLES[work.kind]
    if failure is not None and failure.kind is not FailureKind.THROTTLED:
        lasting = failure.kind in {FailureKind.DENIED, FailureKind.GONE}
        if work.failures_in_a_row >= _OFTEN or lasting:
            again = max(next_start(work, now), now)
            yield _row(
                name,
                "failing",
                kind,
                work.failing_since or work.last_failure_at,
                f"{title} failed {work.failures_in_a_row} times in a row: {failure.reason}",
                sentence(failure.fix, f"It is tried again at {again:%Y-%m-%d %H:%M} UTC"),
            )
            return
    if work.leased_until is not None and not is_held(work, now, intervals.lease):
        yield _row(
            name,
            "abandoned",
            kind,
            min(work.leased_until, now),
            f"{title} was begun by {_machine(work.leased_by)} and not ended within its lease",
            'The next timer queues it again. Is the app running? "ado-connector run" does it here',
        )
    elif is_held(work, now, intervals.lease):
        return
    elif work.queued_at is not None and work.queued_at + intervals.requeue_after < now:
        yield _row(
            name,
            "notTaken",
            kind,
            work.queued_at,
            f"{title} is queued, and its message was not taken",
            'The next timer sends it again. Is the app running? "ado-connector run" does it here',
        )
    elif next_start(work, now) + _patience(work, intervals) < now:
        yield _row(
            name,
            "overdue",
            kind,
            next_start(work, now),
            f"{title} is past due by more than its interval",
            'Is the app running, and its timer with it? "ado-connector run" does it here',
        )


def _patience(work: Work, intervals: Intervals) -> timedelta:
    return max(intervals.work[work.kind], intervals.requeue_after)


def _machine(owner: str) -> str:
    """The name of the machine in an owner, for people."""
    return owner.partition("/")[0].partition(",")[0] or "a worker"


def _throttled(state: State, names: dict[OrganizationId, str], now: datetime) -> Iterator[Row]:
    known = {name.casefold(): name for name in names.values()}
    for key, record in state.throttles().items():
        if record.not_before is None or record.not_before <= now:
            continue
        name = key.partition("|")[0]
        yield _row(
            known.get(name, name),
            "throttled",
            "",
            record.updated_at,
            record.reason or "The rate limit of Azure DevOps asks for a pause",
            f"It goes on by itself at {record.not_before:%Y-%m-%d %H:%M:%S} UTC",
        )


def _dead_letters(state: State, queues: Queues, names: dict[OrganizationId, str]) -> Iterator[Row]:
    """Those that still matter: work that went on without its message is not stuck."""
    from shared.queue.receiver import QUEUES  # noqa: PLC0415 - heavy

    for queue in QUEUES:
        for letter in queues.dead_letters(queue, limit=_LETTERS):
            if _is_outdated(letter, state):
                continue
            yield _row(
                _subject(letter, names),
                "deadLetter",
                queue,
                letter.dead_lettered_at or letter.enqueued_time,
                ": ".join(part for part in (letter.reason, letter.description) if part)
                or "It is not told why",
                f'"ado-connector queue dead-letters replay {queue}/{letter.sequence_number}" sends it again, '
                '"discard" throws it away',
            )


def _is_outdated(letter: DeadLetter, state: State) -> bool:
    """Whether the work that the message names was done, or dropped, since."""
    from shared.model.command import DoWork  # noqa: PLC0415 - heavy
    from shared.queue.messages import MessageRefused, decode  # noqa: PLC0415 - heavy

    try:
        command = decode(letter.queue, letter.body)
    except MessageRefused:
        return False
    if not isinstance(command, DoWork):
        return False
    work = state.work(organization=command.organization, kind=command.kind)
    return not any(one.revision == command.revision for one in work)


def _subject(letter: DeadLetter, names: dict[OrganizationId, str]) -> str:
    from shared.queue.messages import MessageRefused, decode  # noqa: PLC0415 - heavy

    try:
        organization = decode(letter.queue, letter.body).organization
    except MessageRefused:
        return f"message {letter.queue}/{letter.sequence_number}"
    return names.get(OrganizationId(organization), organization)
