"""Who the caller is, and which organizations it learns of."""

from __future__ import annotations

import base64

import pytest

from local.ado_simulator import Fault, Identity, Organization, Simulator, World
from tests.simulator.client import Client

PROFILE = "/app.vssps.visualstudio.com/_apis/profile/profiles/me"
ACCOUNTS = "/app.vssps.visualstudio.com/_apis/accounts"
CONNECTION = "/dev.azure.com/contoso/_apis/connectionData"
CATALOG = "/vsaex.dev.azure.com/_apis/EnterpriseCatalog/Organizations"
PROJECTS = "/dev.azure.com/contoso/_apis/projects"


def test_the_profile_names_the_caller(client: Client, world: World) -> None:
    profile = client.get(PROFILE).json()
    assert profile["id"] == profile["publicAlias"] == world.identity.id
    assert profile["displayName"] == "Demo User"


def test_accounts_lists_organizations_of_a_member(
    client: Client, world: World, contoso: Organization
) -> None:
    world.add_organization("fabrikam", member=False)
    answer = client.get(ACCOUNTS, memberId=world.identity.id).json()
    assert answer == {
        "count": 1,
        "value": [
            {
                "accountId": contoso.account_id,
                "accountUri": "https://vssps.dev.azure.com:443/contoso/",
                "accountName": "contoso",
                "properties": {},
            }
        ],
    }


def test_accounts_without_a_version_is_a_bare_array_in_pascal_case(client: Client, world: World) -> None:
    answer = client.get(ACCOUNTS, version=None, memberId=world.identity.id).json()
    assert [account["AccountName"] for account in answer] == ["contoso"]


def test_accounts_needs_a_member_or_an_owner(client: Client) -> None:
    answer = client.get(ACCOUNTS)
    assert answer.json()["typeKey"] == "AccountException"
    assert answer.json()["eventId"] == 4236


def test_accounts_is_empty_for_applications(client: Client, application: Identity) -> None:
    client.token = application.token
    assert client.get(ACCOUNTS, memberId=application.id).json() == {"count": 0, "value": []}
    assert client.get(CONNECTION, version="7.1-preview").status_code == 200


def test_a_member_of_nothing_has_no_accounts_and_is_turned_away(client: Client, world: World) -> None:
    stranger = world.add_identity("stranger-token")
    client.token = stranger.token
    assert client.get(ACCOUNTS, memberId=stranger.id).json()["count"] == 0
    refused = client.get(PROJECTS)
    assert refused.status_code == 401
    assert refused.json()["typeKey"] == "UnauthorizedRequestException"
    assert refused.json()["message"].startswith("TF400813")


def test_the_catalog_is_a_sign_in_page_unless_the_world_offers_it(client: Client, world: World) -> None:
    answer = client.get(CATALOG, version=None, tenantId=world.tenant)
    assert (answer.status_code, answer.headers["content-type"]) == (203, "text/html; charset=utf-8")
    world.enterprise_catalog = True
    world.add_organization("elsewhere", tenant=world.new_id())
    text = client.get(CATALOG, version=None, tenantId=world.tenant).content
    assert text.startswith(
        b"\xef\xbb\xbfOrganization Id, Organization Name, Url, Owner, Exception Type, Error"
    )
    assert b"contoso" in text
    assert b"elsewhere" not in text


def test_connection_data_tells_caller_and_instance(
    client: Client, world: World, contoso: Organization
) -> None:
    answer = client.get(CONNECTION, version="7.1-preview").json()
    assert answer["instanceId"] == contoso.instance_id
    user = answer["authenticatedUser"]
    assert user["id"] == world.identity.id
    prefix, _, encoded = user["subjectDescriptor"].partition(".")
    assert prefix == "aad"
    assert base64.b64decode(encoded + "=" * (-len(encoded) % 4)).decode() != user["id"]


def test_applications_have_their_own_descriptor(client: Client, application: Identity) -> None:
    client.token = application.token
    user = client.get(CONNECTION, version="7.1-preview").json()["authenticatedUser"]
    assert user["subjectDescriptor"].startswith("aadsp.")


def test_personal_access_tokens_come_in_the_basic_scheme(client: Client, world: World) -> None:
    secret = base64.b64encode(f":{world.token}".encode()).decode()
    assert client.get(PROJECTS, headers={"Authorization": f"Basic {secret}"}).status_code == 200


@pytest.mark.parametrize("header", ["Bearer wrong", "Basic !!!", "Basic", "Nonsense x", ""])
def test_unusable_credentials_get_the_sign_in_page(client: Client, header: str) -> None:
    answer = client.get(PROJECTS, headers={"Authorization": header})
    assert answer.status_code == 203
    assert "Azure DevOps Services | Sign In" in answer.text
    assert 14_000 < len(answer.content) < 20_000


def test_without_the_suppress_header_the_sign_in_is_a_redirect(client: Client) -> None:
    answer = client.get(PROJECTS, headers={"Authorization": "", "X-TFS-FedAuthRedirect": ""})
    assert answer.status_code == 302
    assert "/_signin" in answer.headers["location"]


