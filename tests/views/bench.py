"""The app on the local host, with an inventory and verdicts that tests make, and ways to ask for them."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import function_app
from local.host import Host
from shared import wiring
from shared.model.assessment import (
    Assessment,
    AssessmentChange,
    AssessmentStatus,
    Resource,
    ResourceAssessments,
    ResourceKind,
    Verdict,
)
from shared.model.connector import AuthKind, Connector, DiscoveryMode, IdentityReference, ProvisioningState
from shared.model.ids import ConnectorId, OrganizationId, ProjectId, RepositoryId, RuleId, TenantId
from shared.model.inventory import Project, Repository
from shared.model.organization import Enrollment, OnboardingState, Organization
from shared.model.summary import findings_of
from shared.model.work import Lease, WorkKind
from shared.ports import InventoryChange, Viewers
from shared.wiring.principals import LocalViewers
from shared.wiring.runtime import Runtime, build_runtime
from shared.wiring.settings import Settings

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PATIENCE = 60.0
TOKEN = "token-of-this-test"

SUBSCRIPTION = "10000000-0000-4000-8000-000000000001"
GROUP = "security"
MAIN = ConnectorId("c0000000-0000-4000-8000-000000000001")
OTHER = ConnectorId("c0000000-0000-4000-8000-000000000002")

CONTOSO = OrganizationId("a0000000-0000-4000-8000-000000000001")
FABRIKAM = OrganizationId("a0000000-0000-4000-8000-000000000002")
WAITING = OrganizationId("a0000000-0000-4000-8000-000000000003")
ELSEWHERE = OrganizationId("a0000000-0000-4000-8000-000000000004")

CONNECTOR_VERSION = "2024-08-01-preview"
DEVOPS_VERSION = "2025-11-01-preview"
ASSESSMENTS_VERSION = "2025-05-04"

REPOSITORY_RULE = RuleId("ADO-REPO-001")
PROJECT_RULE = RuleId("ADO-PROJ-001")


def project_id(number: int) -> ProjectId:
    return ProjectId(f"b0000000-0000-4000-8000-{number:012}")


def repository_id(number: int) -> RepositoryId:
    return RepositoryId(f"d0000000-0000-4000-8000-{number:012}")


def path_of(*names: str, connector: str = "main", group: str = GROUP) -> str:
    """The path of a connector, and of an organization, project and repository in it."""
    path = (
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/Microsoft.Security"
        f"/securityConnectors/{connector}"
    )
    words = ("azureDevOpsOrgs", "projects", "repos")
    inner = "".join(f"/{word}/{quote(name, safe='')}" for word, name in zip(words, names, strict=False))
    return f"{path}/devops/default{inner}" if names else path


@dataclass(frozen=True)
class Answered:
    status: int
    document: Any
    headers: Mapping[str, str]

    @property
    def code(self) -> str:
        return str(self.document["error"]["code"])

    @property
    def names(self) -> list[str]:
        return [one["name"] for one in self.document["value"]]


class Bench:
    """The app, and what is in its state."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.state = runtime.state
        self.said: list[str] = []
        self.told = threading.Event()
        self.host = Host(function_app.app, runtime, http_port=0, on_serving=self._say)
        self.at_most: dict[OrganizationId, Lease] = {}

    def _say(self, url: str) -> None:
        self.said.append(url)
        self.told.set()

    # --- what is known ------------------------------------------------------------------------------------

    def connect(self, identifier: ConnectorId, name: str, **fields: Any) -> None:
        connector = Connector(
            id=identifier,
            name=name,
            tenant=TenantId("tenant"),
            mode=DiscoveryMode.EXISTING_AND_FUTURE,
            identity=IdentityReference(AuthKind.PAT, secret_setting="ADO_PAT"),
            created_at=NOW,
            subscription=SUBSCRIPTION,
            resource_group=GROUP,
            region="westeurope",
            provisioning=ProvisioningState.SUCCEEDED,
            provisioning_message="OK",
        )
        self.state.put_connector(replace(connector, **fields))

    def enroll(
        self,
        connector: ConnectorId,
        organization: OrganizationId,
        name: str,
        state: OnboardingState = OnboardingState.ONBOARDED,
    ) -> None:
        if self.state.get_organization(organization) is None:
            self.state.put_organization(
                Organization(organization, TenantId("tenant"), name, NOW, account_id=organization)
            )
        self.state.put_enrollment(Enrollment(connector, organization, state, "because", NOW, NOW))

    def add(
        self, organization: OrganizationId, projects: Sequence[Project], repositories: Sequence[Repository]
    ) -> None:
        lease = self._lease(organization, WorkKind.INVENTORY)
        change = InventoryChange(tuple(projects), tuple(repositories))
        self.state.apply_inventory(lease, change)
        self.state.finish_listing(
            lease, listed_at=NOW, projects=len(projects), repositories=len(repositories)
        )

    def assess(
        self,
        organization: OrganizationId,
        project: Project | None,
        *said: tuple[Resource, RuleId, str],
        at: datetime = NOW,
    ) -> None:
        by_resource: dict[Resource, dict[RuleId, Assessment]] = {}
        for resource, rule, status in said:
            verdict = Verdict(AssessmentStatus(status), f"is {status}", {"n": 1})
            by_resource.setdefault(resource, {})[rule] = Assessment(verdict, NOW, NOW)
        rows = [ResourceAssessments(organization, one, told) for one, told in by_resource.items()]
        lease = self._lease(organization, WorkKind.POSTURE)
        change = AssessmentChange(tuple(rows), findings=findings_of(rows))
        self.state.apply_assessments(lease, project.id if project else None, change, at)

    def settle(self) -> None:
        """Nobody works on anything any more."""
        self.state.release_leases_of(["test"])

    def _lease(self, organization: OrganizationId, kind: WorkKind) -> Lease:
        work = self.state.ensure_work(organization, kind, NOW)
        until = NOW + timedelta(hours=1)
        taken = self.state.lease_work(organization, kind, work.revision, owner="test", now=NOW, until=until)
        if taken is None:
            self.state.release_leases_of(["test"])
            taken = self.state.lease_work(
                organization, kind, work.revision, owner="test", now=NOW, until=until
            )
        assert taken is not None
        return taken

    # --- asking -------------------------------------------------------------------------------------------

    def get(
        self,
        path: str,
        version: str = DEVOPS_VERSION,
        *,
        headers: Mapping[str, str] | None = None,
        method: str = "GET",
        query: Mapping[str, str] | None = None,
    ) -> Answered:
        """The answer to a request with the token of this machine, unless the headers say otherwise."""
        parameters = {**({"api-version": version} if version else {}), **(query or {})}
        target = f"{path}?{urlencode(parameters)}" if parameters else path
        return self.send(method, target, {"Authorization": f"Bearer {TOKEN}", **(headers or {})})

    def send(self, method: str, target: str, headers: Mapping[str, str]) -> Answered:
        parts = urlsplit(self.host.http_url)
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=PATIENCE)
        try:
            connection.putrequest(method, target, skip_host="Host" in headers)
            for name, value in headers.items():
                connection.putheader(name, value)
            if method in {"POST", "PUT", "PATCH"}:
                connection.putheader("Content-Length", "0")
            connection.endheaders()
            response = connection.getresponse()
            body = response.read()
            return Answered(response.status, json.loads(body) if body else None, dict(response.getheaders()))
        finally:
            connection.close()

    def everything(self, path: str, version: str = DEVOPS_VERSION) -> list[dict[str, Any]]:
        """All pages of a listing, following `nextLink` as it is told."""
        found: list[dict[str, Any]] = []
        answered = self.get(path, version)
        while True:
            assert answered.status == 200, answered.document
            found += answered.document["value"]
            link = answered.document.get("nextLink")
            if link is None:
                return found
            parts = urlsplit(link)
            assert f"{parts.scheme}://{parts.netloc}" == self.host.http_url
            answered = self.send("GET", f"{parts.path}?{parts.query}", {"Authorization": f"Bearer {TOKEN}"})

    @contextmanager
    def running(self) -> Iterator[None]:
        done = threading.Event()
        thread = threading.Thread(target=lambda: self.host.run(until=done.is_set), daemon=True)
        thread.start()
        serving, deadline = False, time.monotonic() + PATIENCE
        while not serving:
            # Told last of all: the host has its address a moment before.
            serving = self.told.wait(0.05)
            assert time.monotonic() < deadline
            assert thread.is_alive()
        try:
            yield
        finally:
            done.set()
            self.host.wake()
            thread.join(PATIENCE)
            assert not thread.is_alive()


