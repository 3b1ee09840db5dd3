"""One flow behind questions, options and documents: review, confirm, store; and changing and deleting."""

from __future__ import annotations

import os
import pty
import re
import select
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.ado_simulator import Simulator
from shared.connector_state import open_state
from shared.model.journal import JournalEvent
from tests.cli.conftest import ROOT, CommandLine

MODES = ("existing", "existing-and-future", "selected")
PROMPT = re.compile(r"[:\]] ?$")


class Terminal:
    """The program in a terminal of its own, answered when it asks."""

    def __init__(self, *arguments: str) -> None:
        self.seen = ""
        self._child, self._terminal = pty.fork()
        if self._child == 0:
            os.chdir(ROOT)
            os.environ["TERM"] = "dumb"
            os.execv(sys.executable, [sys.executable, "-m", "cli.main", *arguments])  # noqa: S606 - ours

    def answer(self, question: str, answer: str) -> None:
        """Wait for the question, and type the answer."""
        assert self._read_until(
            lambda new: question in new and PROMPT.search(new.rstrip("\r\n")) is not None
        ), f"{question} was not asked: {self.seen}"
        os.write(self._terminal, f"{answer}\n".encode())

    def end(self) -> int:
        """Everything is asked: read to the end, and tell the exit code."""
        self._read_until(lambda _: False)
        return os.waitstatus_to_exitcode(os.waitpid(self._child, 0)[1])

    def _read_until(self, enough: Any) -> bool:
        """Whether it came to that; the program may have ended before."""
        new = ""
        deadline = time.monotonic() + 60
        while not enough(new):
            assert time.monotonic() < deadline, self.seen + new
            ready, _, _ = select.select([self._terminal], [], [], 1)
            if not ready:
                continue
            try:
                piece = os.read(self._terminal, 4096).decode(errors="replace")
            except OSError:  # how Linux says that the other end of a terminal is closed
                piece = ""
            if not piece:
                break
            new += piece
        self.seen += new
        return bool(enough(new))


def asked(mode: str) -> Terminal:
    """A new user answers every question."""
    terminal = Terminal("connector", "create")
    terminal.answer("Name of the connector", "no good name")
    terminal.answer("Name of the connector", "contoso")
    terminal.answer("Azure subscription", "not-a-subscription")
    terminal.answer("Azure subscription", "11111111-2222-3333-4444-555555555555")
    terminal.answer("Resource group", "rg")
    terminal.answer("Azure region", "usgovvirginia")
    terminal.answer("Azure region", "westeurope")
    terminal.answer("Number or name", "7")
    terminal.answer("Number or name", "2")
    terminal.answer("Microsoft Entra tenant", "default")
    terminal.answer("Number or name", "pat")
    terminal.answer("Number or name", mode)
    if mode == "selected":
        terminal.answer("Names of the organizations", "alpha, beta")
    terminal.answer("never to take", "sandbox-*")
    terminal.answer("Install the Container Mapping extension", "n")
    terminal.answer("Trace container images", "n")
    terminal.answer("Create it?", "y")
    return terminal


@pytest.fixture(autouse=True)
def world(simulator: Simulator) -> None:
    for organization, name in zip(simulator.world.organizations, ("alpha", "beta"), strict=True):
        organization.rename(name)


@pytest.mark.parametrize("mode", MODES)
def test_questions_options_and_documents_make_the_same_connector(
    ado: CommandLine, mode: str, tmp_path: Path
) -> None:
    terminal = asked(mode)
    assert terminal.end() == 0, terminal.seen
    assert "Azure DevOps Services exists in the commercial cloud alone." in terminal.seen
    assert "alpha will be onboarded" in terminal.seen
    by_questions = ado("connector", "export", "contoso").out
    ado("run", "--once")
    assert {one["onboardingState"] for one in ado.json("organizations", "list")} == {"Onboarded"}
    ado("connector", "delete", "contoso")

    names = ("--organization", "alpha", "--organization", "beta") if mode == "selected" else ()
    ado(
        *("connector", "create", "--name", "contoso", "--mode", mode, "--plan", "defender-cspm", *names),
        *("--subscription", "11111111-2222-3333-4444-555555555555", "--resource-group", "rg"),
        *("--region", "westeurope", "--exclude", "sandbox-*", "--tenant", "default"),
    )
    by_options = ado("connector", "export", "contoso").out
    ado("connector", "delete", "contoso")

    file = tmp_path / "contoso.yaml"
    file.write_text(by_questions)
    ado("connector", "apply", "-f", str(file))
    by_document = ado("connector", "export", "contoso").out
    assert by_questions == by_options == by_document


