"""`connector create`: everything by option, so that it scripts; every refusal says what to do instead."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import click

from cli import keys
from cli.command import Answer, Command, invocation
from cli.connector_rows import connector_row
from cli.output import OutputFormat, note, write_line, write_object
from cli.problems import WrongOption
from cli.session import opened, person
from shared.model.connector import (
    AuthKind,
    Connector,
    ConnectorOptions,
    DiscoveryMode,
    IdentityReference,
    Plan,
)
from shared.model.ids import ConnectorId, TenantId
from shared.model.journal import JournalEntry, JournalEvent
from shared.model.prerequisite import DEFENDER_PREREQUISITES, PrerequisiteName
from shared.ports import StateConflict

if TYPE_CHECKING:
    from shared.wiring.runtime import Runtime

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ORGANIZATION = re.compile(r"[^\s/\\?#*\[\]:@]{1,64}")
_TENANT = re.compile(r"[A-Za-z0-9.-]{1,253}")
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NO_PREREQUISITE = "none"
_DEFAULT_TENANT = "default"
_SECRETS = {AuthKind.PAT: "ADO_PAT", AuthKind.SERVICE_PRINCIPAL: "AZURE_CLIENT_SECRET"}


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The options as they were given."""

    name: str
    mode: DiscoveryMode
    organizations: tuple[str, ...]
    excluded: tuple[str, ...]
    tenant: str
    subscription: str
    resource_group: str
    region: str
    plan: Plan
    auth: AuthKind
    client_id: str
    discover_as: AuthKind | None
    install_extension: bool
    require: tuple[str, ...]


@click.command(
    cls=Command,
    answer=Answer(keys.CONNECTOR),
    examples=(
        "ado-connector connector create --name contoso",
        "ado-connector connector create --name contoso --mode existing-and-future --exclude 'sandbox-*'",
        "ado-connector connector create --name two --mode selected --organization alpha --organization beta",
        "ado-connector connector create --name app --mode selected --organization alpha \\",
        "    --auth managed-identity --client-id 11111111-2222-3333-4444-555555555555",
    ),
)
@click.option("--name", required=True, help="Name, 1 to 64 of letters, digits, - _ and . characters.")
@click.option(
    "--mode",
    type=click.Choice([one.value for one in DiscoveryMode], case_sensitive=False),
    default=DiscoveryMode.EXISTING_AND_FUTURE.value,
    show_default=True,
    help="Organizations to onboard: those that exist now, those and all that appear later, or selected ones.",
)
@click.option(
    "--organization",
    "organizations",
    multiple=True,
    metavar="NAME",
    help="Organization to take (mode selected), or that the identity cannot list itself. Repeatable.",
)
@click.option(
    "--exclude",
    "excluded",
    multiple=True,
    metavar="NAME",
    help="Organization never to take: a name, or a pattern such as 'sandbox-*'. Repeatable.",
)
@click.option(
    "--tenant",
    envvar="AZURE_TENANT_ID",
    show_envvar=True,
    default=_DEFAULT_TENANT,
    show_default=True,
    help="Microsoft Entra tenant of the organizations: its id or a domain name.",
)
@click.option(
    "--subscription", default="", metavar="ID", help="Azure subscription that the connector belongs to."
)
@click.option("--resource-group", default="", metavar="NAME", help="Resource group that it belongs to.")
@click.option("--region", default="", metavar="NAME", help="Azure region, such as westeurope.")
@click.option(
    "--plan",
    type=click.Choice([one.value for one in Plan], case_sensitive=False),
    default=Plan.FOUNDATIONAL.value,
    show_default=True,
    help="Defender plan.",
)
@click.option(
    "--auth",
    type=click.Choice([one.value for one in AuthKind], case_sensitive=False),
    default=AuthKind.PAT.value,
    show_default=True,
    help="How to sign in to Azure DevOps. pat: the token in ADO_PAT; azure-cli: whoever ran 'az login'; "
    "service-principal: --client-id with its secret in AZURE_CLIENT_SECRET.",
)
@click.option(
    "--client-id",
    default="",
    metavar="ID",
    help="Application or user-assigned managed identity to sign in as.",
)
@click.option(
    "--discover-as",
    type=click.Choice([one.value for one in AuthKind], case_sensitive=False),
    default=None,
    help="Another identity that lists the organizations, where the one of --auth cannot.",
)
@click.option(
    "--install-extension",
    is_flag=True,
    help="Install the Container Mapping extension where it is missing (the only write to Azure DevOps).",
)
@click.option(
    "--require",
    multiple=True,
    type=click.Choice([*(one.value for one in PrerequisiteName), _NO_PREREQUISITE]),
    metavar="PREREQUISITE",
    help=f"Prerequisite that must be met before onboarding: {', '.join(PrerequisiteName)}; repeatable; "
    f"'none' for none.  [default: {', '.join(DEFENDER_PREREQUISITES)}]",
)
def create(**options: object) -> None:
    """Create a connector and print it.

    The token is never an option: put it in ADO_PAT. A token must be for "All accessible organizations" to
    find organizations by itself.
    """
    wanted = _wanted(options)
    with opened() as runtime:
        found = _connector(wanted, runtime.state.connectors(), runtime.clock.now())
        created = _store(found, runtime)
        row = connector_row(created)
    if invocation().output is OutputFormat.JSON:
        write_object(row)
    else:
        write_line(f'Created connector "{created.name}" ({created.id}), mode {created.mode.value}.')
        note('Next: "ado-connector run --once" finds its organizations and fills the inventory.')


