"""Access levels of members: single ones, and listings whose continuation token stands in the body."""

from __future__ import annotations

from typing import Any

from local.ado_simulator.answers import Refusal, access_denied, failure, ok
from local.ado_simulator.identity import Member
from local.ado_simulator.organization import Organization
from local.ado_simulator.paging import body_offset, body_token
from local.ado_simulator.router import ENTITLEMENTS, Call, bad_request, route
from local.ado_simulator.wire import Answer

_SCOPE = "vso.memberentitlementmanagement"
_GRAPH = "https://vssps.dev.azure.com"


def _subject(organization: Organization, member: Member) -> dict[str, Any]:
    identity = member.identity
    application = identity.is_service_principal
    kind = "Serviceprincipals" if application else "Users"
    base = f"{_GRAPH}/{organization.name}/_apis/Graph"
    document: dict[str, Any] = {"subjectKind": identity.kind.value}
    if application:
        document["applicationId"] = identity.application_id
    return document | {
        "metaType": "application" if application else member.meta_type,
        "domain": identity.tenant,
        "principalName": identity.account_name,
        "mailAddress": None if application else identity.email,
        "origin": member.origin,
        "originId": identity.origin_id,
        "displayName": identity.display_name,
        "_links": {
            "self": {"href": f"{base}/{kind}/{identity.descriptor}"},
            "memberships": {"href": f"{base}/Memberships/{identity.descriptor}"},
            "membershipState": {"href": f"{base}/MembershipStates/{identity.descriptor}"},
            "storageKey": {"href": f"{base}/StorageKeys/{identity.descriptor}"},
        },
        "url": f"{base}/{kind}/{identity.descriptor}",
        "descriptor": identity.descriptor,
    }


def _entitlement(organization: Organization, member: Member) -> dict[str, Any]:
    licence = member.licence
    application = member.identity.is_service_principal
    pending = licence.status == "pending"
    return {
        "servicePrincipal" if application else "user": _subject(organization, member),
        "extensions": [],
        "id": member.identity.id,
        "accessLevel": {
            "licensingSource": licence.licensing_source,
            "accountLicenseType": licence.account_license_type,
            "msdnLicenseType": licence.msdn_license_type,
            "gitHubLicenseType": "none",
            "licenseDisplayName": licence.display_name,
            "status": licence.status,
            "statusMessage": "",
            "assignmentSource": "unknown",
        },
        "lastAccessedDate": "0001-01-01T00:00:00Z" if pending else member.last_accessed,
        "dateCreated": member.date_created,
        "projectEntitlements": [],
        "groupAssignments": [],
    }


def _one(call: Call, *, application: bool) -> Answer:
    key = call.parameters["id"].lower()
    if key != call.identity.id and not call.is_administrator:
        return access_denied(call.identity.account_name, "View instance-level information of others")
    member = call.organization.members.get(key)
    if member is None or member.identity.is_service_principal is not application:
        return failure(
            404, "IdentityNotFoundException", f"VS403283: Could not find the entitlement of {key}."
        )
    return ok(_entitlement(call.organization, member))


@route(
    "GET",
    ENTITLEMENTS,
    "/{organization}/_apis/userentitlements/{id}",
    scope=_SCOPE,
    capability="entitlements",
)
def user_entitlement(call: Call) -> Answer:
    """The access level of one user; anyone may read their own."""
    return _one(call, application=False)


@route(
    "GET",
    ENTITLEMENTS,
    "/{organization}/_apis/serviceprincipalentitlements/{id}",
    scope=_SCOPE,
    capability="entitlements",
    preview=True,
)
def application_entitlement(call: Call) -> Answer:
    """The access level of one application."""
    return _one(call, application=True)


def _offset(token: str) -> int:
    offset = body_offset(token)
    if offset is None:
        raise Refusal(bad_request(f"The continuation token '{token}' is not valid."))
    return offset


def _list(call: Call, *, application: bool) -> Answer:
    if not call.is_administrator:
        return access_denied(call.identity.account_name, "View instance-level information of others")
    organization = call.organization
    members = [
        member
        for member in organization.members.values()
        if member.identity.is_service_principal is application
    ]
    size = call.options.entitlement_page_size
    token = call.query.get("continuationtoken")
    start = _offset(token) if token else 0
    page = [_entitlement(organization, member) for member in members[start : start + size]]
    more = start + size < len(members)
    answer = ok(
        {
            "members": page,
            "continuationToken": body_token(start + size) if more else organization.empty_token,
            "totalCount": len(members) if organization.empty_token is None else 0,
            "items": page,
        }
    )
    answer.page = start // size + 1
    return answer


@route("GET", ENTITLEMENTS, "/{organization}/_apis/userentitlements", scope=_SCOPE, capability="entitlements")
def user_entitlements(call: Call) -> Answer:
    """Access levels of all users."""
    return _list(call, application=False)


@route(
    "GET",
    ENTITLEMENTS,
    "/{organization}/_apis/serviceprincipalentitlements",
    scope=_SCOPE,
    capability="entitlements",
    preview=True,
)
def application_entitlements(call: Call) -> Answer:
    """Access levels of all applications."""
    return _list(call, application=True)
