"""Every method of the port against the simulated Azure DevOps, and what each costs in requests."""

from __future__ import annotations

import base64
import struct
import uuid
from collections.abc import Callable, Iterator

import pytest

from local.ado_simulator import CONTAINER_MAPPING, Fault, FaultKind, PcaKind, Simulator, World, generate_world
from local.ado_simulator.organization import Organization
from shared.ado import errors
from shared.model.facts import Fact
from shared.model.failure import ServiceError
from shared.model.ids import ProjectId, RepositoryId, TenantId
from shared.ports import AzureDevOps
from tests.ado.bench import Bench


@pytest.fixture
def world() -> World:
    return generate_world(seed=3, organizations=2, projects=5, repositories=3)


@pytest.fixture
def simulator(world: World) -> Iterator[Simulator]:
    with Simulator(world, page_size=2) as simulator:
        yield simulator


@pytest.fixture
def house(simulator: Simulator) -> Iterator[Bench]:
    bench = Bench(simulator.url)
    yield bench
    bench.close()


@pytest.fixture
def ado(house: Bench, world: World) -> AzureDevOps:
    return house.connect(secrets={"ADO_PAT": lambda: world.token})


@pytest.fixture
def organization(world: World) -> Organization:
    return world.organizations[0]


def administrators(instance_id: str) -> str:
    words = struct.unpack(">4I", uuid.UUID(instance_id).bytes_le)
    return "S-1-9-1551374245-" + "-".join(map(str, words)) + "-0-0-0-0-1"


def test_who_we_are_and_where(ado: AzureDevOps, world: World, simulator: Simulator) -> None:
    listed = ado.accounts(ado.profile().id)
    assert listed.complete
    assert {account.name for account in listed.items} == {one.name for one in world.organizations}
    assert {account.account_id for account in listed.items} == {one.account_id for one in world.organizations}
    assert len(simulator.requests) == 2


def test_a_service_principal_is_shown_no_organization(house: Bench, world: World) -> None:
    token = f"simulator-{3}-application"
    ado = house.connect(secrets={"ADO_PAT": lambda: token})
    assert ado.accounts(ado.profile().id).items == ()
    name = world.organizations[0].name
    connection = ado.connection(name)
    assert connection.is_service_principal
    assert ado.entitlement(name, connection).status == "active"


def test_the_catalog_of_the_tenant_is_a_hint(ado: AzureDevOps, world: World) -> None:
    refused = ado.tenant_organizations(TenantId(world.tenant))
    assert refused.failure is not None
    assert refused.failure.code == "SignInRequired"
    world.enterprise_catalog = True
    listed = ado.tenant_organizations(TenantId(world.tenant))
    assert {account.name for account in listed.items} == {one.name for one in world.organizations}


def test_the_rights_of_the_identity_take_seven_requests(
    ado: AzureDevOps, organization: Organization, simulator: Simulator
) -> None:
    connection = ado.connection(organization.name)
    assert connection.instance_id == organization.instance_id
    assert ado.collection_permission(organization.name)
    assert administrators(organization.instance_id) in ado.group_sids(
        organization.name, connection.subject_descriptor
    )
    assert ado.entitlement(organization.name, connection).account_license == "express"
    policies = ado.policies(organization.name).policies
    oauth = policies["Policy.DisallowOAuthAuthentication"]
    assert oauth.value is not oauth.effective
    assert ado.audit_log_has_entries(organization.name) in {True, False}
    assert ado.advanced_security(organization.name)
    assert len(simulator.requests) == 7


def test_the_tenant_is_where_the_organization_knows_the_identity(
    house: Bench, ado: AzureDevOps, organization: Organization, world: World
) -> None:
    known = ado.connection(organization.name)
    assert (known.tenant, known.is_microsoft_account) == (world.tenant, False)
    person = world.add_identity("microsoft-account", microsoft_account=True)
    organization.add_member(person)
    theirs = house.connect(secrets={"ADO_PAT": lambda: "microsoft-account"}).connection(organization.name)
    assert (theirs.tenant, theirs.is_microsoft_account) == ("", True)


def test_who_is_no_member_is_told_the_tenant(
    ado: AzureDevOps, organization: Organization, world: World
) -> None:
    organization.remove_member()
    with pytest.raises(ServiceError) as caught:
        ado.connection(organization.name)
    assert caught.value.failure.code == "NotAMember"
    assert caught.value.failure.tenant == world.tenant


