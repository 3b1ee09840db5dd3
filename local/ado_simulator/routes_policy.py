"""Policies of the organization (portal page, data providers, single reads) and branch policies."""

from __future__ import annotations

from typing import Any

from local.ado_simulator.answers import HTML, failure, listing, ok
from local.ado_simulator.organization import Organization
from local.ado_simulator.paging import offset_page, with_token
from local.ado_simulator.project import Project
from local.ado_simulator.resources import ORGANIZATION_POLICIES, POLICY_TYPES, BranchPolicy, PolicyValue
from local.ado_simulator.router import DEV, ENTITLEMENTS, FULL_ACCESS, GRAPH, Call, bad_request, route
from local.ado_simulator.wire import Answer

POLICIES_PROVIDER = "ms.vss-admin-web.organization-policies-data-provider"
OLD_POLICIES_PROVIDER = "ms.vss-org-web.collection-admin-policy-data-provider"
PIPELINES_PROVIDER = "ms.vss-build-web.pipelines-org-settings-data-provider"
_DEV_URL = "https://dev.azure.com"


# --- organization policies ------------------------------------------------------------------------------


def _effective(name: str, policy: PolicyValue) -> bool:
    """The toggle of the portal: the opposite of the value for every policy that disallows something."""
    if policy.effective is not None:
        return policy.effective
    return not policy.value if name.startswith("Policy.Disallow") else policy.value


def _policy_entry(name: str, policy: PolicyValue) -> dict[str, Any]:
    definition = ORGANIZATION_POLICIES.get(name)
    default = PolicyValue(definition.default if definition else False)
    inner: dict[str, Any] = {"name": name, "value": policy.value, "effectiveValue": _effective(name, policy)}
    if not policy.explicit:
        inner["isValueUndefined"] = True
    inner["parentPolicy"] = {
        "name": name,
        "value": default.value,
        "effectiveValue": _effective(name, default),
        "isValueUndefined": True,
    }
    return {
        "policy": inner,
        "learnMoreLink": definition.link if definition else "https://aka.ms/azure-devops-policies",
        "description": definition.description if definition else name,
        "applicableServiceHost": 1,
    }


def _policies(organization: Organization) -> dict[str, Any]:
    groups: dict[str, list[dict[str, Any]]] = {
        "applicationConnection": [], "security": [], "user": [], "privacy": []
    }  # fmt: skip
    for name, policy in organization.policies.items():
        definition = ORGANIZATION_POLICIES.get(name)
        groups[definition.group if definition else "security"].append(_policy_entry(name, policy))
    return {"policies": groups}


def _pipeline_settings(call: Call) -> dict[str, Any]:
    settings: dict[str, Any] = dict(call.organization.pipeline_settings)
    if "hasManagePipelinePoliciesPermission" in settings:
        settings["hasManagePipelinePoliciesPermission"] = call.is_administrator
    return settings


