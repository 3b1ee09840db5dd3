"""Every command as an operator runs it against a deployed app, signed in with the Azure CLI.

State, queues and the key of sign-ins have the names that `azd env get-values` tells of them.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli.reference import commands
from local.ado_simulator import generate_world
from tests.azure.identity import KEY_VAULT, SERVICE_BUS, STORAGE
from tests.azure.operator import ACCOUNT, NAMESPACE, VAULT, Workstation
from tests.cli.test_connector_flow import Terminal
from tests.infra.test_settings import CLIENT_ID
from tests.sign_in.bench import ROOT, Ended

pytestmark = pytest.mark.timeout(300)

ORGANIZATION = "contoso"
OTHER_CLIENT_ID = f"{CLIENT_ID[:-1]}9"
IMAGE = "contoso.azurecr.io/shop/web:1.0"
PAGE = (ROOT / "docs" / "deploy" / "command-line.md").read_text()


@dataclass(frozen=True)
class Row:
    """A command of the page's tables: what it says that it prints, and the code that it ends with."""

    words: tuple[str, ...]
    phrases: tuple[str, ...]
    code: int
    undone: str

    @property
    def name(self) -> str:
        """The command without its arguments."""
        return next(name for name in NAMES if self.words[: len(name.split())] == tuple(name.split()))


NAMES = sorted((name for name, _ in commands()), key=len, reverse=True)


def rows(heading: str) -> tuple[Row, ...]:
    """The commands of the section with this heading."""
    _, _, section = PAGE.partition(f"\n## {heading}\n")
    section, _, _ = section.partition("\n## ")
    found = []
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if not cells[0].startswith("`ado-connector "):
            continue
        # What stands before the semicolon is printed; after it, what it means or would be in another case.
        prints = cells[1].partition(";")[0]
        code = re.search(r"exit code (\d)", prints)
        found.append(
            Row(
                tuple(shlex.split(cells[0].strip("`"))[1:]),
                tuple(re.findall("`([^`]+)`", prints.partition(", until")[0])),
                int(code[1]) if code is not None else 0,
                cells[2] if len(cells) > 2 else "",
            )
        )
    return tuple(found)


CHANGING, READING = rows("Commands that change something"), rows("Commands that only read")
SIGN_IN = {"connector authorize"}
"""What the page shows apart: it needs a person."""


@pytest.fixture
def workstation(tmp_path: Path) -> Iterator[Workstation]:
    with Workstation(tmp_path, generate_world(5, 1, 1, 1)) as made:
        yield made


def test_the_page_has_every_command_and_how_each_change_is_undone() -> None:
    assert {row.name for row in (*CHANGING, *READING)} | SIGN_IN == set(NAMES)
    assert [row for row in CHANGING if not row.undone] == []
    undoing = {one for row in CHANGING for one in re.findall("`ado-connector ([^`]+)`", row.undone)}
    assert all(any(one.startswith(f"{name} ") for name in NAMES) for one in undoing)
    for name in SIGN_IN:
        assert f"$ ado-connector {name}" in PAGE


def test_every_command_of_the_page_works_against_a_deployed_app(workstation: Workstation) -> None:
    at = workstation
    # The key is made in the vault with the first sign-in, which it seals.
    at.ado_connector(
        *("connector", "create", "--name", "main", "--auth", "user", "--device-code"),
        watch=at.approving(),
    )
    (key,) = at.vault.secrets["token-key"].values()
    at.ado_connector("connector", "authorize", "main", "--device-code", watch=at.approving())
    (at.folder / "exemptions.yaml").write_text("version: 1\nexemptions: []\n")

    known = {"DAY": f"{datetime.now(UTC) + timedelta(days=100):%Y-%m-%d}"}
    wrong: list[tuple[Row, Ended]] = []
    first = next(number for number, row in enumerate(CHANGING) if row.name == "run") + 1
    for row in (*CHANGING[:first], *READING, *CHANGING[first:]):
        if row.name == "recommendations history":
            listed = at.run("inventory", "list", "--kind", "repository", "--output", "json")
            known["REPOSITORY"] = listed.json[0]["id"]
        if row.name == "exemptions remove":
            (exemption,) = at.run("exemptions", "list", "--output", "json").json
            known["ID"] = exemption["id"]
        if row.name == "queue dead-letters list":
            with at.queues() as queues:
                for one in queues.receive("onboarding", max_messages=9):
                    queues.dead_letter(one, reason="Tried")
        ended = at.run(
            *(known.get(one, one) for one in row.words), code=None, LOG_LEVEL="info", ADO_PAT=at.world.token
        )
        told = " ".join(f"{ended.out} {ended.err}".split())
        if ended.code != row.code or not all(phrase in told for phrase in row.phrases):
            wrong.append((row, ended))

    assert [(row.words, row.phrases, ended) for row, ended in wrong] == []
    assert (at.folder / "state.jsonl").stat().st_size > 0
    # Each store was shown the token that is meant for it, and nobody was told one.
    assert {one.partition("--resource ")[2].partition(" ")[0].rstrip("/") for one in at.asked} == {
        STORAGE,
        SERVICE_BUS,
        KEY_VAULT,
    }
    told = "\n".join(at.told)
    assert not [one for one in (*at.tokens, *at.directory.issued, key) if one in told]
    assert at.relay.server_names == {NAMESPACE}


