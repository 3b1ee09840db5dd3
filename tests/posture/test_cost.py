"""What a refresh costs is told before it is made, is what the simulator counts, and is inside the budget."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from local.ado_simulator import Simulator, World, generate_world
from local.ado_simulator.project import Project as SimulatedProject
from local.ado_simulator.resources import PROJECT_SETTINGS
from shared.model.thresholds import DEFAULTS
from shared.model.work import WorkKind
from shared.posture.catalogue import RULES
from shared.posture.cost import Cost, KnownProject, cost_of
from shared.posture.kept_facts import Kept, KeptProject, unpack
from tests.posture.bench import HOUR, OTHERS_DECIDE, Bench, a_good_project


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
            requests_of(unpack(KeptProject, bench.state.facts(organization, one.id))),
        )
        for one in bench.state.projects(organization)
    ]
    kept = unpack(Kept, bench.state.partial(organization, WorkKind.POSTURE))
    return cost_of(known, RULES, DEFAULTS, kept.facts.requests if kept else {})


def requests_of(kept: KeptProject | None) -> Mapping[str, int]:
    return kept.requests if kept else {}


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
    assert all(one.is_exact for one in costs)


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


def empty(bench: Bench) -> None:
    for number in range(8):
        bench.truth.add_project(f"empty {number}")


def hollow(bench: Bench) -> None:
    for number in range(5):
        bench.truth.add_project(f"hollow {number}").add_repository("nothing", default_branch=None)
    bench.truth.add_project("going", state="deleting").add_repository("gone")
    bench.truth.add_project("off").add_repository("off", disabled=True)


def many_repositories(bench: Bench) -> None:
    for number in range(3):
        project = bench.truth.add_project(f"p{number}")
        for each in range(30):
            project.add_repository(f"code {each}")


def many_pipelines(bench: Bench) -> None:
    project = a_good_project(bench.truth, "busy")
    for number in range(50):
        project.add_definition(f"build {number}")


def many_policies(bench: Bench) -> None:
    project = a_good_project(bench.truth, "strict")
    for _ in range(50):
        project.add_branch_policy(settings=OTHERS_DECIDE)


def many_things_of_the_organization(bench: Bench) -> None:
    a_good_project(bench.truth, "one")
    for number in range(30):
        bench.truth.add_agent_pool(f"pool {number}")
        bench.truth.install_extension("fabrikam", f"extension {number}")
        bench.truth.add_service_hook(f"https://example.com/{number}")
    for number in range(70):
        bench.truth.add_member(bench.world.add_identity(f"t{number}", email=f"u{number}@example.com"))


def many_objects(bench: Bench) -> None:
    project = a_good_project(bench.truth, "guarded")
    for number in range(26):
        project.add_environment(f"stage {number}")
        project.add_secure_file(f"file {number}")
        project.add_variable_group(f"group {number}", {"key": {"isSecret": True}})
        project.add_variable_group(f"plain {number}", {"region": {"value": "westeurope"}})


def many_projects(bench: Bench) -> None:
    for number in range(8):
        fill(a_good_project(bench.truth, f"full {number}"))
    for number in range(10):
        bench.truth.add_project(f"empty {number}")


def settled_above(bench: Bench) -> None:
    many_projects(bench)
    for key in PROJECT_SETTINGS:
        bench.truth.set_pipeline_setting(key, value=True)


def scanned(bench: Bench) -> None:
    many_projects(bench)
    repository = next(iter(bench.truth.project("full 0").repositories.values()))
    repository.set_security(secretProtectionEnabled=True)
    repository.scan("secret", high=1)


def refused(bench: Bench) -> None:
    many_projects(bench)
    for capability in ("graph", "checks", "serviceendpoints", "accesscontrollists"):
        bench.truth.deny_capability(capability)


@pytest.mark.parametrize(
    "shape",
    [
        lambda _: None,
        empty,
        hollow,
        many_repositories,
        many_pipelines,
        many_policies,
        many_things_of_the_organization,
        many_objects,
        many_projects,
        settled_above,
        scanned,
        refused,
    ],
    ids=lambda shape: shape.__name__.strip("<>"),
)
def test_whatever_is_there_it_costs_what_was_told_and_no_more_than_promised(
    bench: Bench, shape: Callable[[Bench], None]
) -> None:
    """On pages of twenty, so that long listings need not be as long as in the service."""
    bench.simulator.options.page_size = bench.simulator.options.entitlement_page_size = 20
    shape(bench)
    bench.sync()
    bench.assess()
    bench.clock.time += HOUR
    costs = told(bench)
    bench.simulator.reset_requests()
    bench.assess()
    assert len(bench.simulator.requests) == total(costs)
    projects = bench.truth.projects.values()
    assert total(costs) <= 6 * len(projects) + 2 * sum(objects(one) for one in projects) + 20
    assert all(one.is_exact for one in costs)
