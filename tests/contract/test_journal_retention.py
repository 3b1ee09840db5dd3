"""The journal forgets what is old, a little at a time, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from shared.model.journal import JournalEvent
from tests.contract.adapters import State
from tests.contract.records import ORGANIZATION, entry

NOW = datetime(2100, 1, 1, tzinfo=UTC)
"""After the present: stores tell by when they were written where old entries may be."""
DAY = timedelta(days=1)


def write(state: State, name: str, at: datetime) -> None:
    state.append_journal([entry(name, at=at)])


def told(state: State) -> list[str]:
    return [one.subject for one in state.journal(limit=1_000)]


def test_older_entries_are_forgotten_everywhere(state: State) -> None:
    for number in range(6):
        write(state, str(number), NOW + number * DAY)
    assert state.forget_journal(NOW, 100) == 0
    assert len(told(state)) == 6
    assert state.forget_journal(NOW + 3 * DAY, 100) == 3
    assert told(state) == ["3", "4", "5"]
    assert [one.subject for one in state.journal(organization=ORGANIZATION, limit=9)] == ["3", "4", "5"]
    assert state.journal(event=JournalEvent.PROJECT_DISCOVERED, limit=9)[0].subject == "3"
    last = state.journal(limit=1)[0].id
    assert state.forget_journal(NOW + 30 * DAY, 100) == 3
    assert told(state) == []
    write(state, "next", NOW)
    assert state.journal(limit=1)[0].id > last


def test_so_many_at_once(state: State) -> None:
    for number in range(250):
        write(state, str(number), NOW - DAY)
    write(state, "new", NOW)
    assert [state.forget_journal(NOW, 100) for _ in range(4)] == [100, 100, 50, 0]
    assert told(state) == ["new"]


def test_an_entry_of_a_wrong_clock_keeps_no_other(state: State) -> None:
    write(state, "ahead", NOW + 900 * DAY)
    write(state, "old", NOW - DAY)
    assert state.forget_journal(NOW, 100) == 1
    assert told(state) == ["ahead"]
