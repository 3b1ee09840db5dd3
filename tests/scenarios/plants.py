"""What is planted into a state for each code of `state verify`."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from azure.data.tables import UpdateMode

from shared.connector_state.tables.keys import key
from shared.model.assessment import ResourceAssessments, ResourceKind
from shared.model.exemption import Exemption, ExemptionKind, ExemptionScope, ExemptionTarget
from shared.model.extension import ExtensionState, ExtensionStatus
from shared.model.ids import ConnectorId, OrganizationId, ProjectId
from shared.model.inventory import Project, Repository
from shared.model.mapping import Confidence, Edge, EdgeKind, GraphFacts, Source, image_node, run_node
from shared.model.notification import Notified
from shared.model.organization import Enrollment, OnboardingCause, OnboardingState, Organization
from shared.model.record import Claim, Record, RecordKind, RepositoryCounts
from shared.model.sign_in import SignInRecord
from shared.model.summary import PostureSummary, ProjectSummary
from shared.model.work import WorkKind
from shared.ports import ThrottleRecord
from shared.reconcile.consistency.findings import Code
from tests.scenarios.spoiled_state import Place

FAR = timedelta(days=4_000)


def claim_of_no_connector(place: Place) -> None:
    place.put(place.one(RecordKind.CLAIM), Claim(ConnectorId("gone")))


def claim_of_no_organization(place: Place) -> None:
    holder = place.state.connectors()[0]
    place.put(Record(RecordKind.CLAIM, (holder.tenant, "nowhere"), None), Claim(holder.id))


def claim_without_enrollment(place: Place) -> None:
    place.put(next(one for one in place.all(RecordKind.ENROLLMENT) if one.key[0] == place.organization), None)


def enrollment_of_no_connector(place: Place) -> None:
    record = place.all(RecordKind.ENROLLMENT)[0]
    other: Any = replace(record.value, connector=ConnectorId("gone"), state=OnboardingState.NOT_ONBOARDED)  # type: ignore[type-var]
    place.put(Record(RecordKind.ENROLLMENT, (record.key[0], "gone"), None), other)


def enrollment_of_no_organization(place: Place) -> None:
    record = place.all(RecordKind.ENROLLMENT)[0]
    other: Any = replace(
        record.value,  # type: ignore[type-var]
        organization=OrganizationId("nowhere"),
        state=OnboardingState.NOT_ONBOARDED,
    )
    place.put(Record(RecordKind.ENROLLMENT, ("nowhere", record.key[1]), None), other)


def onboarded_without_claim(place: Place) -> None:
    place.put(next(one for one in place.all(RecordKind.CLAIM) if one.key[1] == place.organization), None)


def held_but_not_onboarded(place: Place) -> None:
    record = next(one for one in place.all(RecordKind.ENROLLMENT) if one.key[0] == place.organization)
    place.put(record, replace(record.value, state=OnboardingState.NOT_ONBOARDED))  # type: ignore[type-var]


def prerequisites_of_nobody(place: Place) -> None:
    record = place.all(RecordKind.PREREQUISITES)[0]
    place.put(Record(RecordKind.PREREQUISITES, (record.key[0], "gone"), None), record.value)


def sign_in_of_nobody(place: Place) -> None:
    place.state.put_sign_in("contoso/ana", SignInRecord("sealed"))


def work_of_no_organization(place: Place) -> None:
    place.state.ensure_work(OrganizationId("nowhere"), WorkKind.POSTURE, place.clock.now())


def prerequisites_lacking(place: Place) -> None:
    place.put(place.one(RecordKind.PREREQUISITES, place.organization), None)


def work_lacking(place: Place) -> None:
    place.state.drop_work(place.organization, WorkKind.EXTENSION)


def lease_without_end(place: Place) -> None:
    place.edit_work(WorkKind.INVENTORY, leased_until=place.clock.now() + FAR, leased_by="vm/9/9")


def queued_in_future(place: Place) -> None:
    place.edit_work(WorkKind.INVENTORY, queued_at=place.clock.now() + FAR)


def due_too_late(place: Place) -> None:
    place.edit_work(WorkKind.INVENTORY, due_at=place.clock.now() + FAR)


def records_of_no_organization(place: Place) -> None:
    nowhere = OrganizationId("nowhere")
    for kind in (RecordKind.PROJECT, RecordKind.POSTURE_TOTAL, RecordKind.POSTURE, RecordKind.EXTENSION):
        found = place.all(kind)
        value: Any = (
            found[0].value
            if found
            else ExtensionState(
                "p", "n", ExtensionStatus.INSTALLED, "e", "", place.clock.now(), place.clock.now()
            )
        )
        name = found[0].key if found else (nowhere,)
        if isinstance(value, PostureSummary):
            value = replace(value, organization=nowhere)
        place.put(Record(kind, (nowhere, *name[1:]), None), value)


def repository_of_no_project(place: Place) -> None:
    record = place.alive()
    assert isinstance(record.value, Repository)
    project = record.value.project_id
    place.put(place.one(RecordKind.PROJECT, place.organization, project), None)
    for kind in (RecordKind.ASSESSMENT, RecordKind.FACTS, RecordKind.POSTURE):
        for one in list(place.state.records_of(place.organization, (kind,))):
            if len(one.key) > 1 and one.key[1] == project:
                place.put(one, None)
    settle(place)


def settle(place: Place) -> None:
    """Have the sums follow what was planted, so that it alone is wrong."""
    for one in list(place.state.records_of(place.organization, (RecordKind.POSTURE_TOTAL,))):
        assert isinstance(one.value, PostureSummary)
        parts = place.state.project_summaries(place.organization)
        total: dict[Any, dict[Any, int]] = {}
        for part in parts:
            for rule, counts in part.findings.items():
                for status, number in counts.items():
                    total.setdefault(rule, {})[status] = total.get(rule, {}).get(status, 0) + number
        place.put(
            one, replace(one.value, findings=total, projects=sum(part.project is not None for part in parts))
        )
    organization = place.one(RecordKind.ORGANIZATION, place.organization)
    assert isinstance(organization.value, Organization)
    rows = [one.value for one in place.all(RecordKind.PROJECT)]
    alive = sum(isinstance(one, Project) and not (one.missing_since or one.retired_at) for one in rows)
    repositories = sum(
        isinstance(one.value, Repository) and not (one.value.missing_since or one.value.retired_at)
        for one in place.all(RecordKind.REPOSITORY)
    )
    place.put(organization, replace(organization.value, projects=alive, repositories=repositories))


def repository_outlives_project(place: Place) -> None:
    record = place.alive()
    assert isinstance(record.value, Repository)
    project = place.one(RecordKind.PROJECT, place.organization, record.value.project_id)
    assert isinstance(project.value, Project)
    place.put(project, replace(project.value, retired_at=place.clock.now(), missing_since=place.clock.now()))
    settle(place)


def time_in_future(place: Place) -> None:
    record = place.alive()
    place.put(record, replace(record.value, first_seen=place.clock.now() + FAR))  # type: ignore[type-var]


def retired_before_seen(place: Place) -> None:
    record = next(
        one
        for one in place.all(RecordKind.REPOSITORY)
        if isinstance(one.value, Repository) and one.value.retired_at is not None
    )
    assert isinstance(record.value, Repository)
    assert record.value.retired_at is not None
    place.put(record, replace(record.value, first_seen=record.value.retired_at + timedelta(hours=1)))


def counts_differ(place: Place) -> None:
    record = place.one(RecordKind.ORGANIZATION, place.organization)
    place.put(record, replace(record.value, repositories=99))  # type: ignore[type-var]


def project_counts_differ(place: Place) -> None:
    record = place.all(RecordKind.REPOSITORY_COUNTS)[0]
    assert isinstance(record.value, RepositoryCounts)
    project = next(iter(record.value.by_project))
    place.put(record, RepositoryCounts({**record.value.by_project, project: 99}))


def assessment_of_no_project(place: Place) -> None:
    planted_assessment(place, project="gone")


def assessment_of_no_resource(place: Place) -> None:
    planted_assessment(place)


def planted_assessment(place: Place, project: str = "") -> None:
    record = next(one for one in place.all(RecordKind.ASSESSMENT) if one.key[2] == "repository")
    assert isinstance(record.value, ResourceAssessments)
    of = ProjectId(project or record.key[1])
    resource = replace(record.value.resource, id="gone", project=of)
    name = (record.key[0], of, "repository", "gone")
    place.put(
        Record(RecordKind.ASSESSMENT, name, None), ResourceAssessments(place.organization, resource, {})
    )


def copies_differ(place: Place) -> None:
    record = next(one for one in place.all(RecordKind.ASSESSMENT) if one.key[2] == "repository")
    if place.url.startswith("sqlite"):
        with sqlite3.connect(place.url.removeprefix("sqlite:///")) as connection:
            connection.execute("DELETE FROM statuses WHERE resource_id = ?", (record.key[3],))
        connection.close()
        return
    with place.table() as client:
        row = f"assessment:{record.key[1] or '-'}:repository:{record.key[3]}"
        entity = client.get_entity(f"organization:{record.key[0]}", row)
        client.update_entity({**entity, "statuses": zlib.compress(b"{}")}, UpdateMode.REPLACE)


def sums_differ(place: Place) -> None:
    record = next(one for one in place.all(RecordKind.POSTURE) if one.key[1])
    assert isinstance(record.value, ProjectSummary)
    rule, counts = next(iter(record.value.findings.items()))
    place.put(
        record, replace(record.value, findings={**record.value.findings, rule: {next(iter(counts)): 99}})
    )


def sums_of_no_project(place: Place) -> None:
    gone = ProjectId("gone")
    place.put(
        Record(RecordKind.POSTURE, (place.organization, gone), None),
        ProjectSummary(gone, {}, place.clock.now() - timedelta(days=9)),
    )


def total_differs(place: Place) -> None:
    record = place.all(RecordKind.POSTURE_TOTAL)[0]
    place.put(record, replace(record.value, projects=99))  # type: ignore[type-var]


def history_beyond_total(place: Place) -> None:
    record = place.all(RecordKind.POSTURE_TOTAL)[0]
    place.put(record, replace(record.value, changes=1))  # type: ignore[type-var]
    for one in place.all(RecordKind.NOTIFIED):
        place.put(one, None)


def notified_beyond_history(place: Place) -> None:
    for one in place.all(RecordKind.NOTIFIED):
        place.put(one, None)
    place.put(Record(RecordKind.NOTIFIED, (place.organization,), None), Notified(999_999, place.clock.now()))


def facts_of_no_project(place: Place) -> None:
    record = place.all(RecordKind.FACTS)[0]
    if place.url.startswith("sqlite"):
        with sqlite3.connect(place.url.removeprefix("sqlite:///")) as connection:
            connection.execute(
                "INSERT INTO facts (organization, project, content) VALUES (?, 'gone', x'00')", record.key[:1]
            )
        connection.close()
        return
    with place.table() as client:
        client.create_entity(
            {
                "PartitionKey": f"organization:{record.key[0]}",
                "RowKey": "facts:gone:000000",
                "document0": b"x",
            }
        )


def unreadable(place: Place) -> None:
    place.spoil("posture_totals", "posture-total")


def exemption_of_no_organization(place: Place) -> None:
    now = place.clock.now()
    scope, target = ExemptionScope("ADO-ORG-001"), ExemptionTarget(OrganizationId("nowhere"))
    place.state.change_exemptions(
        [Exemption("e", scope, target, ExemptionKind.WAIVER, "why", "ana", now, now + FAR)]
    )


def claim_of_other_tenant(place: Place) -> None:
    record = next(one for one in place.all(RecordKind.CLAIM) if one.key[1] == place.organization)
    place.put(Record(RecordKind.CLAIM, ("other", place.organization), None), record.value)


def held_by_nobody(place: Place) -> None:
    onboarded_without_claim(place)
    record = next(one for one in place.all(RecordKind.ENROLLMENT) if one.key[0] == place.organization)
    assert isinstance(record.value, Enrollment)
    elsewhere = OnboardingState.ONBOARDED_BY_OTHER_CONNECTOR
    place.put(record, replace(record.value, state=elsewhere, cause=OnboardingCause.HELD_ELSEWHERE))


def merged_into_nobody(place: Place) -> None:
    record = place.one(RecordKind.ORGANIZATION, place.organization)
    place.put(record, replace(record.value, merged_into=OrganizationId("nowhere")))  # type: ignore[type-var]


def impossible_number(place: Place) -> None:
    place.edit_work(WorkKind.INVENTORY, attempt=-1, failures_in_a_row=3)


def wait_without_end(place: Place) -> None:
    until = place.clock.now() + FAR
    place.state.put_throttle("contoso|pat", ThrottleRecord(not_before=until, reason="later"))


def times_out_of_order(place: Place) -> None:
    record = next(one for one in place.all(RecordKind.ENROLLMENT) if one.key[0] == place.organization)
    assert isinstance(record.value, Enrollment)
    place.put(record, replace(record.value, discovered_at=place.clock.now()))


def edge_of_no_node(place: Place) -> None:
    run, image = run_node(place.organization, 7), image_node("sha256:" + "0" * 64)
    now = place.clock.now()
    edge = Edge(image, EdgeKind.BUILT_BY, run, Source.REPORT, Confidence.CLAIMED, now)
    place.state.record_mappings(GraphFacts(edges=(edge,)))
    if place.url.startswith("sqlite"):
        place.execute("DELETE FROM graph_nodes WHERE kind = 'run'")
        return
    with place.table() as client:
        partition = key("graph", run.kind, run.key)
        for one in list(client.query_entities(f"PartitionKey eq '{partition}'")):
            client.delete_entity(partition, one["RowKey"])


def merged_but_held(place: Place) -> None:
    record = place.one(RecordKind.ORGANIZATION, place.organization)
    other = next(one.id for one in place.state.organizations() if one.id != place.organization)
    place.put(record, replace(record.value, merged_into=other))  # type: ignore[type-var]


def exemption(place: Place, rule: str = "ADO-REPO-001", until: timedelta = FAR, **target: Any) -> None:
    now = place.clock.now()
    aim = ExemptionTarget(place.organization, **target)
    place.state.change_exemptions(
        [Exemption("e", ExemptionScope(rule), aim, ExemptionKind.WAIVER, "why", "ana", now, now + until)]
    )


def exemption_of_no_rule(place: Place) -> None:
    exemption(place, "ADO-GONE-*")


def exemption_of_no_resource(place: Place) -> None:
    project = next(one.id for one in place.state.projects(place.organization))
    exemption(place, project=project, resource_kind=ResourceKind.REPOSITORY, resource="gone")


def exemption_of_no_project(place: Place) -> None:
    exemption(place, project=ProjectId("gone"))


def exemption_that_ends_before_it_begins(place: Place) -> None:
    exemption(place, until=-timedelta(days=1))


def history_lacking(place: Place) -> None:
    """In the middle, as much as each store keeps in one row."""
    if place.url.startswith("sqlite"):
        place.execute(
            "DELETE FROM status_changes WHERE organization = ? AND sequence = 7", place.organization
        )
        return
    place.lose_change_row(1)


def history_cut_off(place: Place) -> None:
    if place.url.startswith("sqlite"):
        last = place.state.posture_summaries()[place.organization].changes
        place.execute(
            "DELETE FROM status_changes WHERE organization = ? AND sequence > ?", place.organization, last - 3
        )
        return
    place.lose_change_row(-1)


def notified_below_nothing(place: Place) -> None:
    for one in place.all(RecordKind.NOTIFIED):
        place.put(one, None)
    place.put(Record(RecordKind.NOTIFIED, (place.organization,), None), Notified(-4, place.clock.now()))


def journal_in_future(place: Place) -> None:
    entry = place.state.journal(limit=1)[0]
    place.state.append_journal([replace(entry, at=place.clock.now() + FAR, reason="to come", id=0)])


def content_unreadable(place: Place) -> None:
    if place.url.startswith("sqlite"):
        place.execute("UPDATE partials SET content = x'00' WHERE organization = ?", place.organization)
        return
    with place.table() as client:
        row = {"PartitionKey": f"organization:{place.organization}", "RowKey": "partial:posture:000000"}
        client.update_entity({**row, "document0": b"x"}, UpdateMode.REPLACE)


MENDED = {
    Code.MERGED_BUT_HELD: (merged_but_held, {Code.ROW_OF_NOTHING}),
    Code.EXEMPTION_OF_NO_RULE: (exemption_of_no_rule, set()),
    Code.EXEMPTION_OF_NO_RESOURCE: (exemption_of_no_resource, set()),
    Code.HISTORY_LACKING: (history_lacking, set()),
    Code.CONTENT_UNREADABLE: (content_unreadable, set()),
    Code.EXEMPTION_OF_NO_ORGANIZATION: (exemption_of_no_organization, set()),
    Code.CLAIM_OF_OTHER_TENANT: (claim_of_other_tenant, set()),
    Code.HELD_BY_NOBODY: (held_by_nobody, set()),
    Code.MERGED_INTO_NOBODY: (merged_into_nobody, {Code.ROW_OF_NOTHING}),
    Code.IMPOSSIBLE_NUMBER: (impossible_number, set()),
    Code.WAIT_WITHOUT_END: (wait_without_end, set()),
    Code.TIMES_OUT_OF_ORDER: (times_out_of_order, set()),
    Code.EDGE_OF_NO_NODE: (edge_of_no_node, set()),
    Code.CLAIM_OF_NO_CONNECTOR: (claim_of_no_connector, {Code.ONBOARDED_WITHOUT_CLAIM}),
    Code.CLAIM_OF_NO_ORGANIZATION: (claim_of_no_organization, set()),
    Code.CLAIM_WITHOUT_ENROLLMENT: (claim_without_enrollment, set()),
    Code.ENROLLMENT_OF_NO_CONNECTOR: (enrollment_of_no_connector, set()),
    Code.ENROLLMENT_OF_NO_ORGANIZATION: (enrollment_of_no_organization, set()),
    Code.ONBOARDED_WITHOUT_CLAIM: (onboarded_without_claim, set()),
    Code.PREREQUISITES_OF_NOBODY: (prerequisites_of_nobody, set()),
    Code.SIGN_IN_OF_NOBODY: (sign_in_of_nobody, set()),
    Code.WORK_OF_NO_ORGANIZATION: (work_of_no_organization, set()),
    Code.WORK_LACKING: (work_lacking, set()),
    Code.PREREQUISITES_LACKING: (prerequisites_lacking, set()),
    Code.LEASE_WITHOUT_END: (lease_without_end, set()),
    Code.QUEUED_IN_FUTURE: (queued_in_future, set()),
    Code.DUE_TOO_LATE: (due_too_late, set()),
    Code.RECORDS_OF_NO_ORGANIZATION: (records_of_no_organization, set()),
    Code.TIME_IN_FUTURE: (time_in_future, set()),
    Code.RETIRED_BEFORE_SEEN: (retired_before_seen, set()),
    Code.COUNTS_DIFFER: (counts_differ, set()),
    Code.PROJECT_COUNTS_DIFFER: (project_counts_differ, set()),
    Code.ASSESSMENT_OF_NO_PROJECT: (assessment_of_no_project, set()),
    Code.ASSESSMENT_OF_NO_RESOURCE: (assessment_of_no_resource, set()),
    Code.COPIES_DIFFER: (copies_differ, set()),
    Code.SUMS_DIFFER: (sums_differ, set()),
    Code.SUMS_OF_NO_PROJECT: (sums_of_no_project, set()),
    Code.TOTAL_DIFFERS: (total_differs, set()),
    Code.HISTORY_BEYOND_TOTAL: (history_beyond_total, set()),
    Code.NOTIFIED_BEYOND_HISTORY: (notified_beyond_history, set()),
    Code.FACTS_OF_NO_PROJECT: (facts_of_no_project, set()),
    Code.UNREADABLE: (unreadable, {Code.TOTAL_DIFFERS}),
}
"""What is planted for each code, and what else then is wrong because of it."""


def name_lacking(place: Place) -> None:
    record = place.alive()
    place.put(record, replace(record.value, name=""))  # type: ignore[type-var]


def name_twice(place: Place) -> None:
    rows = [one for one in place.all(RecordKind.PROJECT) if isinstance(one.value, Project)]
    first, second, *_ = [one for one in rows if one.value.retired_at is None]  # type: ignore[attr-defined]
    place.put(second, replace(second.value, name=first.value.name.upper()))  # type: ignore[type-var,attr-defined]


LOOKED_AT_AGAIN: dict[Code, Callable[[Place], None]] = {
    Code.HELD_BUT_NOT_ONBOARDED: held_but_not_onboarded,
    Code.NAME_LACKING: name_lacking,
    Code.NAME_TWICE: name_twice,
    Code.REPOSITORY_OF_NO_PROJECT: repository_of_no_project,
    Code.REPOSITORY_OUTLIVES_PROJECT: repository_outlives_project,
}
"""What only Azure DevOps can tell: mended by the next run."""

MORE: dict[Code, list[Callable[[Place], None]]] = {
    Code.EXEMPTION_OF_NO_RESOURCE: [exemption_of_no_project],
    Code.TIMES_OUT_OF_ORDER: [exemption_that_ends_before_it_begins],
    Code.HISTORY_LACKING: [history_cut_off],
    Code.IMPOSSIBLE_NUMBER: [notified_below_nothing],
    Code.TIME_IN_FUTURE: [journal_in_future],
}
"""Further ways to the same."""


def organization_name_lacking(place: Place) -> None:
    record = place.one(RecordKind.ORGANIZATION, place.organization)
    place.put(record, replace(record.value, name=""))  # type: ignore[type-var]


def organization_name_twice(place: Place) -> None:
    record = place.one(RecordKind.ORGANIZATION, place.organization)
    other = next(one.name for one in place.state.organizations() if one.id != place.organization)
    place.put(record, replace(record.value, name=other.upper()))  # type: ignore[type-var]


def checkpoint_of_nothing(place: Place) -> None:
    place.edit_work(WorkKind.POSTURE, checkpoint="garbage")


LOOKED_AT_AGAIN_TOO: list[tuple[Code, Callable[[Place], None]]] = [
    (Code.NAME_LACKING, organization_name_lacking),
    (Code.NAME_TWICE, organization_name_twice),
]


def connector_name_twice(place: Place) -> None:
    (one,) = place.state.connectors()
    place.state.put_connector(replace(one, id=ConnectorId("another"), name=one.name.upper(), revision=0))


def strange_row(place: Place) -> None:
    with place.table() as client:
        client.create_entity({"PartitionKey": "catalog", "RowKey": "strange:1", "document": "{}"})


def strange_row_of_organization(place: Place) -> None:
    with place.table() as client:
        partition = f"organization:{place.organization}"
        client.create_entity({"PartitionKey": partition, "RowKey": "strange:1", "document": "{}"})


def name_of_nobody(place: Place) -> None:
    with place.table() as client:
        row = "unique:00000000-0000-0000-0000-000000000000:name:gone"
        client.create_entity({"PartitionKey": "catalog", "RowKey": row, "organization": "nowhere"})


def rows_of_another_shape(place: Place) -> None:
    of = f"organization:{place.organization}"
    places = {
        "catalog": ("claim:x", "enrollment:x", "prerequisites:x", "exemption:x:y", "connector:x:y"),
        "work": ("junk", "posture:x:y"),
        of: ("assessment:x", "change:last", "facts:x", "partial:inventory:z", "posture", "project:x:y", "zz"),
    }
    with place.table() as client:
        for partition, rows in places.items():
            for row in rows:
                client.create_entity({"PartitionKey": partition, "RowKey": row, "document": "{}"})


def copy_of_no_total(place: Place) -> None:
    with place.table() as client:
        client.create_entity({"PartitionKey": "catalog", "RowKey": "posture:nowhere", "document": "{}"})


STRAY = (rows_of_another_shape, strange_row, strange_row_of_organization, name_of_nobody, copy_of_no_total)
"""Rows of a table that belong to nothing."""