def _wanted(options: dict[str, object]) -> _Wanted:
    def text(name: str) -> str:
        return str(options[name] or "").strip()

    def texts(name: str) -> tuple[str, ...]:
        values = options[name]
        return tuple(str(one).strip() for one in values) if isinstance(values, tuple) else ()

    discover_as = text("discover_as")
    return _Wanted(
        name=text("name"),
        mode=DiscoveryMode(text("mode")),
        organizations=texts("organizations"),
        excluded=texts("excluded"),
        tenant=text("tenant") or _DEFAULT_TENANT,
        subscription=text("subscription"),
        resource_group=text("resource_group"),
        region=text("region"),
        plan=Plan(text("plan")),
        auth=AuthKind(text("auth")),
        client_id=text("client_id"),
        discover_as=AuthKind(discover_as) if discover_as else None,
        install_extension=bool(options["install_extension"]),
        require=texts("require"),
    )


def _connector(wanted: _Wanted, existing: Iterable[Connector], now: datetime) -> Connector:
    _check_name(wanted, existing)
    if not _TENANT.fullmatch(wanted.tenant):
        raise WrongOption(
            "--tenant", "this is no tenant.", "Give the tenant's id (a GUID) or a domain name of it."
        )
    organizations = _distinct(wanted.organizations)
    for name in organizations:
        _check_organization(name, wanted.excluded)
    for pattern in wanted.excluded:
        if not pattern or "/" in pattern:
            raise WrongOption(
                "--exclude", f'"{pattern}" is no organization name.', "Give a name or a pattern: 'sandbox-*'."
            )
    identity, discover_as = _identities(wanted)
    _check_mode(wanted, identity, discover_as)
    return Connector(
        id=ConnectorId(str(uuid.uuid4())),
        name=wanted.name,
        tenant=TenantId(wanted.tenant.lower()),
        mode=wanted.mode,
        identity=identity,
        created_at=now,
        subscription=wanted.subscription,
        resource_group=wanted.resource_group,
        region=wanted.region,
        plan=wanted.plan,
        organizations=organizations,
        excluded=_distinct(wanted.excluded),
        discover_as=discover_as,
        options=ConnectorOptions(
            install_extension=wanted.install_extension, required_prerequisites=_required(wanted.require)
        ),
    )


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    first: dict[str, str] = {}
    for name in names:
        first.setdefault(name.casefold(), name)
    return tuple(first.values())


def _check_name(wanted: _Wanted, existing: Iterable[Connector]) -> None:
    if not _NAME.fullmatch(wanted.name):
        raise WrongOption(
            "--name",
            f'"{wanted.name}" is not a name for a connector.',
            "Use 1 to 64 letters, digits, hyphens, underscores and dots, such as contoso-prod.",
        )
    place = _place(wanted.subscription, wanted.resource_group, wanted.name)
    if any(_place(one.subscription, one.resource_group, one.name) == place for one in existing):
        raise _name_taken(wanted.name)


def _name_taken(name: str) -> WrongOption:
    return WrongOption(
        "--name",
        f'there already is a connector "{name}" in this resource group.',
        "Choose another name, or another --resource-group.",
    )


def _place(subscription: str, resource_group: str, name: str) -> tuple[str, str, str]:
    return subscription.casefold(), resource_group.casefold(), name.casefold()


def _check_organization(name: str, excluded: Iterable[str]) -> None:
    if not _ORGANIZATION.fullmatch(name):
        raise WrongOption(
            "--organization",
            f'"{name}" is no organization name.',
            "Give the name alone: contoso, for https://dev.azure.com/contoso.",
        )
    for pattern in excluded:
        if fnmatchcase(name.casefold(), pattern.casefold()):
            raise WrongOption(
                "--organization",
                f'"{name}" is excluded by --exclude "{pattern}".',
                "Take it out of one of the two: an exclusion wins over everything.",
            )


