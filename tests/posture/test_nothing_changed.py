"""Refreshes of an organization in which nothing changed write no change, in either store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from local.ado_simulator import Simulator, World
from tests.contract.adapters import STATES
from tests.posture.bench import HOUR, Bench, a_bare_project
from tests.posture.test_rights import fill

LOOK, DAY = 8 * HOUR, 24 * HOUR


@pytest.fixture(params=STATES)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """One of everything that rules judge, some of it healthy, some not, and a part that is refused."""
    world = World(seed=7)
    with Simulator(world) as simulator:
        made = Bench(world, simulator, tmp_path, state_url=STATES[request.param](tmp_path).url)
        bare = a_bare_project(made.truth, "bare")
        bare.add_repository("open")
        made.truth.deny_capability("retention")
        fill(made)
        yield made
        made.close()


def told(bench: Bench) -> object:
    """All that is stored of what was judged, but for the times at which it was."""
    organization = bench.organization.id
    summary = bench.state.posture_summaries()[organization]
    return (
        tuple(bench.state.assessments(organization)),
        tuple(bench.state.status_changes(organization)),
        bench.state.journal(limit=100_000),
        [(one.project, one.findings) for one in bench.state.project_summaries(organization)],
        (summary.findings, summary.projects, summary.changes),
    )


def refresh(bench: Bench, later: timedelta) -> None:
    bench.clock.time += later
    while bench.assess():
        pass


def test_refreshes_in_full_write_no_change(bench: Bench) -> None:
    refresh(bench, HOUR)
    before = told(bench)
    for _ in range(2):
        refresh(bench, DAY)
        assert told(bench) == before
    assert set(bench.state.assessed_at(bench.organization.id).values()) == {bench.clock.now()}


def test_looks_at_the_log_write_no_change(bench: Bench) -> None:
    bench.goes_by_the_log()
    refresh(bench, HOUR)
    before, read_at = told(bench), bench.state.assessed_at(bench.organization.id)
    for _ in range(2):
        refresh(bench, LOOK)
        assert told(bench) == before
        assert bench.state.assessed_at(bench.organization.id) == read_at
    assert bench.state.posture_summaries()[bench.organization.id].confirmed_at == bench.clock.now()