@pytest.mark.parametrize("what", ["audit_log_has_entries", "advanced_security"])
def test_what_only_administrators_may_read_is_refused_with_the_permission_and_where_to_grant_it(
    ado: AzureDevOps, organization: Organization, what: str
) -> None:
    organization.set_pca("none")
    with pytest.raises(ServiceError) as caught:
        getattr(ado, what)(organization.name)
    failure = caught.value.failure
    assert failure.code == "PermissionMissing"
    assert "token scope" in failure.permission
    assert " > " in failure.fix


def test_the_audit_log_may_come_as_its_example_or_as_its_specification_says(
    ado: AzureDevOps, organization: Organization, simulator: Simulator
) -> None:
    organization.add_project("Audited")
    assert ado.audit_log_has_entries(organization.name)
    example = '{"value": {"decoratedAuditLogEntries": []}}'
    simulator.add_fault(Fault("status", path="auditlog", status=200, body=example))
    assert not ado.audit_log_has_entries(organization.name)


@pytest.mark.parametrize(
    ("kind", "member", "effective"),
    [
        (PcaKind.DIRECT, True, True),
        (PcaKind.NESTED, True, True),
        (PcaKind.ENTRA_GROUP, True, True),
        (PcaKind.CUSTOM, False, True),
        (PcaKind.DENIED, True, False),
        (PcaKind.NONE, False, False),
    ],
)
def test_membership_and_capability_are_two_things(
    ado: AzureDevOps, organization: Organization, kind: PcaKind, *, member: bool, effective: bool
) -> None:
    organization.set_pca(kind)
    connection = ado.connection(organization.name)
    sids = ado.group_sids(organization.name, connection.subject_descriptor)
    assert (administrators(organization.instance_id) in sids) is member
    assert ado.collection_permission(organization.name) is effective


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("basic", ("express", "account", "none", "active")),
        ("basic-test-plans", ("advanced", "account", "none", "active")),
        ("stakeholder", ("stakeholder", "account", "none", "active")),
        ("early-adopter", ("earlyadopter", "account", "none", "active")),
        ("pending", ("express", "account", "none", "pending")),
    ],
)
def test_access_levels(
    ado: AzureDevOps, organization: Organization, licence: str, expected: tuple[str, ...]
) -> None:
    organization.set_licence(licence)
    level = ado.entitlement(organization.name, ado.connection(organization.name))
    told = (level.account_license, level.licensing_source, level.msdn_license, level.status)
    assert told == expected


def test_policies_have_a_second_source(
    ado: AzureDevOps, organization: Organization, simulator: Simulator
) -> None:
    simulator.add_fault(Fault(FaultKind.WEB_PAGE, path="_settings/organizationPolicy"))
    assert "Policy.DisallowOAuthAuthentication" in ado.policies(organization.name).policies
    assert len(simulator.requests) == 2


@pytest.mark.parametrize("failure", ["missing", "message", "exception"])
def test_a_provider_that_is_left_out_is_unknown(
    ado: AzureDevOps, organization: Organization, failure: str
) -> None:
    organization.provider_failure = failure
    organization.deny_capability("organizationpolicies")
    organization.deny_capability("organizationpipelinesettings")
    reads: list[Callable[[str], object]] = [ado.policies, ado.organization_pipeline_settings]
    for read in reads:
        with pytest.raises(errors.ProviderUnavailable) as caught:
            read(organization.name)
        assert caught.value.failure.permission


def test_trouble_of_the_settings_page_is_trouble(
    ado: AzureDevOps, organization: Organization, simulator: Simulator
) -> None:
    simulator.add_fault(Fault(FaultKind.TROUBLE, path="_settings/organizationPolicy", status=503))
    with pytest.raises(errors.ServerTrouble):
        ado.policies(organization.name)