class Still:
    """Time that stands."""

    def now(self) -> datetime:
        return NOW

    def sleep(self, seconds: float) -> None:
        raise AssertionError(f"nobody sleeps here ({seconds})")


def project(number: int, name: str = "", **fields: Any) -> Project:
    made = Project(project_id(number), name or f"Project {number}", "wellFormed", "private", NOW)
    return replace(made, **fields)


def repository(number: int, of: int = 1, name: str = "", **fields: Any) -> Repository:
    made = Repository(
        repository_id(number),
        name or f"repository-{number}",
        project_id(of),
        "refs/heads/main",
        is_disabled=False,
        is_fork=False,
        url=f"https://dev.azure.com/contoso/p/_git/repository-{number}",
        first_seen=NOW,
    )
    return replace(made, **fields)


def of_repository(one: Repository) -> Resource:
    return Resource(ResourceKind.REPOSITORY, one.id, one.name, one.project_id)


def of_project(one: Project) -> Resource:
    return Resource(ResourceKind.PROJECT, one.id, one.name, one.id)


@contextmanager
def opened(folder: Path, viewers: Viewers | None = None, state_url: str = "") -> Iterator[Bench]:
    """A bench that serves an empty state: of this place or, unless one is told, in the folder."""
    bench = made_bench(folder, viewers, state_url)
    before = wiring._runtime
    wiring.use(bench.runtime)
    try:
        with bench.running():
            yield bench
    finally:
        wiring.use(before)
        bench.runtime.close()


