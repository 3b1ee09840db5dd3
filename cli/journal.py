"""`journal list`: everything that happened."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import click

from cli import keys
from cli.command import Answer, Group, invocation
from cli.output import Column, Row, instant, note, write_rows
from cli.session import named, opened
from cli.times import parse_time
from shared.model.ids import ConnectorId, OrganizationId
from shared.model.journal import JournalEntry, JournalEvent

if TYPE_CHECKING:
    from shared.ports import ConnectorState

_REFUSALS = 10_000
"""As many refusals are searched for those of an organization that is not known."""

_KINDS = tuple(dict.fromkeys(one.value.partition(".")[0] for one in JournalEvent))
"""What the names of events begin with."""

_COLUMNS = (
    Column("AT", "at"),
    Column("EVENT", "event"),
    Column("ORGANIZATION", "organization"),
    Column("SUBJECT", "subjectName"),
    Column("BEFORE", "before"),
    Column("AFTER", "after"),
    Column("BY", "requestedBy"),
    Column("REASON", "reason"),
)


@click.group(
    cls=Group,
    examples=(
        "ado-connector journal list",
        "ado-connector journal list --organization contoso --since 1d",
    ),
)
def journal() -> None:
    """The journal: what changed, when, why, and who asked."""


@journal.command(
    "list",
    answer=Answer(keys.JOURNAL, rows=True),
    examples=(
        "ado-connector journal list --limit 20",
        "ado-connector journal list --organization contoso --event onboarding",
        "ado-connector journal list --organization contoso --event onboarding.refused",
        "ado-connector journal list --since 2026-01-31T08:00:00Z --output json",
    ),
)
@click.option("--organization", metavar="NAME", default=None, help="Only this organization: its name or id.")
@click.option(
    "--event",
    type=click.Choice([*_KINDS, *(one.value for one in JournalEvent)]),
    metavar="EVENT",
    default=None,
    help="Only this event, or those whose names begin with it (such as onboarding): "
    f"{', '.join(JournalEvent)}.",
)
@click.option(
    "--since",
    metavar="TIME",
    default=None,
    help="Only since then: 2026-01-31T08:00:00Z (UTC unless it says otherwise), or 30m, 8h, 1d ago.",
)
@click.option(
    "--limit",
    type=click.IntRange(1, 1_000_000),
    metavar="N",
    default=100,
    show_default=True,
    help="The newest so many.",
)
def list_(organization: str | None, event: str | None, since: str | None, limit: int) -> None:
    """List what happened, oldest first."""
    with opened() as runtime:
        start = parse_time("--since", since, runtime.clock.now())
        found = _entries(runtime.state, organization, event, start, limit + 1)
        entries = found[-limit:]
        names = {one.id: one.name for one in runtime.state.organizations()}
        connectors = {one.id: one.name for one in runtime.state.connectors()}
        write_rows(
            (_row(one, names, connectors) for one in entries),
            _COLUMNS,
            invocation().output,
            empty="The journal has no such entry.",
        )
        if len(found) > len(entries):
            note(f"These are the newest {limit:,}: --limit, --event and --since show others.")


def _entries(
    state: ConnectorState, wanted: str | None, event: str | None, since: datetime | None, limit: int
) -> tuple[JournalEntry, ...]:
    events: list[JournalEvent | None] = [
        one for one in JournalEvent if event in {one.value, one.value.partition(".")[0]}
    ] or [None]
    organizations: list[OrganizationId | None] = [None]
    if wanted is not None:
        known = sorted(state.organizations(), key=lambda one: one.id)
        organizations = [one.id for one in named(known, wanted)]
    found: dict[int, JournalEntry] = {
        entry.id: entry
        for organization in organizations
        for one in events
        for entry in state.journal(organization=organization, event=one, since=since, limit=limit)
    }
    # The refusal of an organization that nobody knows has a name alone.
    if wanted is not None and not {None, JournalEvent.ONBOARDING_REFUSED}.isdisjoint(events):
        for entry in state.journal(event=JournalEvent.ONBOARDING_REFUSED, since=since, limit=_REFUSALS):
            if entry.organization is None and entry.subject_name.casefold() == wanted.strip().casefold():
                found[entry.id] = entry
    return tuple(found[identifier] for identifier in sorted(found))[-limit:]


def _row(
    entry: JournalEntry, names: Mapping[OrganizationId, str], connectors: Mapping[ConnectorId, str]
) -> Row:
    organization, connector = entry.organization, entry.connector
    name = names.get(organization) if organization else None
    if organization is None and entry.event is JournalEvent.ONBOARDING_REFUSED:
        name = entry.subject_name
    return {
        "id": entry.id,
        "at": instant(entry.at),
        "event": entry.event.value,
        "organization": name,
        "organizationId": organization,
        "connector": connectors.get(connector) if connector else None,
        "connectorId": connector,
        "subject": entry.subject or None,
        "subjectName": entry.subject_name or None,
        "before": entry.before or None,
        "after": entry.after or None,
        "reason": entry.reason or None,
        "requestedBy": entry.requested_by or None,
    }
