"""Discovery: modes, exclusions, claims, renames, and organizations that come and go."""

from __future__ import annotations

from shared.model.connector import DiscoveryMode, ProvisioningState
from shared.model.ids import ConnectorId
from shared.model.journal import JournalEvent
from shared.model.organization import OnboardingState
from tests.scenarios.bench import Bench

ONBOARDED = OnboardingState.ONBOARDED
NOT_ONBOARDED = OnboardingState.NOT_ONBOARDED


def test_every_existing_organization_is_onboarded_and_complete(bench: Bench) -> None:
    connector = bench.connect()
    bench.run()
    for organization in bench.world.organizations:
        assert bench.enrollment(organization.name).state is ONBOARDED
        assert bench.equals_the_world(organization.name)
    assert bench.state.get_connector(connector.id).provisioning is ProvisioningState.SUCCEEDED


def test_existing_and_future_takes_a_new_organization_on_the_next_discovery(bench: Bench) -> None:
    bench.connect(DiscoveryMode.EXISTING_AND_FUTURE)
    bench.run()
    bench.world.add_organization("newcomer").add_project("One").add_repository("r")
    bench.run()
    assert bench.enrollment("newcomer").state is ONBOARDED
    assert bench.equals_the_world("newcomer")


def test_existing_never_takes_an_organization_that_appears_later(bench: Bench) -> None:
    bench.connect(DiscoveryMode.EXISTING)
    bench.run()
    bench.world.add_organization("newcomer")
    for _ in range(3):
        bench.run()
    newcomer = bench.enrollment("newcomer")
    assert newcomer.state is NOT_ONBOARDED
    assert "appeared after" in newcomer.reason
    assert "organizations onboard newcomer" in newcomer.fix
    assert bench.enrollment(bench.world.organizations[0].name).state is ONBOARDED


def test_selected_takes_the_named_ones_alone(bench: Bench, name: str) -> None:
    bench.connect(DiscoveryMode.SELECTED, organizations=(name.upper(),))
    bench.run()
    assert bench.enrollment(name).state is ONBOARDED
    assert bench.enrollment(bench.world.organizations[1].name).state is NOT_ONBOARDED


def test_a_selected_organization_that_does_not_exist_says_so(bench: Bench) -> None:
    bench.connect(DiscoveryMode.SELECTED, organizations=("no-such-organization",))
    bench.run()
    missing = bench.enrollment("no-such-organization")
    assert missing.state is NOT_ONBOARDED
    assert "no-such-organization" in missing.reason
    assert missing.fix


def test_an_excluded_organization_is_never_asked_anything(bench: Bench, name: str) -> None:
    bench.connect(excluded=(name,))
    bench.run()
    assert bench.enrollment(name).state is NOT_ONBOARDED
    asked = {request.organization for request in bench.simulator.requests}
    assert bench.world.organizations[1].name.casefold() in asked
    assert name.casefold() not in asked


def test_two_connectors_never_hold_one_organization(bench: Bench, name: str) -> None:
    first = bench.connect(name="first")
    second = bench.connect(name="second")
    bench.run()
    bench.run()
    states = {one.id: bench.enrollment(name, one).state for one in (first, second)}
    assert states == {first.id: ONBOARDED, second.id: OnboardingState.ONBOARDED_BY_OTHER_CONNECTOR}
    assert '"first"' in bench.enrollment(name, second).reason
    assert bench.equals_the_world(name)


def test_when_the_holder_goes_the_other_connector_takes_over(bench: Bench, name: str) -> None:
    first = bench.connect(name="first")
    second = bench.connect(name="second")
    bench.run()
    before = bench.repositories(name)
    bench.state.delete_connector(bench.state.get_connector(first.id))
    bench.run()
    assert bench.enrollment(name, second).state is ONBOARDED
    assert bench.repositories(name).keys() == before.keys()


def test_a_claim_of_a_connector_that_is_gone_is_freed(bench: Bench, name: str) -> None:
    connector = bench.connect()
    bench.run()
    organization = bench.organization(name)
    bench.state.release(organization.tenant, organization.id, connector.id)
    bench.state.claim(organization.tenant, organization.id, ConnectorId("nobody"))
    bench.run()
    assert bench.state.holder(organization.tenant, organization.id) == connector.id


def test_a_renamed_organization_keeps_its_id_and_inventory(bench: Bench, name: str) -> None:
    bench.connect()
    bench.run()
    before = bench.organization(name)
    bench.world.organization(name).rename("renamed")
    bench.run()
    after = bench.organization("renamed")
    assert (after.id, after.first_seen, after.former_names) == (before.id, before.first_seen, (name,))
    assert bench.equals_the_world("renamed")
    assert all(row.missing_since is None for row in bench.repositories("renamed").values())
    (entry,) = bench.journal(JournalEvent.ORGANIZATION_RENAMED)
    assert (entry.before, entry.after) == (name, "renamed")


def test_an_organization_that_disappears_is_kept_and_comes_back_whole(bench: Bench, name: str) -> None:
    bench.connect()
    bench.run()
    before = bench.repositories(name)
    truth = bench.world.organization(name)
    truth.remove_member()
    for _ in range(3):
        bench.run()
    gone = bench.organization(name)
    assert gone.missing_since is not None
    assert name in bench.enrollment(name).reason
    rows = bench.repositories(name)
    assert rows.keys() == before.keys()
    assert all(row.retired_at is None for row in rows.values())
    truth.add_member(pca="direct")
    bench.run()
    back = bench.organization(name)
    assert back.missing_since is None
    assert bench.enrollment(name).state is ONBOARDED
    assert bench.enrollment(name).reason == ""
    assert bench.equals_the_world(name)
    assert all(row.first_seen == before[key].first_seen for key, row in bench.repositories(name).items())


def test_an_empty_accounts_listing_is_no_listing(bench: Bench, name: str) -> None:
    connector = bench.connect()
    bench.run()
    for organization in bench.world.organizations:
        organization.listed_in_accounts = False
    bench.run()
    failed = bench.state.get_connector(connector.id)
    assert failed.provisioning is ProvisioningState.FAILED
    assert "no organization at all" in failed.provisioning_message
    assert bench.enrollment(name).listed
    assert bench.enrollment(name).state is ONBOARDED


def test_a_refused_token_retires_nothing_and_recovers(bench: Bench, name: str) -> None:
    connector = bench.connect()
    bench.run()
    bench.world.expire_token()
    for _ in range(3):
        bench.run()
    failed = bench.state.get_connector(connector.id)
    assert failed.provisioning is ProvisioningState.FAILED
    assert bench.world.token not in failed.provisioning_message
    assert bench.enrollment(name).state is ONBOARDED
    assert all(row.missing_since is None for row in bench.repositories(name).values())
    bench.world.expire_token(expired=False)
    bench.run()
    assert bench.state.get_connector(connector.id).provisioning is ProvisioningState.SUCCEEDED
    assert bench.equals_the_world(name)
    assert len(bench.journal(JournalEvent.DISCOVERY_FAILED)) == 1
    assert len(bench.journal(JournalEvent.DISCOVERY_RECOVERED)) == 1


def test_a_discovery_that_finds_nothing_new_writes_no_record(bench: Bench, name: str) -> None:
    bench.connect()
    bench.run()
    before = (bench.organization(name).revision, bench.enrollment(name).revision)
    organizations = bench.host.fire("discover_organizations")
    del organizations
    assert (bench.organization(name).revision, bench.enrollment(name).revision) == before
