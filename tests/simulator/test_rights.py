"""Permissions, groups, access levels: what a caller may do and how it can find out."""

from __future__ import annotations

import pytest

from local.ado_simulator import LICENCES, Identity, Organization, Simulator, World
from local.ado_simulator.identity import encode_descriptor, well_known_sid
from tests.simulator.client import PATIENCE, Client

COLLECTION = "3e65f728-f8bc-4ecd-8764-7e378b19bfa7"
GIT = "2e9eb7ed-3c0a-47d4-87c1-0ffdd275fd87"
PROJECT = "52d39943-cb85-4d7f-8fa8-c6baac873819"
GRAPH = "/vssps.dev.azure.com/contoso/_apis/graph"
USERS = "/vsaex.dev.azure.com/contoso/_apis/userentitlements"
APPLICATIONS = "/vsaex.dev.azure.com/contoso/_apis/serviceprincipalentitlements"


def may(client: Client, namespace: str, bits: int, **query: str) -> list[bool]:
    answer = client.get(f"/dev.azure.com/contoso/_apis/permissions/{namespace}/{bits}", **query).json()
    assert answer["count"] == len(answer["value"])
    return list(answer["value"])


def groups_above(client: Client, descriptor: str) -> list[str]:
    answer = client.get(
        "/vssps.dev.azure.com/contoso/_apis/identities",
        subjectDescriptors=descriptor,
        queryMembership="expandedUp",
    )
    return list(answer.json()["value"][0]["memberOf"])


def test_the_administrators_sid_follows_from_the_domain() -> None:
    sid = well_known_sid("f9223383-4917-48e5-83d6-6d8080d09b65")
    assert sid == "S-1-9-1551374245-2201166585-390718792-2211868032-2161154917-0-0-0-0-1"
    assert encode_descriptor("vssgp", sid) == (
        "vssgp.Uy0xLTktMTU1MTM3NDI0NS0yMjAxMTY2NTg1LTM5MDcxODc5Mi0yMjExODY4MDMyLTIxNjExNTQ5MTctMC0wLTAtMC0x"
    )


@pytest.mark.parametrize(
    ("kind", "effective", "member", "direct"),
    [
        ("none", False, False, False),
        ("direct", True, True, True),
        ("nested", True, True, False),
        ("entra-group", True, True, False),
        ("custom", True, False, False),
        ("denied", False, True, True),
    ],
)
def test_every_way_to_be_an_administrator(
    client: Client,
    world: World,
    contoso: Organization,
    kind: str,
    effective: bool,
    member: bool,
    direct: bool,
) -> None:
    contoso.set_pca(kind)
    assert may(client, COLLECTION, 2) == [effective]
    assert may(client, COLLECTION, 1) == [True]
    me, sid = world.identity.descriptor, well_known_sid(contoso.instance_id)
    above = groups_above(client, me)
    assert (f"Microsoft.TeamFoundation.Identity;{sid}" in above) is member
    path = f"{GRAPH}/memberships/{me}/{encode_descriptor('vssgp', sid)}"
    assert client.send("HEAD", path, version="7.1-preview.1").status_code == (200 if direct else 404)
    assert client.get(path, version="7.1-preview.1").status_code == (200 if direct else 404)


def test_project_administrators_are_no_collection_administrators(
    client: Client, world: World, contoso: Organization
) -> None:
    contoso.set_pca("none")
    shop = contoso.project("Shop")
    shop.administrators.append(world.identity.descriptor)
    above = groups_above(client, world.identity.descriptor)
    assert f"Microsoft.TeamFoundation.Identity;{well_known_sid(shop.id)}" in above
    assert not any(well_known_sid(contoso.instance_id) in name for name in above)
    assert may(client, COLLECTION, 2) == [False]


def test_a_group_tells_its_domain(client: Client, contoso: Organization) -> None:
    descriptor = encode_descriptor("vssgp", well_known_sid(contoso.instance_id))
    group = client.get(f"{GRAPH}/groups/{descriptor}", version="7.1-preview.1").json()
    assert group["domain"] == f"vstfs:///Framework/IdentityDomain/{contoso.instance_id}"
    assert group["principalName"] == "[contoso]\\Project Collection Administrators"
    assert client.get(f"{GRAPH}/groups/vssgp.none", version="7.1-preview.1").status_code == 404