def test_the_inventory(ado: AzureDevOps, organization: Organization, simulator: Simulator) -> None:
    projects = ado.projects(organization.name)
    assert projects.complete
    assert {project.id for project in projects.items} == set(organization.projects)
    assert len(simulator.requests) == -(-len(organization.projects) // 2)
    simulator.reset_requests()
    repositories = ado.repositories(organization.name)
    assert repositories.complete
    expected = {one.id for project in organization.projects.values() for one in project.repositories.values()}
    assert {repository.id for repository in repositories.items} == expected
    assert len(simulator.requests) == 1
    for repository in repositories.items:
        assert repository.url.startswith("https://dev.azure.com/")
        assert "@" not in repository.url


def test_deleted_things_are_told_apart(ado: AzureDevOps, organization: Organization) -> None:
    first, second, *_ = [
        one for one in organization.projects.values() if one.repositories and one.state == "wellFormed"
    ]
    gone = next(iter(first.repositories.values()))
    gone.delete()
    assert gone.id in {
        one.id for one in ado.deleted_repositories(organization.name, ProjectId(first.id)).items
    }
    with pytest.raises(errors.NotFound):
        ado.repository(organization.name, ProjectId(first.id), RepositoryId(gone.id))
    kept = next(iter(second.repositories.values()))
    assert ado.repository(organization.name, ProjectId(second.id), RepositoryId(kept.id)).id == kept.id
    second.delete()
    assert second.id in {one.id for one in ado.deleted_projects(organization.name).items}
    assert second.id not in {one.id for one in ado.projects(organization.name).items}
    with pytest.raises(errors.NotFound):
        ado.project(organization.name, ProjectId(second.id))
    assert ado.project(organization.name, ProjectId(first.id)).name == first.name


def test_hidden_things_are_not_readable(ado: AzureDevOps, organization: Organization) -> None:
    organization.set_pca(PcaKind.NONE)
    project = next(one for one in organization.projects.values() if one.repositories)
    repository = next(iter(project.repositories.values()))
    assert ado.project_read_permission(organization.name, ProjectId(project.id))
    assert ado.repository_read_permission(
        organization.name, ProjectId(project.id), RepositoryId(repository.id)
    )
    organization.deny_read(repository)
    assert not ado.repository_read_permission(
        organization.name, ProjectId(project.id), RepositoryId(repository.id)
    )
    organization.deny_read(project)
    assert not ado.project_read_permission(organization.name, ProjectId(project.id))


def test_the_extension(ado: AzureDevOps, organization: Organization, simulator: Simulator) -> None:
    publisher, name = CONTAINER_MAPPING
    organization.uninstall_extension(publisher, name)
    organization.share_extension(publisher, name, shared=False)
    assert ado.installed_extension(organization.name, publisher, name) is None
    with pytest.raises(errors.NotFound):
        ado.install_extension(organization.name, publisher, name)
    organization.share_extension(publisher, name)
    simulator.reset_requests()
    installed = ado.install_extension(organization.name, publisher.upper(), name)
    assert (installed.publisher.lower(), installed.name) == (publisher, name)
    assert len(simulator.requests) == 2
    again = ado.install_extension(organization.name, publisher, name)
    assert again.flags == ("none",)
    assert ado.installed_extension(organization.name, publisher, name) == again
    organization.set_extension_flags(publisher, name, "disabled, needsReauthorization")
    flagged = ado.installed_extension(organization.name, publisher, name)
    assert flagged is not None
    assert flagged.flags == ("disabled", "needsReauthorization")


def test_an_extension_that_does_not_show_yet_is_looked_for_again(
    ado: AzureDevOps, house: Bench, organization: Organization
) -> None:
    publisher, name = CONTAINER_MAPPING
    organization.install_extension(publisher, name, hidden_reads=2)
    assert ado.install_extension(organization.name, publisher, name).name == name
    assert house.clock.slept == [0.5, 1.0]
    organization.install_extension(publisher, name, hidden_reads=20)
    with pytest.raises(errors.ServerTrouble):
        ado.install_extension(organization.name, publisher, name)


@pytest.mark.parametrize("kind", [FaultKind.NOT_FOUND, FaultKind.NOT_FOUND_PLAIN, FaultKind.NOT_FOUND_HTML])
def test_not_every_404_means_not_installed(
    ado: AzureDevOps, organization: Organization, simulator: Simulator, kind: FaultKind
) -> None:
    simulator.add_fault(Fault(kind, path="installedextensionsbyname"))
    with pytest.raises(ServiceError):
        ado.installed_extension(organization.name, *CONTAINER_MAPPING)


def test_the_facts_of_a_project(ado: AzureDevOps, organization: Organization, simulator: Simulator) -> None:
    project = next(one for one in organization.projects.values() if one.state == "wellFormed")
    project.set_setting("enforceSettableVar", value=True)
    project.set_setting("statusBadgesArePrivate", value=None)
    opened = project.add_service_endpoint(
        "opened", type="azurerm", scheme="ServicePrincipal", all_pipelines=True
    )
    closed = project.add_service_endpoint("closed", type="github", scheme="Token")
    settings = ado.pipeline_settings(organization.name, ProjectId(project.id)).settings
    assert settings["enforceSettableVar"] is True
    assert "statusBadgesArePrivate" not in settings
    simulator.reset_requests()
    unasked = Fact.read(False)
    here = ProjectId(project.id)
    connections = {one.id: one for one in ado.service_connections(organization.name, here, unasked)}
    assert len(simulator.requests) == 1
    assert connections[opened.id].open_to_all_pipelines is unasked
    assert connections[opened.id].scheme == "ServicePrincipal"
    assert ado.is_open_to_all(organization.name, here, "endpoint", opened.id)
    assert not ado.is_open_to_all(organization.name, here, "endpoint", closed.id)
    policies = ado.branch_policies(organization.name, ProjectId(project.id))
    assert {policy.id for policy in policies} == {policy.id for policy in project.policies}


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (FaultKind.TRUNCATED, "NoConnection"),
        (FaultKind.MALFORMED, "BrokenAnswer"),
        (FaultKind.WRONG_TYPES, "WrongField"),
        (FaultKind.MISSING_IDS, "WrongField"),
        (FaultKind.HUGE_NAMES, "WrongField"),
        (FaultKind.EMPTY, "BrokenAnswer"),
        (FaultKind.SIGN_IN, "SignInRequired"),
        (FaultKind.SIGN_IN_REDIRECT, "SignInRequired"),
        (FaultKind.WEB_PAGE, "SignInRequired"),
        (FaultKind.UNAUTHORIZED, "TokenRefused"),
        (FaultKind.UNAUTHORIZED_USER, "NotAMember"),
        (FaultKind.ACCESS_DENIED, "PermissionMissing"),
        (FaultKind.STOPPED, "OrganizationStopped"),
        (FaultKind.TROUBLE, "ServerTrouble"),
        (FaultKind.RESET, "NoConnection"),
        (FaultKind.REDIRECT, "Redirected"),
    ],
)
@pytest.mark.parametrize("listing", ["projects", "repositories"])
def test_a_listing_that_fails_is_never_empty_and_complete(
    ado: AzureDevOps,
    organization: Organization,
    simulator: Simulator,
    listing: str,
    kind: FaultKind,
    code: str,
) -> None:
    simulator.add_fault(Fault(kind, path=f"_apis/(git/)?{listing}"))
    observed = getattr(ado, listing)(organization.name)
    assert not observed.complete
    assert observed.items == ()
    assert observed.failure.code == code
    assert organization.name in observed.failure.reason


@pytest.mark.parametrize("kind", [FaultKind.LOOP_TOKEN, FaultKind.REPEAT_TOKEN])
def test_a_listing_that_goes_in_circles_ends(
    ado: AzureDevOps, organization: Organization, simulator: Simulator, kind: FaultKind
) -> None:
    simulator.add_fault(Fault(kind, path="_apis/projects"))
    observed = ado.projects(organization.name)
    assert observed.failure is not None
    assert observed.failure.code == "EndlessListing"
    assert len(simulator.requests) < 10


def test_an_organization_that_is_not_there_or_not_ours(ado: AzureDevOps, world: World, house: Bench) -> None:
    with pytest.raises(errors.OrganizationNotFound):
        ado.connection("no-such-organization")
    stranger = house.connect(secrets={"ADO_PAT": lambda: "simulator-3-stranger"})
    with pytest.raises(errors.NotAMember) as caught:
        stranger.connection(world.organizations[0].name)
    assert world.organizations[0].tenant in caught.value.failure.reason
    unknown = house.connect(secrets={"ADO_PAT": lambda: base64.b64encode(b"nobody").decode()})
    with pytest.raises(errors.SignInRequired):
        unknown.connection(world.organizations[0].name)