def _provide(call: Call, contributions: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Data of the providers that were asked for, and exceptions of those that failed."""
    data: dict[str, Any] = {}
    exceptions: dict[str, Any] = {}
    denied = call.member.denied_capabilities
    for name in contributions:
        if name in {POLICIES_PROVIDER, OLD_POLICIES_PROVIDER}:
            capability = "organizationpolicies"
        elif name == PIPELINES_PROVIDER:
            capability = "organizationpipelinesettings"
        else:
            continue
        if capability not in denied:
            is_policies = capability == "organizationpolicies"
            data[name] = _policies(call.organization) if is_policies else _pipeline_settings(call)
        elif call.organization.provider_failure == "message":
            data[name] = {"errorMessage": "You do not have permission to read this."}
        elif call.organization.provider_failure == "exception":
            exceptions[name] = {"exceptionType": "AccessCheckException", "message": "Access denied."}
    return data, exceptions


@route("GET", DEV, "/{organization}/_settings/organizationPolicy", scope=FULL_ACCESS, versioned=False)
def policy_page(call: Call) -> Answer:
    """The policy page; as data only with `__rt=fps` and without an api-version."""
    if call.query.get("__rt") != "fps" or "api-version" in call.query:
        return Answer(200, b"<!DOCTYPE html><html><body>Policies</body></html>", HTML)
    data, exceptions = _provide(call, [POLICIES_PROVIDER])
    providers: dict[str, Any] = {"data": {"ms.vss-web.component-data": {}, **data}}
    if exceptions:
        providers["exceptions"] = exceptions
    return ok({"fps": {"dataProviders": providers}})


@route("POST", DEV, "/{organization}/_apis/Contribution/HierarchyQuery", scope=FULL_ACCESS, preview=True)
def hierarchy_query(call: Call) -> Answer:
    """Data providers of the portal. One that fails is still answered with 200, without its data."""
    document = call.document()
    wanted = document.get("contributionIds") if isinstance(document, dict) else None
    if not isinstance(wanted, list) or not wanted:
        return bad_request("contributionIds are missing.")
    data, exceptions = _provide(call, [str(name) for name in wanted])
    answer: dict[str, Any] = {
        "dataProviderSharedData": {},
        "dataProviders": {"ms.vss-web.component-data": {}, "ms.vss-web.shared-data": None, **data},
    }
    if exceptions:
        answer["dataProviderExceptions"] = exceptions
    return ok(answer)


def _single_policy(call: Call) -> Answer:
    name = call.parameters["policy"]
    policy = call.organization.policies.get(name)
    if "defaultvalue" not in call.query:
        return failure(405, "VssRequestMethodNotAllowed", "The requested resource does not support 'GET'.")
    if policy is None:
        return ok({"name": name, "value": call.query["defaultvalue"] or None, "isValueUndefined": True})
    return ok(
        {
            "name": name,
            "value": str(policy.value).lower(),
            "effectiveValue": str(_effective(name, policy)).lower(),
            "isValueUndefined": not policy.explicit,
        }
    )


for _host in (DEV, GRAPH, ENTITLEMENTS):
    route(
        "GET",
        _host,
        "/{organization}/_apis/OrganizationPolicy/Policies/{policy}",
        scope=FULL_ACCESS,
        capability="organizationpolicies",
        preview=True,
    )(_single_policy)


# --- branch policies ------------------------------------------------------------------------------------


def _branch_policy(project: Project, policy: BranchPolicy) -> dict[str, Any]:
    organization = project.organization
    base = f"{_DEV_URL}/{organization.name}/{project.id}/_apis/policy"
    type_url = f"{base}/types/{policy.type_id}"
    self_url = f"{base}/configurations/{policy.id}"
    author = organization.owner or organization.world.identity
    return {
        "createdBy": {
            "displayName": author.display_name,
            "url": f"https://spsprodcin2.vssps.visualstudio.com/A{organization.account_id}/_apis/Identities/{author.id}",
            "id": author.id,
            "uniqueName": author.account_name,
            "descriptor": author.descriptor,
        },
        "createdDate": policy.created if policy.id % 3 else policy.created.rstrip("Z"),
        "isEnabled": policy.is_enabled,
        "isBlocking": policy.is_blocking,
        "isDeleted": policy.is_deleted,
        "settings": {**policy.settings, "scope": policy.scopes},
        "isEnterpriseManaged": False,
        "_links": {"self": {"href": self_url}, "policyType": {"href": type_url}},
        "revision": policy.revision,
        "id": policy.id,
        "url": self_url,
        "type": {
            "id": policy.type_id,
            "url": type_url,
            "displayName": POLICY_TYPES.get(policy.type_id, "Custom policy"),
        },
    }


def _matches_repository(policy: BranchPolicy, repository_id: str) -> bool:
    return any(
        scope.get("repositoryId") is None or str(scope["repositoryId"]).lower() == repository_id
        for scope in policy.scopes
    )


@route(
    "GET",
    DEV,
    "/{organization}/{project}/_apis/policy/configurations",
    "/{organization}/{project}/_apis/git/policy/configurations",
    scope="vso.code",
    capability="policies",
)
def branch_policies(call: Call) -> Answer:
    """Every policy configuration of a project, page by page."""
    project = call.project()
    wanted_type = call.query.get("policytype", "").lower()
    repository_id = call.query.get("repositoryid", "").lower()
    found = [
        policy
        for policy in project.policies
        if (not wanted_type or policy.type_id == wanted_type)
        and (not repository_id or _matches_repository(policy, repository_id))
    ]
    page, following, number = offset_page(call, found)
    documents = [_branch_policy(project, policy) for policy in page]
    return with_token(listing(documents), following, number)


@route(
    "GET",
    DEV,
    "/{organization}/{project}/_apis/policy/configurations/{id}",
    scope="vso.code",
    capability="policies",
)
def branch_policy(call: Call) -> Answer:
    """One policy configuration."""
    project = call.project()
    for policy in project.policies:
        if str(policy.id) == call.parameters["id"]:
            return ok(_branch_policy(project, policy))
    return failure(404, "PolicyConfigurationNotFoundException", "The policy configuration was not found.")
