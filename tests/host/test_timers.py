"""Timers fire on schedule, once, and make up for what they missed."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import azure.functions as func
import pytest
from azure.functions.timer import TimerRequest

from local.host import EventKind
from local.host.schedule import Schedule
from local.host.timer_store import TimerStore
from tests.host.bench import PATIENCE, START, MovedClock, add_look
from tests.host.conftest import MakeBench

EVERY_QUARTER = "0 */15 * * * *"


class Timed:
    """An app with one timer that notes how it was called."""

    def __init__(self, schedule: str = EVERY_QUARTER, *, use_monitor: bool = True) -> None:
        self.app = func.FunctionApp()
        add_look(self.app)
        self.requests: list[TimerRequest] = []
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Event()
        self.go_on.set()
        self.fails = False

        @self.app.timer_trigger("timer", schedule, use_monitor=use_monitor)
        def tick(timer: func.TimerRequest) -> None:
            assert isinstance(timer, TimerRequest)
            self.requests.append(timer)
            self.begun.release()
            assert self.go_on.wait(PATIENCE)
            if self.fails:
                raise ValueError("asked to fail")


def test_a_timer_fires_at_its_time_and_not_before(make_bench: MakeBench, clock: MovedClock) -> None:
    timed = Timed()
    bench = make_bench(timed.app)
    with bench.running():
        clock.move_to(START + timedelta(minutes=14, seconds=59, milliseconds=999))
        bench.look()
        clock.move_to(START + timedelta(minutes=15))
        bench.told.wait_for(EventKind.FINISHED, "tick")
        clock.move(minutes=15)
        bench.told.wait_for(EventKind.FINISHED, "tick", 2)
    assert [one.at for one in bench.told.of(EventKind.STARTED, "tick")] == [
        START + timedelta(minutes=15),
        START + timedelta(minutes=30),
    ]


def test_what_the_function_is_told(make_bench: MakeBench, clock: MovedClock) -> None:
    timed = Timed()
    bench = make_bench(timed.app)
    with bench.running():
        clock.move(minutes=15)
        bench.look_until(lambda: bench.host._monitor.status("tick").last == clock.now())
        clock.move(minutes=15)
        bench.told.wait_for(EventKind.FINISHED, "tick", 2)
    first, second = timed.requests
    assert first.past_due is False
    assert first.schedule_status["Last"].startswith("0001-01-01")
    assert second.schedule_status["Last"] == (START + timedelta(minutes=15)).isoformat()
    assert second.schedule_status["Next"] == (START + timedelta(minutes=30)).isoformat()
    assert second.schedule_status["LastUpdated"] == (START + timedelta(minutes=15)).isoformat()
    assert second.schedule == {"AdjustForDST": True}


def test_occurrences_missed_while_down_are_made_up_for_once(make_bench: MakeBench, clock: MovedClock) -> None:
    first = Timed()
    with make_bench(first.app).running():
        pass
    clock.move(hours=3, minutes=7)
    second = Timed()
    bench = make_bench(second.app)
    with bench.running():
        bench.told.wait_for(EventKind.FINISHED, "tick")
        clock.move_to(START + timedelta(hours=3, minutes=15))
        bench.told.wait_for(EventKind.FINISHED, "tick", 2)
    assert [one.past_due for one in second.requests] == [True, False]
    assert [one.past_due for one in bench.told.of(EventKind.STARTED)] == [True, False]
    assert first.requests == []


def test_a_timer_without_monitor_makes_up_for_nothing(make_bench: MakeBench, clock: MovedClock) -> None:
    with make_bench(Timed(use_monitor=False).app).running():
        pass
    clock.move(hours=3, minutes=7)
    timed = Timed(use_monitor=False)
    bench = make_bench(timed.app)
    with bench.running():
        clock.move_to(START + timedelta(hours=3, minutes=15))
        bench.told.wait_for(EventKind.FINISHED, "tick")
    assert [one.past_due for one in timed.requests] == [False]


def test_the_first_start_ever_is_not_past_due(make_bench: MakeBench, clock: MovedClock) -> None:
    clock.move_to(START)  # exactly an occurrence: the next one counts
    timed = Timed()
    bench = make_bench(timed.app)
    with bench.running():
        clock.move(minutes=15)
        bench.told.wait_for(EventKind.FINISHED, "tick")
    assert [one.past_due for one in timed.requests] == [False]


def test_a_run_that_overruns_its_next_occurrence_is_followed_by_one_more_and_never_overlaps(
    make_bench: MakeBench, clock: MovedClock
) -> None:
    timed = Timed()
    bench = make_bench(timed.app)
    with bench.running():
        timed.go_on.clear()
        clock.move(minutes=15)
        assert timed.begun.acquire(timeout=PATIENCE)
        clock.move(minutes=50)
        bench.look()
        assert len(timed.requests) == 1
        timed.go_on.set()
        bench.told.wait_for(EventKind.FINISHED, "tick", 2)
        clock.move_to(START + timedelta(minutes=75))
        bench.told.wait_for(EventKind.FINISHED, "tick", 3)
    kinds = [one.kind for one in bench.told.events if one.function == "tick"]
    assert kinds == [EventKind.STARTED, EventKind.FINISHED] * 3


def test_a_failing_timer_goes_on_with_its_schedule(
    make_bench: MakeBench, clock: MovedClock, caplog: pytest.LogCaptureFixture
) -> None:
    timed = Timed()
    timed.fails = True
    bench = make_bench(timed.app)
    with bench.running():
        clock.move(minutes=15)
        bench.told.wait_for(EventKind.FAILED, "tick")
        timed.fails = False
        clock.move(minutes=15)
        bench.told.wait_for(EventKind.FINISHED, "tick")
    errors = [one for one in caplog.records if one.levelname == "ERROR"]
    assert len(errors) == 1
    assert "ValueError: asked to fail" in errors[0].getMessage()
    assert "\n" not in errors[0].getMessage()
    assert errors[0].exc_info is None


def test_a_timer_that_another_process_runs_is_left_to_it(
    make_bench: MakeBench, clock: MovedClock, tmp_path: Path
) -> None:
    timed = Timed()
    bench = make_bench(timed.app)
    other = TimerStore(tmp_path / "state.timers.db", owner="another process")
    schedule = Schedule(EVERY_QUARTER)
    with bench.running():
        bench.look()
        later = clock.now() + timedelta(minutes=15)
        assert other.claim("tick", later) is not None
        clock.move_to(later)
        bench.look()
        other.finish("tick", clock.now(), schedule.next_after(clock.now()), clock.now())
        bench.look()
        assert timed.requests == []
        clock.move(minutes=15)
        bench.told.wait_for(EventKind.FINISHED, "tick")
    other.close()


def test_a_timer_whose_process_died_in_the_middle_is_run_again(
    make_bench: MakeBench, clock: MovedClock, tmp_path: Path
) -> None:
    dead = TimerStore(tmp_path / "state.timers.db", owner="somewhere/4194999/1")
    dead.open("tick", Schedule(EVERY_QUARTER), clock.now())
    clock.move(minutes=15)
    assert dead.claim("tick", clock.now()) is not None
    dead.close()
    timed = Timed()
    bench = make_bench(timed.app)
    bench.host._monitor._is_alive = lambda owner: owner != "somewhere/4194999/1"
    with bench.running():
        clock.move(seconds=1)
        bench.told.wait_for(EventKind.FINISHED, "tick")
    assert len(timed.requests) == 1


def test_firing_by_hand_runs_the_function_and_leaves_the_schedule_alone(
    make_bench: MakeBench, clock: MovedClock
) -> None:
    timed = Timed()
    bench = make_bench(timed.app)
    clock.move(minutes=1)
    assert bench.host.fire("tick") is True
    timed.fails = True
    assert bench.host.fire("tick") is False
    timed.fails = False
    with bench.running():
        clock.move_to(START + timedelta(minutes=15))
        bench.told.wait_for(EventKind.FINISHED, "tick", 2)
    assert [one.past_due for one in timed.requests] == [False, False, False]


def test_firing_by_hand_waits_for_a_run_under_way(make_bench: MakeBench, clock: MovedClock) -> None:
    timed = Timed()
    bench = make_bench(timed.app)
    timed.go_on.clear()
    with bench.running():
        clock.move(minutes=15)
        assert timed.begun.acquire(timeout=PATIENCE)
        by_hand = threading.Thread(target=bench.host.fire, args=("tick",), daemon=True)
        by_hand.start()
        bench.look()
        assert len(timed.requests) == 1
        timed.go_on.set()
        by_hand.join(PATIENCE)
    assert [one.kind for one in bench.told.events if one.function == "tick"] == [
        EventKind.STARTED,
        EventKind.FINISHED,
    ] * 2


def test_an_unknown_timer_is_named_with_those_there_are(make_bench: MakeBench) -> None:
    with pytest.raises(KeyError, match="no timer tock; there are tick"):
        make_bench(Timed().app).host.fire("tock")


def test_a_clock_that_was_hours_ahead_holds_no_timer_up(make_bench: MakeBench, clock: MovedClock) -> None:
    timed = Timed()
    bench = make_bench(timed.app)
    with bench.running():
        clock.move(hours=10)
        bench.told.wait_for(EventKind.FINISHED, "tick")
        noted = TimerStore(bench.runtime.timers_file)
        bench.look_until(lambda: noted.status("tick").last is not None)
        clock.move(hours=-10)
        bench.look_until(lambda: noted.status("tick").next == START + timedelta(minutes=15))
        noted.close()
        clock.move(minutes=15)
        bench.told.wait_for(EventKind.FINISHED, "tick", 2)
    assert bench.told.of(EventKind.STARTED, "tick")[1].at == START + timedelta(minutes=15)
