"""A random world and the app that follows it, step by step; what must hold is checked after every step."""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from operator import methodcaller
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from pydantic import SecretStr

import function_app
from local.ado_simulator import Fault, Simulator, World
from local.ado_simulator.organization import Organization
from local.ado_simulator.project import Project
from local.ado_simulator.repository import Repository
from local.host import Host
from shared import wiring
from shared.connector_state import open_state
from shared.model.assessment import AssessmentStatus
from shared.model.connector import AuthKind, Connector, ConnectorOptions, DiscoveryMode, IdentityReference
from shared.model.ids import ConnectorId, TenantId
from shared.model.organization import OnboardingState
from shared.model.work import WorkKind
from shared.ports import StateUnavailable
from shared.queue.embedded import EmbeddedQueue
from shared.wiring.runtime import build_runtime
from shared.wiring.settings import Settings
from tests.scenarios.bench import ManualClock

TIMERS = (
    "discover_organizations",
    "refresh_prerequisites",
    "refresh_inventory",
    "refresh_extensions",
    "refresh_posture",
)
PROJECTS = r"/_apis/projects(\?|$)"
REPOSITORIES = r"/_apis/git/repositories(\?|$)"
FAULTS = (
    {"kind": "trouble", "status": 500},
    {"kind": "truncated"},
    {"kind": "sign-in"},
    {"kind": "empty"},
    {"kind": "empty-list"},
    {"kind": "drop-items"},
    {"kind": "duplicate-items"},
    {"kind": "reset"},
    {"kind": "blocked"},
    {"kind": "blocked", "retry_after": 5},
    {"kind": "blocked", "retry_after": 900},
)
CYCLES = 6
"""Days of quiet after which everything has to be settled."""
LIES = ("drop-items", "empty-list", "truncated", "empty", "duplicate-items")
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
"""Where files are memory, on Linux: what is tested is the app, not the disk."""

PICK = st.integers(0, 7)


class Killed(StateUnavailable):
    """The process is dead: nothing that it does reaches a file any more."""


class BusyClock(ManualClock):
    """Goes on by itself, a little each time that somebody looks, so that time slices end."""

    def __init__(self) -> None:
        super().__init__()
        self.time = datetime(2026, 1, 5, tzinfo=UTC)
        self.pace = timedelta(0)

    def now(self) -> datetime:
        """The time, which passes."""
        return self.advance(seconds=self.pace.total_seconds())


class Life:
    """Whether a process lives, and after how many writes it dies."""

    def __init__(self) -> None:
        self.dead = False
        self.left: int | None = None
        self._lock = threading.Lock()

    def use(self) -> None:
        """Called before each use of a store."""
        with self._lock:
            if self.left is not None:
                self.left -= 1
                self.dead = self.dead or self.left < 0
            if self.dead:
                raise Killed("The process was killed.")


class Mortal:
    """A real store, until its process dies."""

    def __init__(self, store: Any, life: Life) -> None:
        self._store = store
        self._life = life

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if not callable(found) or name == "close":
            return found

        def call(*arguments: Any, **named: Any) -> Any:
            self._life.use()
            return found(*arguments, **named)

        return call


class Process:
    """One process of the app, on stores that it may share with others."""

    def __init__(
        self, folder: Path, url: str, token: str, clock: ManualClock, owner: str, dead: set[str]
    ) -> None:
        self.life = Life()
        self.owner = owner

        def open_stores(settings: Settings, clock: Any) -> tuple[Any, Any]:
            state = open_state(settings.state_url)
            state.release_leases_of(dead)
            queue = EmbeddedQueue(
                folder / "queue.db", clock, owner=owner, is_alive=lambda one: one not in dead
            )
            return Mortal(state, self.life), Mortal(queue, self.life)

        runtime = build_runtime(
            Settings(
                state_url=f"sqlite:///{folder / 'state.db'}",
                ado_pat=SecretStr(token),
                ado_gateway_url=url,
                time_slice=timedelta(seconds=30),
            ),
            clock=clock,
            stores=open_stores,
        )
        self.runtime = replace(runtime, dependencies=replace(runtime.dependencies, owner=owner))
        wiring.use(self.runtime)
        self.host = Host(function_app.app, self.runtime)

    def work(self, what: Callable[[Host], object]) -> None:
        """Let it do something; it may die of it."""
        wiring.use(self.runtime)
        try:
            what(self.host)
        except Killed:
            assert self.life.dead


