"""Who we are in an organization and what we may do there: the facts behind the prerequisites."""

from __future__ import annotations

from typing import Final

from shared.ado.area import Area
from shared.ado.calls import (
    HAS_PERMISSION,
    READ_CONNECTION,
    READ_IDENTITY,
    READ_SERVICE_PRINCIPAL,
    READ_USER,
    Query,
)
from shared.ado.errors import NotFound, SignInRequired, told
from shared.ado.parse import Fields, ShapeError, guid
from shared.model.identity import Connection, Entitlement
from shared.model.ids import ProjectId, RepositoryId

COLLECTION: Final = "3e65f728-f8bc-4ecd-8764-7e378b19bfa7"
PROJECT: Final = "52d39943-cb85-4d7f-8fa8-c6baac873819"
GIT: Final = "2e9eb7ed-3c0a-47d4-87c1-0ffdd275fd87"

_EDIT_INSTANCE = 2
_VIEW_PROJECT = 1
_READ_REPOSITORY = 2

_NOBODY = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
"""Id of the anonymous caller, whom organizations with public projects let in."""


class IdentityArea(Area):
    """Connection, effective permissions, groups and access level."""

    def connection(self, organization: str) -> Connection:
        """Who we are, and the organization's instance id. Requests: 1.

        Raises `SignInRequired` when we turn out to be nobody, `NotAMember` and other `ServiceError`s.
        """
        here = self._client.document(READ_CONNECTION, {"organization": organization}, _connection)
        if here.identity_id == _NOBODY:
            raise told(SignInRequired, READ_CONNECTION.where(organization), "Azure DevOps took us for nobody")
        return here

    def collection_permission(self, organization: str) -> bool:
        """Whether "Edit instance-level information" is effective for us. Requests: 1."""
        return self._has(organization, COLLECTION, _EDIT_INSTANCE)

    def repository_read_permission(
        self, organization: str, project: ProjectId, repository: RepositoryId
    ) -> bool:
        """Whether Git "Read" is effective for us on the repository. Requests: 1."""
        return self._has(organization, GIT, _READ_REPOSITORY, f"repoV2/{project}/{repository}")

    def project_read_permission(self, organization: str, project: ProjectId) -> bool:
        """Whether "View project-level information" is effective for us. Requests: 1."""
        token = f"$PROJECT:vstfs:///Classification/TeamProject/{project}"
        return self._has(organization, PROJECT, _VIEW_PROJECT, token)

    def group_sids(self, organization: str, subject_descriptor: str) -> frozenset[str]:
        """SIDs of every group we are in, directly or through others. Requests: 1."""
        found = self._client.document(
            READ_IDENTITY,
            {"organization": organization},
            _groups,
            query=[("subjectDescriptors", subject_descriptor), ("queryMembership", "expandedUp")],
        )
        if found is None:
            where = READ_IDENTITY.where(organization)
            raise told(NotFound, where, "the organization does not know the identity")
        return found

    def entitlement(self, organization: str, connection: Connection) -> Entitlement:
        """Our access level. Requests: 1."""
        call = READ_SERVICE_PRINCIPAL if connection.is_service_principal else READ_USER
        segments = {"organization": organization, "id": connection.identity_id}
        return self._client.document(call, segments, _entitlement)

    def _has(self, organization: str, namespace: str, bit: int, token: str = "") -> bool:
        query: Query = [("tokens", token)] if token else []
        segments = {"organization": organization, "namespace": namespace, "bits": str(bit)}
        return self._client.document(HAS_PERMISSION, segments, _permission, query=query)


def _connection(document: object) -> Connection:
    fields = Fields(document)
    user = fields.nested("authenticatedUser")
    return Connection(
        instance_id=fields.guid("instanceId"),
        identity_id=user.guid("id"),
        subject_descriptor=user.name("subjectDescriptor"),
        display_name=user.text("customDisplayName", "") or user.text("providerDisplayName", ""),
        tenant=_tenant(user.text("descriptor", "")),
    )


def _tenant(descriptor: str) -> str:
    """The tenant, which stands before the account's backslash; a Microsoft account has none there."""
    tenant, slash, _ = descriptor.partition(";")[2].partition("\\")
    try:
        return guid(tenant, "descriptor") if slash else ""
    except ShapeError:
        return ""


def _permission(document: object) -> bool:
    """One answer for the one token that was asked for. True and false come as words, too."""
    values = Fields(document).sequence("value")
    if len(values) != 1:
        raise ShapeError("value", "has not one item")
    value = values[0]
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    raise ShapeError("value[0]", "is neither true nor false")


def _groups(document: object) -> frozenset[str] | None:
    values = Fields(document).sequence("value")
    if not values or values[0] is None:
        return None
    member = Fields(values[0], "value[0]")
    sids: set[str] = set()
    for number, group in enumerate(member.sequence("memberOf")):
        descriptor = group.get("identifier") if isinstance(group, dict) else group
        if not isinstance(descriptor, str):
            raise ShapeError(f"value[0].memberOf[{number}]", "is no descriptor")
        sids.add(descriptor.rpartition(";")[2])
    return frozenset(sids)


def _entitlement(document: object) -> Entitlement:
    level = Fields(document).nested("accessLevel")
    return Entitlement(
        account_license=level.name("accountLicenseType").lower(),
        licensing_source=level.name("licensingSource").lower(),
        msdn_license=level.text("msdnLicenseType", "none").lower(),
        status=level.name("status").lower(),
        display_name=level.text("licenseDisplayName", ""),
    )