def test_one_command_asks_the_azure_cli_once_for_each_store(workstation: Workstation) -> None:
    workstation.run("queue", "list")
    asked = [one.partition("--resource ")[2] for one in workstation.asked]
    tenant = workstation.tenant.id
    assert sorted(asked) == [f"{SERVICE_BUS}/ --tenant {tenant}", f"{STORAGE} --tenant {tenant}"]


def test_the_questions_do_against_a_deployed_app_what_the_options_do(workstation: Workstation) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**workstation.environment, "ADO_PAT": workstation.world.token}.items():
            patch.setenv(name, value)
        terminal = Terminal("connector", "create")
        for question, answer in (
            ("Name of the connector", "contoso"),
            ("Azure subscription", ""),
            ("Resource group", ""),
            ("Azure region", ""),
            ("Number or name", "1"),
            ("Microsoft Entra tenant", workstation.tenant.id),
            ("Number or name", "pat"),
            ("Number or name", "existing-and-future"),
            ("never to take", ""),
            ("Install the Container Mapping extension", "n"),
            ("Trace container images", "n"),
            ("Create it?", "y"),
        ):
            terminal.answer(question, answer)
        assert terminal.end() == 0, terminal.seen
    shown = workstation.run("connector", "show", "contoso", "--output", "json").json
    assert (shown["auth"], shown["mode"]) == ("pat", "existing-and-future")


def test_the_file_that_azd_keeps_is_taken_as_it_is(workstation: Workstation) -> None:
    """On every system, and without a shell that reads it."""
    file = workstation.folder / ".env"
    file.write_text("".join(f'{name}="{value}"\n' for name, value in workstation.settings.items()))
    workstation.more = {
        name: value for name, value in workstation.more.items() if name not in workstation.settings
    }
    told = workstation.run("connector", "list", "--settings", str(file), STATE_URL="")
    assert "There is no connector yet" in told.err
    assert workstation.asked == [
        f"account get-access-token --output json --resource {STORAGE} --tenant {workstation.tenant.id}"
    ]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("ERROR: Please run 'az login' to setup account.", "The Azure CLI said: Please run 'az login'"),
        (
            "ERROR: AADSTS50020: User account 'ana@fabrikam.example' does not exist in tenant 'Contoso'.",
            "AADSTS50020: User account 'ana@fabrikam.example' does not exist in tenant 'Contoso'",
        ),
    ],
)
def test_whoever_is_not_signed_in_is_told_how(workstation: Workstation, said: str, told: str) -> None:
    workstation.sign_out(said)
    ended = workstation.run("status", code=2, LOG_LEVEL="info")
    assert ended.err.count("\n") == 1
    assert f"STATE_URL: there is no token for table adoconnector of {ACCOUNT}" in ended.err
    assert told in ended.err
    assert f"az login --tenant {workstation.tenant.id}" in ended.err


def test_without_the_azure_cli_it_is_named(workstation: Workstation) -> None:
    path = os.environ["PATH"]
    ended = workstation.run("status", code=2, LOG_LEVEL="info", PATH=path, AZURE_TOKEN_CREDENTIALS="dev")
    assert "The Azure CLI (az) is not on the path. Install it, then sign in with it: az login" in ended.err


