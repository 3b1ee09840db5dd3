"""Names of processes: who is alive, who surely is not, of whom nothing can be told."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from shared.wiring import process
from shared.wiring.process import gone, is_alive, process_owner


@pytest.fixture
def child() -> Iterator[subprocess.Popen[str]]:
    script = (
        "import sys; from shared.wiring.process import process_owner;"
        "print(process_owner(), flush=True); sys.stdin.read()"
    )
    started = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    yield started
    started.kill()
    started.communicate()


def owner_of(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def test_this_process_is_alive_under_one_name() -> None:
    assert process_owner() == process_owner()
    assert f"/{os.getpid()}/" in process_owner()
    assert is_alive(process_owner())


def test_another_process_is_alive_until_it_is_killed(child: subprocess.Popen[str]) -> None:
    owner = owner_of(child)
    assert owner != process_owner()
    assert is_alive(owner)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not is_alive(owner), "killed, though its parent has not taken note yet"
    child.wait()
    assert not is_alive(owner)
    assert gone([owner, process_owner(), "", owner]) == (owner,)


def test_a_process_id_that_was_given_again_is_another_process() -> None:
    where, pid, started = process_owner().rsplit("/", 2)
    assert not is_alive(f"{where}/{pid}/{started}0")


def test_of_a_process_elsewhere_nothing_can_be_told() -> None:
    where, pid, started = process_owner().rsplit("/", 2)
    assert is_alive(f"elsewhere-{where}/{pid}/{started}0")
    assert is_alive("somebody")
    assert is_alive("a/b/c")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="boots are told apart on Linux")
def test_what_ran_before_the_machine_started_again_is_gone() -> None:
    where, pid, started = process_owner().rsplit("/", 2)
    host, boot, space = where.rsplit(",", 2)
    assert not is_alive(f"{host},{boot[::-1]},{space}/{pid}/{started}")
    assert is_alive(f"{host},{boot},{space}1/{pid}/{started}"), "another container"


def test_a_forked_process_has_a_name_of_its_own() -> None:
    script = (
        "import os; from shared.wiring.process import process_owner; a = process_owner(); child = os.fork();"
        "print(process_owner() == a, flush=True); child and os.waitpid(child, 0)"
    )
    answer = subprocess.run(  # noqa: S603
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert sorted(answer.stdout.split()) == ["False", "True"]


def test_start_times_are_read_where_there_is_no_proc(
    monkeypatch: pytest.MonkeyPatch, child: subprocess.Popen[str], tmp_path: object
) -> None:
    owner_of(child)
    monkeypatch.setattr(process, "_PROC", type(process._PROC)(str(tmp_path)))
    first = process._started(child.pid)
    assert first
    assert process._started(child.pid) == first
    child.kill()
    child.wait()
    assert process._started(child.pid) == ""
