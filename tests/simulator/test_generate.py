"""Generated worlds: the same from the same seed, and varied."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

import local.ado_simulator
from local.ado_simulator import Organization, World, generate_world


@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 10_000),
    st.integers(0, 4),
    st.integers(0, 6),
    st.integers(0, 5),
    st.booleans(),
    st.booleans(),
)
def test_the_same_seed_gives_the_same_world(
    seed: int, organizations: int, projects: int, repositories: int, exact: bool, posture: bool
) -> None:
    first, second = (
        generate_world(seed, organizations, projects, repositories, exact=exact, posture=posture)
        for _ in range(2)
    )
    assert json.dumps(first.summary()) == json.dumps(second.summary())
    assert len(first.organizations) == organizations
    for organization in first.organizations:
        assert len(organization.projects) == projects
        if exact:
            assert all(len(each.repositories) == repositories for each in organization.projects.values())


def test_another_seed_gives_another_world() -> None:
    assert generate_world(1).summary() != generate_world(2).summary()


def test_ids_are_unique_and_names_are_unique_in_their_place() -> None:
    world = generate_world(1, 3, 40, 30)
    ids: list[str] = []
    for organization in world.organizations:
        projects = list(organization.projects.values())
        assert len({project.name.lower() for project in projects}) == len(projects)
        for project in projects:
            names = [repository.name.lower() for repository in project.repositories.values()]
            assert len(set(names)) == len(names)
            ids += [project.id, *project.repositories]
    assert len(set(ids)) == len(ids)


def test_a_world_is_varied() -> None:
    world = generate_world(1, 4, 40, 8)
    projects = [project for each in world.organizations for project in each.projects.values()]
    repositories = [repository for project in projects for repository in project.repositories.values()]
    assert {project.visibility for project in projects} == {"private", "organization", "public"}
    assert any(project.is_tfvc and not project.repositories for project in projects)
    assert any(repository.is_disabled and repository.default_branch for repository in repositories)
    assert any(repository.default_branch is None for repository in repositories)
    assert any(repository.is_fork for repository in repositories)
    assert any("   " in project.name for project in projects)
    assert any(not project.name.isascii() for project in projects)
    assert any(character in repository.name for repository in repositories for character in "+#%&'")
    assert any(project.settings.get("enforceJobAuthScope") for project in projects)
    assert any(project.settings.get("enforceJobAuthScope") is False for project in projects)
    assert any(project.policies for project in projects)
    assert any(not project.policies for project in projects)
    assert any(endpoint.is_shared for project in projects for endpoint in project.endpoints)
    assert {len(each.deleted_projects) for each in world.organizations} == {1}


def test_the_demo_user_is_administrator_with_basic_everywhere() -> None:
    world = generate_world(2, 5, 1, 1)

    def me(organization: Organization) -> tuple[bool, str]:
        member = organization.member()
        return member.pca.is_effective and member.pca.is_member, member.licence.account_license_type

    assert {me(organization) for organization in world.organizations} == {(True, "express")}


def test_the_package_needs_the_standard_library_only() -> None:
    folder = Path(local.ado_simulator.__file__).parent
    for file in folder.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            elif isinstance(node, ast.Import):
                names = [each.name for each in node.names]
            else:
                continue
            for name in names:
                ours = name == "local.ado_simulator" or name.startswith("local.ado_simulator.")
                assert ours or name.partition(".")[0] in sys.stdlib_module_names, f"{file.name}: {name}"


def test_an_empty_world_knows_the_demo_user_only() -> None:
    world = World(seed=9)
    assert world.organizations == []
    assert list(world.identities) == [world.token]
