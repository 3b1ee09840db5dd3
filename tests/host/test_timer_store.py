"""What a timer remembers, and who may run it."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from local.host.schedule import Schedule
from local.host.timer_store import TimerStore
from shared.ports import StateUnavailable
from tests.host.bench import START

HOURLY = Schedule("0 0 * * * *")
ONE, TWO = START + timedelta(hours=1), START + timedelta(hours=2)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "timers.db"


def test_it_remembers_across_processes(file: Path) -> None:
    store = TimerStore(file)
    assert store.open("tick", HOURLY, START).next == ONE
    store.finish("tick", ONE, TWO, ONE + timedelta(seconds=3))
    store.close()
    status = TimerStore(file).open("tick", HOURLY, TWO + timedelta(days=1))
    assert (status.last, status.next, status.last_updated) == (ONE, TWO, ONE + timedelta(seconds=3))


def test_only_one_process_may_run_it(file: Path) -> None:
    mine, theirs = TimerStore(file, owner="mine"), TimerStore(file, owner="theirs")
    mine.open("tick", HOURLY, START)
    assert mine.claim("tick", START) is None
    assert mine.claim("tick", ONE) is not None
    assert theirs.claim("tick", ONE) is None
    mine.finish("tick", ONE, TWO, ONE)
    assert theirs.claim("tick", ONE) is None
    assert theirs.claim("tick", TWO) is not None


def test_what_a_dead_process_ran_may_be_run_again(file: Path) -> None:
    dead = TimerStore(file, owner="dead")
    dead.open("tick", HOURLY, START)
    assert dead.claim("tick", ONE) is not None
    assert TimerStore(file, owner="mine", is_alive=lambda _: True).claim("tick", ONE) is None
    assert TimerStore(file, owner="mine", is_alive=lambda one: one != "dead").claim("tick", ONE) is not None


def test_a_changed_schedule_counts_from_when_the_timer_was_last_looked_after(file: Path) -> None:
    store = TimerStore(file)
    store.open("tick", HOURLY, START)
    store.finish("tick", ONE, TWO, ONE)
    quarter = Schedule("0 */15 * * * *")
    assert store.open("tick", quarter, ONE + timedelta(minutes=50)).next == ONE + timedelta(minutes=15)
    assert store.status("tick").last == ONE


def test_without_a_file_nothing_is_left_behind(tmp_path: Path) -> None:
    TimerStore(None).open("tick", HOURLY, START)
    assert TimerStore(None).open("tick", HOURLY, TWO).last is None
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_does_not_answer_is_our_own_outage(file: Path) -> None:
    store = TimerStore(file)
    with sqlite3.connect(file) as connection:
        connection.execute("DROP TABLE timers")
    connection.close()
    with pytest.raises(StateUnavailable, match="timers"):
        store.status("tick")