def test_a_domain_may_differ_from_the_instance_and_a_name_from_english(client: Client, world: World) -> None:
    domain = world.new_id()
    name = "Projektauflistungsadministratoren"
    world.add_organization("andere", identity_domain=domain, administrators_name=name)
    graph = "/vssps.dev.azure.com/andere/_apis/graph/groups"
    guessed = encode_descriptor(
        "vssgp", well_known_sid(client.simulator.world.organization("andere").instance_id)
    )
    assert client.get(f"{graph}/{guessed}", version="7.1-preview.1").status_code == 404
    groups = client.get(graph, version="7.1-preview.1").json()["value"]
    assert any(group["displayName"] == name and group["domain"].endswith(domain) for group in groups)


def test_groups_come_in_pages(client: Client, simulator: Simulator) -> None:
    simulator.options.page_size = 4
    answer = client.get(f"{GRAPH}/groups", version="7.1-preview.1")
    assert answer.json()["count"] == 4
    assert answer.headers["X-MS-ContinuationToken"] == "4"


def test_memberships_are_one_step_deep(client: Client, world: World, contoso: Organization) -> None:
    contoso.set_pca("nested")
    answer = client.get(f"{GRAPH}/memberships/{world.identity.descriptor}", version="7.1-preview.1").json()
    above = {item["containerDescriptor"] for item in answer["value"]}
    assert contoso.administrators().descriptor not in above
    down = client.get(
        f"{GRAPH}/memberships/{contoso.administrators().descriptor}",
        version="7.1-preview.1",
        direction="down",
    ).json()
    assert down["count"] >= 1


def test_an_unknown_descriptor_is_null_in_its_place(client: Client) -> None:
    answer = client.get("/vssps.dev.azure.com/contoso/_apis/identities", subjectDescriptors="aad.nobody")
    assert answer.json() == {"count": 1, "value": [None]}


def test_reading_permissions_follow_what_is_hidden(client: Client, contoso: Organization) -> None:
    shop = contoso.project("Shop")
    web, empty = shop.repository("web"), shop.repository("empty")
    contoso.deny_read(web)
    tokens = f"repoV2/{shop.id}/{web.id},repoV2/{shop.id}/{empty.id},repoV2/{shop.id}"
    assert may(client, GIT, 2, tokens=tokens) == [False, True, True]
    project_token = f"$PROJECT:vstfs:///Classification/TeamProject/{shop.id}"
    assert may(client, PROJECT, 1, tokens=project_token) == [True]
    contoso.deny_read(shop)
    assert may(client, PROJECT, 1, tokens=project_token) == [False]
    assert may(client, GIT, 2, tokens=f"repoV2/{shop.id}/{empty.id}") == [False]


def test_stakeholders_may_not_read_code(client: Client, contoso: Organization) -> None:
    contoso.set_licence("stakeholder")
    assert may(client, GIT, 2, tokens=f"repoV2/{contoso.project('Shop').id}") == [False]


def test_permissions_in_a_batch_repeat_the_questions(client: Client, contoso: Organization) -> None:
    contoso.set_pca("none")
    questions = [
        {"securityNamespaceId": COLLECTION, "token": "NAMESPACE:", "permissions": 1},
        {"securityNamespaceId": COLLECTION, "token": "NAMESPACE:", "permissions": 2},
    ]
    answer = client.post(
        "/dev.azure.com/contoso/_apis/security/permissionevaluationbatch",
        json={"alwaysAllowAdministrators": False, "evaluations": questions},
    ).json()
    assert [each["value"] for each in answer["evaluations"]] == [True, False]
    assert [{**each} for each in questions] == [
        {key: value for key, value in each.items() if key != "value"} for each in answer["evaluations"]
    ]


