"""`recommendations list`: every outcome is told, and filters leave out nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from cli import keys
from local.ado_simulator import Simulator
from shared.posture.catalogue import RULES
from tests.cli.conftest import CommandLine

OUTCOMES = {"healthy", "unhealthy", "notApplicable", "unknown", "neverAssessed", "stale"}


@pytest.fixture
def rows(ado: CommandLine, simulator: Simulator) -> list[dict[str, Any]]:
    assert simulator.url
    ado("connector", "create", "--name", "one")
    ado("run", "--once", code=None)
    listed: list[dict[str, Any]] = ado.json("recommendations", "list")
    return listed


def test_every_row_has_every_key(rows: list[dict[str, Any]]) -> None:
    assert rows
    for row in rows:
        assert list(row) == list(keys.RECOMMENDATION)
        assert row["status"] in OUTCOMES
        assert row["reason"]
        assert isinstance(row["evidence"], dict)
        assert row["assessedAt"].endswith("Z")
    assert {one["rule"] for one in rows} <= {one.id for one in RULES}


def test_rows_come_by_organization_project_and_rule(rows: list[dict[str, Any]]) -> None:
    order = [(one["organization"].casefold(), (one["project"] or "").casefold(), one["rule"]) for one in rows]
    assert order == sorted(order)


def test_filters(ado: CommandLine, rows: list[dict[str, Any]]) -> None:
    some = rows[0]
    for option, key in (
        ("--organization", "organization"),
        ("--rule", "rule"),
        ("--status", "status"),
        ("--severity", "severity"),
    ):
        listed = ado.json("recommendations", "list", option, some[key])
        assert listed == [one for one in rows if one[key] == some[key]]
    by_key = next((one for one in rows if one["key"]), None)
    if by_key is not None:
        assert ado.json("recommendations", "list", "--rule", by_key["key"].upper()) == [
            one for one in rows if one["key"] == by_key["key"]
        ]


def test_check_says_by_its_exit_code_what_is_listed(ado: CommandLine, rows: list[dict[str, Any]]) -> None:
    statuses = {one["status"] for one in rows}
    assert "unhealthy" in statuses
    ado("recommendations", "list", "--check", code=1)
    ado("recommendations", "list", "--check", "--status", "healthy")
    ado("recommendations", "list", code=0)


def test_nothing_assessed_is_never_assessed(ado: CommandLine, simulator: Simulator) -> None:
    assert simulator.url
    ado("connector", "create", "--name", "one")
    assert ado.json("recommendations", "list") == []


def test_the_table_has_rule_status_and_resource(ado: CommandLine, rows: list[dict[str, Any]]) -> None:
    lines = ado("recommendations", "list").out.splitlines()
    assert len(lines) == len(rows) + 1
    assert lines[0].split()[:5] == ["ORGANIZATION", "PROJECT", "RULE", "SEVERITY", "STATUS"]


def test_the_cost_of_the_next_refresh_is_told_before_it_is_made(
    ado: CommandLine, rows: list[dict[str, Any]]
) -> None:
    assert rows
    costs = ado.json("recommendations", "cost", rows[0]["organization"])
    for row in costs:
        assert list(row) == list(keys.COST)
    total = costs.pop()
    assert total["factSet"] == "total"
    assert total["requests"] == sum(one["requests"] for one in costs)
    assert {one["level"] for one in costs} == {"organization", "project", "object"}
    assert "branch policies" in ado("recommendations", "cost").out