Key = tuple[str, str]


class WorldMachine(RuleBasedStateMachine):
    """Things happen to two organizations while two processes of the app look after them."""

    simulator: ClassVar[Simulator]

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="world-", dir=MEMORY if MEMORY.is_dir() else None))
        self.clock = BusyClock()
        self.world = World(seed=1, clock=self.clock.now)
        self.simulator.world = self.world
        self.simulator.clear_faults()
        self.simulator.reset_requests()
        self.dead: set[str] = set()
        self.numbers = 0
        self.processes = [self._start(), self._start()]
        self.retired: set[Key] = set()
        self.tombstones: set[Key] = set()
        self.poison = 0

    def _start(self) -> Process:
        self.numbers += 1
        return Process(
            self.folder,
            self.simulator.url,
            self.world.token,
            self.clock,
            f"machine-{self.numbers}/1/1",
            self.dead,
        )

    def _number(self) -> int:
        self.numbers += 1
        return self.numbers

    @property
    def state(self) -> Any:
        """The state, as a living process sees it."""
        return self.processes[0].runtime.state

    # --- the world ----------------------------------------------------------------------------------------

    @initialize(pace=st.sampled_from([0, 0, 2]))
    def begin(self, pace: int) -> None:
        """One organization of three projects, which the app knows already."""
        organization = self.world.add_organization("contoso")
        for name in ("alpha", "beta", "gamma"):
            organization.add_project(name).add_repository(f"{name}-code")
        for number in (1, 2):
            self.state.put_connector(
                Connector(
                    id=ConnectorId(f"{number:08d}-0000-4000-8000-000000000000"),
                    name=f"connector-{number}",
                    tenant=TenantId("tenant"),
                    mode=DiscoveryMode.EXISTING_AND_FUTURE,
                    identity=IdentityReference(AuthKind.PAT, secret_setting="ADO_PAT"),
                    created_at=self.clock.now(),
                    options=ConnectorOptions(),
                )
            )
        self._run_everything(self.processes[0])
        self.clock.pace = timedelta(seconds=pace)

    def _organization(self, pick: int) -> Organization:
        return self.world.organizations[pick % len(self.world.organizations)]

    def _projects(self) -> list[Project]:
        return [one for each in self.world.organizations for one in each.projects.values()]

    def _deleted(self) -> list[Project]:
        return [one for each in self.world.organizations for one in each.deleted_projects.values()]

    def _repositories(self) -> list[Repository]:
        return [one for each in self._projects() for one in each.repositories.values()]

    def _binned(self) -> list[Repository]:
        return [one for each in self._projects() for one in each.recycle_bin.values()]

    @precondition(lambda self: len(self.world.organizations) < 2)
    @rule()
    def create_organization(self) -> None:
        """A second organization appears."""
        self.world.add_organization("fabrikam").add_project("first").add_repository("first-code")

    @rule(pick=PICK)
    def rename_organization(self, pick: int) -> None:
        """Its ids stay."""
        self._organization(pick).rename(f"organization-{self._number()}")

    @precondition(lambda self: len(self._projects()) < 5)
    @rule(pick=PICK)
    def create_project(self, pick: int) -> None:
        """With one repository."""
        number = self._number()
        self._organization(pick).add_project(f"project-{number}").add_repository(f"repository-{number}")

    @precondition(lambda self: self._projects())
    @rule(pick=PICK, how=st.sampled_from(["rename", "delete", "destroy"]))
    def change_project(self, pick: int, how: str) -> None:
        """Something happens to a project."""
        project = self._projects()[pick % len(self._projects())]
        if how == "rename":
            project.rename(f"{pick}-renamed-{self._number()}")
        elif how == "delete":
            project.delete()
        else:
            project.destroy()

    @precondition(lambda self: self._deleted())
    @rule(pick=PICK)
    def restore_project(self, pick: int) -> None:
        """A deleted project comes back."""
        self._deleted()[pick % len(self._deleted())].restore()

    @precondition(lambda self: self._projects() and len(self._repositories()) < 8)
    @rule(pick=PICK)
    def create_repository(self, pick: int) -> None:
        """A project gets another."""
        self._projects()[pick % len(self._projects())].add_repository(f"repository-{self._number()}")

    @precondition(lambda self: self._repositories())
    @rule(
        pick=PICK,
        to=PICK,
        how=st.sampled_from(["rename", "delete", "destroy", "disable", "enable", "branch", "move"]),
    )
    def change_repository(self, pick: int, to: int, how: str) -> None:
        """Something happens to a repository."""
        repository = self._repositories()[pick % len(self._repositories())]
        targets = list(repository.project.organization.projects.values())
        acts: dict[str, Callable[[], object]] = {
            "rename": lambda: repository.rename(f"renamed-{self._number()}"),
            "delete": repository.delete,
            "destroy": repository.destroy,
            "disable": repository.disable,
            "enable": lambda: repository.disable(disabled=False),
            "branch": lambda: repository.set_default_branch(f"refs/heads/b{self._number()}"),
            "move": lambda: repository.move(targets[to % len(targets)]),
        }
        acts[how]()

    @precondition(lambda self: self._binned())
    @rule(pick=PICK)
    def restore_repository(self, pick: int) -> None:
        """A repository comes back from the recycle bin."""
        self._binned()[pick % len(self._binned())].restore()

    # --- rights -------------------------------------------------------------------------------------------

    @rule(pick=PICK, pca=st.sampled_from(["none", "direct", "nested", "denied"]))
    def set_administrator(self, pick: int, pca: str) -> None:
        """The identity loses or regains the administrator's rights."""
        self._organization(pick).set_pca(pca)

    @rule(pick=PICK, licence=st.sampled_from(["basic", "stakeholder"]))
    def set_licence(self, pick: int, licence: str) -> None:
        """The identity loses or regains its licence."""
        self._organization(pick).set_licence(licence)

    @precondition(lambda self: self._repositories())
    @rule(pick=PICK, of_project=st.booleans(), allow=st.booleans())
    def set_read(self, pick: int, *, of_project: bool, allow: bool) -> None:
        """A project or repository is hidden from the identity, or shown again."""
        repository = self._repositories()[pick % len(self._repositories())]
        target = repository.project if of_project else repository
        organization = repository.project.organization
        (organization.allow_read if allow else organization.deny_read)(target)

    # --- trouble ------------------------------------------------------------------------------------------

    @rule(
        fault=st.sampled_from(FAULTS),
        path=st.sampled_from([PROJECTS, REPOSITORIES]),
        page=st.sampled_from([None, 1, 2]),
        times=st.sampled_from([1, 2, None]),
    )
    def trouble(self, fault: dict[str, Any], path: str, page: int | None, times: int | None) -> None:
        """Listings fail, break off, lie, or are throttled."""
        self.simulator.add_fault(Fault(**fault, path=path, page=page, times=times))

    @rule(
        kind=st.sampled_from(LIES),
        path=st.sampled_from([PROJECTS, REPOSITORIES]),
        days=st.integers(1, 3),
        which=st.integers(0, 1),
    )
    def lie(self, kind: str, path: str, days: int, which: int) -> None:
        """For some days a listing leaves out what is there."""
        self.simulator.add_fault(Fault(kind=kind, path=path, times=None))
        for _ in range(days):
            self.sync(which)
        self.simulator.clear_faults()

    @rule(
        what=st.sampled_from(["project", "repository", "administrator", "licence"]),
        pick=PICK,
        days=st.integers(1, 3),
        which=st.integers(0, 1),
    )
    def lose_a_right_for_days(self, what: str, pick: int, days: int, which: int) -> None:
        """What the identity may not see is not gone."""
        organization = self._organization(pick)
        projects = list(organization.projects.values())
        project = projects[pick % len(projects)] if projects else None
        repositories = list(project.repositories.values()) if project else []
        target = (
            project if what == "project" else repositories[pick % len(repositories)] if repositories else None
        )
        if what == "administrator":
            organization.set_pca("none")
        elif what == "licence":
            organization.set_licence("stakeholder")
        elif target is not None:
            organization.deny_read(target)
        for _ in range(days):
            self.sync(which)
        organization.set_pca("direct")
        organization.set_licence("basic")
        if target is not None and what in {"project", "repository"}:
            organization.allow_read(target)
        self.sync(which)

    @rule()
    def calm(self) -> None:
        """Azure DevOps is well again."""
        self.simulator.clear_faults()

    # --- the app ------------------------------------------------------------------------------------------

    def _run_everything(self, process: Process) -> None:
        for timer in TIMERS:
            process.work(methodcaller("fire", timer))
            process.work(lambda host: host.drain())

    @rule(hours=st.sampled_from([0.02, 0.2, 1, 7, 25]))
    def wait(self, hours: float) -> None:
        """Time passes."""
        self.clock.advance(hours=hours)

    @rule(which=st.integers(0, 1), timer=st.sampled_from(TIMERS), drain=st.booleans())
    def tick(self, which: int, timer: str, *, drain: bool) -> None:
        """A timer fires; its messages are delivered now, or later by whichever process comes first."""
        self.processes[which].work(lambda host: host.fire(timer))
        if drain:
            self.processes[which].work(lambda host: host.drain())

    @rule(which=st.integers(0, 1))
    def sync(self, which: int) -> None:
        """A day passes, and all timers fire."""
        self.clock.advance(days=1)
        self._run_everything(self.processes[which])

    @rule(which=st.integers(0, 1), uses=st.integers(0, 60), seen=st.booleans())
    def kill(self, which: int, uses: int, *, seen: bool) -> None:
        """A process dies at its work, and another takes its place, which may see that it died."""
        process = self.processes[which]
        self.clock.advance(days=1)
        process.life.left = uses
        self._run_everything(process)
        process.life.dead = True
        process.runtime.close()
        if seen:
            self.dead.add(process.owner)
        self.processes[which] = self._start()

    @rule(
        what=st.sampled_from(["again", "late", "lost"]),
        kind=st.sampled_from(list(WorkKind)),
        which=st.integers(0, 1),
    )
    def meddle(self, what: str, kind: WorkKind, which: int) -> None:
        """The broker delivers a message twice, later than those behind it, or never."""
        queue = self.processes[which].runtime.queue
        for delivery in queue.receive(kind.value):
            if what == "again":
                queue.send_raw(kind.value, delivery.body)
                self.poison += delivery.body == b"poison"
                queue.abandon(delivery)
            elif what == "late":
                queue.send_raw(kind.value, delivery.body, not_before=self.clock.now() + timedelta(hours=3))
                queue.complete(delivery)
            else:
                queue.complete(delivery)

    @rule(pick=PICK, which=st.integers(0, 1), connector=st.integers(1, 2))
    def force(self, pick: int, which: int, connector: int) -> None:
        """Somebody asks for an organization, now."""
        told = {
            "version": 1,
            "organization": self._organization(pick).name,
            "connector": f"connector-{connector}",
            "requestedBy": "ana",
        }
        self.processes[which].runtime.queue.send_raw("onboarding", json.dumps(told).encode())
        self.processes[which].work(lambda host: host.drain())

    @rule(kind=st.sampled_from(list(WorkKind)))
    def send_poison(self, kind: WorkKind) -> None:
        """A message that nobody can read: it is put aside, and holds up no other."""
        self.processes[0].runtime.queue.send_raw(kind.value, b"poison")
        self.poison += 1

    @rule(connector=st.integers(1, 2), exclude=st.booleans())
    def exclude(self, connector: int, *, exclude: bool) -> None:
        """A connector no longer wants anything, or wants everything again."""
        found = self.state.connectors()[connector - 1]
        self.state.put_connector(replace(found, excluded=("*",) if exclude else ()))

    # --- what must hold -----------------------------------------------------------------------------------

    def _alive_and_visible(self) -> dict[Key, tuple[object, ...]]:
        found: dict[Key, tuple[object, ...]] = {}
        for organization in self.world.organizations:
            member = organization.member()
            for project in organization.projects.values():
                if project.id in member.denied_projects:
                    continue
                found["project", project.id] = (project.name, project.state, project.visibility)
                if "takeholder" in member.licence.display_name:
                    continue
                for one in project.repositories.values():
                    if one.id not in member.denied_repositories:
                        found["repository", one.id] = (
                            one.name,
                            project.id,
                            one.is_disabled,
                            one.default_branch,
                        )
        return found

    def _rows(self) -> dict[Key, Any]:
        rows: dict[Key, Any] = {}
        for organization in self.state.organizations():
            for kind, of in (("project", self.state.projects), ("repository", self.state.repositories)):
                for row in of(organization.id):
                    assert (kind, row.id) not in rows, f"two rows of {kind} {row.id}"
                    rows[kind, row.id] = row
        return rows

    @invariant()
    def holds(self) -> None:
        """Nothing that exists is retired, no tombstone is lost, no message but poison is given up."""
        rows = self._rows()
        retired = {key for key, row in rows.items() if row.retired_at is not None}
        # The world stands still while the app runs, so what is there now was there all the while.
        wrong = (retired - self.retired) & self._where_they_were(rows)
        assert not wrong, f"retired, though it exists: {[rows[key] for key in wrong]}"
        self.tombstones |= retired
        assert self.tombstones <= rows.keys(), "a tombstone was lost"
        self.retired = retired
        queue = self.processes[0].runtime.queue
        assert sum(one.dead_lettered for one in queue.counts().values()) <= self.poison
        holders = self.state.claims()
        for one in self.state.enrollments():
            if one.state is OnboardingState.ONBOARDED:
                assert holders.get(one.organization) == one.connector, f"onboarded without its claim: {one}"

    def teardown(self) -> None:
        """After quiet the inventory is the world."""
        try:
            if self.world.organizations:
                self._quiet()
        finally:
            wiring.use(None)
            for process in self.processes:
                process.runtime.close()
            shutil.rmtree(self.folder, ignore_errors=True)

    def _quiet(self) -> None:
        self.simulator.clear_faults()
        for organization in self.world.organizations:
            organization.set_pca("direct")
            organization.set_licence("basic")
        for connector in self.state.connectors():
            self.state.put_connector(replace(connector, excluded=()))
        told = -1
        for cycle in range(CYCLES):
            self.clock.advance(days=1)
            self._run_everything(self.processes[cycle % 2])
            self.holds()
            entries = len(self.state.journal(limit=100_000))
            if cycle and entries == told:
                break
            told = entries
        rows, visible = self._rows(), self._alive_and_visible()
        alive = {}
        for key, row in rows.items():
            if row.missing_since is None and row.retired_at is None:
                alive[key] = (
                    (row.name, row.state, row.visibility)
                    if key[0] == "project"
                    else (row.name, row.project_id, row.is_disabled, row.default_branch)
                )
            else:
                assert row.missing_reason
        assert alive == visible
        for key in visible.keys() & rows.keys():
            assert rows[key].retired_at is None, f"exists: {rows[key]}"
        for organization in self.state.organizations():
            for one in self.state.assessments(organization.id):
                if ("repository", one.resource.id) in self.retired:
                    assert all(
                        each.status is not AssessmentStatus.HEALTHY for each in one.assessments.values()
                    )
        now = self.clock.now()
        for work in self.state.work():
            assert work.leased_until is None or work.leased_until <= now, f"held for ever: {work}"
            assert work.last_failure is None, f"still fails: {work}"

    def _where_they_were(self, rows: dict[Key, Any]) -> set[Key]:
        """What exists, seen or hidden, and was not moved to where the identity sees nothing."""
        visible = self._alive_and_visible()
        stayed = {("project", one.id) for one in self._projects()}
        for one in self._repositories():
            key = ("repository", one.id)
            if key in visible or (key in rows and rows[key].project_id == one.project.id):
                stayed.add(key)
        return stayed
