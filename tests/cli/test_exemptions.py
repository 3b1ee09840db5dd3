"""`exemptions`: what somebody answers for is counted apart, told in full, and open again on time."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cli import keys
from local.ado_simulator import Simulator
from shared.model.exemption import Exemption
from shared.ports import State
from tests.cli.conftest import CommandLine

TODAY = datetime.now(UTC)
SOON = f"{TODAY + timedelta(days=30):%Y-%m-%d}"

Finding = dict[str, Any]


@pytest.fixture
def finding(ado: CommandLine, simulator: Simulator) -> Finding:
    """An unhealthy finding on a repository."""
    assert simulator.url
    ado("connector", "create", "--name", "one")
    ado("run", "--once", code=None)
    found: list[Finding] = ado.json("recommendations", "list", "--status", "unhealthy")
    return next(one for one in found if one["resourceKind"] == "repository")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "exemptions.yaml"


def entry(finding: Finding, **more: str) -> dict[str, str]:
    return {
        "rule": finding["rule"],
        "organization": finding["organization"],
        "project": finding["project"],
        "resource": finding["resourceName"],
        "reason": "It is archived.",
        "by": "ana@contoso.com",
        "expires": SOON,
        **more,
    }


def write(file: Path, *entries: dict[str, str], **more: object) -> Path:
    """JSON is YAML."""
    file.write_text(json.dumps({"version": 1, "exemptions": entries, **more}, indent=1), encoding="utf-8")
    return file


def apply(ado: CommandLine, file: Path, *options: str) -> Any:
    return ado.json("exemptions", "apply", "-f", str(file), *options)


def actions(applied: Any) -> list[str]:
    return [one["action"] for one in applied["steps"]]


def listed(ado: CommandLine, finding: Finding) -> Finding:
    (row,) = [
        one
        for one in ado.json("recommendations", "list", "--rule", finding["rule"])
        if one["resourceId"] == finding["resourceId"]
    ]
    return dict(row)


def test_an_exempted_finding_is_listed_as_unhealthy_and_counted_apart(
    ado: CommandLine, finding: Finding, file: Path
) -> None:
    before = ado.json("run", "--once", code=None)["recommendations"]
    assert before["exempted"] == 0
    applied = apply(ado, write(file, entry(finding)))
    assert (applied["applied"], applied["source"], actions(applied)) == (True, "default", ["add"])
    assert list(applied["steps"][0]) == list(keys.EXEMPTION_STEP)

    row = listed(ado, finding)
    assert row["status"] == "unhealthy"
    assert list(row["exemption"]) == list(keys.EXEMPTION_OF_RECOMMENDATION)
    assert row["exemption"]["by"] == "ana@contoso.com"
    assert {**row, "exemption": None} == finding
    told = ado("recommendations", "list", "--exempted").out
    assert "unhealthy (exempted)" in told
    assert ado.json("recommendations", "list", "--exempted") == [row]
    rest = ado.json("recommendations", "list", "--not-exempted")
    assert len(rest) + 1 == len(ado.json("recommendations", "list"))

    summary = ado.json("run", "--once", code=None)["recommendations"]
    assert summary == {**before, "unhealthy": before["unhealthy"] - 1, "exempted": 1}


def test_the_check_passes_what_is_exempted(ado: CommandLine, finding: Finding, file: Path) -> None:
    some = ("recommendations", "list", "--rule", finding["rule"], "--status", "unhealthy", "--check")
    ado(*some, code=1)
    apply(ado, write(file, entry(finding, resource="*", project="*", organization="*")))
    ado(*some, code=0)


def test_the_same_file_again_changes_nothing(
    ado: CommandLine, finding: Finding, file: Path, state: State
) -> None:
    write(file, entry(finding), entry(finding, resource="*"))
    apply(ado, file)
    kept, told = state.exemptions(), state.journal(limit=10_000)
    assert actions(apply(ado, file)) == ["keep", "keep"]
    assert "0 changed, 2 kept." in ado("exemptions", "apply", "--file", str(file)).out
    assert (state.exemptions(), state.journal(limit=10_000)) == (kept, told)


def test_a_dry_run_shows_the_plan_and_changes_nothing(
    ado: CommandLine, finding: Finding, file: Path, state: State
) -> None:
    applied = apply(ado, write(file, entry(finding)), "--dry-run")
    assert (applied["applied"], actions(applied)) == (False, ["add"])
    assert state.exemptions() == ()


def test_a_file_owns_its_own_exemptions_alone(ado: CommandLine, finding: Finding, file: Path) -> None:
    apply(ado, write(file, entry(finding), entry(finding, resource="*")))
    apply(ado, write(file, entry(finding), name="other"))
    told = apply(ado, write(file, entry(finding, reason="Replaced.")))
    assert sorted(actions(told)) == ["change", "remove"]
    rows = ado.json("exemptions", "list")
    assert sorted((one["source"], one["reason"]) for one in rows) == [
        ("default", "Replaced."),
        ("other", "It is archived."),
    ]
    events = [one["event"] for one in ado.json("journal", "list") if one["event"].startswith("exemption.")]
    assert events == [*["exemption.added"] * 3, "exemption.changed", "exemption.removed"]


def test_nothing_is_applied_of_a_file_with_anything_wrong(
    ado: CommandLine, finding: Finding, file: Path, state: State
) -> None:
    write(file, entry(finding), entry(finding, project="nowhere"), entry(finding), entry(finding, rule="X"))
    told = ado("exemptions", "apply", "-f", str(file), code=2).err
    assert 'project: no project "nowhere" is known' in told
    assert "is about the same as line 4" in told
    assert 'rule: there is no rule "X"' in told
    assert state.exemptions() == ()


def test_it_survives_a_rename_and_a_new_one_of_the_name_is_open(
    ado: CommandLine, simulator: Simulator, finding: Finding, file: Path
) -> None:
    apply(ado, write(file, entry(finding)))
    project = simulator.world.organization(finding["organization"]).project(finding["project"])
    repository = project.repositories[finding["resourceId"]]
    name = repository.name
    repository.rename("renamed")
    project.add_repository(name)
    ado("run", "--once", "--now", code=None)
    assert listed(ado, finding)["resourceName"] == "renamed"
    assert listed(ado, finding)["exemption"] is not None
    assert actions(apply(ado, file)) == ["keep"]
    (new,) = [
        one
        for one in ado.json("recommendations", "list", "--rule", finding["rule"])
        if one["resourceName"] == name and one["projectId"] == finding["projectId"]
    ]
    assert new["exemption"] is None


def test_an_expired_one_reopens_and_is_listed_as_expired(
    ado: CommandLine, finding: Finding, file: Path
) -> None:
    past = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    applied = apply(ado, write(file, entry(finding, expires=past)))
    assert "expired" in applied["steps"][0]["warning"]
    assert listed(ado, finding)["exemption"] is None
    (row,) = ado.json("exemptions", "list", "--state", "expired")
    assert list(row) == list(keys.EXEMPTION)
    assert row["unhealthy"] == 1
    assert "It has expired" in ado("exemptions", "apply", "-f", str(file)).out


def test_unused_ones_are_reported(ado: CommandLine, finding: Finding, file: Path) -> None:
    apply(ado, write(file, entry(finding), entry(finding, resource="nothing-like-*")))
    (row,) = ado.json("exemptions", "list", "--state", "unused")
    assert row["resource"] == "nothing-like-*"
    assert sum(row["covered"].values()) == 0
    (used,) = ado.json("exemptions", "list", "--state", "inUse")
    assert used["resourceId"] == finding["resourceId"]
    assert "nothing-like-*" in ado("exemptions", "list").out


def test_one_is_added_and_removed_by_hand(ado: CommandLine, finding: Finding, state: State) -> None:
    options = ("--rule", finding["rule"], "--reason", "So be it.", "--expires", SOON, "--kind", "mitigated")
    ado("exemptions", "add", *options, "--dry-run")
    assert state.exemptions() == ()
    ado("exemptions", "add", *options)
    (one,) = state.exemptions()
    assert (one.source, one.kind.value, bool(one.by)) == ("", "mitigated", True)
    assert ado.json("exemptions", "add", *options)["steps"][0]["action"] == "keep"
    assert listed(ado, finding)["exemption"]["kind"] == "mitigated"
    ado("exemptions", "remove", one.id.upper())
    assert state.exemptions() == ()
    assert "no exemption" in ado("exemptions", "remove", one.id, code=2).err


def test_who_removes_one_of_a_file_is_told(
    ado: CommandLine, finding: Finding, file: Path, state: State
) -> None:
    apply(ado, write(file, entry(finding)))
    (one,) = state.exemptions()
    assert 'the file named "default"' in ado("exemptions", "remove", one.id).err


def test_the_end_may_be_as_far_away_as_the_setting_says(
    ado: CommandLine, finding: Finding, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    next_year = f"{TODAY + timedelta(days=364):%Y-%m-%d}"
    write(file, entry(finding, expires=next_year))
    apply(ado, file)
    far = f"{TODAY + timedelta(days=400):%Y-%m-%d}"
    told = ado("exemptions", "apply", "-f", str(write(file, entry(finding, expires=far))), code=2).err
    assert "more than 366 days away" in told
    monkeypatch.setenv("LONGEST_EXEMPTION", "90d")
    write(file, entry(finding, expires=next_year))
    assert "more than 90 days away" in ado("exemptions", "apply", "-f", str(file), code=2).err


def test_a_day_counts_to_its_end(ado: CommandLine, finding: Finding, file: Path, state: State) -> None:
    # Whichever day it is by now: it may turn at any moment.
    apply(ado, write(file, entry(finding, expires=f"{TODAY:%Y-%m-%d}")))
    (one,) = state.exemptions()
    assert isinstance(one, Exemption)
    assert one.expires_at == TODAY.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    assert one.expires_at > TODAY


GOOD = "{rule: '*', reason: r, expires: 2026-01-01}"


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("", 1, "must be a mapping"),
        ("[]", 1, "must be a mapping"),
        ("version: 1\nexemptions: {}", 2, "must be a list"),
        ("version: 1\nexemptions: [1]", 2, "must be a mapping"),
        ("version: 2\nexemptions: []", 1, "must be 1"),
        ("exemptions: []", 1, "version: must be 1"),
        ("version: 1\nexemptions: []\nmore: 1", 3, '"more" is no key'),
        ("version: 1\nversion: 1\nexemptions: []", 2, "given twice"),
        ("version: 1\nname: a b\nexemptions: []", 2, "1 to 64"),
        ("version: 1\nname: [a]\nexemptions: []", 2, "must be a text"),
        ("version: 1\nexemptions:\n- {}", 3, "rule: is missing"),
        ("version: 1\nexemptions:\n- {rule: x, expires: 2026-01-01}", 3, "reason: is missing"),
        ("version: 1\nexemptions:\n- {rule: x, reason: r}", 3, "expires: is missing"),
        ("version: 1\nexemptions:\n- {rule: x, reason: r, expires: soon}", 3, "no day and no time"),
        ("version: 1\nexemptions:\n- {rule: x, reason: r, expires: 9999-12-31}", 3, "no day and no time"),
        ("version: 1\nexemptions:\n- " + GOOD.replace("}", ", kind: maybe}"), 3, "waiver or mitigated"),
        ("version: 1\nexemptions:\n- " + GOOD.replace("}", ", ruel: x}"), 3, '"ruel" is no key'),
        ("version: 1\nexemptions:\n- " + GOOD.replace("r,", "r" * 2001 + ","), 3, "longer than 2000"),
        ("version: 1\nexemptions: [\n- *nowhere", 3, "no YAML"),
        ("version: 1\nexemptions: &a [*a]", 2, "must be a mapping"),
        ("a: " + "[" * 5000, 1, "line 1"),
        ("\x00", 1, "no YAML"),
    ],
)
def test_a_wrong_file_is_told_with_the_line(
    ado: CommandLine, file: Path, text: str, line: int, told: str
) -> None:
    file.write_text(text, encoding="utf-8")
    err = ado("exemptions", "apply", "-f", str(file), code=2).err
    assert f"line {line}: " in err
    assert told in err
    assert "nothing was changed" in err


def test_what_cannot_be_read_is_told(ado: CommandLine, file: Path) -> None:
    assert "cannot be read" in ado("exemptions", "apply", "-f", str(file), code=2).err
    file.write_bytes(b"\xff\xfe\x00")
    assert "UTF-8" in ado("exemptions", "apply", "-f", str(file), code=2).err
    file.write_bytes(b"#" * 4_000_001)
    assert "larger than" in ado("exemptions", "apply", "-f", str(file), code=2).err


def test_standard_input_is_a_file_too(ado: CommandLine) -> None:
    told = ado.process("exemptions", "apply", "-f", "-", stdin=b"version: 1\nname: piped\nexemptions: []\n")
    assert "0 changed, 0 kept." in told.out
