"""`status`: 0 all is well, 1 something needs a person, 2 something is not known."""

from __future__ import annotations

import pytest

from cli import keys
from local.ado_simulator import Fault, Simulator
from tests.cli.conftest import CommandLine


def test_nothing_there_is_not_known(ado: CommandLine) -> None:
    told = ado.json("status", code=2)
    assert told["verdict"] == "unknown"
    assert "no connector" in told["findings"][0]["reason"]


def test_a_connector_that_never_looked_is_not_known(ado: CommandLine) -> None:
    ado("connector", "create", "--name", "one")
    told = ado.json("status", code=2)
    assert told["connectors"][0]["provisioningState"] == "Pending"


def test_all_is_well(ado: CommandLine, simulator: Simulator) -> None:
    assert simulator.url
    ado("connector", "create", "--name", "one")
    ado("run", "--once", code=None)
    told = ado.json("status")
    assert list(told) == list(keys.STATUS)
    assert told["verdict"] == "fine"
    assert told["organizations"]["Onboarded"] == 2
    assert told["organizations"]["NotOnboarded"] == 0
    assert told["work"] == told["findings"] == []
    assert list(told["queues"][0]) == list(keys.QUEUE)
    assert "All is well" in ado("status").out


def test_work_that_failed_is_told_with_since_when_and_why(ado: CommandLine, simulator: Simulator) -> None:
    name = simulator.world.organizations[0].name
    simulator.add_fault(Fault("trouble", organization=name, path="git/repositories", status=500))
    ado("connector", "create", "--name", "one")
    ado("run", "--once", code=2)
    told = ado.json("status", code=2)
    (work,) = told["work"]
    assert list(work) == list(keys.WORK)
    assert (work["organization"], work["kind"], work["state"]) == (name, "inventory", "failed")
    assert work["since"].endswith("Z")
    assert work["notBefore"] > work["since"]
    assert work["reason"]
    assert "failed" in ado("status", code=2).out


def test_a_throttle_is_told(ado: CommandLine, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LONGEST_SLEEP", "0s")
    name = simulator.world.organizations[0].name
    simulator.add_fault(Fault("blocked", organization=name, path="git/repositories", retry_after=900))
    ado("connector", "create", "--name", "one")
    ado("run", "--once", "--wait", "0", code=2)
    told = ado.json("status", code=2)
    assert "throttled" in {one["state"] for one in told["work"]}


def test_missing_prerequisites_need_a_person(ado: CommandLine, simulator: Simulator) -> None:
    simulator.world.organizations[0].set_licence("stakeholder")
    ado("connector", "create", "--name", "one")
    ado("run", "--once", code=None)
    told = ado.json("status", code=1)
    assert told["verdict"] == "needsPerson"
    assert list(told["findings"][0]) == list(keys.FINDING)
    assert "needs a person" in ado("status", code=1).out


def test_dead_letters_need_a_person(ado: CommandLine, simulator: Simulator) -> None:
    assert simulator.url
    ado("connector", "create", "--name", "one")
    ado("queue", "send", "onboarding", "--body", "no json")
    ado("run", "--once", code=2)
    told = ado.json("status", code=1)
    assert told["deadLetters"] == 1
    assert "dead-letters list" in told["findings"][-1]["reason"]
