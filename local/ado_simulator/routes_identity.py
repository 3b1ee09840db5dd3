"""Identities, groups and memberships (vssps), and the access levels of members (vsaex)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from local.ado_simulator.answers import failure, listing, ok
from local.ado_simulator.identity import Group, Identity, well_known_sid
from local.ado_simulator.organization import Organization
from local.ado_simulator.paging import offset_page, with_token
from local.ado_simulator.router import GRAPH, Call, bad_request, route
from local.ado_simulator.wire import Answer

_GRAPH = "https://vssps.dev.azure.com"


def _groups_of(organization: Organization, descriptor: str) -> list[Group]:
    return [group for group in organization.groups.values() if descriptor in group.members]


def _expanded_up(organization: Organization, descriptor: str) -> list[Group]:
    found: dict[str, Group] = {}
    waiting = [descriptor]
    while waiting:
        for group in _groups_of(organization, waiting.pop()):
            if group.descriptor not in found:
                found[group.descriptor] = group
                waiting.append(group.descriptor)
    return list(found.values())


_PROJECT_GROUPS = (
    ("0-0-0-0-1", "Project Administrators", "Members of this group can do everything in the project."),
    ("0-0-0-0-3", "Project Valid Users", "Everybody who may see the project."),
    ("0-0-0-1-2", "Build Administrators", "Members of this group can administer builds of the project."),
    ("1-1-2-3-4", "Contributors", "Members of this group can add, modify, and delete items."),
    ("1-1-2-3-5", "Readers", "Members of this group have access to the project."),
)


def _project_groups(organization: Organization) -> Iterable[Group]:
    """The groups of every project; the SIDs of some end like those of the collection's."""
    for project in organization.projects.values():
        for suffix, name, text in _PROJECT_GROUPS:
            members = {
                "Project Administrators": project.administrators,
                "Build Administrators": project.build_administrators,
            }.get(name, [])
            yield Group(
                well_known_sid(project.id, suffix),
                name,
                text,
                f"vstfs:///Classification/TeamProject/{project.id}",
                f"[{project.name}]\\{name}",
                project.id,
                members=list(members),
            )


def _expanded_down(organization: Organization, group: Group) -> list[str]:
    """Legacy descriptors of everybody and every group below."""
    groups = {each.descriptor: each for each in organization.groups.values()}
    people = {each.identity.descriptor: each.identity for each in organization.members.values()}
    found: dict[str, str] = {}
    waiting = list(group.members)
    while waiting:
        descriptor = waiting.pop()
        if descriptor in found:
            continue
        if descriptor in groups:
            found[descriptor] = groups[descriptor].legacy_descriptor
            waiting += groups[descriptor].members
        elif descriptor in people:
            found[descriptor] = people[descriptor].legacy_descriptor
    return list(found.values())


# --- identities -----------------------------------------------------------------------------------------


@route("GET", GRAPH, "/{organization}/_apis/identities", scope="vso.identity", capability="identities")
def identities(call: Call) -> Answer:
    """Identities by descriptor or id; `expandedUp` tells every group above them."""
    membership = call.query.get("querymembership", "none").lower()
    wanted = [
        key
        for name in ("subjectdescriptors", "identityids", "descriptors")
        for key in call.query.get(name, "").split(",")
        if key
    ]
    if not wanted:
        return bad_request("Give subjectDescriptors, descriptors or identityIds.")
    return listing([_identity(call.organization, key, membership) for key in wanted])


def _identity(organization: Organization, key: str, membership: str) -> dict[str, Any] | None:
    for member in organization.members.values():
        identity = member.identity
        if key in {identity.descriptor, identity.id, identity.legacy_descriptor}:
            return _identity_document(organization, identity, membership)
    for group in (*organization.groups.values(), *_project_groups(organization)):
        if key in {group.descriptor, group.origin_id, group.legacy_descriptor}:
            return _group_identity(organization, group, membership)
    return None


def _above(organization: Organization, descriptor: str, membership: str) -> list[str]:
    if membership == "expandedup":
        groups = _expanded_up(organization, descriptor)
    elif membership in {"direct", "expanded"}:
        groups = _groups_of(organization, descriptor)
    else:
        return []
    names = [group.legacy_descriptor for group in groups]
    names += [
        f"Microsoft.TeamFoundation.Identity;{well_known_sid(project.id)}"
        for project in organization.projects.values()
        if descriptor in project.administrators
    ]
    return names


def _typed(**values: str) -> dict[str, dict[str, str]]:
    return {name: {"$type": "System.String", "$value": value} for name, value in values.items()}


def _identity_document(organization: Organization, identity: Identity, membership: str) -> dict[str, Any]:
    return {
        "id": identity.id,
        "descriptor": identity.legacy_descriptor,
        "subjectDescriptor": identity.descriptor,
        "providerDisplayName": identity.display_name,
        "isActive": True,
        "members": [],
        "memberOf": _above(organization, identity.descriptor, membership),
        "memberIds": [],
        "properties": _typed(
            SchemaClassName="User",
            Description="",
            Domain=identity.tenant,
            Account=identity.account_name,
            DN="",
            Mail="" if identity.is_service_principal else identity.email,
            SpecialType="Generic",
        ),
        "resourceVersion": 2,
        "metaTypeId": 1 if identity.is_service_principal else 0,
    }


