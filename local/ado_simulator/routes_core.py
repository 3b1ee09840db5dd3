"""Profile, accounts, the tenant's catalog, connection data and projects."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from local.ado_simulator.answers import (
    HTML,
    encode,
    encoded_listing,
    failure,
    listing,
    ok,
    project_not_found,
    sign_in_page,
)
from local.ado_simulator.clock import wire_time
from local.ado_simulator.identity import Identity
from local.ado_simulator.paging import offset_page, with_token
from local.ado_simulator.project import Project
from local.ado_simulator.router import DEV, ENTITLEMENTS, PROFILE, Call, route
from local.ado_simulator.wire import Answer

_DEV_URL = "https://dev.azure.com"


@route("GET", PROFILE, "/_apis/profile/profiles/{id}", scope="vso.profile")
def profile(call: Call) -> Answer:
    """Who the token belongs to."""
    identity = call.identity
    if call.parameters["id"].lower() not in {"me", identity.id}:
        return failure(404, "ProfileDoesNotExistException", "The profile does not exist.")
    fields: dict[str, Any] = {
        "displayName": "" if identity.is_service_principal else identity.display_name,
        "publicAlias": identity.id,
        "emailAddress": "" if identity.is_service_principal else identity.email,
        "coreRevision": 40123,
        "timeStamp": "2025-03-01T08:00:00.0000000+00:00",
        "id": identity.id,
        "revision": 40123,
    }
    return ok(fields)


@route("GET", PROFILE, "/_apis/accounts", scope="vso.profile")
def accounts(call: Call) -> Answer:
    """Organizations that the caller belongs to; none at all for applications."""
    member_id, owner_id = call.query.get("memberid"), call.query.get("ownerid")
    if not member_id and not owner_id:
        return failure(
            400,
            "AccountException",
            "VS403362: Either ownerId or memberId must be given.",
            namespace="Microsoft.VisualStudio.Services.Account",
            event_id=4236,
        )
    mine = [] if call.identity.is_service_principal else call.world.organizations
    found = [
        organization
        for organization in mine
        if organization.listed_in_accounts
        and (
            (member_id == call.identity.id and member_id in organization.members)
            or (owner_id is not None and organization.owner is not None and organization.owner.id == owner_id)
        )
    ]
    if call.version is None:
        return ok(
            [
                {
                    "AccountId": each.account_id,
                    "NamespaceId": "00000000-0000-0000-0000-000000000000",
                    "AccountName": each.name,
                    "OrganizationName": None,
                    "AccountType": 0,
                    "AccountOwner": each.owner.id if each.owner else None,
                    "AccountStatus": 1,
                    "Properties": {},
                }
                for each in found
            ]
        )
    return listing(
        [
            {
                "accountId": each.account_id,
                "accountUri": f"https://vssps.dev.azure.com:443/{each.name}/",
                "accountName": each.name,
                "properties": {},
            }
            for each in found
        ]
    )


@route("GET", ENTITLEMENTS, "/_apis/EnterpriseCatalog/Organizations", versioned=False)
def enterprise_catalog(call: Call) -> Answer:
    """Organizations of a tenant as CSV, where the world offers it; otherwise the sign-in page."""
    tenant = call.query.get("tenantid", "").lower()
    if not call.world.enterprise_catalog or tenant != call.identity.tenant:
        return sign_in_page()
    lines = ["Organization Id, Organization Name, Url, Owner, Exception Type, Error Message"]
    for each in call.world.organizations:
        if each.tenant == tenant:
            owner = each.owner.email if each.owner else ""
            lines.append(f"{each.account_id}, {each.name}, {_DEV_URL}/{each.name}/, {owner}, , ")
    return Answer(200, b"\xef\xbb\xbf" + "\r\n".join(lines).encode() + b"\r\n", "text/csv; charset=utf-8")


@route("GET", DEV, "/{organization}/_apis/connectionData", preview=True)
def connection_data(call: Call) -> Answer:
    """The caller and the instance id of the organization."""
    user = _authenticated(call.identity)
    return ok(
        {
            "authenticatedUser": user,
            "authorizedUser": user,
            "instanceId": call.organization.instance_id,
            "deploymentId": "ed30ce5c-9d0a-f73c-3580-4315c7f84d83",
            "deploymentType": "hosted",
            "locationServiceData": {
                "serviceOwner": "00025394-6065-48ca-87d9-7f5672854ef7",
                "defaultAccessMappingMoniker": "PublicAccessMapping",
                "lastChangeId": 424239147,
                "lastChangeId64": 424239147,
            },
        }
    )


def _authenticated(identity: Identity) -> dict[str, Any]:
    return {
        "id": identity.id,
        "descriptor": identity.legacy_descriptor,
        "subjectDescriptor": identity.descriptor,
        "providerDisplayName": identity.display_name,
        "isActive": True,
        "properties": {"Account": {"$type": "System.String", "$value": identity.account_name}},
        "resourceVersion": 2,
        "metaTypeId": 0,
    }


_STATES = {"wellformed", "createpending", "deleting", "new", "unchanged", "all", "deleted"}


@route("GET", DEV, "/{organization}/_apis/projects", scope="vso.project", capability="projects")
def projects(call: Call) -> Answer:
    """Projects that the caller may see, page by page."""
    state = call.query.get("statefilter", "wellFormed").lower()
    if state not in _STATES:
        return failure(
            400, "InvalidArgumentValueException", f"The value '{state}' of stateFilter is not valid."
        )
    if state == "deleted":
        everything = list(call.organization.deleted_projects.values())
    else:
        everything = call.organization.ordered_projects()
    hidden = call.member.denied_projects
    visible = [
        project
        for project in everything
        if (state in {"all", "deleted"} or project.state.lower() == state) and project.id not in hidden
    ]
    page, following, number = offset_page(call, visible)
    return with_token(encoded_listing([project.encoded() for project in page]), following, number)


@route("GET", DEV, "/{organization}/_apis/projects/{project}", scope="vso.project", capability="projects")
def project(call: Call) -> Answer:
    """One project, by id or name, with links and, when asked, capabilities."""
    try:
        found = call.organization.project(call.parameters["project"])
    except KeyError:
        return project_not_found(call.parameters["project"])
    if found.state == "deleted" or not call.can_see(found):
        return call.hidden(project_not_found(call.parameters["project"]), "View project-level information")
    return ok(_details(call, found))


def _details(call: Call, found: Project) -> dict[str, Any]:
    organization = call.organization
    base = f"{_DEV_URL}/{organization.name}/_apis"
    document = found.reference()
    if call.flag("includeCapabilities"):
        document["capabilities"] = {
            "processTemplate": {
                "templateName": "Basic",
                "templateTypeId": "b8a3a935-7e91-48b8-a94c-606d37c3e9f2",
            },
            "versioncontrol": {
                "sourceControlType": "Tfvc" if found.is_tfvc else "Git",
                "gitEnabled": str(not found.is_tfvc),
                "tfvcEnabled": str(found.is_tfvc),
            },
        }
    team = found.id[::-1].translate(str.maketrans("", "", "-"))
    team_id = f"{team[:8]}-{team[8:12]}-4{team[13:16]}-8{team[17:20]}-{team[20:32]}"
    document["_links"] = {
        "self": {"href": f"{base}/projects/{found.id}"},
        "collection": {"href": f"{base}/projectCollections/{organization.instance_id}"},
        "web": {"href": f"{_DEV_URL}/{organization.name}/{quote(found.name)}"},
    }
    document["defaultTeam"] = {
        "id": team_id,
        "name": f"{found.name} Team",
        "url": f"{base}/projects/{found.id}/teams/{team_id}",
    }
    return document


@route("GET", DEV, "/{organization}/_settings/organizationOverview", versioned=False)
def overview_page(_call: Call) -> Answer:
    """A portal page, for callers that confuse pages with data."""
    return Answer(200, b"<!DOCTYPE html><html><body>Overview</body></html>", HTML)


@route("GET", DEV, "/{organization}/_apis/resourceusage", scope="vso.profile", preview=True)
def resource_usage(call: Call) -> Answer:
    """Object counts against limits; `value` is a dictionary."""
    organization = call.organization
    document = {
        "value": {"Projects": {"count": len(organization.projects), "limit": 1000}},
        "count": 1,
    }
    return Answer(200, encode(document), "application/json; charset=utf-8")


@route("GET", DEV, "/{organization}/_apis/projectCollections/{collection}", scope="vso.project")
def collection(call: Call) -> Answer:
    """The collection of the organization."""
    organization = call.organization
    if call.parameters["collection"].lower() != organization.instance_id:
        return failure(404, "CollectionDoesNotExistException", "The collection does not exist.")
    return ok(
        {
            "id": organization.instance_id,
            "name": organization.name,
            "url": f"{_DEV_URL}/{organization.name}/_apis/projectCollections/{organization.instance_id}",
            "state": "Started",
            "lastUpdateTime": wire_time(call.world.now()),
        }
    )
