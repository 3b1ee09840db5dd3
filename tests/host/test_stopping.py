"""The host ends in good order, and at once when asked twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import azure.functions as func
import pytest

from local.host import EventKind
from shared.queue.embedded import EmbeddedQueue
from shared.wiring.clock import SystemClock
from tests.host.bench import HOST_JSON, PATIENCE
from tests.host.conftest import MakeBench

ROOT = Path(__file__).parent.parent.parent
STOPPED_APP = ROOT / "tests" / "host" / "stopped_app.py"
LONG = 600.0

posix = pytest.mark.skipif(os.name != "posix", reason="signals are sent to one process the POSIX way")

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts the app with one message to work on, and returns when it is worked on."""
    processes: list[subprocess.Popen[str]] = []

    def begin(how: str, grace: float) -> subprocess.Popen[str]:
        with queue_of(tmp_path) as queue:
            queue.send_raw("inventory", b"1")
        (tmp_path / "host.json").write_text(HOST_JSON, encoding="utf-8")
        process = run(str(STOPPED_APP), str(tmp_path), how, str(grace))
        processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        return process

    yield begin
    for process in processes:
        process.kill()
        process.communicate()


def run(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - our own programs
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HTTP_PORT": "0", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def queue_of(folder: Path) -> EmbeddedQueue:
    return EmbeddedQueue(folder / "state.db", SystemClock())


@posix
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_a_signal_lets_what_sleeps_finish(
    start: Start, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    process = start("sleep", LONG)
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == code
    assert out == "finished\n"
    assert err.splitlines()[1:] == ["Stopping. Ctrl-C again quits at once."]
    with queue_of(tmp_path) as queue:
        assert queue.next_available_at("inventory") is None


@posix
def test_what_does_not_finish_in_time_is_given_back(start: Start, tmp_path: Path) -> None:
    process = start("hang", 0.2)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (0, "")
    assert "function.abandoned" in err
    assert "Traceback" not in err
    with queue_of(tmp_path) as queue:
        (again,) = queue.receive("inventory")
        assert again.delivery_count == 2


@posix
def test_a_second_ctrl_c_quits_at_once(start: Start) -> None:
    process = start("hang", LONG)
    assert process.stderr is not None
    process.send_signal(signal.SIGINT)
    while not process.stderr.readline().startswith("Stopping"):
        pass
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert err == ""


@posix
def test_run_raises_the_interrupt_when_all_is_in_order(start: Start, tmp_path: Path) -> None:
    process = start("interrupt", 0.2)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (0, "interrupted\n")
    with queue_of(tmp_path) as queue:
        assert len(queue.receive("inventory")) == 1


@posix
def test_an_interrupt_before_the_host_is_waited_for_takes_nothing(tmp_path: Path) -> None:
    with queue_of(tmp_path) as queue:
        queue.send_raw("inventory", b"1")
    (tmp_path / "host.json").write_text(HOST_JSON, encoding="utf-8")
    process = run(str(STOPPED_APP), str(tmp_path), "interrupt-early", "0.2")
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (0, "interrupted\n"), err
    with queue_of(tmp_path) as queue:
        (message,) = queue.receive("inventory")
        assert message.delivery_count == 1


@posix
def test_a_signal_before_the_host_has_begun_ends_it_in_time_too(tmp_path: Path) -> None:
    """It comes while the first line is written, when nothing else can be written to the same stream."""
    with queue_of(tmp_path) as queue:
        queue.send_raw("inventory", b"1")
    (tmp_path / "host.json").write_text(HOST_JSON, encoding="utf-8")
    process = run(str(STOPPED_APP), str(tmp_path), "end-early", "0.2")
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    told = err.splitlines()
    assert told[:2] == ["Running 1 functions. Stop with Ctrl-C.", "Stopping. Ctrl-C again quits at once."]
    assert "Traceback" not in err
    with queue_of(tmp_path) as queue:
        assert len(queue.receive("inventory")) == 1


@posix
def test_the_app_itself_runs_and_stops(tmp_path: Path) -> None:
    process = run("-m", "local.host", STATE_URL=f"sqlite:///{tmp_path / 'state.db'}")
    assert process.stderr is not None
    assert process.stderr.readline() == "Running 20 functions. Stop with Ctrl-C.\n"
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    # It may have said before or after where it serves HTTP.
    told = [one for one in err.splitlines() if not one.startswith("What is known")]
    assert told == ["Stopping. Ctrl-C again quits at once."]


def test_wrong_settings_are_told_without_a_traceback(tmp_path: Path) -> None:
    state = f"sqlite:///{tmp_path / 'state.db'}"
    process = run("-m", "local.host", STATE_URL=state, REFRESH_POSTURE_SCHEDULE="0 0 0 31 2 *")
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert len(err.splitlines()) == 1
    assert "refresh_posture: binding timer (timerTrigger), schedule" in err


def test_stop_finishes_what_is_in_hand_and_takes_nothing_more(make_bench: MakeBench) -> None:
    app = func.FunctionApp()
    go_on = threading.Event()

    @app.service_bus_queue_trigger("message", connection="Bus", queue_name="inventory")
    def work(message: func.ServiceBusMessage) -> None:
        del message
        assert go_on.wait(PATIENCE)

    bench = make_bench(app)
    for _ in range(3):
        bench.queue.send_raw("inventory", b"1")
    with bench.running():
        bench.told.wait_for(EventKind.STARTED, "work", 2)  # as many as host.json allows
        bench.host.stop()
        go_on.set()
        bench.told.wait_for(EventKind.FINISHED, "work", 2)
    assert len(bench.told.of(EventKind.STARTED)) == 2
    assert bench.queue.counts()["inventory"].active == 1
    bench.host.drain()  # a host that was stopped can be used again
    assert bench.queue.counts()["inventory"].active == 0


def test_what_was_given_back_is_not_settled_again(
    make_bench: MakeBench, caplog: pytest.LogCaptureFixture
) -> None:
    app = func.FunctionApp()
    go_on = threading.Event()

    @app.service_bus_queue_trigger("message", connection="Bus", queue_name="inventory")
    def work(message: func.ServiceBusMessage) -> None:
        del message
        assert go_on.wait(PATIENCE)

    bench = make_bench(app, grace=timedelta(0))
    bench.queue.send_raw("inventory", b"1")
    with bench.running():
        bench.told.wait_for(EventKind.STARTED, "work")
        bench.host.stop()
    go_on.set()
    for thread in threading.enumerate():
        if thread.name.startswith("function-"):
            thread.join(PATIENCE)
    assert [json.loads(one.getMessage())["event"] for one in caplog.records] == ["function.abandoned"]
    assert bench.told.of(EventKind.FINISHED) == []
    (again,) = bench.queue.receive("inventory")
    assert again.delivery_count == 2


def test_a_queue_that_does_not_answer_ends_drain_with_the_reason(make_bench: MakeBench) -> None:
    app = func.FunctionApp()

    @app.service_bus_queue_trigger("message", connection="Bus", queue_name="inventory")
    def work(message: func.ServiceBusMessage) -> None:
        del message

    bench = make_bench(app, grace=timedelta(0))
    bench.queue.close()
    with pytest.raises(Exception, match="The queue is closed"):
        bench.host.drain()
