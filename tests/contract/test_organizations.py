"""Organizations: conditional, unique writes, and what a listing leaves on them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.model.extension import ExtensionState, ExtensionStatus
from shared.model.ids import TenantId
from shared.model.work import WorkKind
from shared.ports import LeaseLost, StateConflict
from tests.contract.adapters import START, State
from tests.contract.records import ORGANIZATION, OTHER, TENANT, entry, lease, organization, subjects

LISTED = START + timedelta(minutes=5)


def test_a_stored_organization_is_read_back_with_its_revision(state: State) -> None:
    written = state.put_organization(organization(instance_id="i1"), [entry("found")])
    assert written == replace(organization(instance_id="i1"), revision=1)
    assert state.get_organization(ORGANIZATION) == written
    assert state.get_organization(OTHER) is None
    assert subjects(state) == ["found"]


def test_an_outdated_organization_is_refused_with_its_journal(state: State) -> None:
    first = state.put_organization(organization())
    second = state.put_organization(replace(first, name="renamed"))
    for late in (first, organization()):
        with pytest.raises(StateConflict):
            state.put_organization(late, [entry("told")])
    assert state.get_organization(ORGANIZATION) == second
    assert subjects(state) == []


def test_organizations_of_a_tenant_come_in_order_of_name(state: State) -> None:
    for number, name in enumerate(("beta", "Alpha", "gamma")):
        state.put_organization(organization(f"o{number}", name))
    elsewhere = replace(organization("elsewhere", "Alpha"), tenant=TenantId("fabrikam.com"))
    state.put_organization(elsewhere)
    assert [one.name for one in state.organizations(TENANT)] == ["Alpha", "beta", "gamma"]
    assert len(state.organizations()) == 4


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (organization(name="a", instance_id="i1"), organization(OTHER, "b", instance_id="i1")),
        (organization(name="a", instance_id="AB"), organization(OTHER, "b", instance_id="ab")),
        (organization(name="a", account_id="a1"), organization(OTHER, "b", account_id="a1")),
        (organization(name="Contoso"), organization(OTHER, "contoso")),
        (organization(name="Straße"), organization(OTHER, "STRASSE")),
    ],
)
def test_an_organization_is_recorded_once(state: State, first: object, second: object) -> None:
    assert isinstance(first, type(organization()))
    assert isinstance(second, type(organization()))
    written = state.put_organization(first)
    with pytest.raises(StateConflict):
        state.put_organization(second, [entry("told")])
    assert state.organizations() == (written,)
    assert subjects(state) == []


def test_learning_an_id_that_another_record_has_is_a_conflict(state: State) -> None:
    state.put_organization(organization(instance_id="i1"))
    nameless = state.put_organization(organization(OTHER, "renamed"))
    with pytest.raises(StateConflict):
        state.put_organization(replace(nameless, instance_id="i1"))
    assert state.get_organization(OTHER) == nameless


def test_a_name_may_be_taken_by_an_organization_of_another_id(state: State) -> None:
    state.put_organization(organization(instance_id="i1"))
    state.put_organization(organization(OTHER, instance_id="i2"))
    state.put_organization(organization("third"))
    assert len(state.organizations()) == 3


def test_the_same_ids_in_another_tenant_are_another_organization(state: State) -> None:
    state.put_organization(organization(instance_id="i1"))
    state.put_organization(replace(organization(OTHER, instance_id="i1"), tenant=TenantId("fabrikam.com")))
    assert len(state.organizations()) == 2


def test_a_merged_record_is_left_out_and_frees_its_ids(state: State) -> None:
    first = state.put_organization(organization(instance_id="i1"))
    state.put_organization(replace(first, merged_into=OTHER))
    kept = state.put_organization(organization(OTHER, instance_id="i1"))
    assert state.organizations() == (kept,)
    merged = state.get_organization(ORGANIZATION)
    assert merged is not None
    assert merged.merged_into == OTHER


def test_a_complete_listing_leaves_its_time_and_counts(state: State) -> None:
    before = state.put_organization(organization())
    state.finish_listing(lease(state), listed_at=LISTED, projects=3, repositories=5)
    assert state.get_organization(ORGANIZATION) == replace(
        before, last_complete_listing=LISTED, projects=3, repositories=5, revision=2
    )
    with pytest.raises(StateConflict):
        state.put_organization(before)


def test_a_partial_listing_leaves_the_time_of_the_last_complete_one(state: State) -> None:
    state.put_organization(organization())
    held = lease(state)
    state.finish_listing(held, listed_at=LISTED, projects=3, repositories=5)
    state.finish_listing(held, listed_at=None, projects=4, repositories=6)
    after = state.get_organization(ORGANIZATION)
    assert after is not None
    assert (after.last_complete_listing, after.projects, after.repositories) == (LISTED, 4, 6)


def test_a_listing_without_the_lease_leaves_nothing(state: State) -> None:
    before = state.put_organization(organization())
    held = lease(state)
    state.release_leases_of(["worker"])
    with pytest.raises(LeaseLost):
        state.finish_listing(held, listed_at=LISTED, projects=3, repositories=5)
    assert state.get_organization(ORGANIZATION) == before


def test_the_extension_is_written_under_the_lease(state: State) -> None:
    found = ExtensionState(
        "ms-securitydevops",
        "ms-dfd-code-to-cloud",
        ExtensionStatus.DISABLED,
        "flags",
        "Enable it.",
        START,
        START,
    )
    assert state.extension(ORGANIZATION) is None
    held = lease(state, WorkKind.EXTENSION)
    state.put_extension(held, found, [entry("extension")])
    assert state.extension(ORGANIZATION) == found
    assert state.extension(OTHER) is None

    state.release_leases_of(["worker"])
    with pytest.raises(LeaseLost):
        state.put_extension(held, replace(found, status=ExtensionStatus.INSTALLED), [entry("late")])
    assert state.extension(ORGANIZATION) == found
    assert subjects(state) == ["extension"]