def test_administrators_may_be_allowed_whatever_is_denied(client: Client, contoso: Organization) -> None:
    contoso.set_pca("denied")
    assert may(client, COLLECTION, 2) == [False]
    assert may(client, COLLECTION, 2, alwaysAllowAdministrators="true") == [True]
    question = {"securityNamespaceId": COLLECTION, "token": "NAMESPACE:", "permissions": 2}
    answer = client.post(
        "/dev.azure.com/contoso/_apis/security/permissionevaluationbatch",
        json={"alwaysAllowAdministrators": True, "evaluations": [question]},
    ).json()
    assert answer["evaluations"][0]["value"] is True


@pytest.mark.parametrize(
    "body", [None, [], {}, {"evaluations": [1]}, {"evaluations": [{"permissions": "many"}]}]
)
def test_a_batch_that_makes_no_sense_is_refused(client: Client, body: object) -> None:
    path = "/dev.azure.com/contoso/_apis/security/permissionevaluationbatch"
    assert client.post(path, json=body).status_code == 400


def test_an_unknown_namespace_is_an_error(client: Client) -> None:
    answer = client.get(f"/dev.azure.com/contoso/_apis/permissions/{'0' * 8}-0000-0000-0000-{'0' * 12}/1")
    assert (answer.status_code, answer.json()["typeKey"]) == (404, "InvalidSecurityNamespaceException")


@pytest.mark.parametrize("name", sorted(LICENCES))
def test_every_licence_is_told_in_the_words_of_the_wire(
    client: Client, world: World, contoso: Organization, name: str
) -> None:
    contoso.set_licence(name)
    answer = client.get(f"{USERS}/{world.identity.id}").json()
    level, licence = answer["accessLevel"], LICENCES[name]
    assert answer["id"] == world.identity.id
    assert (
        level["licensingSource"],
        level["accountLicenseType"],
        level["msdnLicenseType"],
        level["status"],
    ) == (
        licence.licensing_source,
        licence.account_license_type,
        licence.msdn_license_type,
        licence.status,
    )
    assert (answer["lastAccessedDate"] == "0001-01-01T00:00:00Z") is (licence.status == "pending")


def test_applications_have_their_own_entitlements(client: Client, application: Identity) -> None:
    client.token = application.token
    answer = client.get(f"{APPLICATIONS}/{application.id}", version="7.1-preview.1").json()
    assert answer["servicePrincipal"]["descriptor"] == application.descriptor
    assert client.get(f"{USERS}/{application.id}").status_code == 404
    listed = client.get(APPLICATIONS, version="7.1-preview.1").json()["members"]
    assert [each["id"] for each in listed] == [application.id]


def test_entitlements_of_others_need_an_administrator(
    client: Client, world: World, contoso: Organization
) -> None:
    other = world.add_identity("other-token")
    contoso.add_member(other)
    assert client.get(f"{USERS}/{other.id}").status_code == 200
    contoso.set_pca("none")
    assert client.get(f"{USERS}/{other.id}").json()["typeKey"] == "AccessCheckException"
    assert client.get(USERS).status_code == 403
    assert client.get(f"{USERS}/{world.identity.id}").status_code == 200


@pytest.mark.parametrize("end", [None, ""])
def test_entitlements_have_their_token_in_the_body(
    client: Client, simulator: Simulator, world: World, contoso: Organization, end: str | None
) -> None:
    contoso.empty_token = end
    simulator.options.entitlement_page_size = 2
    for number in range(4):
        contoso.add_member(world.add_identity(f"t{number}"))
    ids: list[str] = []
    token, pages = "", 0
    while True:
        answer = client.get(USERS, **({"continuationToken": token} if token else {})).json()
        assert answer["members"] == answer["items"]
        ids += [member["id"] for member in answer["members"]]
        token, pages = answer["continuationToken"], pages + 1
        if not token:
            break
        assert set("+#=:") <= set(token)
    assert (len(set(ids)), len(ids), pages, token) == (5, 5, 3, end)


def test_a_token_that_was_not_encoded_is_refused(
    client: Client, simulator: Simulator, world: World, contoso: Organization
) -> None:
    simulator.options.entitlement_page_size = 1
    contoso.add_member(world.add_identity("other"))
    token = client.get(USERS).json()["continuationToken"]
    raw = client.session.get(
        f"{simulator.url}{USERS}?api-version=7.1&continuationToken={token.replace('#', '%23')}",
        headers={"Authorization": f"Bearer {world.token}"},
        timeout=PATIENCE,
    )
    assert raw.status_code == 400


