"""Connectors, claims and enrollments."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.model.ids import ConnectorId, TenantId
from shared.model.journal import JournalEvent
from shared.model.prerequisite import Prerequisite, PrerequisiteName, PrerequisiteStatus
from shared.ports import StateConflict
from tests.contract.adapters import START, State, StatePlace
from tests.contract.records import (
    CONNECTOR,
    ORGANIZATION,
    OTHER,
    TENANT,
    connector,
    enrollment,
    entry,
    subjects,
)

ANOTHER = ConnectorId("c0000000-0000-4000-8000-000000000002")


def test_a_stored_connector_is_read_back_with_its_revision(state: State) -> None:
    written = state.put_connector(connector(), [entry("made", JournalEvent.CONNECTOR_CREATED)])
    assert written == replace(connector(), revision=1)
    assert state.get_connector(CONNECTOR) == written
    assert state.connectors() == (written,)
    assert subjects(state) == ["made"]


def test_what_was_stored_is_there_for_every_other_handle(state: State, state_place: StatePlace) -> None:
    written = state.put_connector(connector())
    other = state_place.open()
    assert other.connectors() == (written,)
    other.close()


def test_an_unknown_connector_is_none(state: State) -> None:
    assert state.get_connector(CONNECTOR) is None


def test_a_connector_is_created_once(state: State) -> None:
    state.put_connector(connector())
    with pytest.raises(StateConflict):
        state.put_connector(connector(name="second"), [entry("told")])
    assert [one.name for one in state.connectors()] == ["main"]
    assert subjects(state) == []


def test_a_change_of_an_outdated_connector_is_refused_with_its_journal(state: State) -> None:
    first = state.put_connector(connector())
    second = state.put_connector(replace(first, name="renamed"))
    with pytest.raises(StateConflict):
        state.put_connector(replace(first, name="late"), [entry("told")])
    assert state.get_connector(CONNECTOR) == second
    assert second.revision == 2
    assert subjects(state) == []


def test_connectors_come_in_order_of_name(state: State) -> None:
    for number, name in enumerate(("beta", "Alpha", "gamma")):
        state.put_connector(connector(f"c{number}", name))
    assert [one.name for one in state.connectors()] == ["Alpha", "beta", "gamma"]


def test_a_deleted_connector_takes_its_enrollments_and_claims_along(state: State) -> None:
    written = state.put_connector(connector())
    state.put_connector(connector(ANOTHER, "other"))
    state.put_enrollment(enrollment())
    kept = state.put_enrollment(enrollment(by=ANOTHER))
    state.claim(TENANT, ORGANIZATION, CONNECTOR)
    state.claim(TENANT, OTHER, ANOTHER)

    state.delete_connector(written, [entry("gone", JournalEvent.CONNECTOR_DELETED)])

    assert [one.id for one in state.connectors()] == [ANOTHER]
    assert state.enrollments() == (kept,)
    assert state.claims() == {OTHER: ANOTHER}
    assert subjects(state) == ["gone"]


def test_an_outdated_connector_is_not_deleted(state: State) -> None:
    first = state.put_connector(connector())
    state.put_connector(replace(first, name="renamed"))
    state.claim(TENANT, ORGANIZATION, CONNECTOR)
    with pytest.raises(StateConflict):
        state.delete_connector(first, [entry("told")])
    assert len(state.connectors()) == 1
    assert state.holder(TENANT, ORGANIZATION) == CONNECTOR
    assert subjects(state) == []


def test_the_first_claim_holds(state: State) -> None:
    assert state.holder(TENANT, ORGANIZATION) is None
    assert state.claim(TENANT, ORGANIZATION, CONNECTOR) == CONNECTOR
    assert state.claim(TENANT, ORGANIZATION, ANOTHER) == CONNECTOR
    assert state.claim(TENANT, ORGANIZATION, CONNECTOR) == CONNECTOR
    assert state.holder(TENANT, ORGANIZATION) == CONNECTOR
    assert state.claims() == {ORGANIZATION: CONNECTOR}


def test_only_the_holder_releases(state: State) -> None:
    state.claim(TENANT, ORGANIZATION, CONNECTOR)
    assert not state.release(TENANT, ORGANIZATION, ANOTHER)
    assert state.holder(TENANT, ORGANIZATION) == CONNECTOR
    assert state.release(TENANT, ORGANIZATION, CONNECTOR)
    assert not state.release(TENANT, ORGANIZATION, CONNECTOR)
    assert state.claim(TENANT, ORGANIZATION, ANOTHER) == ANOTHER


def test_a_claim_is_of_one_tenant(state: State) -> None:
    state.claim(TENANT, ORGANIZATION, CONNECTOR)
    assert state.claim(TenantId("fabrikam.com"), ORGANIZATION, ANOTHER) == ANOTHER


def test_enrollments_are_found_by_connector_and_by_organization(state: State) -> None:
    ours = state.put_enrollment(enrollment())
    of_other = state.put_enrollment(enrollment(OTHER))
    by_other = state.put_enrollment(enrollment(by=ANOTHER))
    assert set(state.enrollments()) == {ours, of_other, by_other}
    assert set(state.enrollments(connector=CONNECTOR)) == {ours, of_other}
    assert set(state.enrollments(organization=ORGANIZATION)) == {ours, by_other}
    assert state.enrollments(connector=ANOTHER, organization=OTHER) == ()


def test_an_outdated_enrollment_is_refused_with_its_journal(state: State) -> None:
    first = state.put_enrollment(enrollment())
    second = state.put_enrollment(replace(first, reason="Checked."))
    for late in (first, enrollment()):
        with pytest.raises(StateConflict):
            state.put_enrollment(late, [entry("told")])
    assert state.enrollments() == (second,)
    assert subjects(state) == []


def test_an_enrollment_of_a_deleted_connector_stays_deleted(state: State) -> None:
    written = state.put_connector(connector())
    enrolled = state.put_enrollment(enrollment())
    state.delete_connector(written)
    with pytest.raises(StateConflict):
        state.put_enrollment(replace(enrolled, reason="late"))
    assert state.enrollments() == ()


def test_prerequisites_are_replaced_as_one(state: State) -> None:
    met = Prerequisite(PrerequisiteName.MEMBERSHIP, PrerequisiteStatus.MET, "is a member", "", START, START)
    unknown = replace(met, name=PrerequisiteName.ACCESS_LEVEL, status=PrerequisiteStatus.UNKNOWN)
    assert state.prerequisites(ORGANIZATION, CONNECTOR) == ()
    state.put_prerequisites(ORGANIZATION, CONNECTOR, [met, unknown], [entry("checked")])
    assert state.prerequisites(ORGANIZATION, CONNECTOR) == (met, unknown)
    state.put_prerequisites(ORGANIZATION, CONNECTOR, [unknown])
    assert state.prerequisites(ORGANIZATION, CONNECTOR) == (unknown,)
    assert state.prerequisites(ORGANIZATION, ANOTHER) == ()
    assert subjects(state) == ["checked"]


def test_a_claim_is_moved_by_who_holds_it_alone(state: State) -> None:
    assert state.move_claim(TENANT, ORGANIZATION, CONNECTOR, ANOTHER) is None
    assert state.holder(TENANT, ORGANIZATION) is None
    state.claim(TENANT, ORGANIZATION, CONNECTOR)
    third = ConnectorId("third")
    assert state.move_claim(TENANT, ORGANIZATION, third, ANOTHER) == CONNECTOR
    assert state.move_claim(TENANT, ORGANIZATION, CONNECTOR, ANOTHER) == ANOTHER
    assert state.holder(TENANT, ORGANIZATION) == ANOTHER
    assert state.claims() == {ORGANIZATION: ANOTHER}
    assert state.claim(TENANT, ORGANIZATION, CONNECTOR) == ANOTHER
