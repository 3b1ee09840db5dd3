"""Which organizations a connector takes, and which records are the same organization."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.connector import AuthKind, Connector, DiscoveryMode, IdentityReference
from shared.model.failure import Failure, FailureKind
from shared.model.identity import Account
from shared.model.ids import ConnectorId, OrganizationId, TenantId
from shared.model.journal import JournalEntry, JournalEvent
from shared.model.observation import Observation
from shared.model.organization import Enrollment, OnboardingCause, OnboardingState, Organization
from shared.reconcile.organizations import (
    DiscoveryPlan,
    candidates,
    eligibility,
    find,
    merge_into,
    plan_discovery,
    settle_enrollment,
)

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
BEFORE = NOW - timedelta(days=1)


def connector(
    mode: DiscoveryMode = DiscoveryMode.EXISTING_AND_FUTURE,
    *,
    name: str = "main",
    organizations: tuple[str, ...] = (),
    excluded: tuple[str, ...] = (),
    baseline_at: datetime | None = BEFORE,
) -> Connector:
    """A connector with what these tests look at."""
    return Connector(
        id=ConnectorId(name),
        name=name,
        tenant=TenantId("tenant"),
        mode=mode,
        identity=IdentityReference(AuthKind.PAT, secret_setting="ADO_PAT"),
        created_at=BEFORE,
        organizations=organizations,
        excluded=excluded,
        baseline_at=baseline_at,
    )


def organization(name: str = "contoso", **changes: object) -> Organization:
    """A known organization."""
    record = Organization(
        id=OrganizationId(f"id-{name}"), tenant=TenantId("tenant"), name=name, first_seen=BEFORE
    )
    return replace(record, **changes)  # type: ignore[arg-type]


def enrollment(name: str = "contoso", **changes: object) -> Enrollment:
    """What the connector made of it so far."""
    made = Enrollment(
        connector=ConnectorId("main"),
        organization=OrganizationId(f"id-{name}"),
        state=OnboardingState.NOT_ONBOARDED,
        reason="",
        discovered_at=BEFORE,
        changed_at=BEFORE,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def plan(
    owner: Connector,
    accounts: tuple[Account, ...],
    *,
    known: tuple[Organization, ...] = (),
    enrollments: tuple[Enrollment, ...] = (),
    holders: dict[OrganizationId, Connector] | None = None,
    failure: Failure | None = None,
) -> DiscoveryPlan:
    """A plan with readable ids."""
    observed = Observation.whole(accounts) if failure is None else Observation.partial(accounts, failure)
    return plan_discovery(
        owner,
        observed,
        known,
        {one.organization: one for one in enrollments},
        holders or {},
        NOW,
        lambda account: OrganizationId(f"id-{account.name}"),
    )


@pytest.mark.parametrize(
    ("owner", "facts", "wanted"),
    [
        (connector(), {}, True),
        (connector(excluded=("contoso",)), {}, False),
        (connector(excluded=("CONTOSO",)), {}, False),
        (connector(excluded=("con*",)), {}, False),
        (connector(excluded=("fabrikam",)), {}, True),
        (connector(excluded=("contoso",)), {"forced_by": "ada"}, False),
        (connector(DiscoveryMode.EXISTING), {"in_baseline": True}, True),
        (connector(DiscoveryMode.EXISTING), {"in_baseline": False}, False),
        (connector(DiscoveryMode.EXISTING), {"in_baseline": False, "forced_by": "ada"}, True),
        (connector(DiscoveryMode.SELECTED, organizations=("Contoso",)), {}, True),
        (connector(DiscoveryMode.SELECTED, organizations=("fabrikam",)), {}, False),
        (connector(DiscoveryMode.SELECTED, organizations=("fabrikam",)), {"forced_by": "ada"}, True),
        (connector(), {"removed_by": "ada"}, False),
    ],
)
def test_excluded_wins_over_forced_and_forced_over_the_mode(
    owner: Connector, facts: dict[str, object], wanted: bool
) -> None:
    wish = eligibility(owner, organization(), replace(enrollment(), **facts))  # type: ignore[arg-type]
    assert wish.eligible is wanted
    assert wanted or (wish.reason and wish.fix)


def test_an_exclusion_holds_on_to_a_renamed_organization() -> None:
    renamed = organization("fabrikam", former_names=("contoso",))
    assert not eligibility(connector(excluded=("contoso",)), renamed, enrollment("fabrikam")).eligible


def test_existing_takes_what_the_first_complete_discovery_found_and_nothing_later() -> None:
    first = plan(connector(DiscoveryMode.EXISTING, baseline_at=None), (Account("1", "contoso"),))
    assert first.organizations[0].wanted
    later = plan(connector(DiscoveryMode.EXISTING), (Account("2", "newcomer"),))
    (newcomer,) = later.organizations
    assert not newcomer.wanted
    assert newcomer.enrollment.cause is OnboardingCause.NOT_WANTED
    assert "appeared after" in newcomer.enrollment.reason


def test_nothing_changed_writes_nothing() -> None:
    accounts = (Account("1", "contoso"), Account("2", "fabrikam"))
    first = plan(connector(), accounts)
    again = plan(
        connector(),
        accounts,
        known=tuple(one.organization for one in first.organizations),
        enrollments=tuple(one.enrollment for one in first.organizations),
    )
    assert [(one.organization_changed, one.enrollment_changed) for one in again.organizations] == [
        (False, False),
        (False, False),
    ]
    assert all(one.journal == () for one in again.organizations)


def test_a_rename_is_the_same_organization_with_its_history() -> None:
    known = organization(account_id="1")
    renamed = plan(
        connector(), (Account("1", "contoso-new"),), known=(known,), enrollments=(enrollment(),)
    ).organizations[0]
    assert renamed.organization.id == known.id
    assert renamed.organization.first_seen == known.first_seen
    assert renamed.organization.former_names == ("contoso",)
    assert renamed.journal[0].event is JournalEvent.ORGANIZATION_RENAMED


def test_a_new_organization_under_an_old_name_is_a_new_record() -> None:
    known = organization(account_id="1")
    found = plan_discovery(
        connector(),
        Observation.whole((Account("2", "contoso"),)),
        (known,),
        {known.id: enrollment()},
        {},
        NOW,
        lambda _: OrganizationId("fresh"),
    )
    assert found.organizations[0].organization.id == "fresh"
    assert [one.organization.id for one in found.unlisted] == [known.id]


def test_a_record_known_by_name_gains_its_account_id() -> None:
    known = organization()
    (found,) = plan(connector(), (Account("1", "Contoso"),), known=(known,)).organizations
    assert found.organization.id == known.id
    assert found.organization.account_id == "1"
    assert found.organization.former_names == ()


def test_of_two_records_with_a_name_the_one_that_still_answers_is_meant() -> None:
    gone = organization(id=OrganizationId("gone"), instance_id="a", missing_since=BEFORE)
    here = organization(id=OrganizationId("here"), instance_id="b")
    assert find(Account("", "contoso"), (gone, here)) == here
    assert find(Account("", "contoso"), (here, gone)) == here


def test_a_complete_listing_that_lacks_an_organization_has_it_looked_at_and_keeps_it() -> None:
    result = plan(
        connector(),
        (Account("2", "fabrikam"),),
        known=(organization(account_id="1"),),
        enrollments=(enrollment(state=OnboardingState.ONBOARDED),),
        holders={OrganizationId("id-contoso"): connector()},
    )
    (lost,) = result.unlisted
    assert not lost.enrollment.listed
    assert lost.enrollment.state is OnboardingState.ONBOARDED
    assert lost.wanted


def test_a_listing_that_broke_off_leaves_nothing_out() -> None:
    failure = Failure(FailureKind.TRANSIENT, "Timeout", "It broke.")
    result = plan(
        connector(), (), known=(organization(account_id="1"),), enrollments=(enrollment(),), failure=failure
    )
    assert result.unlisted == ()


def test_the_other_connector_is_named() -> None:
    other = connector(name="other")
    result = plan(
        connector(),
        (Account("1", "contoso"),),
        known=(organization(account_id="1"),),
        holders={OrganizationId("id-contoso"): other},
    )
    (found,) = result.organizations
    assert found.enrollment.state is OnboardingState.ONBOARDED_BY_OTHER_CONNECTOR
    assert '"other"' in found.enrollment.reason
    assert not found.wanted


def test_what_the_other_released_is_a_candidate_again() -> None:
    held = enrollment(
        state=OnboardingState.ONBOARDED_BY_OTHER_CONNECTOR,
        cause=OnboardingCause.HELD_ELSEWHERE,
        reason='Connector "other" has it.',
    )
    settled, journal = settle_enrollment(connector(), organization(), held, None, NOW)
    assert (settled.state, settled.cause) == (OnboardingState.NOT_ONBOARDED, OnboardingCause.PENDING)
    assert len(journal) == 1


def test_a_failed_prerequisite_stays_the_reason_until_it_is_checked_again() -> None:
    failing = enrollment(cause=OnboardingCause.PREREQUISITES, reason="Not met: Basic access level.")
    assert settle_enrollment(connector(), organization(), failing, None, NOW) == (failing, [])


def test_an_exclusion_added_later_takes_an_onboarded_organization_out() -> None:
    onboarded = enrollment(state=OnboardingState.ONBOARDED, cause=OnboardingCause.PREREQUISITES)
    owner = connector(excluded=("contoso",))
    settled, journal = settle_enrollment(owner, organization(), onboarded, owner, NOW)
    assert settled.state is OnboardingState.NOT_ONBOARDED
    assert journal[0].before == "Onboarded"


def test_only_the_holder_may_act_and_else_the_oldest_comes_first() -> None:
    old = connector(name="old")
    new = replace(connector(name="new"), created_at=NOW)
    both = {old.id: old, new.id: new}
    enrolled = [enrollment(connector=new.id), enrollment(connector=old.id)]
    assert [one.name for one, _ in candidates(enrolled, both, organization(), None)] == ["old", "new"]
    assert [one.name for one, _ in candidates(enrolled, both, organization(), new.id)] == ["new"]


def test_a_merge_keeps_the_older_time_and_all_former_names() -> None:
    kept = organization("contoso", instance_id="i", first_seen=NOW, former_names=("a",))
    other = organization("contoso", id=OrganizationId("other"), account_id="1", former_names=("b",))
    merged, gone, entry = merge_into(kept, other, NOW)
    assert (merged.account_id, merged.first_seen, merged.former_names) == ("1", BEFORE, ("a", "b"))
    assert gone == replace(other, merged_into=kept.id)
    assert entry == JournalEntry(
        at=NOW,
        event=JournalEvent.ORGANIZATION_MERGED,
        organization=kept.id,
        subject=kept.id,
        subject_name="contoso",
        before="other",
        after=kept.id,
        reason="Both records are the organization with instance id i.",
    )
    nameless = merge_into(replace(kept, instance_id=""), replace(other, instance_id="j"), NOW)[0]
    assert (merged.instance_id, nameless.instance_id) == ("i", "j")
    numbered = merge_into(replace(kept, account_id="2"), other, NOW)[0]
    assert (numbered.account_id, numbered.id, numbered.name) == ("2", kept.id, kept.name)


accounts = st.lists(
    st.builds(Account, account_id=st.sampled_from(["", "1", "2", "3"]), name=st.sampled_from("abcA")),
    max_size=6,
)


@given(st.lists(accounts, max_size=4))
def test_whatever_is_listed_each_record_is_planned_once_and_none_is_lost(
    listings: list[list[Account]],
) -> None:
    records: dict[OrganizationId, Organization] = {}
    enrolled: dict[OrganizationId, Enrollment] = {}
    count = 0

    def new_id(_: Account) -> OrganizationId:
        nonlocal count
        count += 1
        return OrganizationId(f"new-{count}")

    for listing in listings:
        before = set(enrolled)
        result = plan_discovery(
            connector(), Observation.whole(tuple(listing)), records.values(), enrolled, {}, NOW, new_id
        )
        planned = [one.organization.id for one in (*result.organizations, *result.unlisted)]
        assert len(planned) == len(set(planned))
        for one in (*result.organizations, *result.unlisted):
            records[one.organization.id] = one.organization
            enrolled[one.organization.id] = one.enrollment
        assert before <= set(enrolled)
    ids = [one.account_id for one in records.values() if one.account_id]
    assert len(ids) == len(set(ids))
