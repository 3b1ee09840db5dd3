"""An organization of the simulated Azure DevOps with real state around it; only time is ours."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from handlers.assess_organization import assess_organization
from handlers.unit_of_work import tell_of_changes
from local.ado_simulator import Simulator, World
from local.ado_simulator.organization import Organization as SimulatedOrganization
from local.ado_simulator.project import Project as SimulatedProject
from shared.ado.factory import AdoOptions, AzureDevOpsFactory
from shared.ado.user import Entra
from shared.cloud.factory import CloudFactory
from shared.connector_state import open_state
from shared.model.assessment import Assessment
from shared.model.connector import AuthKind, Connector, DiscoveryMode, IdentityReference
from shared.model.ids import ConnectorId, OrganizationId, ProjectId, RepositoryId, TenantId
from shared.model.inventory import Project, Repository
from shared.model.journal import JournalEntry, JournalEvent
from shared.model.organization import Organization
from shared.model.work import Lease, Work, WorkKind
from shared.ports import AzureDevOps, Dependencies, Intervals, InventoryChange, Urgency
from shared.posture.catalogue import rule_ids
from shared.queue import open_queue
from tests.posture.builders import SOME_RULES

HOUR = timedelta(hours=1)
OTHERS_DECIDE = {"minimumApproverCount": 2, "creatorVoteCounts": False}
CLASSIC = ("disableClassicBuildPipelineCreation", "disableClassicReleasePipelineCreation")


class ManualClock:
    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class Bench:
    """An organization of the simulator, what the inventory knows of it, and the work of assessing it."""

    def __init__(
        self, world: World, simulator: Simulator, folder: Path, existing: str = "", state_url: str = ""
    ) -> None:
        self.world, self.simulator, self.clock = world, simulator, ManualClock()
        self.truth = world.organization(existing) if existing else world.add_organization("contoso")
        self.state = open_state(state_url or f"sqlite:///{folder / 'state.db'}")
        self.queue = open_queue(f"sqlite:///{folder / 'queue.db'}", self.clock)
        self.connector = Connector(
            ConnectorId("c"),
            "main",
            TenantId(world.tenant),
            DiscoveryMode.EXISTING_AND_FUTURE,
            IdentityReference(AuthKind.PAT, secret_setting="ADO_PAT"),
            created_at=self.clock.now(),
        )
        self.organization = self.state.put_organization(
            Organization(OrganizationId("o"), TenantId(world.tenant), self.truth.name, self.clock.now())
        )
        options = AdoOptions(
            gateway_url=simulator.url,
            timeout=60,
            concurrency=4,
            free_share=0.2,
            hourly_cap=0,
            sleep_most=1,
            secrets={"ADO_PAT": lambda: world.token},
        )
        factory = AzureDevOpsFactory(options, self.state, self.clock)

        def connect(
            connector: Connector, *, discovering: bool = False, urgency: Urgency = Urgency.NORMAL
        ) -> AzureDevOps:
            del discovering, urgency
            return factory.connect(connector.identity, connector.tenant)

        self.cloud = CloudFactory("", 60.0, {}, Entra(), self.clock)
        self.deps = Dependencies(
            graph=self.state,
            cloud=self.cloud,
            state=self.state,
            sender=self.queue,
            connect=connect,
            clock=self.clock,
            log=structlog.get_logger(),
            intervals=Intervals({WorkKind.POSTURE: 8 * HOUR}, HOUR, HOUR, HOUR, HOUR),
            owner="worker",
        )

    def goes_by_the_log(self, look: timedelta = 8 * HOUR, full: timedelta = 24 * HOUR) -> None:
        """From now on everything is read once a day, and in between what the audit log says has changed."""
        self.world.clock = self.clock.now
        self.truth.audit_log.clear()
        self.truth.set_policy("LogAuditEvents", value=True)
        intervals = replace(self.deps.intervals, work={WorkKind.POSTURE: look}, posture_full=full)
        self.deps = replace(self.deps, intervals=intervals)

    def close(self) -> None:
        self.queue.close()
        self.state.close()

    def sync(self, *projects: Project, repositories: tuple[Repository, ...] = ()) -> None:
        """Put what is there into the inventory, then rows that differ from it."""
        lease = self._lease(WorkKind.INVENTORY)
        there = tuple(
            Project(ProjectId(one.id), one.name, one.state, one.visibility, self.clock.now())
            for one in self.truth.projects.values()
        )
        inside = tuple(
            Repository(
                RepositoryId(each.id),
                each.name,
                ProjectId(one.id),
                each.default_branch,
                each.is_disabled,
                each.is_fork,
                "",
                self.clock.now(),
            )
            for one in self.truth.projects.values()
            for each in one.repositories.values()
        )
        self.state.apply_inventory(lease, InventoryChange(there + projects, inside + repositories))
        self.state.finish_work(lease, self._work(WorkKind.INVENTORY))

    def project(self, project: SimulatedProject) -> Project:
        (found,) = (row for row in self.state.projects(self.organization.id) if row.id == project.id)
        return found

    def assess(self, *, seconds: float = 3600) -> str:
        """One slice from the kept checkpoint; returns the next one."""
        lease = self._lease(WorkKind.POSTURE)
        deadline = self.clock.now() + timedelta(seconds=seconds)
        checkpoint = lease.checkpoint
        try:
            checkpoint = assess_organization(lease, self.deps, self.connector, self.organization, deadline)
        finally:
            work = self._work(WorkKind.POSTURE)
            if work.leased_until is not None:
                self.state.finish_work(lease, replace(work, checkpoint=checkpoint))
        if not checkpoint:
            tell_of_changes(self.deps, self.organization.id)
        return checkpoint

    def _work(self, kind: WorkKind) -> Work:
        (work,) = self.state.work(organization=self.organization.id, kind=kind)
        return work

    def _lease(self, kind: WorkKind) -> Lease:
        now = self.clock.now()
        work = self.state.ensure_work(self.organization.id, kind, now)
        lease = self.state.lease_work(
            self.organization.id, kind, work.revision, owner="worker", now=now, until=now + HOUR
        )
        assert lease is not None
        return replace(lease, checkpoint=work.checkpoint)

    def stored(self) -> dict[tuple[str, str], Assessment]:
        """Every stored assessment by the resource's name and the rule."""
        return {
            (row.resource.name, rule): one
            for row in self.state.assessments(self.organization.id)
            for rule, one in row.assessments.items()
            if rule in rule_ids(SOME_RULES)
        }

    def said(self) -> dict[tuple[str, str], str]:
        return {key: one.verdict.status.value for key, one in self.stored().items()}

    def unknown_rules(self) -> set[str]:
        return {rule for (_, rule), status in self.said().items() if status == "unknown"}

    def journal(self) -> tuple[JournalEntry, ...]:
        told = self.state.journal(event=JournalEvent.ASSESSMENT_CHANGED, limit=100_000)
        some = rule_ids(SOME_RULES)
        return tuple(one for one in told if one.reason.partition(":")[0] in some)

    def asked(self) -> Counter[str]:
        """How often each kind of thing that some rules need was asked for, by a word of its address."""
        words = (
            "HierarchyQuery",
            "generalsettings",
            "policy/configurations",
            "serviceendpoint/endpoints",
            "pipelinepermissions",
        )
        found: Counter[str] = Counter()
        for request in self.simulator.requests:
            match = re.search("|".join(words), request.path, re.IGNORECASE)
            if match:
                found[match[0].lower()] += 1
        return found


def a_bare_project(organization: SimulatedOrganization, name: str) -> SimulatedProject:
    """Nothing in it, and classic pipelines allowed."""
    project = organization.add_project(name)
    for key in CLASSIC:
        project.set_setting(key, value=False)
    return project


def a_good_project(organization: SimulatedOrganization, name: str) -> SimulatedProject:
    """One repository and one service connection, in which every rule is content."""
    project = organization.add_project(name)
    for key in CLASSIC:
        project.set_setting(key, value=True)
    project.add_branch_policy(settings=OTHERS_DECIDE)
    project.add_repository(f"{name}-code")
    project.add_service_endpoint(f"{name}-azure", all_pipelines=False)
    return project
