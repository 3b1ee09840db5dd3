"""Facts about an organization as a whole that posture rules judge: one answer each, or one per page."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Final, TypeVar
from urllib.parse import urlsplit

from shared.ado.area import Area
from shared.ado.calls import (
    LIST_ACCESS,
    LIST_AGENT_POOLS,
    LIST_AUDIT_STREAMS,
    LIST_EXTENSIONS,
    LIST_GROUPS,
    LIST_SERVICE_HOOKS,
    LIST_USERS,
    READ_ADVANCED_SECURITY,
    READ_BUILD_SETTINGS,
    READ_MEMBERS,
    SUMMARIZE_ALERTS,
    SUMMARIZE_SCANS,
    Call,
)
from shared.ado.moments import moment
from shared.ado.pages import TOKEN_HEADER, TOKEN_PARAMETER, Page, read_pages
from shared.ado.parse import Fields, ShapeError, listed, parse_document
from shared.ado.stream import stream_items
from shared.ado.transport import Answer
from shared.model.facts import (
    Access,
    AccessEntry,
    AccessList,
    AdvancedSecurity,
    AgentPool,
    Alerts,
    AuditStream,
    Extension,
    FactKind,
    Group,
    Members,
    RepositoryAlerts,
    Retention,
    ServiceHook,
    User,
)
from shared.model.failure import ServiceError

T = TypeVar("T")

NAMESPACES: Final[Mapping[FactKind, str]] = {
    FactKind.REPOSITORY_ACCESS: "2e9eb7ed-3c0a-47d4-87c1-0ffdd275fd87",
    FactKind.PIPELINE_ACCESS: "33344d9c-fc72-4d6f-aba5-fa317101a7e9",
    FactKind.SERVICE_CONNECTION_ACCESS: "49b48001-ca20-4adc-8111-5b60c903a50c",
    FactKind.LIBRARY_ACCESS: "b7e84409-6553-448a-bbb2-af228e07cbeb",
    FactKind.ENVIRONMENT_ACCESS: "83d4c2e6-e57d-4d6e-892b-b87222b7ad20",
    FactKind.AGENT_POOL_ACCESS: "101eae8c-1709-47f9-b228-0e476c35b3ba",
}
"""Security namespaces, as `securitynamespaces` lists them."""

ALERT_TYPES: Final = ("secret", "code", "dependency")
GROUPS_AT_ONCE: Final = 40
"""Groups whose members are asked for in one request; more would make too long an address."""

_ENABLED: Final = 1
_STREAM_STATES: Final = {
    "enabled": True,
    "backfilling": True,
    "disabledbyuser": False,
    "disabledbysystem": False,
    "deleted": False,
}
_TEAM_PROJECT: Final = "vstfs:///classification/teamproject/"
_GROUP: Final = "Microsoft.TeamFoundation.Identity;"
_ENTRA_GROUP: Final = "Microsoft.IdentityModel.Claims.AadGroup"
_BUILD: Final = "Microsoft.TeamFoundation.ServiceIdentity;"
_ADMINISTRATORS: Final = ("-0-0-0-0-1", "-0-0-0-0-2", "-0-0-0-1-2")
"""Ends of the SIDs of administrators, service accounts and build administrators: they may do everything."""


class OrganizationFactsArea(Area):
    """Facts of the organization itself."""

    def retention(self, organization: str) -> Retention:
        """How long builds are kept. Requests: 1."""
        return self._client.document(READ_BUILD_SETTINGS, {"organization": organization}, _retention)

    def extensions(self, organization: str) -> tuple[Extension, ...]:
        """Every installed extension, disabled and failed ones too. Requests: 1."""
        query = [
            ("includeDisabledExtensions", "true"),
            ("includeErrors", "true"),
            ("includeInstallationIssues", "true"),
        ]
        return self._list(LIST_EXTENSIONS, organization, _extension, query)

    def audit_streams(self, organization: str) -> tuple[AuditStream, ...]:
        """Where audit entries are sent. Requests: 1."""
        return self._list(LIST_AUDIT_STREAMS, organization, _stream, bare=True)

    def service_hooks(self, organization: str) -> tuple[ServiceHook, ...]:
        """Service hook subscriptions. Requests: 1."""
        return self._list(LIST_SERVICE_HOOKS, organization, _hook)

    def agent_pools(self, organization: str) -> tuple[AgentPool, ...]:
        """Agent pools, those of Microsoft included. Requests: 1."""
        return self._list(LIST_AGENT_POOLS, organization, _pool)

    def users(self, organization: str) -> tuple[User, ...]:
        """Everybody with an access level. Requests: one per page."""

        def page(document: object) -> Page[User]:
            fields = Fields(document)
            # `items` repeats `members` in some answers: never both.
            key = "members" if fields.has("members") else "items"
            return Page(
                [_user(one) for one in fields.objects(key)], fields.text("continuationToken", "") or None
            )

        return self._pages(LIST_USERS, organization, lambda answer: page(parse_document(answer.read())))

    def groups(self, organization: str) -> tuple[Group, ...]:
        """Security groups of the organization and of its projects. Requests: one per page."""

        def page(answer: Answer) -> Page[Group]:
            found = [_group(fields) for fields in listed(parse_document(answer.read()))]
            return Page([one for one in found if one is not None], answer.header(TOKEN_HEADER))

        return self._pages(LIST_GROUPS, organization, page)

    def administrators(self, organization: str, groups: Sequence[str]) -> Members:
        """Who is in these groups, at any depth. Requests: one per 40 groups.

        Raises `ShapeError` through the client where a group is not answered: nobody is not what that means.
        """
        found: dict[str, tuple[str, ...]] = {}
        for start in range(0, len(groups), GROUPS_AT_ONCE):
            asked = groups[start : start + GROUPS_AT_ONCE]
            found.update(
                self._client.document(
                    READ_MEMBERS,
                    {"organization": organization},
                    partial(_members, asked=asked),
                    query=[("subjectDescriptors", ",".join(asked)), ("queryMembership", "expandedDown")],
                )
            )
        return found

    def enablement(self, organization: str) -> AdvancedSecurity:
        """What Advanced Security is switched on for. Requests: 1."""
        return self._client.document(
            READ_ADVANCED_SECURITY,
            {"organization": organization},
            _enablement,
            query=[("includeAllProperties", "true")],
        )

    def alerts(self, organization: str) -> Alerts:
        """Open alerts by type and repository, and what was ever scanned. Requests: 4."""
        segments = {"organization": organization}
        counts = {
            kind: self._client.document(
                SUMMARIZE_ALERTS, segments, _alert_counts, query=[("criteria.alertTypes", kind)]
            )
            for kind in ALERT_TYPES
        }
        return Alerts(counts, self._client.document(SUMMARIZE_SCANS, segments, _scans))

    def access(self, organization: str, kind: FactKind) -> Access:
        """Access lists of a whole security namespace, read as a stream. Requests: 1.

        Entries of people and of administrators are left out: rules ask about broad groups and build accounts.
        """
        return self._client.request(
            LIST_ACCESS,
            {"organization": organization, "namespace": NAMESPACES[kind]},
            lambda answer: _access(stream_items(answer.chunks())),
            query=[("recurse", "true"), ("includeExtendedInfo", "false")],
        )

    def _list(
        self,
        call: Call,
        organization: str,
        read: Callable[[Fields], T],
        query: Sequence[tuple[str, str]] = (),
        *,
        bare: bool = False,
    ) -> tuple[T, ...]:
        return self._client.document(
            call,
            {"organization": organization},
            lambda document: tuple(read(fields) for fields in listed(document, bare=bare)),
            query=query,
        )

    def _pages(self, call: Call, organization: str, page: Callable[[Answer], Page[T]]) -> tuple[T, ...]:
        """Every item of a listing, to its last page."""

        def fetch(token: str | None) -> Page[T]:
            query = [] if token is None else [(TOKEN_PARAMETER, token)]
            return self._client.request(call, {"organization": organization}, page, query=query)

        listing = read_pages(fetch, call.where(organization))
        if listing.failure is not None:
            raise ServiceError.of(listing.failure)
        return listing.items


def _flag(fields: Fields, key: str) -> bool | None:
    """True, false, or None for what is not told."""
    return fields.flag(key) if fields.has(key) else None


def _number(fields: Fields, key: str) -> int | None:
    return fields.number(key) if fields.has(key) else None


def _retention(document: object) -> Retention:
    fields = Fields(document)
    policy = fields.nested("defaultRetentionPolicy") if fields.has("defaultRetentionPolicy") else None
    return Retention(
        days_to_keep=_number(policy, "daysToKeep") if policy else None,
        days_until_destroyed=_number(fields, "daysToKeepDeletedBuildsBeforeDestroy"),
    )


def _extension(fields: Fields) -> Extension:
    state = fields.nested("installState").text("flags", "") if fields.has("installState") else ""
    flags = frozenset(one.strip().lower() for one in state.split(",") if one.strip())
    words = {one.strip().lower() for one in str(fields.values().get("flags", "")).split(",")}
    contributions = fields.objects("contributions") if fields.has("contributions") else ()
    return Extension(
        publisher=fields.name("publisherId"),
        name=fields.name("extensionId"),
        state=flags,
        scopes=tuple(str(one) for one in fields.sequence("scopes")) if fields.has("scopes") else (),
        contributions=frozenset(one.text("type", "") for one in contributions),
        is_built_in="builtin" in flags | words,
    )


def _stream(fields: Fields) -> AuditStream:
    status = fields.values().get("status")
    if isinstance(status, int) and not isinstance(status, bool):
        enabled: bool | None = status == _ENABLED
    else:
        enabled = _STREAM_STATES.get(str(status).casefold())
    return AuditStream(fields.text("displayName", ""), fields.text("consumerType", ""), enabled)


def _hook(fields: Fields) -> ServiceHook:
    inputs = fields.nested("consumerInputs").values() if fields.has("consumerInputs") else {}
    url = inputs.get("url")
    try:
        address = urlsplit(url if isinstance(url, str) else "")
        scheme, host, plain = address.scheme.lower(), address.hostname or "", address.password is not None
    except ValueError:
        scheme, host, plain = "", "", False
    return ServiceHook(
        id=fields.guid("id"),
        event=fields.text("eventType", ""),
        consumer=fields.text("consumerId", ""),
        scheme=scheme,
        host=host,
        status=fields.text("status", "") if isinstance(fields.values().get("status"), str) else "",
        has_plain_credentials=plain,
    )


def _pool(fields: Fields) -> AgentPool:
    kind = fields.values().get("poolType")
    return AgentPool(
        id=fields.number("id"),
        name=fields.name("name"),
        is_hosted=_flag(fields, "isHosted"),
        is_legacy=_flag(fields, "isLegacy"),
        auto_provision=_flag(fields, "autoProvision"),
        auto_update=_flag(fields, "autoUpdate"),
        size=_number(fields, "size"),
        pool_type=kind if isinstance(kind, str) else "",
    )


def _user(fields: Fields) -> User:
    user = fields.nested("user")
    level = fields.nested("accessLevel") if fields.has("accessLevel") else None
    meta = user.values().get("metaType")
    return User(
        principal=user.text("principalName", "") or user.text("mailAddress", ""),
        origin=user.text("origin", ""),
        is_guest=meta.casefold() == "guest" if isinstance(meta, str) else None,
        status=level.text("status", "") if level else "",
        licence=level.text("accountLicenseType", "") if level else "",
        last_accessed=_moment(fields, "lastAccessedDate"),
        created=_moment(fields, "dateCreated"),
    )


def _moment(fields: Fields, key: str) -> datetime | None:
    return moment(fields.text(key), fields.path(key)) if fields.has(key) else None


def _group(fields: Fields) -> Group | None:
    """A group of Azure DevOps itself; Entra groups administer nothing by themselves."""
    descriptor = fields.text("descriptor")
    if not descriptor.startswith("vssgp."):
        return None
    domain = fields.text("domain", "")
    lowered = domain.lower()
    project = lowered.removeprefix(_TEAM_PROJECT) if lowered.startswith(_TEAM_PROJECT) else None
    return Group(
        descriptor, _sid(descriptor, fields.path("descriptor")), fields.text("displayName", ""), project
    )


def _sid(descriptor: str, path: str) -> str:
    text = descriptor.partition(".")[2]
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
    except ValueError:
        raise ShapeError(path, "is no descriptor of a group") from None


def _members(document: object, asked: Sequence[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for number, item in enumerate(Fields(document).sequence("value")):
        if item is None:
            continue
        fields = Fields(item, f"value[{number}]")
        names = {_account(str(one)) for one in fields.sequence("members")}
        found[fields.text("subjectDescriptor")] = tuple(sorted(names - {""}))
    for one in asked:
        if one not in found:
            raise ShapeError("value", "lacks a group that was asked for")
    return found


def _account(descriptor: str) -> str:
    """The account name in a descriptor; empty for a group, whose members are told besides."""
    if descriptor.startswith((_GROUP, _ENTRA_GROUP)):
        return ""
    return descriptor.partition(";")[2].rpartition("\\")[2]


def _enablement(document: object) -> AdvancedSecurity:
    fields = Fields(document)
    on_create = (
        fields.nested("enablementOnCreateSettings") if fields.has("enablementOnCreateSettings") else None
    )
    repositories: dict[str, Mapping[str, bool]] = {}
    for one in fields.objects("reposEnablementStatus") if fields.has("reposEnablementStatus") else ():
        switches: dict[str, bool] = {}
        for part in ("codeSecurityFeatures", "secretProtectionFeatures"):
            if one.has(part):
                switches.update(_switches(one.nested(part)))
        repositories[one.guid("repositoryId")] = switches
    return AdvancedSecurity(_switches(on_create) if on_create else {}, repositories)


def _switches(fields: Fields) -> dict[str, bool]:
    """The switches that were set; a text in the place of one is not taken for one that is off."""
    switches = (key for key, value in fields.values().items() if isinstance(value, bool | str))
    return {key: fields.flag(key) for key in switches}


def _alert_counts(document: object) -> dict[str, RepositoryAlerts]:
    found: dict[str, RepositoryAlerts] = {}
    for project in Fields(document).objects("projects"):
        for one in project.objects("repos"):
            severities = one.nested("alertsBySeverity").values() if one.has("alertsBySeverity") else {}
            found[one.guid("repoId")] = RepositoryAlerts(
                one.number("openAlerts"),
                {
                    key: value
                    for key, value in severities.items()
                    if isinstance(value, int) and not isinstance(value, bool)
                },
            )
    return found


def _scans(document: object) -> dict[str, Mapping[str, str]]:
    found: dict[str, Mapping[str, str]] = {}
    for project in Fields(document).objects("projects"):
        for one in project.objects("repos"):
            scans: dict[str, str] = {}
            if one.has("scanTypeMetadata"):
                metadata = one.nested("scanTypeMetadata")
                for kind in metadata.values():
                    if metadata.has(kind) and metadata.nested(kind).has("lastScanDate"):
                        told = metadata.nested(kind).text("lastScanDate")
                        if moment(told, metadata.path(kind)) is not None:
                            scans[kind.lower()] = told
            found[one.guid("repoId")] = scans
    return found


def _access(items: Iterable[object]) -> Access:
    found: dict[str, AccessList] = {}
    seen: dict[str, str] = {}
    for item in items:
        fields = Fields(item)
        entries = fields.nested("acesDictionary")
        kept = []
        for name in entries.values():
            if not _is_broad(name):
                continue
            entry = entries.nested(name)
            kept.append(AccessEntry(seen.setdefault(name, name), entry.number("allow"), entry.number("deny")))
        inherits = fields.flag("inheritPermissions", default=True)
        if kept or not inherits:
            found[fields.text("token").lower()] = AccessList(inherits, tuple(kept))
    return found


def _is_broad(descriptor: str) -> bool:
    if descriptor.startswith(_GROUP):
        return not descriptor.endswith(_ADMINISTRATORS)
    return descriptor.startswith(_BUILD) and ":Build:" in descriptor
