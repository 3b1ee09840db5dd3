"""Export and import: the same bytes from every store, whole or refused."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.connector_state import StateUrlError, open_state
from shared.connector_state.record_forms import plain_of, record_of
from shared.connector_state.transfer import FileRefused, Manifest, export_lines, read_lines
from shared.model.assessment import (
    Assessment,
    AssessmentChange,
    AssessmentStatus,
    Resource,
    ResourceAssessments,
    ResourceKind,
    StatusChange,
    Verdict,
)
from shared.model.exemption import Exemption, ExemptionKind, ExemptionScope, ExemptionTarget
from shared.model.extension import ExtensionState, ExtensionStatus
from shared.model.ids import OrganizationId, ProjectId, RuleId
from shared.model.journal import JournalEvent
from shared.model.mapping import (
    Confidence,
    Edge,
    EdgeKind,
    GraphFacts,
    Node,
    Source,
    image_node,
    repository_node,
    run_node,
)
from shared.model.notification import Notified
from shared.model.prerequisite import Prerequisite
from shared.model.record import Record, RecordKind
from shared.model.sign_in import SignInRecord
from shared.model.summary import findings_of
from shared.model.work import WorkKind
from shared.ports import InventoryChange, ReportReceipt, State, StateConflict, ThrottleRecord
from tests.contract.adapters import START, STATES, StatePlace
from tests.contract.records import (
    CONNECTOR,
    ORGANIZATION,
    OTHER,
    TENANT,
    connector,
    enrollment,
    entry,
    lease,
    organization,
    project,
    repository,
)
from tests.contract.strategies import records as drawn

DAY = timedelta(days=1)
ODD = 'x\ud800 日本語 "quoted" \x00 / \\ # ?'


def fill(state: State, repositories: int = 20) -> None:
    """Something of everything, odd names too."""
    state.put_connector(connector(), [entry("created", JournalEvent.CONNECTOR_CREATED)])
    state.put_organization(organization(instance_id="I1"))
    state.put_organization(organization(OTHER, ODD))
    state.put_enrollment(enrollment())
    state.claim(TENANT, ORGANIZATION, CONNECTOR)
    state.put_sign_in("contoso/ana", SignInRecord("sealed", "worker", START))
    state.put_throttle("contoso", ThrottleRecord(requests=7))
    state.change_exemptions(
        [
            Exemption(
                f"e{number}",
                ExemptionScope("ADO-*", "contoso"),
                ExemptionTarget(ORGANIZATION),
                ExemptionKind.WAIVER,
                ODD,
                "ana",
                START,
                START + DAY,
            )
            for number in (2, 10, 1)
        ]
    )
    held = lease(state)
    projects = tuple(project(number) for number in range(3))
    rows = tuple(repository(number, number % 3) for number in range(repositories))
    told = tuple(entry(one.id) for one in rows)
    state.apply_inventory(held, InventoryChange(projects, rows, told))
    state.put_partial(held, bytes(range(256)) * 4_000)
    state.finish_listing(
        held, listed_at=START, projects=3, repositories=repositories, by_project={project(1).id: 50}
    )
    posture = lease(state, WorkKind.POSTURE)
    for scope in (None, project(1).id, project(2).id):
        assess(state, posture, scope)
    state.put_facts(posture, project(1).id, b"facts")
    state.finish_work(posture, state.work(organization=ORGANIZATION, kind=WorkKind.POSTURE)[0])
    extension = lease(state, WorkKind.EXTENSION)
    state.put_extension(
        extension,
        ExtensionState("p", "n", ExtensionStatus.INSTALLED, "e", "", START, START, flags=("a", "b")),
    )
    tell = lease(state, WorkKind.NOTIFICATIONS)
    state.put_notified(tell, Notified(2, START))
    state.drop_work(ORGANIZATION, WorkKind.NOTIFICATIONS)
    run, image = run_node(ORGANIZATION, 7), image_node(f"sha256:{1:064x}")
    edges = tuple(
        Edge(
            image,
            EdgeKind.BUILT_FROM,
            repository_node(f"r{ODD}{number}"),
            Source.LABEL,
            Confidence.CLAIMED,
            START,
        )
        for number in range(150)
    )
    built = Edge(
        image, EdgeKind.BUILT_BY, run, Source.REPORT, Confidence.ATTESTED, START + DAY, evidence={"a": ODD}
    )
    state.record_report(
        ReportReceipt("token", "body", START, START + DAY),
        GraphFacts((Node(run, START, "run 7", {"b": "1", "a": "2"}),), (built, *edges)),
    )
    state.append_journal([entry(f"last {number}", at=START + DAY) for number in range(250)])


def assess(state: State, held: object, scope: ProjectId | None) -> None:
    rule = RuleId("ADO-REPO-001")
    rows = tuple(
        ResourceAssessments(
            ORGANIZATION,
            Resource(ResourceKind.REPOSITORY, f"{scope}:{number}", ODD, scope),
            {
                rule: Assessment(
                    Verdict(AssessmentStatus.UNHEALTHY, "So.", {"z": 1, "a": [ODD]}), START, START
                )
            },
        )
        for number in (1, 10, 2)
    )
    history = tuple(
        StatusChange(
            START,
            row.resource,
            rule,
            AssessmentStatus.HEALTHY,
            AssessmentStatus.UNHEALTHY,
            START - DAY,
            START - DAY,
        )
        for row in rows
    )
    change = AssessmentChange(rows, findings=findings_of(rows), history=history)
    state.apply_assessments(held, scope, change, START)  # type: ignore[arg-type]


def exported(state: State) -> bytes:
    return b"".join(export_lines(state.records()))


def imported(state: State, content: bytes) -> None:
    state.import_records(only_records(content), "digest")


def only_records(content: bytes) -> Iterator[Record]:
    return (one for one in read_lines(content.splitlines(keepends=True)) if isinstance(one, Record))


@pytest.mark.parametrize("way", [("sqlite", "tables", "sqlite"), ("tables", "sqlite", "tables")])
def test_from_store_to_store_the_bytes_are_the_same(tmp_path: Path, way: tuple[str, ...]) -> None:
    content = b""
    for number, name in enumerate(way):
        folder = tmp_path / str(number)
        folder.mkdir()
        with open_state(STATES[name](folder).url) as state:
            if number:
                imported(state, content)
                assert exported(state) == content
            else:
                fill(state)
                content = exported(state)
    kinds = {json.loads(line).get("kind") for line in content.splitlines()[1:-1]}
    assert kinds == {one.value for one in RecordKind} - {RecordKind.PREREQUISITES.value}


def test_what_was_imported_is_read_as_it_was(state: State, tmp_path: Path) -> None:
    """Also by those who read sums, copies and indexes, and by those who then work on."""
    fill(state, 20)
    content = exported(state)
    for number, name in enumerate(STATES):
        folder = tmp_path / f"other-{number}"
        folder.mkdir()
        with open_state(STATES[name](folder).url) as other:
            imported(other, content)
            assert other.connectors() == state.connectors()
            assert other.organizations() == state.organizations()
            assert list(other.repositories(ORGANIZATION)) == list(state.repositories(ORGANIZATION))
            assert other.posture_summaries() == state.posture_summaries()
            assert other.assessed_at(ORGANIZATION) == state.assessed_at(ORGANIZATION)
            assert sorted(map(str, other.statuses(ORGANIZATION))) == sorted(
                map(str, state.statuses(ORGANIZATION))
            )
            assert list(other.status_changes(ORGANIZATION)) == list(state.status_changes(ORGANIZATION))
            assert [one.subject for one in other.journal(limit=999)] == [
                one.subject for one in state.journal(limit=999)
            ]
            assert len(other.journal(organization=ORGANIZATION, limit=999)) == 271
            assert other.sign_in("contoso/ana").sealed == "sealed"
            assert not other.throttles()
            with pytest.raises(StateConflict, match="another record"):
                other.put_organization(organization("third", "third", instance_id="i1"))
            assert not [one for one in other.work() if one.leased_by or one.leased_until or one.queued_at]
            held = lease(other)
            other.apply_inventory(held, InventoryChange((project(9),)))
            posture = lease(other, WorkKind.POSTURE)
            assess(other, posture, project(1).id)
            assert [one.sequence for one in other.status_changes(ORGANIZATION, after=9)] == [10, 11, 12]
            other.append_journal([entry("new")])
            assert other.journal(limit=1)[0].subject == "new"


def test_a_state_that_is_not_empty_is_not_imported_into(state: State) -> None:
    fill(state, 2)
    content = exported(state)
    with pytest.raises(StateConflict):
        imported(state, content)
    assert exported(state) == content


def test_an_import_that_breaks_off_is_seen_by_nobody_and_goes_on(
    state_place: StatePlace, tmp_path: Path
) -> None:
    with open_state(f"sqlite:///{tmp_path}/from.db") as source:
        fill(source, 30)
        content = exported(source)

    def breaks_off() -> Iterator[Record]:
        for number, record in enumerate(only_records(content)):
            if number == 60:
                raise KeyboardInterrupt
            yield record

    with open_state(state_place.url) as state, pytest.raises(KeyboardInterrupt):
        state.import_records(breaks_off(), "this file")
    if state_place.url.startswith("tables"):
        with pytest.raises(StateUrlError, match="same file again"):
            open_state(state_place.url)
    with open_state(state_place.url, importing=True) as state:
        if state_place.url.startswith("tables"):
            with pytest.raises(StateConflict):
                state.import_records(only_records(content), "another file")
        state.import_records(only_records(content), "this file")
    with open_state(state_place.url) as state:
        assert exported(state) == content


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    with open_state(f"sqlite:///{tmp_path_factory.mktemp('content')}/state.db") as state:
        fill(state, 5)
        return exported(state)


def read(content: bytes) -> Manifest:
    *_, last = read_lines(content.splitlines(keepends=True))
    assert isinstance(last, Manifest)
    return last


def test_a_whole_file_is_read(content: bytes) -> None:
    assert read(content).counts["repository"] == 5
    assert read(content).digest == json.loads(content.splitlines()[-1])["sha256"]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_file_that_was_cut_or_changed_anywhere_is_refused_with_its_line(
    content: bytes, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(content) - 2))
    damaged = content[:at]
    if data.draw(st.booleans()):
        damaged += bytes([content[at] ^ data.draw(st.integers(1, 255))]) + content[at + 1 :]
    with pytest.raises(FileRefused, match=r"^Line \d+: "):
        read(damaged)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "castle"}, "kind 'castle' is not known"),
        ({"key": ["a", "b"]}, "key must be a list of 1 texts"),
        ({"key": ["another"]}, "connector: key is not that of the value"),
        ({"value": None}, "connector: the value must be an object"),
        ({"value": {"id": "a"}}, "connector: name is missing"),
    ],
)
def test_a_record_that_is_wrong_is_refused_with_line_and_field(
    content: bytes, change: dict[str, object], said: str
) -> None:
    lines = content.splitlines(keepends=True)
    lines[1] = json.dumps({**json.loads(lines[1]), **change}).encode() + b"\n"
    with pytest.raises(FileRefused) as refused:
        read(b"".join(lines))
    assert str(refused.value).startswith(f"Line 2: {said}")


def test_a_file_of_a_newer_version_is_refused(content: bytes) -> None:
    with pytest.raises(FileRefused, match=r"Line 1: version is 2.*Update the program"):
        read(content.replace(b'"version":1', b'"version":2', 1))


@settings(max_examples=60, deadline=None)
@given(drawn(Prerequisite), drawn(ResourceAssessments), st.binary())
def test_records_are_read_back_as_they_were_written(
    prerequisite: Prerequisite, row: ResourceAssessments, raw: bytes
) -> None:
    from shared.connector_state.record_forms import Prerequisites  # noqa: PLC0415

    of = row.resource
    for record in (
        Record(RecordKind.PREREQUISITES, ("o", "c"), Prerequisites((prerequisite,))),
        Record(RecordKind.ASSESSMENT, (row.organization, of.project or "", of.kind.value, of.id), row),
        Record(RecordKind.FACTS, ("o", "p"), raw),
    ):
        assert record_of(json.loads(json.dumps(plain_of(record)))) == record
    assert (
        base64.b64encode(b"facts")
        in json.dumps(plain_of(Record(RecordKind.FACTS, ("o", "p"), b"facts"))).encode()
    )
    assert OrganizationId("o")
