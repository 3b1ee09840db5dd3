"""Every wrong call is told by option, problem and fix, with exit code 2 and without a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine

CREATE = ("connector", "create", "--name", "one")
APP = ("--auth", "service-principal", "--client-id", "11111111-2222-3333-4444-555555555555")

CASES = [
    (("connector", "create"), "--name", "Give one, or run the command in a terminal"),
    (("connector", "create", "--name", ""), "--name", "Give one, or run the command in a terminal"),
    (("connector", "create", "--name", "a" * 65), "--name", "1 to 64"),
    (("connector", "create", "--name", "with space"), "--name", "1 to 64"),
    (("connector", "create", "--name", "nåme"), "--name", "1 to 64"),
    ((*CREATE, "--mode", "all"), "--mode", "'existing-and-future'"),
    ((*CREATE, "--mode", "selected"), "--organization", "Name each under --organization"),
    ((*CREATE, "--organization", ""), "--organization", "Give the name alone"),
    ((*CREATE, "--organization", "https://dev.azure.com/contoso"), "--organization", "Give the name alone"),
    ((*CREATE, "--organization", "two words"), "--organization", "Give the name alone"),
    ((*CREATE, "--exclude", ""), "--exclude", "Give a name or a pattern"),
    ((*CREATE, "--exclude", "a/b"), "--exclude", "Give a name or a pattern"),
    ((*CREATE, "--organization", "Alpha", "--exclude", "al*"), "--organization", "Take it out of one"),
    ((*CREATE, "--tenant", "not a tenant"), "--tenant", "Give the tenant's id"),
    ((*CREATE, "--plan", "gold"), "--plan", "'defender-cspm'"),
    ((*CREATE, "--auth", "password"), "--auth", "'azure-cli'"),
    ((*CREATE, "--auth", "service-principal"), "--client-id", "Give the application"),
    ((*CREATE, *APP), "--tenant", "AZURE_TENANT_ID"),
    ((*CREATE, "--client-id", "x"), "--client-id", "Leave it out"),
    ((*CREATE, "--auth", "managed-identity", "--client-id", "x"), "--client-id", "Give the GUID"),
    ((*CREATE, "--auth", "managed-identity"), "--mode", "Add --discover-as"),
    ((*CREATE, *APP, "--tenant", "contoso.com"), "--mode", "Add --discover-as"),
    ((*CREATE, "--auth", "managed-identity", "--mode", "existing"), "--organization", "must be named"),
    ((*CREATE, "--discover-as", "managed-identity"), "--discover-as", "Use user, pat or azure-cli"),
    ((*CREATE, "--require", "luck"), "--require", "'accessLevel'"),
    ((*CREATE, "--require", "none", "--require", "accessLevel"), "--require", "Give none alone"),
    ((*CREATE, "--output", "yaml"), "--output", "'json'"),
    (("connector", "show"), "CONNECTOR", "Missing argument"),
    (("connector", "show", "nobody"), "no connector", "connector create"),
    (("connector", "delete", "nobody"), "no connector", "connector create"),
    (("organizations", "list", "--organization", "nobody"), "--organization", "organizations list"),
    (("organizations", "onboard"), "NAME", "Missing argument"),
    (("organizations", "onboard", "contoso"), "no connector", "connector create"),
    (("organizations", "onboard", ""), "NAME", "contoso"),
    (("organizations", "onboard", "a b"), "NAME", "contoso"),
    (("inventory", "list", "--organization", "nobody"), "--organization", "organizations list"),
    (("inventory", "list", "--kind", "branch"), "--kind", "'repository'"),
    (("recommendations", "list", "--rule", "NOPE"), "--rule", "Rules have ids such as"),
    (("recommendations", "list", "--status", "good"), "--status", "'unhealthy'"),
    (("recommendations", "list", "--severity", "huge"), "--severity", "'high'"),
    (("journal", "list", "--event", "nothing"), "--event", "'repository.discovered'"),
    (("journal", "list", "--since", "yesterday"), "--since", "2026-01-31"),
    (("journal", "list", "--since", "999999999999d"), "--since", "2026-01-31"),
    (("journal", "list", "--limit", "0"), "--limit", "range"),
    (("queue", "send", "nowhere", "--body", "x"), "QUEUE", "'onboarding'"),
    (("queue", "send", "onboarding", "--body", "x" * 300_000), "--body", "put less into it"),
    (("queue", "dead-letters", "replay"), "ID", "--all"),
    (("queue", "dead-letters", "replay", "onboarding/1", "--all"), "ID", "--all"),
    (("queue", "dead-letters", "discard", "12"), "ID", "onboarding/12"),
    (("queue", "dead-letters", "discard", "nowhere/12"), "ID", "onboarding/12"),
    (("run", "--once"), "no connector", "connector create"),
    (("run",), "no connector", "connector create"),
    (("run", "--now"), "--now", "Add --once"),
    (("run", "--once", "--wait", "soon"), "--wait", "10m"),
    (("demo", "--organizations", "0"), "--organizations", "range"),
    (("demo", "--projects", "many"), "--projects", "integer"),
    (("--settings", "/nowhere/at/all", "connector", "list"), "--settings", "NAME=value"),
    (("status", "--settings", "/nowhere/at/all"), "--settings", "NAME=value"),
    (("status", "--settings", "/"), "--settings: / is a folder", "NAME=value"),
    (("nonsense",), "nonsense", "--help"),
    (("connector", "nonsense"), "nonsense", "--help"),
    (("connector", "list", "--nonsense"), "--nonsense", "--help"),
]


@pytest.mark.parametrize(("arguments", "option", "fix"), CASES)
def test_wrong_usage(arguments: tuple[str, ...], option: str, fix: str, ado: CommandLine) -> None:
    told = ado(*arguments, code=2)
    assert told.out == ""
    assert option in told.err
    assert fix in told.err


@pytest.mark.parametrize(
    ("name", "value", "fix"),
    [
        ("INVENTORY_INTERVAL", "often", "INVENTORY_INTERVAL=1h"),
        ("REQUESTS_AT_ONCE", "99", "REQUESTS_AT_ONCE=4"),
        ("ADO_GATEWAY_URL", "http://gateway.example.com", "https"),
        ("STATE_URL", "postgres://secret@host/db", "sqlite:///"),
        ("QUEUE_URL", "amqp://secret@host", "sqlite:///"),
        ("LOG_LEVEL", "loud", "LOG_LEVEL"),
        ("ADO_PAT", "secret\ntwo", "ADO_PAT"),
    ],
)
def test_wrong_settings(
    name: str, value: str, fix: str, ado: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    told = ado("connector", "list", code=2)
    assert told.out == ""
    assert name in told.err
    assert fix in told.err
    assert "secret" not in told.err


def test_a_state_that_cannot_be_opened_is_told(
    ado: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("STATE_URL", f"sqlite:///{tmp_path}/file/state.db")
    assert "STATE_URL" in ado("status", code=2).err


def test_a_state_of_another_program_is_left_alone(
    ado: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other.db").write_text("this is no database, but it is somebody's")
    monkeypatch.setenv("STATE_URL", f"sqlite:///{tmp_path}/other.db")
    assert "STATE_URL" in ado("status", code=2).err
    assert (tmp_path / "other.db").read_text() == "this is no database, but it is somebody's"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('STATE_URL="tables://contoso"\n{"kind":"end","counts":{}}\n', "line 2 of {} is no NAME=value"),
        ("\N{LATIN SMALL LETTER E WITH ACUTE}=1\n", "{} is not a UTF-8 text file"),
    ],
)
def test_a_file_of_something_else_is_not_taken_for_settings(
    ado: CommandLine, tmp_path: Path, content: str, told: str
) -> None:
    """Else its lines would be passed over, and the command would work on the state of this machine."""
    file = tmp_path / "state.jsonl"
    file.write_text(content, encoding="latin-1")
    ended = ado("status", "--settings", str(file), code=2)
    assert ended.out == ""
    assert ended.err == f"Error: --settings: {told.format(file)}. Give a file of NAME=value lines.\n"


def test_the_environment_wins_over_the_settings_file(
    ado: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "settings.env"
    file.write_text("POSTURE_INTERVAL=never\n")
    assert "POSTURE_INTERVAL" in ado("connector", "list", "--settings", str(file), code=2).err
    monkeypatch.setenv("POSTURE_INTERVAL", "1h")
    ado("--settings", str(file), "connector", "list")
