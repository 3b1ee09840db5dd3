"""From a connector document to a connector: sign in, review, confirm, store."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from cli.command import invocation
from cli.connector_authorize import kept, sign_in
from cli.connector_changes import Change, changes
from cli.connector_document import applied, as_written, connector_of, document_of
from cli.connector_fields import ConnectorDocument
from cli.connector_review import (
    COLUMNS,
    cannot_discover,
    permission_lines,
    review_rows,
    say_cost,
    settings_lines,
)
from cli.connector_rows import connector_row
from cli.connector_survey import Survey, survey
from cli.hosting import only_with_app
from cli.output import OutputFormat, note, write_line, write_object, write_rows
from cli.problems import CannotTell, Refused, WrongOption
from cli.session import person
from shared.model.connector import AuthKind, Connector, IdentityReference
from shared.model.ids import ConnectorId
from shared.model.journal import JournalEntry, JournalEvent

if TYPE_CHECKING:
    from shared.wiring.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Manner:
    """How the flow goes.

    - `dry_run`: stop after the review.
    - `review`: ask Azure DevOps what the connector would find, and show it.
    - `confirm`: ask the person before anything is stored.
    - `authorize`: have the person sign in where an identity is one and nobody has; `device_code` says how.
    """

    dry_run: bool = False
    review: bool = True
    confirm: bool = False
    authorize: bool = True
    device_code: bool | None = None


def is_interactive() -> bool:
    """Whether a person is at the keyboard."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def existing_like(document: ConnectorDocument, runtime: Runtime) -> Connector | None:
    """The connector that the document is about: of its name, in its resource group."""
    place = _place(document.subscription, document.resource_group, document.name)
    for one in runtime.state.connectors():
        if _place(one.subscription, one.resource_group, one.name) == place:
            return one
    return None


def _place(subscription: str, resource_group: str, name: str) -> tuple[str, str, str]:
    return subscription.casefold(), resource_group.casefold(), name.casefold()


def name_taken(name: str) -> WrongOption:
    """Another connector has it."""
    return WrongOption(
        "--name",
        f'there already is a connector "{name}" in this resource group.',
        "Choose another name, or another --resource-group.",
    )


def create_from(document: ConnectorDocument, runtime: Runtime, manner: Manner) -> Connector | None:
    """Create the connector that the document describes; None after a dry run.

    Raises `WrongOption` when its name is taken, `Refused` when the person does not want it after all.
    """
    if existing_like(document, runtime) is not None:
        raise name_taken(document.name)
    wanted = connector_of(document, ConnectorId(str(uuid.uuid4())), runtime.clock.now())
    return _carried_out(wanted, None, (), runtime, manner)


def apply_to(
    document: ConnectorDocument, existing: Connector, runtime: Runtime, manner: Manner
) -> Connector | None:
    """Change the connector to what the document describes; None after a dry run. No change is no write."""
    wanted = applied(document, existing)
    changed = changes(document_of(existing), document_of(wanted))
    if not changed:
        return existing
    return _carried_out(wanted, existing, changed, runtime, manner)


def _carried_out(
    wanted: Connector,
    existing: Connector | None,
    changed: Sequence[Change],
    runtime: Runtime,
    manner: Manner,
) -> Connector | None:
    made: list[IdentityReference] = []
    done = False
    try:
        if manner.authorize:
            wanted = _signed_in(wanted, runtime, manner, made)
        _tell(wanted, changed, runtime, manner)
        if manner.dry_run:
            note("Nothing was written.")
            return None
        question = "Create it?" if existing is None else "Change it?"
        if manner.confirm and not click.confirm(question, default=True, err=True):
            raise Refused("Nothing was written.")
        stored = _stored(wanted, existing, changed, runtime)
        done = True
    finally:
        if not done:
            for identity in made:
                runtime.state.drop_sign_in(identity.sign_in)
    _forget_replaced(existing, stored, runtime)
    return stored


def _signed_in(
    connector: Connector, runtime: Runtime, manner: Manner, made: list[IdentityReference]
) -> Connector:
    """Have people sign in for the identities that are persons and have not."""

    def signed_in(identity: IdentityReference, whom: str) -> IdentityReference:
        if identity.kind is not AuthKind.USER or identity.sign_in:
            return identity
        note(f"Sign in as the person that the connector {whom}.")
        new = kept(
            identity, sign_in(identity, connector.tenant, runtime, device_code=manner.device_code), runtime
        )
        made.append(new)
        return new

    connector = replace(connector, identity=signed_in(connector.identity, "runs as"))
    if connector.discover_as is not None:
        connector = replace(connector, discover_as=signed_in(connector.discover_as, "lists organizations as"))
    return connector


def _tell(connector: Connector, changed: Sequence[Change], runtime: Runtime, manner: Manner) -> None:
    """The review: what is told, what would become of every organization, what it takes."""
    told = [f"Change: {one}" for one in changed] or (settings_lines(connector) if manner.review else [])
    for line in told:
        note(line)
    missing = missing_secrets(connector, runtime)
    for setting in missing:
        note(f'{setting} is not set: set it before "ado-connector run".')
    if not manner.review:
        return
    away = only_with_app(connector.identity, runtime)
    if away and not manner.dry_run:
        note(
            "What becomes of each organization cannot be told from here: the connector signs in with "
            f"{away}, which the deployed app has and this machine has not."
        )
        if (limit := cannot_discover(connector)) != "":
            note(limit)
        return
    found = survey(connector, runtime, note)
    if not manner.dry_run:
        _note_organizations(found)
    elif invocation().output is OutputFormat.JSON:
        write_object(review_object(connector, found, changed))
    else:
        write_rows(review_rows(found), COLUMNS, OutputFormat.TABLE, empty="No organization is seen.")
    for line in permission_lines(found.organizations):
        note(line)
    if (limit := cannot_discover(connector)) != "":
        note(limit)
    if found.failure is not None:
        note(f"Not everything could be told: {found.failure.sentence()}")
    if found.organizations:
        say_cost(found, runtime.settings.requests_at_once)