def test_whoever_says_no_writes_nothing(ado: CommandLine) -> None:
    terminal = Terminal("connector", "create", "--name", "x", "--dry-run")
    assert terminal.end() == 0
    assert "Nothing was written." in terminal.seen
    assert ado.json("connector", "list") == []


def test_a_dry_run_tells_what_every_organization_would_become(ado: CommandLine, simulator: Simulator) -> None:
    simulator.world.organization("beta").set_licence("stakeholder")
    told = ado.json("connector", "create", "--name", "one", "--dry-run", "--exclude", "gamma")
    alpha, beta = told["organizations"]
    assert alpha["onboardingState"] == "Onboarded"
    assert beta["onboardingState"] == "NotOnboarded"
    assert "Stakeholder" in beta["reason"]
    assert "repositories" in beta["prerequisites"]["accessLevel"]["costs"]
    assert told["requests"] > 10
    assert told["connector"]["name"] == "one"
    assert ado.json("connector", "list") == []


def test_a_dry_run_without_a_token_says_what_is_missing(
    ado: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ADO_PAT")
    told = ado("connector", "create", "--name", "one", "--dry-run", "--output", "json")
    assert "ADO_PAT is not set" in told.err
    assert told.json["organizations"] == []
    assert "ADO_PAT" in told.json["failure"]


def test_applying_twice_changes_nothing_and_a_change_is_shown_first(ado: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "one.yaml"
    file.write_text(ado_document())
    ado("connector", "apply", "-f", str(file))
    before = ado("connector", "show", "one", "--output", "json").json
    entries = len(ado.json("journal", "list"))
    again = ado("connector", "apply", "-f", str(file))
    assert "nothing to change" in again.out
    assert ado("connector", "show", "one", "--output", "json").json == before
    assert len(ado.json("journal", "list")) == entries

    ado("run", "--once")
    file.write_text(ado_document(exclude=["bet*"]))
    planned = ado("connector", "apply", "-f", str(file), "--dry-run")
    assert "Change: exclude: (none) -> bet*" in planned.err
    assert ado("connector", "show", "one", "--output", "json").json["excluded"] == []
    changed = ado("connector", "apply", "-f", str(file))
    assert "Change: exclude: (none) -> bet*" in changed.err
    rows = {one["name"]: one for one in ado.json("organizations", "list")}
    assert rows["alpha"]["onboardingState"] == "Onboarded"
    assert rows["beta"]["onboardingState"] == "NotOnboarded"
    assert rows["beta"]["projects"] > 0
    (entry,) = [one for one in ado.json("journal", "list") if one["event"] == "connector.changed"]
    assert entry["after"] == "exclude"
    assert entry["requestedBy"]


def ado_document(**more: object) -> str:
    """A document of a connector with a token."""
    document = {
        "apiVersion": "ado-connector/v1",
        "kind": "Connector",
        "name": "one",
        "tenant": "default",
        "plan": "foundational",
        "mode": "existing-and-future",
        "identity": {"kind": "pat", "secretSetting": "ADO_PAT"},
        "installExtension": False,
        **more,
    }
    return yaml.safe_dump(document, sort_keys=False)


def test_deleting_says_what_it_releases_and_leaves_behind(ado: CommandLine) -> None:
    ado("connector", "create", "--name", "one", "--install-extension")
    ado("run", "--once")
    told = ado("connector", "delete", "one", "--dry-run")
    assert "Released: alpha, beta." in told.err
    assert "Left behind in Azure DevOps: the Container Mapping extension" in told.err
    assert [one["name"] for one in ado.json("connector", "list")] == ["one"]
    ado("connector", "delete", "one")
    assert ado.json("connector", "list") == []


def test_what_is_available_is_asked_now_with_the_reason(ado: CommandLine, simulator: Simulator) -> None:
    ado("connector", "create", "--name", "one", "--exclude", "beta")
    ado("connector", "create", "--name", "two")
    ado("run", "--once")
    simulator.world.add_organization("fresh").add_project("p")
    simulator.world.organization("fresh").add_member(pca="direct")
    rows = {(one["organization"], one["connector"]): one for one in ado.json("organizations", "available")}
    assert rows["alpha", "one"]["onboardingState"] == "Onboarded"
    assert rows["alpha", "two"]["onboardingState"] == "OnboardedByOtherConnector"
    assert "excludes it" in rows["beta", "one"]["reason"]
    assert rows["fresh", "one"]["known"] is False
    assert "fresh" not in {one["name"] for one in ado.json("organizations", "list")}


def test_adding_and_removing_can_be_tried_without_writing(ado: CommandLine) -> None:
    ado("connector", "create", "--name", "one", "--mode", "selected", "--organization", "alpha")
    ado("run", "--once")
    before = ado.json("organizations", "list")
    added = ado.json("organizations", "add", "beta", "--dry-run")
    assert added["status"] == "wouldOnboard"
    refused = ado("organizations", "add", "nowhere", "--dry-run", code=1)
    assert "would not onboard" in refused.err
    assert ado.json("organizations", "remove", "alpha", "--dry-run")["status"] == "wouldRemove"
    assert ado.json("organizations", "list") == before
    ado("organizations", "add", "beta", "--wait")
    assert {one["onboardingState"] for one in ado.json("organizations", "list")} == {"Onboarded"}


def test_a_move_hands_everything_over_and_says_who_asked(ado: CommandLine) -> None:
    ado("connector", "create", "--name", "one")
    ado("connector", "create", "--name", "two", "--mode", "selected", "--organization", "other")
    ado("run", "--once", code=None)
    tried = ado.json("organizations", "move", "alpha", "--to", "two", "--dry-run")
    assert tried == {"organization": "alpha", "from": "one", "to": "two", "status": "wouldMove"}
    before = ado.json("inventory", "list", "--organization", "alpha")
    ado("organizations", "move", "alpha", "--to", "two")
    rows = {(one["name"], one["connector"]): one for one in ado.json("organizations", "list")}
    assert rows["alpha", "two"]["onboardingState"] == "Onboarded"
    assert rows["alpha", "one"]["onboardingState"] == "OnboardedByOtherConnector"
    ado("run", "--once", "--now", code=None)
    after = ado.json("inventory", "list", "--organization", "alpha")
    assert [(one["id"], one["firstSeen"]) for one in after] == [
        (one["id"], one["firstSeen"]) for one in before
    ]
    (entry,) = [one for one in ado.json("journal", "list", "--limit", "500") if one["event"] == "claim.moved"]
    assert (entry["before"], entry["after"]) == ("one", "two")
    assert entry["requestedBy"]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("alpha", "--to", "one"), 'holds "alpha" already'),
        (("nowhere", "--to", "two"), 'No organization "nowhere" is known'),
        (("alpha", "--to", "three"), 'excludes it ("alp*")'),
    ],
)
def test_a_move_that_cannot_be_is_refused_and_changes_nothing(
    ado: CommandLine, arguments: tuple[str, ...], why: str
) -> None:
    ado("connector", "create", "--name", "one")
    ado("connector", "create", "--name", "two")
    ado("connector", "create", "--name", "three", "--exclude", "alp*")
    ado("run", "--once")
    before = ado.json("organizations", "list")
    assert why in ado("organizations", "move", *arguments, code=1).err
    assert ado.json("organizations", "list") == before


def test_a_move_to_whoever_may_not_onboard_it_is_refused(ado: CommandLine, simulator: Simulator) -> None:
    ado("connector", "create", "--name", "one")
    ado("connector", "create", "--name", "two")
    ado("run", "--once")
    simulator.world.organization("alpha").set_licence("stakeholder")
    refused = ado("organizations", "move", "alpha", "--to", "two", code=1)
    assert "may not onboard it" in refused.err
    assert "Basic access level" in refused.err
    with open_state(os.environ["STATE_URL"]) as state:
        assert not [one for one in state.journal() if one.event is JournalEvent.CLAIM_MOVED]


@pytest.mark.parametrize("options", [("--auth", "managed-identity"), ("--organization", "contoso")])
def test_options_are_not_passed_over_where_everything_is_asked(options: tuple[str, ...]) -> None:
    terminal = Terminal("connector", "create", *options)
    assert terminal.end() == 2
    assert f"{options[0]}: without --name everything is asked for" in terminal.seen
    assert "Name of the connector" not in terminal.seen
