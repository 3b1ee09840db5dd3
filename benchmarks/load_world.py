"""The world of `benchmarks.load`, and what happens in it meanwhile."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections import Counter
from collections.abc import Callable

from local.ado_simulator import World, generate_world
from local.ado_simulator.organization import Organization
from local.ado_simulator.project import Project

Undo = Callable[[], object]

_LARGE = 40
"""Every so many organizations one is large."""


def build_world(seed: int, organizations: int) -> World:
    """Small organizations of 3 to 6 projects with some 3 repositories each, and a few larger ones."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    world = generate_world(seed, organizations, 3, 3)
    for number, organization in enumerate(world.organizations):
        more = 50 if number % _LARGE == _LARGE // 2 else chance.randrange(4)
        for one in range(more):
            project = organization.add_project(f"Further {one}")
            for other in range(chance.randrange(1, 5)):
                project.add_repository(f"part-{other}")
    return world


class Changes:
    """Changes the world at random: things appear, change and go, rights are lost and come back."""

    def __init__(self, world: World, seed: int) -> None:
        self._world = world
        self._chance = random.Random(f"changes/{seed}")  # noqa: S311 - no secret
        self._number = 0
        self._undo: list[tuple[float, Undo]] = []
        self._guard = threading.Lock()
        self.counts: Counter[str] = Counter()
        self.touched: dict[str, set[str]] = {}
        """Instance ids of the organizations in which each change was made."""
        self.vanished: set[str] = set()
        """Ids of what was deleted at some time: only of these may a run ever say that they are gone."""
        self._actions: tuple[tuple[str, float, Callable[[Organization], Undo | None]], ...] = (
            ("repository added", 3, self._add_repository),
            ("repository renamed", 3, self._rename_repository),
            ("repository disabled and enabled", 2, self._disable_repository),
            ("repository deleted", 3, self._delete_repository),
            ("repository deleted and restored", 2, self._restore_repository),
            ("repository moved to another project", 1, self._move_repository),
            ("project added", 2, self._add_project),
            ("project renamed", 2, self._rename_project),
            ("project deleted", 1, self._delete_project),
            ("project deleted and restored", 1, self._restore_project),
            ("organization renamed", 0.5, self._rename_organization),
            ("organization stopped for a while", 0.5, self._stop_organization),
            ("administrator right lost for a while", 1, self._lose_administration),
            ("licence without code for a while", 1, self._lose_licence),
            ("membership lost for a while", 0.5, self._lose_membership),
            ("project hidden for a while", 1, self._hide_project),
            ("repository hidden for a while", 1, self._hide_repository),
            ("one kind of call refused for a while", 2, self._lose_capability),
        )

    def happen(self) -> None:
        """Let one thing happen, and give back what was taken long enough ago."""
        with self._guard:
            now = time.monotonic()
            for due, undo in [one for one in self._undo if one[0] <= now]:
                self._undo.remove((due, undo))
                with contextlib.suppress(
                    LookupError
                ):  # whoever lost the membership, too, has no more to get back
                    undo()
            organization = self._chance.choice(self._world.organizations)
            name, _, action = self._chance.choices(self._actions, [weight for _, weight, _ in self._actions])[
                0
            ]
            with self._world.lock:
                try:
                    undo_later = action(organization)
                except LookupError:
                    return  # nothing there to do it to
            self.counts[name] += 1
            self.touched.setdefault(name, set()).add(organization.instance_id)
            if undo_later is not None:
                self._undo.append((now + self._chance.uniform(1, 5), undo_later))

    def between_pages(self, name: str) -> None:
        """Move something from a later page of projects to the first, and another away, as pages are read."""
        organization = self._world.find_organization(name)
        if organization is None:
            return
        with self._world.lock:
            projects = organization.ordered_projects()
            if len(projects) > 2:  # noqa: PLR2004 - some are left
                projects[-1].rename(f"000 {self._next()}")
                projects[0].rename(f"zzz {self._next()}")

    def make_good(self) -> None:
        """Give back everything that was taken for a while."""
        with self._guard:
            for _, undo in self._undo:
                with contextlib.suppress(LookupError):
                    undo()
            self._undo.clear()
            for organization in self._world.organizations:
                if self._world.identity.id not in organization.members:
                    organization.add_member(pca="direct")

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _project(self, organization: Organization) -> Project:
        return self._chance.choice([one for one in organization.projects.values() if one.repositories])

    def _add_repository(self, organization: Organization) -> None:
        self._project(organization).add_repository(f"new-{self._next()}")

    def _rename_repository(self, organization: Organization) -> None:
        self._chance.choice(list(self._project(organization).repositories.values())).rename(
            f"renamed-{self._next()}"
        )

    def _disable_repository(self, organization: Organization) -> Undo:
        repository = self._chance.choice(list(self._project(organization).repositories.values()))
        repository.disable()
        return lambda: repository.disable(disabled=False)

    def _delete_repository(self, organization: Organization) -> None:
        repository = self._chance.choice(list(self._project(organization).repositories.values()))
        repository.delete()
        self.vanished.add(repository.id)

    def _restore_repository(self, organization: Organization) -> Undo:
        project = self._project(organization)
        repository = self._chance.choice(list(project.repositories.values()))
        repository.delete()
        self.vanished.add(repository.id)

        def restore() -> None:
            if repository.id in repository.project.recycle_bin:
                repository.restore()

        return restore

    def _move_repository(self, organization: Organization) -> None:
        source, target = self._project(organization), self._project(organization)
        if source is target:
            raise LookupError
        repository = self._chance.choice(list(source.repositories.values()))
        if any(one.name == repository.name for one in target.repositories.values()):
            raise LookupError
        repository.move(target)

    def _add_project(self, organization: Organization) -> None:
        organization.add_project(f"Added {self._next()}").add_repository("start")

    def _rename_project(self, organization: Organization) -> None:
        self._project(organization).rename(f"Renamed {self._next()}")

    def _delete_project(self, organization: Organization) -> None:
        self._gone(organization)

    def _restore_project(self, organization: Organization) -> Undo:
        project = self._gone(organization)

        def restore() -> None:
            if project.id in organization.deleted_projects:
                project.restore()

        return restore

    def _gone(self, organization: Organization) -> Project:
        if len(organization.projects) < 3:  # noqa: PLR2004 - some are left
            raise LookupError
        project = self._project(organization)
        self.vanished |= {project.id, *project.repositories}
        project.delete()
        return project

    def _rename_organization(self, organization: Organization) -> None:
        organization.rename(f"{organization.name.split('--')[0]}--{self._next()}")

    def _stop_organization(self, organization: Organization) -> Undo:
        organization.stop()
        return lambda: organization.stop(stopped=False)

    def _lose_administration(self, organization: Organization) -> Undo:
        organization.set_pca("none")
        return lambda: organization.set_pca("direct")

    def _lose_licence(self, organization: Organization) -> Undo:
        organization.set_licence("stakeholder")
        return lambda: organization.set_licence("basic")

    def _lose_membership(self, organization: Organization) -> Undo:
        organization.remove_member()
        return lambda: organization.add_member(pca="direct")

    def _hide_project(self, organization: Organization) -> Undo:
        project = self._project(organization)
        organization.deny_read(project)
        return lambda: organization.allow_read(project)

    def _hide_repository(self, organization: Organization) -> Undo:
        repository = self._chance.choice(list(self._project(organization).repositories.values()))
        organization.deny_read(repository)
        return lambda: organization.allow_read(repository)

    def _lose_capability(self, organization: Organization) -> Undo:
        capability = self._chance.choice(
            ("projects", "repositories", "permissions", "identities", "graph", "entitlements", "extensions",
             "policies", "generalsettings", "serviceendpoints")
        )  # fmt: skip
        organization.deny_capability(capability)
        return lambda: organization.allow_capability(capability)