def _identities(wanted: _Wanted) -> tuple[IdentityReference, IdentityReference | None]:
    needs_client = wanted.auth is AuthKind.SERVICE_PRINCIPAL
    if needs_client and not wanted.client_id:
        raise WrongOption(
            "--client-id",
            "a service principal needs it.",
            "Give the application (client) id; its secret comes from AZURE_CLIENT_SECRET.",
        )
    if needs_client and wanted.tenant == _DEFAULT_TENANT:
        raise WrongOption(
            "--tenant", "a service principal signs in to a tenant.", "Give its id, or set AZURE_TENANT_ID."
        )
    if wanted.client_id and wanted.auth in {AuthKind.PAT, AuthKind.AZURE_CLI}:
        raise WrongOption(
            "--client-id",
            f"it means nothing with --auth {wanted.auth.value}.",
            "Leave it out, or use --auth managed-identity or service-principal.",
        )
    if wanted.client_id and not _GUID.fullmatch(wanted.client_id):
        raise WrongOption(
            "--client-id",
            "this is not a client id.",
            "Give the GUID that the portal shows as Application (client) ID or Client ID.",
        )
    identity = IdentityReference(
        wanted.auth, client_id=wanted.client_id.lower(), secret_setting=_SECRETS.get(wanted.auth, "")
    )
    if wanted.discover_as is None:
        return identity, None
    discover_as = IdentityReference(wanted.discover_as, secret_setting=_SECRETS.get(wanted.discover_as, ""))
    if not discover_as.lists_organizations:
        raise WrongOption(
            "--discover-as",
            f"Azure DevOps lists no organizations for a {wanted.discover_as.value}.",
            "Use pat or azure-cli: an identity of a person.",
        )
    return identity, discover_as


def _check_mode(wanted: _Wanted, identity: IdentityReference, discover_as: IdentityReference | None) -> None:
    if wanted.mode is DiscoveryMode.SELECTED and not wanted.organizations:
        raise WrongOption(
            "--organization",
            "mode selected needs at least one.",
            "Give --organization NAME, once for each, or use --mode existing-and-future.",
        )
    if (discover_as or identity).lists_organizations:
        return
    cannot = f"Azure DevOps lists no organizations for a {wanted.auth.value}"
    if wanted.mode is DiscoveryMode.EXISTING_AND_FUTURE:
        raise WrongOption(
            "--mode",
            f"{cannot}, so future ones could never be found.",
            "Add --discover-as pat or azure-cli, or use --mode selected with --organization NAME.",
        )
    if not wanted.organizations:
        raise WrongOption(
            "--organization",
            f"{cannot}, so the existing ones must be named.",
            "Give --organization NAME, once for each, or add --discover-as pat or azure-cli.",
        )


def _required(require: tuple[str, ...]) -> tuple[PrerequisiteName, ...]:
    if not require:
        return DEFENDER_PREREQUISITES
    names = set(require)
    if _NO_PREREQUISITE in names:
        if len(names) > 1:
            raise WrongOption(
                "--require", '"none" cannot be combined with others.', "Give none alone, or leave it out."
            )
        return ()
    return tuple(one for one in PrerequisiteName if one.value in names)


def _store(wanted: Connector, runtime: Runtime) -> Connector:
    entry = JournalEntry(
        at=wanted.created_at,
        event=JournalEvent.CONNECTOR_CREATED,
        connector=wanted.id,
        subject=wanted.id,
        subject_name=wanted.name,
        after=wanted.mode.value,
        requested_by=person(),
    )
    try:
        created = runtime.state.put_connector(wanted, [entry])
    except StateConflict:
        raise _name_taken(wanted.name) from None
    missing = _missing_secrets(created, runtime)
    for setting in missing:
        note(f'{setting} is not set: set it before "ado-connector run".')
    if created.mode is DiscoveryMode.EXISTING:
        _take_stock(created, runtime, can_sign_in=not missing)
    return runtime.state.get_connector(created.id) or created


def _missing_secrets(connector: Connector, runtime: Runtime) -> list[str]:
    given = {"ADO_PAT": runtime.settings.ado_pat, "AZURE_CLIENT_SECRET": runtime.settings.azure_client_secret}
    identities = (connector.identity, connector.discover_as)
    needed = dict.fromkeys(one.secret_setting for one in identities if one is not None and one.secret_setting)
    return [setting for setting in needed if given.get(setting) is None]


def _take_stock(connector: Connector, runtime: Runtime, *, can_sign_in: bool) -> None:
    """What exists now is what *existing* means: look at once where that is possible."""
    from handlers.discover_organizations import discover_connector  # noqa: PLC0415 - heavy

    later = "What exists at the first complete discovery will count as existing."
    if not can_sign_in:
        note(f"The existing organizations could not be listed yet. {later}")
        return
    if not discover_connector(connector, runtime.dependencies):
        current = runtime.state.get_connector(connector.id) or connector
        note(f"The existing organizations could not be listed: {current.provisioning_message} {later}")
