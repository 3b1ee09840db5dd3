"""A connector as a document: read, checked, written, and turned into the connector it describes and back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from cli.connector_fields import (
    API_VERSION,
    CLOUD,
    KIND,
    ConnectorDocument,
    DiscoveringIdentity,
    Identity,
    ManagedIdentity,
    PatIdentity,
    ServicePrincipalIdentity,
    UserIdentity,
    duration,
)
from cli.connector_problems import InvalidDocument, Problem, judged, named
from cli.connector_rows import intervals_written
from cli.connector_rules import FieldPath
from cli.yaml_text import read_yaml, write_yaml
from shared.model.connector import (
    AuthKind,
    AuthorizationState,
    Connector,
    ConnectorOptions,
    IdentityReference,
)
from shared.model.ids import ConnectorId, TenantId

SCHEMA_FILE = "connector.schema.json"
"""Name of the published JSON Schema, by which a document refers to it: a file beside the document."""
FIRST_LINE = f"# yaml-language-server: $schema={SCHEMA_FILE}\n"


def load(text: str | bytes, source: str = "") -> ConnectorDocument:
    """The document in a text of YAML (or JSON). `source` names it in messages. Raises `InvalidDocument`."""
    tree = read_yaml(text)
    lines = tree.lines

    def line(where: FieldPath) -> int | None:
        while where and where not in lines:
            where = where[:-1]
        return lines.get(where)

    flaws = [Problem(named(one.where), one.problem, one.fix, one.line) for one in tree.flaws]
    if not tree.readable:
        raise InvalidDocument(flaws, source)
    document, problems = judged(tree.value, line)
    lost = {named(one.where) for one in tree.flaws if one.lost}
    found = [*flaws, *(one for one in problems if one.field not in lost)]
    if found or document is None:
        raise InvalidDocument(sorted(found, key=lambda one: one.line or 0), source)
    return document


def checked(written: object) -> ConnectorDocument:
    """The document with these fields, as YAML or JSON would give them. Raises `InvalidDocument`."""
    document, problems = judged(written, lambda _: None)
    if document is None:
        raise InvalidDocument(problems)
    return document


def problems_in(written: object) -> tuple[Problem, ...]:
    """Everything that is wrong with these fields; nothing when they are a document."""
    return judged(written, lambda _: None)[1]


def dump(document: ConnectorDocument) -> str:
    """The document as YAML: the same text for the same document.

    Every field that holds something is written, also where it is the default, so that the text keeps its
    meaning when a default changes; what is empty is left out.
    """
    return FIRST_LINE + write_yaml(as_written(document))


def as_written(document: ConnectorDocument) -> dict[str, object]:
    """The document's fields as `dump` writes them: texts, truth values, lists and objects."""
    fields: dict[str, object] = document.model_dump(mode="json", by_alias=True)
    for key in ("identity", "discoverAs"):
        part = fields[key]
        if isinstance(part, dict):
            fields[key] = {name: value for name, value in part.items() if value != ""}
    # To require nothing is something.
    return {
        key: value
        for key, value in fields.items()
        if key == "requiredPrerequisites" or value not in ("", None, [])
    }


def document_of(connector: Connector) -> ConnectorDocument:
    """The document that describes the connector.

    Raises `InvalidDocument` where a connector of an earlier version holds what a document may not.
    """
    options = connector.options
    written: dict[str, object] = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "name": connector.name,
        "cloud": CLOUD,
        "tenant": connector.tenant,
        "plan": connector.plan.value,
        "mode": connector.mode.value,
        "organizations": list(connector.organizations),
        "exclude": list(connector.excluded),
        "identity": _identity_written(connector.identity),
        "installExtension": options.install_extension,
        "requiredPrerequisites": [one.value for one in options.required_prerequisites],
        "extension": {"publisher": options.extension_publisher, "name": options.extension_name},
        "readBuildLogs": options.read_build_logs,
        "pushSteps": list(options.push_steps),
        "registries": list(options.registries),
        "tracedSubscriptions": list(options.subscriptions),
    }
    places = {
        "subscription": connector.subscription,
        "resourceGroup": connector.resource_group,
        "region": connector.region,
    }
    written.update({key: value for key, value in places.items() if value})
    written.update(intervals_written(options))
    if connector.discover_as is not None:
        written["discoverAs"] = _identity_written(connector.discover_as)
    return checked(written)


