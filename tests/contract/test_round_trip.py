"""Whatever the model can hold is read back as it was written."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import datetime

from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

from shared.model.assessment import AssessmentChange, Resource, ResourceAssessments, ResourceKind
from shared.model.connector import Connector
from shared.model.extension import ExtensionState
from shared.model.ids import ConnectorId, OrganizationId, ProjectId, RepositoryId
from shared.model.inventory import Project, Repository
from shared.model.journal import JournalEntry
from shared.model.organization import Enrollment, Organization
from shared.model.prerequisite import Prerequisite
from shared.model.work import Work, WorkKind
from shared.ports import InventoryChange, ThrottleRecord
from shared.queue.receiver import Property
from tests.contract.adapters import Queue, State
from tests.contract.records import CONNECTOR, INVENTORY, ORGANIZATION, TENANT, lease
from tests.contract.strategies import TIMES, WORDS, records

numbers = itertools.count(1)
# Every example has ids of its own, so one store serves them all.
many = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@many
@given(records(Connector, revision=0))
def test_connector(state: State, connector: Connector) -> None:
    written = state.put_connector(replace(connector, id=ConnectorId(f"c{next(numbers)}")))
    assert state.get_connector(written.id) == written
    assert written in state.connectors()


@many
@given(records(Organization, revision=0, tenant=TENANT))
def test_organization(state: State, organization: Organization) -> None:
    number = next(numbers)
    unique = replace(
        organization, id=OrganizationId(f"o{number}"), instance_id=f"i{number}", account_id=f"a{number}"
    )
    written = state.put_organization(unique)
    assert state.get_organization(written.id) == written


@many
@given(records(Enrollment, revision=0))
def test_enrollment(state: State, enrollment: Enrollment) -> None:
    written = state.put_enrollment(
        replace(enrollment, connector=CONNECTOR, organization=OrganizationId(f"o{next(numbers)}"))
    )
    assert state.enrollments(organization=written.organization) == (written,)


@many
@given(st.lists(records(Prerequisite), max_size=4).map(tuple))
def test_prerequisites(state: State, prerequisites: tuple[Prerequisite, ...]) -> None:
    state.put_prerequisites(ORGANIZATION, CONNECTOR, prerequisites)
    assert state.prerequisites(ORGANIZATION, CONNECTOR) == prerequisites


@many
@given(records(ExtensionState))
def test_extension(state: State, extension: ExtensionState) -> None:
    state.drop_work(ORGANIZATION, WorkKind.EXTENSION)
    state.put_extension(lease(state, WorkKind.EXTENSION), extension)
    assert state.extension(ORGANIZATION) == extension


@many
@given(records(Project), records(Repository))
def test_inventory(state: State, project: Project, repository: Repository) -> None:
    of = OrganizationId(f"o{next(numbers)}")
    state.ensure_work(of, INVENTORY, project.first_seen)
    held = state.lease_work(of, INVENTORY, 1, owner="w", now=project.first_seen, until=project.first_seen)
    assert held is not None
    project = replace(project, id=ProjectId("p"))
    repository = replace(repository, id=RepositoryId("r"), project_id=project.id)
    state.apply_inventory(held, InventoryChange((project,), (repository,)))
    assert list(state.projects(of)) == [_as_seen(project)]
    assert list(state.repositories(of)) == [_as_seen(repository)]


def _as_seen(row: Project | Repository) -> Project | Repository:
    """No listing of the organization was complete, so what is alive was never seen by one."""
    alive = row.missing_since is None and row.retired_at is None
    return replace(row, last_seen=None) if alive else row


@many
@given(records(Work))
def test_work(state: State, work: Work) -> None:
    state.drop_work(ORGANIZATION, INVENTORY)
    held = lease(state)
    told = replace(work, organization=ORGANIZATION, kind=INVENTORY)
    ended = state.finish_work(held, told)
    assert ended == replace(
        told, revision=held.revision + 1, queued_at=None, leased_until=None, leased_by="", attempt=0
    )
    assert state.work() == (ended,)
    marked = state.mark_queued(ended, work.due_at)
    assert state.work() == (marked,)


@many
@given(records(ResourceAssessments, organization=ORGANIZATION), TIMES)
def test_assessments(state: State, row: ResourceAssessments, at: datetime) -> None:
    state.drop_work(ORGANIZATION, WorkKind.POSTURE)
    project = ProjectId(f"p{next(numbers)}")
    resource = Resource(ResourceKind.PROJECT, project, row.resource.name, project)
    told = replace(row, resource=resource)
    state.apply_assessments(lease(state, WorkKind.POSTURE), project, AssessmentChange((told,)), at)
    assert list(state.assessments(ORGANIZATION, project)) == [told]
    assert state.assessed_at(ORGANIZATION)[project] == at


@many
@given(st.lists(records(JournalEntry, connector=CONNECTOR, organization=ORGANIZATION), max_size=5))
def test_journal(state: State, entries: list[JournalEntry]) -> None:
    state.append_journal(entries)
    stored = state.journal(limit=len(entries))
    assert [replace(one, id=0) for one in stored] == [replace(one, id=0) for one in entries]


@many
@given(records(ThrottleRecord, revision=0))
def test_throttle(state: State, record: ThrottleRecord) -> None:
    key = f"k{next(numbers)}"
    written = state.put_throttle(key, record)
    assert state.throttle(key) == written


@many
@given(
    st.binary(max_size=2_000),
    st.dictionaries(
        st.text(),
        st.text()
        | st.booleans()
        | st.integers(-(1 << 63), (1 << 63) - 1)
        | st.floats(allow_nan=False, allow_infinity=False),
    ),
)
def test_message(queue: Queue, body: bytes, properties: dict[str, Property]) -> None:
    queue.send_raw("inventory", body, properties=properties)
    (delivery,) = queue.receive("inventory")
    assert (delivery.body, delivery.properties) == (body, properties)
    queue.complete(delivery)


def test_the_strategies_reach_what_utf_8_cannot_hold() -> None:
    assert find(WORDS, lambda text: any("\ud800" <= one <= "\udfff" for one in text))
    assert find(WORDS, lambda text: "\0" in text) == "\0"