def review_object(connector: Connector, found: Survey, changed: Sequence[Change]) -> dict[str, object]:
    """The JSON of a review."""
    return {
        "connector": as_written(document_of(connector)),
        "changes": [
            {"field": one.field, "before": one.before, "after": one.after, "meaning": one.meaning}
            for one in changed
        ],
        "organizations": [
            {key: value for key, value in row.items() if key != "state"} for row in review_rows(found)
        ],
        "cannotDiscover": cannot_discover(connector) or None,
        "failure": found.failure.sentence() if found.failure is not None else None,
        "requests": found.requests,
        "atLeast": found.has_more,
    }


def _note_organizations(found: Survey) -> None:
    for row in review_rows(found):
        why = f": {row['reason']}" if row["reason"] else ""
        note(f"  {row['organization']} will be {row['state']}{why}")


def missing_secrets(connector: Connector, runtime: Runtime) -> list[str]:
    """Settings that the connector's identities take their secret from, and that are not set."""
    given = {"ADO_PAT": runtime.settings.ado_pat, "AZURE_CLIENT_SECRET": runtime.settings.azure_client_secret}
    identities = (connector.identity, connector.discover_as)
    needed = dict.fromkeys(one.secret_setting for one in identities if one is not None and one.secret_setting)
    others = runtime.settings.azure_client_certificate_path or runtime.settings.azure_federated_token_file
    return [
        setting
        for setting in needed
        if given.get(setting) is None and not (setting == "AZURE_CLIENT_SECRET" and others)
    ]


def _stored(
    wanted: Connector, existing: Connector | None, changed: Sequence[Change], runtime: Runtime
) -> Connector:
    from shared.ports import StateConflict  # noqa: PLC0415 - heavy

    now = runtime.clock.now()
    signed_in = any(one is not None and one.sign_in for one in (wanted.identity, wanted.discover_as)) and (
        existing is None or wanted.identity != existing.identity
    )
    if signed_in:
        authorization = replace(wanted.authorization, authorized_by=person(), authorized_at=now)
        wanted = replace(wanted, authorization=authorization)
    entry = JournalEntry(
        at=now,
        event=JournalEvent.CONNECTOR_CREATED if existing is None else JournalEvent.CONNECTOR_CHANGED,
        connector=wanted.id,
        subject=wanted.id,
        subject_name=wanted.name,
        after=wanted.mode.value
        if existing is None
        else ", ".join(dict.fromkeys(one.field for one in changed)),
        reason=" ".join(str(one) for one in changed),
        requested_by=person(),
    )
    try:
        return runtime.state.put_connector(wanted, [entry])
    except StateConflict:
        if existing is None:
            raise name_taken(wanted.name) from None
        raise CannotTell(
            f'Connector "{existing.name}" was changed by somebody else meanwhile. Look at it, and try again.'
        ) from None


def _forget_replaced(existing: Connector | None, stored: Connector, runtime: Runtime) -> None:
    if existing is None:
        return
    used = {one.sign_in for one in (stored.identity, stored.discover_as) if one is not None}
    for identity in (existing.identity, existing.discover_as):
        if identity is not None and identity.sign_in and identity.sign_in not in used:
            runtime.state.drop_sign_in(identity.sign_in)


def take_stock(connector: Connector, runtime: Runtime) -> Connector:
    """Discover now, where the identity can sign in: what exists now is what *existing* means.

    Discovery also gives up what the connector does not want any more.
    """
    from handlers.discover_organizations import discover_connector  # noqa: PLC0415 - heavy

    later = "What exists at the first complete discovery will count as existing."
    if missing_secrets(connector, runtime) or _waits_for_sign_in(connector):
        note(f"The existing organizations could not be listed yet. {later}")
        return connector
    identities = (connector.identity, connector.discover_as)
    if any(one is not None and only_with_app(one, runtime) for one in identities):
        note(f"The deployed app lists the organizations at its next discovery. {later}")
        return connector
    told = discover_connector(connector, runtime.dependencies)
    current = runtime.state.get_connector(connector.id) or connector
    if not told:
        note(f"The existing organizations could not be listed: {current.provisioning_message} {later}")
    return current


def _waits_for_sign_in(connector: Connector) -> bool:
    return any(
        one is not None and one.kind is AuthKind.USER and not one.sign_in
        for one in (connector.identity, connector.discover_as)
    )


def say_created(connector: Connector) -> None:
    """The answer of whoever made one."""
    if invocation().output is OutputFormat.JSON:
        write_object(connector_row(connector))
        return
    write_line(f'Created connector "{connector.name}" ({connector.id}), mode {connector.mode.value}.')
    if _waits_for_sign_in(connector):
        note(f'Next: "ado-connector connector authorize {connector.name}" signs in for it.')
    else:
        note(
            'Next: "ado-connector run --once" finds its organizations and fills the inventory. A deployed '
            "app does so by itself, within a quarter of an hour."
        )