def _group_identity(organization: Organization, group: Group, membership: str) -> dict[str, Any]:
    return {
        "id": group.origin_id,
        "descriptor": group.legacy_descriptor,
        "subjectDescriptor": group.descriptor,
        "providerDisplayName": group.principal_name,
        "isActive": True,
        "isContainer": True,
        "members": _expanded_down(organization, group) if membership == "expandeddown" else [],
        "memberOf": _above(organization, group.descriptor, membership),
        "memberIds": [],
        "properties": _typed(
            SchemaClassName="Group",
            Description=group.description,
            Domain=group.domain,
            Account=group.display_name,
            SecurityGroup="SecurityGroup",
            SpecialType=group.special_type,
        ),
        "resourceVersion": 2,
        "metaTypeId": 255,
    }


# --- graph ----------------------------------------------------------------------------------------------


@route(
    "GET", GRAPH, "/{organization}/_apis/graph/groups", scope="vso.graph", capability="graph", preview=True
)
def groups(call: Call) -> Answer:
    """Groups of the organization and of its projects."""
    organization = call.organization
    everything = [*organization.groups.values(), *_project_groups(organization)]
    page, following, number = offset_page(call, everything)
    documents = [_group_document(organization, group) for group in page]
    return with_token(listing(documents), following, number, "X-MS-ContinuationToken")


@route(
    "GET",
    GRAPH,
    "/{organization}/_apis/graph/groups/{descriptor}",
    scope="vso.graph",
    capability="graph",
    preview=True,
)
def group(call: Call) -> Answer:
    """One group, by descriptor."""
    descriptor = call.parameters["descriptor"]
    for each in (*call.organization.groups.values(), *_project_groups(call.organization)):
        if each.descriptor == descriptor:
            return ok(_group_document(call.organization, each))
    return _subject_not_found(descriptor)


def _subject_not_found(descriptor: str) -> Answer:
    return failure(
        404, "GraphSubjectNotFoundException", f"VS860004: The graph subject {descriptor} could not be found."
    )


def _links(organization: str, kind: str, descriptor: str) -> dict[str, Any]:
    base = f"{_GRAPH}/{organization}/_apis/Graph"
    return {
        "self": {"href": f"{base}/{kind}/{descriptor}"},
        "memberships": {"href": f"{base}/Memberships/{descriptor}"},
        "membershipState": {"href": f"{base}/MembershipStates/{descriptor}"},
        "storageKey": {"href": f"{base}/StorageKeys/{descriptor}"},
    }


def _group_document(organization: Organization, group: Group) -> dict[str, Any]:
    return {
        "subjectKind": "group",
        "description": group.description,
        "domain": group.domain,
        "principalName": group.principal_name,
        "mailAddress": None,
        "origin": "vsts" if group.prefix == "vssgp" else "aad",
        "originId": group.origin_id,
        "displayName": group.display_name,
        "_links": _links(organization.name, "Groups", group.descriptor),
        "url": f"{_GRAPH}/{organization.name}/_apis/Graph/Groups/{group.descriptor}",
        "descriptor": group.descriptor,
    }


def _membership_document(organization: Organization, member: str, container: str) -> dict[str, Any]:
    base = f"{_GRAPH}/{organization.name}/_apis/Graph"
    return {
        "containerDescriptor": container,
        "memberDescriptor": member,
        "_links": {
            "self": {"href": f"{base}/Memberships/{member}/{container}"},
            "member": {"href": f"{base}/Users/{member}"},
            "container": {"href": f"{base}/Groups/{container}"},
        },
    }


@route(
    "GET",
    GRAPH,
    "/{organization}/_apis/graph/memberships/{subject}",
    scope="vso.graph",
    capability="graph",
    preview=True,
)
def memberships(call: Call) -> Answer:
    """Direct memberships, upwards or downwards; never deeper than one step."""
    organization, subject = call.organization, call.parameters["subject"]
    if call.query.get("direction", "up").lower() == "down":
        below = [each for each in organization.groups.values() if each.descriptor == subject]
        pairs = [(member, subject) for each in below for member in each.members]
    else:
        pairs = [(subject, each.descriptor) for each in _groups_of(organization, subject)]
    return listing([_membership_document(organization, *pair) for pair in pairs])


@route(
    "HEAD",
    GRAPH,
    "/{organization}/_apis/graph/memberships/{subject}/{container}",
    scope="vso.graph",
    capability="graph",
    preview=True,
)
def membership_check(call: Call) -> Answer:
    """200 for a direct membership, 404 otherwise."""
    return Answer(200) if _is_direct_member(call) else Answer(404)


@route(
    "GET",
    GRAPH,
    "/{organization}/_apis/graph/memberships/{subject}/{container}",
    scope="vso.graph",
    capability="graph",
    preview=True,
)
def membership(call: Call) -> Answer:
    """One direct membership."""
    subject, container = call.parameters["subject"], call.parameters["container"]
    if not _is_direct_member(call):
        return failure(404, "GraphMembershipNotFoundException", "VS403283: The membership does not exist.")
    return ok(_membership_document(call.organization, subject, container))


def _is_direct_member(call: Call) -> bool:
    subject, container = call.parameters["subject"], call.parameters["container"]
    return any(group.descriptor == container for group in _groups_of(call.organization, subject))