def connector_of(document: ConnectorDocument, id: ConnectorId, now: datetime) -> Connector:  # noqa: A002 - its name
    """A new connector as the document describes it."""
    return Connector(
        id=id,
        name=document.name,
        tenant=TenantId(document.tenant),
        mode=document.mode,
        identity=_reference(document.identity),
        created_at=now,
        subscription=document.subscription,
        resource_group=document.resource_group,
        region=document.region,
        plan=document.plan,
        organizations=document.organizations,
        excluded=document.exclude,
        discover_as=_reference(document.discover_as) if document.discover_as is not None else None,
        options=ConnectorOptions(
            install_extension=document.install_extension,
            required_prerequisites=document.required_prerequisites,
            extension_publisher=document.extension.publisher,
            extension_name=document.extension.name,
            posture_interval=_duration(document.posture_refresh_interval),
            posture_full_interval=_duration(document.posture_full_refresh_interval),
            read_build_logs=document.read_build_logs,
            push_steps=document.push_steps,
            registries=document.registries,
            subscriptions=document.traced_subscriptions,
        ),
    )


def applied(document: ConnectorDocument, existing: Connector) -> Connector:
    """The connector as the document changes it: what it is told is new, what it has found out is kept.

    A sign-in stays with the identity it was made for, and so does what is known of the authorisation. A user
    without an account is whoever has signed in.
    """
    wanted = connector_of(document, existing.id, existing.created_at)
    same_tenant = wanted.tenant == existing.tenant
    identity = _kept(wanted.identity, existing.identity, same_tenant=same_tenant)
    discover_as = wanted.discover_as
    if discover_as is not None and existing.discover_as is not None:
        discover_as = _kept(discover_as, existing.discover_as, same_tenant=same_tenant)
    unchanged = (identity, discover_as, same_tenant) == (existing.identity, existing.discover_as, True)
    return replace(
        wanted,
        identity=identity,
        discover_as=discover_as,
        baseline_at=existing.baseline_at,
        provisioning=existing.provisioning,
        provisioning_message=existing.provisioning_message,
        provisioning_at=existing.provisioning_at,
        authorization=existing.authorization if unchanged else AuthorizationState(),
        revision=existing.revision,
    )


def _kept(wanted: IdentityReference, existing: IdentityReference, *, same_tenant: bool) -> IdentityReference:
    """With the sign-in of the existing identity, when it is the same person through the same application."""
    same = (wanted.kind, wanted.client_id, same_tenant) == (existing.kind, existing.client_id, True)
    if wanted.kind is not AuthKind.USER or not same:
        return wanted
    if wanted.account and wanted.account.casefold() != existing.account.casefold():
        return wanted
    return replace(wanted, account=wanted.account or existing.account, sign_in=existing.sign_in)


def _duration(text: str) -> timedelta | None:
    return duration(text) if text else None


def _reference(identity: Identity | DiscoveringIdentity) -> IdentityReference:
    if isinstance(identity, UserIdentity):
        return IdentityReference(AuthKind.USER, client_id=identity.client_id, account=identity.account)
    if isinstance(identity, PatIdentity):
        return IdentityReference(AuthKind.PAT, secret_setting=identity.secret_setting)
    if isinstance(identity, ManagedIdentity):
        return IdentityReference(AuthKind.MANAGED_IDENTITY, client_id=identity.client_id)
    if isinstance(identity, ServicePrincipalIdentity):
        return IdentityReference(
            AuthKind.SERVICE_PRINCIPAL, client_id=identity.client_id, secret_setting=identity.secret_setting
        )
    return IdentityReference(AuthKind.AZURE_CLI)


def _identity_written(identity: IdentityReference) -> dict[str, object]:
    own = {
        AuthKind.USER: {"account": identity.account, "clientId": identity.client_id},
        AuthKind.PAT: {"secretSetting": identity.secret_setting},
        AuthKind.MANAGED_IDENTITY: {"clientId": identity.client_id},
        AuthKind.SERVICE_PRINCIPAL: {
            "clientId": identity.client_id,
            "secretSetting": identity.secret_setting,
        },
        AuthKind.AZURE_CLI: {},
    }[identity.kind]
    return {"kind": identity.kind.value, **{key: value for key, value in own.items() if value}}