def made_bench(folder: Path, viewers: Viewers | None = None, state_url: str = "") -> Bench:
    """The same that serves nothing, and leaves alone the one that does: it may be asked beside it."""
    return Bench(
        build_runtime(
            Settings(
                state_url=state_url or f"sqlite:///{folder / 'state.db'}",
                queue_url=f"sqlite:///{folder / 'queue.db'}",
            ),
            clock=Still(),
            viewers=viewers or LocalViewers(TOKEN),
        )
    )


def fill(bench: Bench) -> None:
    """Two connectors; one holds two organizations and knows of a third, the other holds one."""
    bench.connect(MAIN, "main")
    bench.connect(OTHER, "other", resource_group="margies-group")
    bench.enroll(MAIN, CONTOSO, "contoso")
    bench.enroll(MAIN, FABRIKAM, "fabrikam")
    bench.enroll(MAIN, WAITING, "tailspin", OnboardingState.NOT_ONBOARDED)
    bench.enroll(OTHER, ELSEWHERE, "northwind")
    web, secret = project(1, "Web Shop"), project(2, "Hush Project")
    gone = project(3, "Gone", retired_at=NOW)
    inside = [
        repository(1, 1, "shop"),
        repository(2, 1, "späti"),
        repository(3, 1, "left", missing_since=NOW, missing_reason="The last listing lacked it."),
        repository(4, 1, "buried", retired_at=NOW),
        repository(5, 2, "hush-repository"),
    ]
    bench.add(CONTOSO, [web, secret, gone], inside)
    bench.assess(
        CONTOSO,
        web,
        (of_project(web), PROJECT_RULE, "healthy"),
        (of_repository(inside[0]), REPOSITORY_RULE, "unhealthy"),
        (of_repository(inside[1]), REPOSITORY_RULE, "unknown"),
    )
    bench.assess(CONTOSO, secret, (of_repository(inside[4]), REPOSITORY_RULE, "unhealthy"))
    other = project(11, "Other")
    bench.add(FABRIKAM, [other], [repository(11, 11, "fabrikam-repository"), repository(12, 11)])
    foreign = project(21, "Foreign")
    bench.add(ELSEWHERE, [foreign], [repository(21, 21, "foreign-repository")])
