"""`recommendations check` and `score`: only what was looked at, and is well or answered for, passes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cli import keys
from local.ado_simulator import Fault, Simulator
from local.ado_simulator.resources import PROJECT_SETTINGS
from shared.model.assessment import AssessmentStatus
from shared.posture.score import OUTCOMES
from tests.cli.conftest import CommandLine

SOON = f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%d}"
UNTOLD = {"unknown", "neverAssessed", "stale"}


@pytest.fixture
def assessed(ado: CommandLine, simulator: Simulator) -> list[dict[str, Any]]:
    assert simulator.url
    ado("connector", "create", "--name", "one")
    ado("run", "--once", code=None)
    rows: list[dict[str, Any]] = ado.json("recommendations", "list")
    return rows


def check(ado: CommandLine, *options: str, code: int) -> dict[str, Any]:
    answer: dict[str, Any] = ado.json("recommendations", "check", *options, code=code)
    assert list(answer) == list(keys.GATE)
    return answer


def test_it_fails_on_what_is_open_at_that_severity_or_above(
    ado: CommandLine, assessed: list[dict[str, Any]]
) -> None:
    for fail_on, severities in (
        ("high", {"high"}),
        ("medium", {"high", "medium"}),
        ("low", {"high", "medium", "low"}),
    ):
        answer = check(ado, "--fail-on", fail_on, code=1)
        assert answer["verdict"] == "failed"
        counting = [one for one in assessed if one["severity"] in severities]
        expected = dict.fromkeys(OUTCOMES, 0)
        for one in counting:
            expected[one["status"]] += 1
        assert answer["counts"] == expected
        assert answer["findings"] == [one for one in counting if one["status"] in {"unhealthy", *UNTOLD}]
    assert "Failed, by everything of severity high" in ado("recommendations", "check", code=1).out


def test_what_is_exempted_passes_and_is_counted_apart(
    ado: CommandLine, assessed: list[dict[str, Any]]
) -> None:
    unhealthy = sum(one["severity"] == "high" and one["status"] == "unhealthy" for one in assessed)
    ado("exemptions", "add", "--rule", "*", "--reason", "A test.", "--expires", SOON)
    answer = check(ado, "--allow-unknown", code=0)
    assert answer["verdict"] == "passed"
    assert (answer["counts"]["unhealthy"], answer["counts"]["exempted"]) == (0, unhealthy)
    assert f"{unhealthy} exempted" in ado("recommendations", "check", "--allow-unknown").out


def test_what_could_not_be_told_does_not_pass_unless_allowed(
    ado: CommandLine, simulator: Simulator, assessed: list[dict[str, Any]]
) -> None:
    assert assessed
    simulator.add_fault(Fault("trouble", path="policy/configurations", status=403))
    ado("run", "--once", "--now", code=None)
    only = ("--rule", "ADO-REPO-001")
    answer = check(ado, *only, code=2)
    assert answer["verdict"] == "unknown"
    assert answer["counts"]["unknown"] > 0
    assert {one["status"] for one in answer["findings"]} == {AssessmentStatus.UNKNOWN.value}
    assert "Could not be told, by" in ado("recommendations", "check", *only, code=2).out
    assert check(ado, *only, "--allow-unknown", code=0)["counts"] == answer["counts"]


def test_nothing_known_does_not_pass(ado: CommandLine, simulator: Simulator) -> None:
    assert check(ado, code=2)["couldNotTell"] == ["No organization is onboarded."]
    simulator.add_fault(Fault("trouble", path="_apis/projects", status=500))
    ado("connector", "create", "--name", "one")
    ado("run", "--once", code=None)
    # The organizations' own settings could be read, but nothing is known of what is in them.
    told = check(ado, "--rule", "ADO-REPO-001", code=2)["couldNotTell"]
    assert told
    assert all(one.endswith(("were never listed completely.", "is not onboarded.")) for one in told)


def test_one_project_is_checked_by_name_or_id(ado: CommandLine, assessed: list[dict[str, Any]]) -> None:
    some = next(one for one in assessed if one["project"])
    wanted = [
        one
        for one in assessed
        if one["projectId"] == some["projectId"]
        and one["severity"] == "high"
        and one["status"] == "unhealthy"
    ]
    for name in (some["project"].upper(), some["projectId"]):
        answer = check(
            ado, "--organization", some["organization"], "--project", name, code=1 if wanted else 0
        )
        assert [one for one in answer["findings"] if one["status"] == "unhealthy"] == wanted
    assert "--project" in ado("recommendations", "check", "--project", "nowhere", code=2).err


def test_a_healthy_world_passes(ado: CommandLine, simulator: Simulator) -> None:
    for organization in simulator.world.organizations:
        for project in organization.ordered_projects():
            project.settings = dict.fromkeys(PROJECT_SETTINGS, True)
    ado("connector", "create", "--name", "one")
    ado("run", "--once", code=None)
    assert check(ado, "--rule", "ADO-PROJ-001", code=0)["verdict"] == "passed"


def test_the_score_of_an_organization_and_its_projects(
    ado: CommandLine, assessed: list[dict[str, Any]]
) -> None:
    whole = ado.json("recommendations", "score")
    assert [one["organization"] for one in whole] == sorted(
        {one["organization"] for one in assessed}, key=str.casefold
    )
    rows = ado.json("recommendations", "score", "--projects")
    assert all(list(one) == list(keys.SCORE) for one in rows)
    assert [one for one in rows if one["project"] is None] == whole
    for row in rows:
        of_this = [
            one
            for one in assessed
            if one["organizationId"] == row["organizationId"] and row["projectId"] in {None, one["projectId"]}
        ]
        assert sum(row["counts"].values()) == len(of_this)
        assert 0 <= row["score"] == row["scoreWithoutExemptions"] <= 100
    before = whole[0]
    ado("exemptions", "add", "--rule", "*", "--organization", before["organization"], "--reason", "A test.",
        "--expires", SOON)  # fmt: skip
    after = ado.json("recommendations", "score", "--organization", before["organization"])[0]
    assert after["scoreWithoutExemptions"] == before["scoreWithoutExemptions"]
    assert after["score"] >= before["score"]
    assert after["counts"]["exempted"] == before["counts"]["unhealthy"]
    assert before["organization"] in ado("recommendations", "score").out
