"""What a refresh costs is told before it is made, is what the simulator counts, and is inside the budget."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.ado_simulator import Simulator, World, generate_world
from local.ado_simulator.project import Project as SimulatedProject
from shared.model.thresholds import DEFAULTS
from shared.posture.catalogue import RULES
from shared.posture.cost import Cost, KnownProject, cost_of
from tests.posture.bench import HOUR, Bench, a_good_project


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    world = World(seed=7)
    with Simulator(world) as simulator:
        made = Bench(world, simulator, tmp_path)
        yield made
        made.close()


def told(bench: Bench) -> tuple[Cost, ...]:
    """What the stored state says the next refresh costs."""
    organization = bench.organization.id
    repositories = tuple(bench.state.repositories(organization))
    assessed = bench.state.assessed_at(organization)
    known = [
        KnownProject(
            one,
            [each for each in repositories if each.project_id == one.id],
            tuple(bench.state.assessments(organization, one.id)),
            one.id in assessed,
        )
        for one in bench.state.projects(organization)
    ]
    return cost_of(known, RULES, DEFAULTS)


def total(costs: tuple[Cost, ...]) -> int:
    return sum(one.requests for one in costs)


def fill(project: SimulatedProject) -> None:
    """One of each protected object."""
    project.add_environment("prod")
    project.add_secure_file("signing.pfx")
    project.add_variable_group("keys", {"key": {"isSecret": True}})
    project.add_variable_group("names", {"region": {"value": "westeurope"}})
    project.add_definition("build")


def objects(project: SimulatedProject) -> int:
    return (
        len(project.repositories)
        + len(project.endpoints)
        + len(project.variable_groups)
        + len(project.secure_files)
        + len(project.environments)
    )


def test_what_is_told_is_what_is_asked(bench: Bench) -> None:
    for number in range(4):
        fill(a_good_project(bench.truth, f"full {number}"))
    bench.truth.add_project("empty")
    bench.truth.add_project("hollow").add_repository("nothing", default_branch=None)
    bench.truth.add_project("going", state="deleting")
    bench.sync()
    bench.assess()
    bench.clock.time += HOUR
    costs = told(bench)
    bench.simulator.reset_requests()
    bench.assess()
    assert len(bench.simulator.requests) == total(costs)
    assert {one.fact_set.kind.value for one in costs if not one.is_exact} == {"users"}


def test_what_is_told_of_projects_that_were_never_judged_is_the_least(bench: Bench) -> None:
    for number in range(3):
        fill(a_good_project(bench.truth, f"full {number}"))
    bench.sync()
    costs = told(bench)
    bench.simulator.reset_requests()
    bench.assess()
    assert total(costs) < len(bench.simulator.requests)
    assert not all(one.is_exact for one in costs)


def test_alerts_are_asked_for_where_somebody_looks(bench: Bench) -> None:
    project = a_good_project(bench.truth, "web")
    bench.sync()
    bench.assess()
    alerts = "reporting/summary"
    assert bench.simulator.requests.count(path=alerts) == 0
    project.repository("web-code").set_security(secretProtectionEnabled=True)
    project.repository("web-code").scan("secret", high=1)
    bench.clock.time += HOUR
    bench.assess()
    assert bench.simulator.requests.count(path=alerts) == 4
    costs = told(bench)
    bench.simulator.reset_requests()
    bench.assess()
    assert len(bench.simulator.requests) == total(costs)


@pytest.mark.parametrize("full", [0, 1, 12])
def test_a_refresh_stays_inside_the_budget(bench: Bench, full: int) -> None:
    for number in range(full):
        fill(a_good_project(bench.truth, f"full {number}"))
    for number in range(3):
        bench.truth.add_project(f"empty {number}")
    bench.sync()
    bench.assess()
    projects = bench.truth.projects.values()
    budget = 6 * len(projects) + 2 * sum(objects(one) for one in projects) + 20
    assert len(bench.simulator.requests) <= budget


def test_a_generated_organization_stays_inside_the_budget(tmp_path: Path) -> None:
    world = generate_world(seed=5, organizations=1, projects=15, repositories=3)
    name = world.organizations[0].name
    with Simulator(world) as simulator:
        bench = Bench(world, simulator, tmp_path, name)
        bench.sync()
        bench.assess()
        projects = bench.truth.projects.values()
        budget = 6 * len(projects) + 2 * sum(objects(one) for one in projects) + 20
        assert len(simulator.requests) <= budget
        bench.close()
