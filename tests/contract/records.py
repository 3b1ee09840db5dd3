"""Short ways to make the records that contract tests store."""

from __future__ import annotations

from datetime import datetime, timedelta

from shared.model.connector import AuthKind, Connector, DiscoveryMode, IdentityReference
from shared.model.ids import ConnectorId, OrganizationId, ProjectId, RepositoryId, TenantId
from shared.model.inventory import Project, Repository
from shared.model.journal import JournalEntry, JournalEvent
from shared.model.organization import Enrollment, OnboardingState, Organization
from shared.model.work import Lease, WorkKind
from tests.contract.adapters import START, State

TENANT = TenantId("contoso.onmicrosoft.com")
ORGANIZATION = OrganizationId("6b1f0c52-0000-4000-8000-000000000001")
OTHER = OrganizationId("6b1f0c52-0000-4000-8000-000000000002")
CONNECTOR = ConnectorId("c0000000-0000-4000-8000-000000000001")
INVENTORY = WorkKind.INVENTORY


def connector(identifier: str = CONNECTOR, name: str = "main") -> Connector:
    return Connector(
        id=ConnectorId(identifier),
        name=name,
        tenant=TENANT,
        mode=DiscoveryMode.EXISTING_AND_FUTURE,
        identity=IdentityReference(AuthKind.PAT, secret_setting="ADO_PAT"),
        created_at=START,
    )


def organization(
    identifier: str = ORGANIZATION, name: str = "contoso", *, instance_id: str = "", account_id: str = ""
) -> Organization:
    return Organization(
        OrganizationId(identifier), TENANT, name, START, instance_id=instance_id, account_id=account_id
    )


def enrollment(of: str = ORGANIZATION, by: str = CONNECTOR) -> Enrollment:
    return Enrollment(
        ConnectorId(by), OrganizationId(of), OnboardingState.NOT_ONBOARDED, "Not checked yet.", START, START
    )


def project(
    number: int, *, missing_since: datetime | None = None, last_seen: datetime | None = None
) -> Project:
    return Project(
        ProjectId(f"a0000000-0000-4000-8000-{number:012}"),
        f"Project {number}",
        "wellFormed",
        "private",
        START,
        missing_since=missing_since,
        last_seen=last_seen,
    )


def repository(number: int, of: int = 1) -> Repository:
    return Repository(
        RepositoryId(f"b0000000-0000-4000-8000-{number:012}"),
        f"repository-{number}",
        project(of).id,
        "refs/heads/main",
        is_disabled=False,
        is_fork=False,
        url=f"https://dev.azure.com/contoso/p/_git/repository-{number}",
        first_seen=START,
    )


def entry(
    subject: str = "", event: JournalEvent = JournalEvent.PROJECT_DISCOVERED, at: datetime = START
) -> JournalEntry:
    return JournalEntry(at, event, CONNECTOR, ORGANIZATION, subject)


def lease(
    state: State,
    kind: WorkKind = INVENTORY,
    *,
    owner: str = "worker",
    now: datetime = START,
    minutes: float = 10,
) -> Lease:
    """Take the lease on the current revision, which must be free."""
    work = state.ensure_work(ORGANIZATION, kind, START)
    taken = state.lease_work(
        ORGANIZATION, kind, work.revision, owner=owner, now=now, until=now + timedelta(minutes=minutes)
    )
    assert taken is not None
    return taken


def subjects(state: State) -> list[str]:
    return [one.subject for one in state.journal(limit=1_000)]