def test_an_expired_token_gets_an_empty_401(client: Client, world: World) -> None:
    world.expire_token()
    answer = client.get(PROJECTS)
    assert (answer.status_code, answer.content) == (401, b"")
    assert answer.headers["www-authenticate"].startswith("Basic realm=")
    assert "x-vss-userdata" not in answer.headers
    world.expire_token(expired=False)
    assert client.get(PROJECTS).status_code == 200


def test_a_missing_scope_gets_an_empty_401_where_it_is_needed(client: Client, world: World) -> None:
    world.set_missing_scopes({"vso.code"})
    assert client.get(PROJECTS).status_code == 200
    answer = client.get("/dev.azure.com/contoso/_apis/git/repositories")
    assert (answer.status_code, answer.content) == (401, b"")


def test_an_organization_of_another_tenant_names_it(client: Client, world: World) -> None:
    tenant = world.new_id()
    world.add_organization("foreign", tenant=tenant)
    answer = client.get("/dev.azure.com/foreign/_apis/projects")
    assert answer.status_code == 401
    assert answer.headers["x-vss-resourcetenant"] == tenant
    assert (
        f"authorization_uri=https://login.microsoftonline.com/{tenant}" in answer.headers["www-authenticate"]
    )


def test_a_stopped_organization_answers_tf24668_with_a_byte_order_mark(
    client: Client, contoso: Organization
) -> None:
    contoso.stop()
    answer = client.get(PROJECTS)
    assert answer.status_code == 503
    assert answer.content.startswith(b"\xef\xbb\xbf{")
    assert "activityid" not in answer.headers
    assert answer.headers["x-tfs-serviceerror"].startswith("TF24668%3A")
    contoso.stop(stopped=False)
    assert client.get(PROJECTS).status_code == 200


def test_unknown_routes_and_unknown_organizations_differ(client: Client) -> None:
    route = client.get("/dev.azure.com/contoso/_apis/nothing")
    assert (route.status_code, route.headers["content-type"]) == (404, "text/plain; charset=utf-8")
    assert route.text.startswith("The controller for path")
    organization = client.get("/dev.azure.com/nobody/_apis/projects")
    assert (organization.status_code, organization.headers["content-type"]) == (
        404,
        "text/html; charset=utf-8",
    )


def test_a_renamed_organization_keeps_its_ids_and_loses_its_name(
    client: Client, world: World, contoso: Organization
) -> None:
    contoso.rename("contoso-new")
    assert client.get(PROJECTS).status_code == 404
    answer = client.get(ACCOUNTS, memberId=world.identity.id).json()["value"][0]
    assert (answer["accountName"], answer["accountId"]) == ("contoso-new", contoso.account_id)


def test_names_and_routes_are_found_in_any_case(client: Client) -> None:
    assert client.get("/dev.azure.com/CONTOSO/_APIS/Git/Repositories").status_code == 200
    assert (
        client.get("/dev.azure.com/contoso/_apis/ConnectionData", version="7.1-preview.1").status_code == 200
    )


def test_preview_routes_refuse_released_versions(client: Client, world: World) -> None:
    answer = client.get(CONNECTION)
    assert (answer.status_code, answer.json()["typeKey"]) == (400, "VssInvalidPreviewVersionException")
    world.strict_versions = False
    assert client.get(CONNECTION).status_code == 200


def test_the_version_may_stand_in_the_accept_header_and_is_echoed(client: Client) -> None:
    headers = {"Accept": "application/json;api-version=7.1-preview.1"}
    answer = client.get(CONNECTION, version=None, headers=headers)
    assert answer.headers["content-type"] == "application/json; charset=utf-8; api-version=7.1-preview.1"


def test_answers_carry_the_headers_that_support_asks_for(client: Client, world: World) -> None:
    headers = client.get(PROJECTS).headers
    assert headers["x-tfs-session"] == "s-1"
    assert headers["activityid"] == headers["x-vss-e2eid"]
    assert headers["x-vss-userdata"] == f"{world.identity.id}:{world.identity.email}"


def test_requests_are_recorded(client: Client, simulator: Simulator) -> None:
    client.get(PROJECTS)
    client.get("/dev.azure.com/contoso/_apis/git/repositories", headers={"Authorization": ""})
    first, second = simulator.requests
    assert (first.template, first.organization, first.status, first.authorized) == (
        "/{organization}/_apis/projects",
        "contoso",
        200,
        True,
    )
    assert (first.user_agent, first.session, first.suppressed_redirect) == ("tests/1", "s-1", True)
    assert (second.status, second.authorized) == (203, False)
    assert second.start >= first.start
    assert simulator.requests.count(organization="contoso") == 2
    assert simulator.requests.count(path="/git/repositories", status=203) == 1
    simulator.reset_requests()
    assert len(simulator.requests) == 0


def test_a_fault_is_named_in_the_record(client: Client, simulator: Simulator) -> None:
    simulator.add_fault(Fault("blocked"))
    client.get(PROJECTS)
    assert simulator.requests[0].fault == "blocked"