def test_roles_that_are_not_there_yet_are_named_for_each_store(workstation: Workstation) -> None:
    whom = f"{workstation.ana.name} (tenant {workstation.tenant.id})"
    workstation.tables.refuses = 403
    ended = workstation.run("status", code=2, LOG_LEVEL="info")
    assert f"STATE_URL: table adoconnector of {ACCOUNT}.table.core.windows.net refuses {whom}" in ended.err
    assert "Storage Table Data Contributor" in ended.err

    workstation.tables.refuses = 0
    workstation.broker.refuse_tokens()
    ended = workstation.run("queue", "list", code=2, LOG_LEVEL="info")
    assert f"of {NAMESPACE} (QUEUE_URL) refuses {whom}" in ended.err
    assert "Azure Service Bus Data Sender and Data Receiver" in ended.err

    workstation.vault.refuses = 403
    ended = workstation.ado_connector(
        *("connector", "create", "--name", "main", "--auth", "user", "--device-code"),
        watch=workstation.approving(),
        code=None,
        LOG_LEVEL="info",
    )
    assert ended.code == 2
    assert f"TOKEN_KEY: {whom} cannot have secret token-key of https://{VAULT}.vault.azure.net" in ended.err
    assert "Key Vault Secrets Officer" in ended.err


def test_what_only_the_deployed_app_has_is_not_tried_here(workstation: Workstation) -> None:
    """Else a connector that works would be told as one that does not."""
    create = ("connector", "create", "--mode", "selected", "--organization", ORGANIZATION)
    workstation.run(*create, "--name", "app", "--auth", "managed-identity", "--client-id", CLIENT_ID)
    workstation.run(*create, "--name", "trial", "--auth", "pat")
    for name, what in (("app", "its managed identity"), ("trial", "ADO_PAT")):
        ended = workstation.run("connector", "authorize", name, code=1)
        assert f"{what} is not on this machine but with the deployed app" in ended.err
        shown = workstation.run("connector", "show", name, "--output", "json").json
        assert (shown["authorization"], shown["provisioningState"]) == ("unknown", "Pending")
    ran = workstation.run("run", "--once", code=None)
    assert "goes on beside this run" in ran.err


def test_a_connector_of_the_apps_own_identity_is_made_and_changed_without_trying_it_here(
    workstation: Workstation,
) -> None:
    """As the walk through does it: by questions, later by its document."""
    own = ("--name", "app", "--auth", "managed-identity", "--client-id", CLIENT_ID)
    place = ("--tenant", workstation.tenant.id, "--mode", "selected", "--organization", ORGANIZATION)
    reviewed = workstation.run("connector", "create", *own, *place, "--dry-run")
    assert "is not on this machine but with the deployed app" in reviewed.out
    with pytest.MonkeyPatch.context() as patch:
        for name, value in workstation.environment.items():
            patch.setenv(name, value)
        terminal = Terminal("connector", "create", *own, *place)
        assert terminal.end() == 0, terminal.seen
    seen = " ".join(terminal.seen.split())
    assert "What becomes of each organization cannot be told from here" in seen
    assert "The deployed app lists the organizations at its next discovery." in seen
    assert "error" not in seen

    document = workstation.folder / "app.yaml"
    document.write_text(workstation.run("connector", "export", "app").out.replace(CLIENT_ID, OTHER_CLIENT_ID))
    changed = workstation.run("connector", "apply", "-f", str(document), "--yes")
    assert "signs in with the other client id" in changed.err
    assert "error" not in changed.err
    shown = workstation.run("connector", "show", "app", "--output", "json").json
    assert shown["clientId"] == OTHER_CLIENT_ID
    assert (shown["authorization"], shown["provisioningState"]) == ("unknown", "Pending")
    doctor = workstation.run("doctor", code=None).out
    assert "UNKNOWN  sign-in (managed-identity): From here it cannot be tried" in doctor
    assert "Assign the managed identity" not in doctor
    journal = workstation.run("journal", "list", "--output", "json").json
    assert [one["event"] for one in journal if one["event"].startswith(("auth", "disc"))] == []
    # Whoever runs the app without the identity tells that it has none, and doctor what was told.
    workstation.run("run", "--once", code=None)
    doctor = workstation.run("doctor", code=1).out
    assert "NOT MET  sign-in (managed-identity): The deployed app cannot sign in" in doctor
