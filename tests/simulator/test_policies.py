"""Policies of the organization with their polarity, and branch policies."""

from __future__ import annotations

from typing import Any

import pytest

from local.ado_simulator import Organization, Simulator
from local.ado_simulator.resources import MERGE_POLICY, REVIEWERS_POLICY
from tests.simulator.client import Client, Json

PAGE = "/dev.azure.com/contoso/_settings/organizationPolicy"
QUERY = "/dev.azure.com/contoso/_apis/Contribution/HierarchyQuery"
SINGLE = "/dev.azure.com/contoso/_apis/OrganizationPolicy/Policies/Policy.DisallowOAuthAuthentication"
POLICIES = "ms.vss-admin-web.organization-policies-data-provider"
PIPELINES = "ms.vss-build-web.pipelines-org-settings-data-provider"
BRANCH = "/dev.azure.com/contoso/Shop/_apis/policy/configurations"


def page_policies(client: Client) -> dict[str, dict[str, Any]]:
    groups = fps(client)["fps"]["dataProviders"]["data"][POLICIES]["policies"]
    return {entry["policy"]["name"]: entry["policy"] for group in groups.values() for entry in group}


def fps(client: Client) -> Json:
    return client.get(f"{PAGE}?__rt=fps&__ver=2", version=None).json()


def ask(client: Client, provider: str) -> Json:
    answer = client.post(QUERY, version="7.1-preview.1", json={"contributionIds": [provider]})
    assert answer.status_code == 200
    return answer.json()


def test_disallowing_policies_have_opposite_value_and_effect(client: Client, contoso: Organization) -> None:
    contoso.set_policy("DisallowOAuthAuthentication", value=False)
    contoso.set_policy("AllowAnonymousAccess", value=True)
    policies = page_policies(client)
    oauth, public = policies["Policy.DisallowOAuthAuthentication"], policies["Policy.AllowAnonymousAccess"]
    assert (oauth["value"], oauth["effectiveValue"], "isValueUndefined" in oauth) == (False, True, False)
    assert (public["value"], public["effectiveValue"]) == (True, True)
    assert policies["Policy.DisallowSecureShell"]["isValueUndefined"] is True


def test_a_policy_may_contradict_its_polarity(client: Client, contoso: Organization) -> None:
    contoso.set_policy("DisallowOAuthAuthentication", value=True, effective=True)
    policy = page_policies(client)["Policy.DisallowOAuthAuthentication"]
    assert (policy["value"], policy["effectiveValue"]) == (True, True)


def test_both_ways_tell_the_same(client: Client) -> None:
    groups = ask(client, POLICIES)["dataProviders"][POLICIES]["policies"]
    assert groups == fps(client)["fps"]["dataProviders"]["data"][POLICIES]["policies"]
    assert set(groups) == {"applicationConnection", "security", "user", "privacy"}


def test_the_page_is_data_only_when_asked_properly(client: Client) -> None:
    for path, version in ((PAGE, None), (f"{PAGE}?__rt=fps", "7.1")):
        assert client.get(path, version=version).headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("how", ["missing", "message", "exception"])
def test_a_provider_that_fails_still_answers_200(client: Client, contoso: Organization, how: str) -> None:
    contoso.deny_capability("organizationpolicies")
    contoso.provider_failure = how
    answer = ask(client, POLICIES)
    data = answer["dataProviders"].get(POLICIES)
    assert data == ({"errorMessage": data["errorMessage"]} if how == "message" else None)
    assert (POLICIES in answer.get("dataProviderExceptions", {})) is (how == "exception")
    assert (POLICIES in fps(client)["fps"]["dataProviders"]["data"]) is (how == "message")


def test_a_single_policy_needs_the_default_in_the_query(client: Client, contoso: Organization) -> None:
    assert client.get(SINGLE, version="5.1-preview.1").status_code == 405
    contoso.set_policy("DisallowOAuthAuthentication", value=True)
    assert client.get(f"{SINGLE}?defaultValue=", version="5.1-preview.1").json()["value"] == "true"
    graph = SINGLE.replace("dev.azure.com", "vssps.dev.azure.com")
    assert client.get(f"{graph}?defaultValue=", version="5.1-preview.1").json()["value"] == "true"


def test_a_removed_policy_is_in_no_answer(client: Client, contoso: Organization) -> None:
    contoso.remove_policy("DisallowOAuthAuthentication")
    assert "Policy.DisallowOAuthAuthentication" not in page_policies(client)


def test_pipeline_settings_of_the_organization(client: Client, contoso: Organization) -> None:
    contoso.set_pipeline_setting("enforceJobAuthScope", value=True)
    contoso.set_pipeline_setting("enforceSettableVar", value=None)
    settings = ask(client, PIPELINES)["dataProviders"][PIPELINES]
    assert settings["enforceJobAuthScope"] is True
    assert "enforceSettableVar" not in settings
    assert settings["hasManagePipelinePoliciesPermission"] is True


def test_a_query_needs_a_version_and_contributions(client: Client) -> None:
    assert client.post(QUERY, version=None, json={"contributionIds": [POLICIES]}).status_code == 400
    assert client.post(QUERY, version="7.1-preview.1", json={}).status_code == 400


def test_branch_policies_tell_their_scope(client: Client, contoso: Organization) -> None:
    shop = contoso.project("Shop")
    web = shop.repository("web")
    exact = [{"repositoryId": web.id, "refName": "refs/heads/main", "matchKind": "Exact"}]
    shop.add_branch_policy(REVIEWERS_POLICY, {"minimumApproverCount": 2})
    shop.add_branch_policy(MERGE_POLICY, {"allowSquash": True}, scopes=exact, enabled=False, blocking=False)
    everywhere, here = client.get(BRANCH).json()["value"]
    assert everywhere["settings"] == {
        "minimumApproverCount": 2,
        "scope": [{"repositoryId": None, "refName": None, "matchKind": "DefaultBranch"}],
    }
    assert (here["isEnabled"], here["isBlocking"], here["settings"]["scope"]) == (False, False, exact)
    finer = BRANCH.replace("_apis/policy", "_apis/git/policy")
    assert client.get(finer, repositoryId=web.id).json()["count"] == 2
    other = shop.repository("empty").id
    assert client.get(finer, repositoryId=other, policyType=REVIEWERS_POLICY).json()["count"] == 1
    assert client.get(f"{BRANCH}/{here['id']}").json() == here
    assert client.get(f"{BRANCH}/999").status_code == 404


def test_branch_policies_come_in_pages_and_some_dates_have_no_zone(
    client: Client, simulator: Simulator, contoso: Organization
) -> None:
    simulator.options.page_size = 2
    for _ in range(3):
        contoso.project("Shop").add_branch_policy()
    first = client.get(BRANCH)
    second = client.get(BRANCH, continuationToken=first.headers["x-ms-continuationtoken"])
    policies = first.json()["value"] + second.json()["value"]
    assert [policy["createdDate"][-1] == "Z" for policy in policies] == [True, True, False]
    assert "x-ms-continuationtoken" not in second.headers


def test_a_branch_policy_changes(client: Client, contoso: Organization) -> None:
    shop = contoso.project("Shop")
    policy = shop.add_branch_policy()
    shop.update_branch_policy(policy.id, is_enabled=False)
    (changed,) = client.get(BRANCH).json()["value"]
    assert (changed["isEnabled"], changed["revision"]) == (False, 2)
    with pytest.raises(ValueError, match="no field 'id'"):
        shop.update_branch_policy(policy.id, id=7)
    shop.remove_branch_policy(policy.id)
    assert client.get(BRANCH).json()["count"] == 0
