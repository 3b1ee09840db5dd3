"""`connector create`: by options, so that it scripts, or by questions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from cli import keys
from cli.command import Answer, Command
from cli.problems import CannotTell, WrongOption
from cli.session import opened
from shared.model.connector import AuthKind, DiscoveryMode, Plan
from shared.model.prerequisite import DEFENDER_PREREQUISITES, PrerequisiteName

if TYPE_CHECKING:
    from cli.connector_fields import ConnectorDocument

_NO_PREREQUISITE = "none"
_DEFAULT_TENANT = "default"
_BESIDES = {"dry_run", "device_code", "output", "settings"}
"""Options that go with the questions: they say how, and nothing of the connector."""

_OPTIONS = {
    "name": "--name",
    "mode": "--mode",
    "organizations": "--organization",
    "exclude": "--exclude",
    "tenant": "--tenant (or AZURE_TENANT_ID)",
    "subscription": "--subscription",
    "resourceGroup": "--resource-group",
    "region": "--region",
    "plan": "--plan",
    "identity": "--auth",
    "identity.kind": "--auth",
    "identity.account": "--account",
    "identity.clientId": "--client-id",
    "discoverAs": "--discover-as",
    "discoverAs.kind": "--discover-as",
    "discoverAs.account": "--account",
    "installExtension": "--install-extension",
    "requiredPrerequisites": "--require",
    "postureRefreshInterval": "--posture-refresh-interval",
    "postureFullRefreshInterval": "--posture-full-refresh-interval",
    "readBuildLogs": "--read-build-logs",
    "pushSteps": "--push-step",
    "registries": "--registry",
    "tracedSubscriptions": "--traced-subscription",
}
"""What the fields of a connector document are called here."""


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
    account: str
    discover_as: AuthKind | None
    install_extension: bool
    require: tuple[str, ...]
    posture_refresh_interval: str
    posture_full_refresh_interval: str
    read_build_logs: bool
    push_steps: tuple[str, ...]
    registries: tuple[str, ...]
    traced_subscriptions: tuple[str, ...]


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
@click.option(
    "--name", default="", metavar="NAME", help="Name, 1 to 64 of letters, digits, - _ and . characters."
)
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
    help="How to sign in to Azure DevOps. user: a person, who signs in once; pat: the token in ADO_PAT; "
    "azure-cli: whoever ran 'az login'; service-principal: --client-id with its secret in "
    "AZURE_CLIENT_SECRET.",
)
@click.option(
    "--client-id",
    default="",
    metavar="ID",
    help="Application or user-assigned managed identity to sign in as.",
)
@click.option(
    "--account",
    default="",
    metavar="NAME",
    help="Sign-in name of the person, where the identity is a user; left out, whoever signs in.",
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
    "--read-build-logs",
    is_flag=True,
    help="Read the logs of finished runs for the images that they pushed, to trace images.",
)
@click.option(
    "--push-step",
    "push_steps",
    multiple=True,
    metavar="NAME",
    help="Name, or pattern with * and ?, of further steps that push images; repeatable.",
)
@click.option(
    "--registry",
    "registries",
    multiple=True,
    metavar="HOST",
    help="Container registry to read, to trace images: contoso.azurecr.io; repeatable.",
)
@click.option(
    "--traced-subscription",
    "traced_subscriptions",
    multiple=True,
    metavar="ID",
    help="Azure subscription whose resources are looked at for running images; repeatable.",
)
@click.option(
    "--require",
    multiple=True,
    type=click.Choice([*(one.value for one in PrerequisiteName), _NO_PREREQUISITE]),
    metavar="PREREQUISITE",
    help=f"Prerequisite that must be met before onboarding: {', '.join(PrerequisiteName)}; repeatable; "
    f"'none' for none.  [default: {', '.join(DEFENDER_PREREQUISITES)}]",
)
@click.option(
    "--posture-refresh-interval",
    default="",
    metavar="INTERVAL",
    help="How often posture is refreshed, such as 30m or 8h.  [default: as POSTURE_INTERVAL says]",
)
@click.option(
    "--posture-full-refresh-interval",
    default="",
    metavar="INTERVAL",
    help="How often everything is read, whatever has changed.  [default: as POSTURE_FULL_INTERVAL says]",
)
@click.option(
    "--device-code/--browser",
    "device_code",
    default=None,
    help="How a person signs in, with --auth or --discover-as user.  [default: the browser, if there is one]",
)
@click.option("--dry-run", is_flag=True, help="Stop after the review: nothing is written.")
def create(**options: object) -> None:
    """Create a connector and print it. In a terminal, without --name, everything is asked for.

    On a terminal, and with --dry-run, it shows first which organizations will be onboarded, which will not
    and why, which permissions are missing and what that costs, and how many requests a first sync takes.

    The token is never an option: put it in ADO_PAT. A token must be for "All accessible organizations" to
    find organizations by itself.
    """
    from cli.connector_flow import (  # noqa: PLC0415 - heavy
        Manner,
        create_from,
        is_interactive,
        say_created,
        take_stock,
    )

    dry_run, by_code = bool(options["dry_run"]), options["device_code"]
    device_code = by_code if isinstance(by_code, bool) else None
    person_there = is_interactive()
    with opened() as runtime:
        if not options["name"] and person_there:
            from cli.connector_wizard import document_by_asking  # noqa: PLC0415

            _refuse_options()
            document = document_by_asking(runtime)
            manner = Manner(dry_run=dry_run, confirm=True, device_code=device_code)
        else:
            document = _document(_wanted(options))
            manner = Manner(
                dry_run=dry_run,
                review=dry_run or person_there,
                authorize=person_there or device_code is not None,
                device_code=device_code,
            )
        created = create_from(document, runtime, manner)
        if created is not None:
            reviewed = person_there or created.mode is DiscoveryMode.EXISTING
            say_created(take_stock(created, runtime) if reviewed else created)


def _refuse_options() -> None:
    """What is told by an option would be asked for all the same."""
    context = click.get_current_context()
    for one in context.command.params:
        chosen = context.get_parameter_source(one.name or "") is ParameterSource.COMMANDLINE
        if chosen and one.name not in _BESIDES:
            raise WrongOption(
                one.opts[0],
                "without --name everything is asked for, and options are not taken.",
                "Add --name, or leave the other options out.",
            )


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
        account=text("account"),
        discover_as=AuthKind(discover_as) if discover_as else None,
        install_extension=bool(options["install_extension"]),
        require=texts("require"),
        posture_refresh_interval=text("posture_refresh_interval"),
        posture_full_refresh_interval=text("posture_full_refresh_interval"),
        read_build_logs=bool(options["read_build_logs"]),
        push_steps=texts("push_steps"),
        registries=texts("registries"),
        traced_subscriptions=texts("traced_subscriptions"),
    )


def _document(wanted: _Wanted) -> ConnectorDocument:
    from cli.connector_document import checked  # noqa: PLC0415 - heavy
    from cli.connector_problems import InvalidDocument  # noqa: PLC0415

    if not wanted.name:
        raise WrongOption(
            "--name", "it is missing.", "Give one, or run the command in a terminal to be asked everything."
        )
    try:
        return checked(_written(wanted))
    except InvalidDocument as invalid:
        raise CannotTell("\n".join(str(one.renamed(_OPTIONS)) for one in invalid.problems)) from None


def _written(wanted: _Wanted) -> dict[str, object]:
    """The options as the fields of a connector document."""
    written: dict[str, object] = {
        "apiVersion": "ado-connector/v1",
        "kind": "Connector",
        "name": wanted.name,
        "tenant": wanted.tenant,
        "plan": wanted.plan.value,
        "mode": wanted.mode.value,
        "organizations": _distinct(wanted.organizations),
        "exclude": _distinct(wanted.excluded),
        "installExtension": wanted.install_extension,
        "requiredPrerequisites": [one.value for one in _required(wanted.require)],
        "readBuildLogs": wanted.read_build_logs,
        "pushSteps": list(wanted.push_steps),
        "registries": list(wanted.registries),
        "tracedSubscriptions": list(wanted.traced_subscriptions),
    }
    places = {
        "subscription": wanted.subscription,
        "resourceGroup": wanted.resource_group,
        "region": wanted.region,
        "postureRefreshInterval": wanted.posture_refresh_interval,
        "postureFullRefreshInterval": wanted.posture_full_refresh_interval,
    }
    written.update({key: value for key, value in places.items() if value})
    identity: dict[str, object] = {"kind": wanted.auth.value}
    if wanted.client_id:
        identity["clientId"] = wanted.client_id
    written["identity"] = identity
    person = identity
    if wanted.discover_as is not None:
        discovering: dict[str, object] = {"kind": wanted.discover_as.value}
        written["discoverAs"] = discovering
        # The account is of whoever is a person, and of the identity itself where both or none is.
        if wanted.discover_as is AuthKind.USER and wanted.auth is not AuthKind.USER:
            person = discovering
    if wanted.account:
        person["account"] = wanted.account
    return written


def _distinct(names: Iterable[str]) -> list[str]:
    """An option given twice, in whatever case, is given once."""
    first: dict[str, str] = {}
    for name in names:
        first.setdefault(name.casefold(), name)
    return list(first.values())


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