@pytest.mark.parametrize(
    ("capability", "path", "version"),
    [
        ("projects", "/dev.azure.com/contoso/_apis/projects", "7.1"),
        ("repositories", "/dev.azure.com/contoso/_apis/git/repositories", "7.1"),
        ("serviceendpoints", "/dev.azure.com/contoso/Shop/_apis/serviceendpoint/endpoints", "7.1"),
        ("policies", "/dev.azure.com/contoso/Shop/_apis/policy/configurations", "7.1"),
        ("generalsettings", "/dev.azure.com/contoso/Shop/_apis/build/generalsettings", "7.1"),
        ("variablegroups", "/dev.azure.com/contoso/Shop/_apis/distributedtask/variablegroups", "7.1"),
        ("securefiles", "/dev.azure.com/contoso/Shop/_apis/distributedtask/securefiles", "7.1-preview.1"),
        ("definitions", "/dev.azure.com/contoso/Shop/_apis/build/definitions", "7.1"),
        ("pipelinepermissions", "/dev.azure.com/contoso/Shop/_apis/pipelines/pipelinepermissions/endpoint/x",
         "7.1-preview.1"),
        ("extensions", "/extmgmt.dev.azure.com/contoso/_apis/extensionmanagement/installedextensions",
         "7.1-preview.1"),
        ("entitlements", USERS, "7.1"),
        ("graph", f"{GRAPH}/groups", "7.1-preview.1"),
        ("auditlog", "/auditservice.dev.azure.com/contoso/_apis/audit/auditlog", "7.1-preview.1"),
    ],
)  # fmt: skip
def test_a_capability_can_be_refused(
    client: Client, contoso: Organization, capability: str, path: str, version: str
) -> None:
    assert client.get(path, version=version).status_code == 200
    contoso.deny_capability(capability)
    refused = client.get(path, version=version)
    assert (refused.status_code, refused.json()["typeKey"]) == (403, "AccessCheckException")
    contoso.allow_capability(capability)
    assert client.get(path, version=version).status_code == 200


def test_a_member_that_was_removed_is_turned_away(client: Client, contoso: Organization) -> None:
    contoso.remove_member()
    assert client.get("/dev.azure.com/contoso/_apis/projects").status_code == 401


def test_advanced_security_is_for_those_who_may_view_alerts(
    client: Client, world: World, contoso: Organization
) -> None:
    path = "/advsec.dev.azure.com/contoso/_apis/management/enablement"
    status = client.get(path, version="7.2-preview.3").json()["reposEnablementStatus"]
    assert len(status) == sum(len(one.repositories) for one in contoso.projects.values())
    contoso.set_pca("none")
    assert client.get(path, version="7.2-preview.3").json()["typeKey"] == "AccessCheckException"
    contoso.set_pca("direct")
    contoso.deny_capability("advancedsecurity")
    assert client.get(path, version="7.2-preview.3").status_code == 403
    world.set_missing_scopes({"vso.advsec"})
    assert client.get(path, version="7.2-preview.3").status_code == 401


def test_a_token_with_narrow_scopes_is_refused_where_no_scope_is_documented(
    client: Client, world: World
) -> None:
    world.set_missing_scopes({"full"})
    assert client.get(f"/dev.azure.com/contoso/_apis/permissions/{COLLECTION}/2").status_code == 401
    page = "/dev.azure.com/contoso/_settings/organizationPolicy"
    assert client.get(page, version=None, __rt="fps").status_code == 401
    assert client.get("/dev.azure.com/contoso/_apis/projects").status_code == 200


def test_a_microsoft_account_has_no_tenant_in_its_descriptor(
    client: Client, world: World, contoso: Organization
) -> None:
    contoso.add_member(world.add_identity("theirs", microsoft_account=True))
    client.token = "theirs"
    user = client.get("/dev.azure.com/contoso/_apis/connectionData", version="7.1-preview").json()
    assert user["authenticatedUser"]["subjectDescriptor"].startswith("msa.")
    assert user["authenticatedUser"]["descriptor"].endswith("@Live.com")
