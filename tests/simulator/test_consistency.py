"""Whatever happened to the world, answers show it as it is: nothing stale, nothing lost between pages."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from local.ado_simulator import Organization, Project, Repository, Simulator, World, generate_world
from tests.simulator.client import Client

REPOSITORIES = "/dev.azure.com/contoso/_apis/git/repositories"
PROJECTS = "/dev.azure.com/contoso/_apis/projects"
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)


def there_and_back(organization: Organization) -> None:
    organization.rename("contoso-2")
    organization.rename("contoso")


def delete_and_restore(thing: Project | Repository) -> None:
    thing.delete()
    thing.restore()


CHANGES: dict[str, Callable[[Organization, Project, Repository, str], object]] = {
    "rename repository": lambda _o, _p, r, name: r.rename(name),
    "rename project": lambda _o, p, _r, name: p.rename(name),
    "rename organization": lambda o, _p, _r, _name: there_and_back(o),
    "describe project": lambda _o, p, _r, name: p.set_description(name),
    "open project": lambda _o, p, _r, _name: p.set_visibility("public"),
    "put project aside": lambda _o, p, _r, _name: p.set_state("deleting"),
    "disable": lambda _o, _p, r, _name: r.disable(),
    "empty": lambda _o, _p, r, _name: r.set_default_branch(None),
    "grow": lambda _o, _p, r, _name: r.set_size(2**40),
    "maintain": lambda _o, _p, r, _name: r.set_maintenance(maintenance=True),
    "delete repository": lambda _o, _p, r, _name: r.delete(),
    "delete and restore repository": lambda _o, _p, r, _name: delete_and_restore(r),
    "destroy repository": lambda _o, _p, r, _name: r.destroy(),
    "move repository": lambda o, _p, r, _name: r.move(next(iter(o.projects.values()))),
    "delete project": lambda _o, p, _r, _name: p.delete(),
    "delete and restore project": lambda _o, p, _r, _name: delete_and_restore(p),
    "add repository": lambda _o, p, _r, name: p.add_repository(name),
    "add project": lambda o, _p, _r, name: o.add_project(name).add_repository(name),
    "hide repository": lambda o, _p, r, _name: o.deny_read(r),
    "hide project": lambda o, p, _r, _name: o.deny_read(p),
}


def expected(organization: Organization) -> tuple[list[object], list[object]]:
    member = organization.member()
    projects = [
        project
        for project in organization.projects.values()
        if project.id not in member.denied_projects and project.state == "wellFormed"
    ]
    repositories = [
        repository.document()
        for project in projects
        for repository in project.repositories.values()
        if repository.id not in member.denied_repositories
    ]
    projects.sort(key=lambda project: (project.name.lower(), project.id))
    return [project.reference() for project in projects], list(repositories)


def listed(client: Client) -> tuple[list[object], list[object]]:
    projects: list[object] = []
    token: str | None = ""
    while token is not None:
        answer = client.get(PROJECTS, **({"continuationToken": token} if token else {}))
        projects += answer.json()["value"]
        token = answer.headers.get("x-ms-continuationtoken")
    return projects, client.get(REPOSITORIES).json()["value"]


def apply(world: World, change: str, choice: int, name: str) -> None:
    organization = world.organization("contoso")
    places = [
        (project, repository)
        for project in organization.projects.values()
        for repository in project.repositories.values()
    ]
    if places:
        CHANGES[change](organization, *places[choice % len(places)], name)


@settings(max_examples=40, deadline=None)
@given(
    page_size=st.integers(1, 5),
    seed=st.integers(0, 100),
    changes=st.lists(st.tuples(st.sampled_from(sorted(CHANGES)), st.integers(0, 50), NAMES), max_size=12),
)
def test_answers_show_the_world_as_it_is(
    page_size: int, seed: int, changes: list[tuple[str, int, str]]
) -> None:
    world = generate_world(seed, 1, 3, 2, posture=False)
    with Simulator(world, page_size=page_size) as simulator:
        client = Client(simulator, world.token)
        with client.session:
            for change, choice, name in changes:
                apply(world, change, choice, name)
                assert listed(client) == expected(world.organization("contoso"))
