"""Naming organizations and giving them up: what several handlers do alike."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence

from shared.model.connector import Connector
from shared.model.identity import Account
from shared.model.ids import OrganizationId
from shared.model.journal import JournalEntry, JournalEvent
from shared.model.organization import Organization
from shared.model.work import WorkKind
from shared.ports import Dependencies, StateConflict
from shared.reconcile.organizations import organization_entry


def new_organization_id(connector: Connector, account: Account, deps: Dependencies) -> OrganizationId:
    """The same for two workers that discover the same organization at once, so that they meet in one row.

    Where an older record came by that id first (it was renamed since, and this is a new organization under
    its old name), the next one of a fixed series is taken.
    """
    name = f"{connector.tenant}/{account.account_id or account.name.casefold()}"
    identifier = OrganizationId(str(uuid.uuid5(uuid.NAMESPACE_URL, name)))
    while deps.state.get_organization(identifier) is not None:
        identifier = OrganizationId(str(uuid.uuid5(uuid.NAMESPACE_URL, identifier)))
    return identifier


_TRIES = 5


def update_organization(
    organization: OrganizationId,
    change: Callable[[Organization], Organization],
    journal: Sequence[JournalEntry],
    deps: Dependencies,
) -> Organization | None:
    """Change the record as it is now, again if another worker changed it in between.

    Returns the record as written, or None where there is none. Raises `StateConflict` when the change itself
    is refused, because another record has one of the ids.
    """
    for attempt in range(_TRIES):
        current = deps.state.get_organization(organization)
        if current is None:
            return None
        changed = change(current)
        if changed == current:
            return current
        try:
            return deps.state.put_organization(changed, journal)
        except StateConflict:
            if attempt == _TRIES - 1:
                raise
    return None


def release(
    connector: Connector, organization: OrganizationId, deps: Dependencies, reason: str, asked: str = ""
) -> bool:
    """Give up the claim, if this connector holds it: the work ends, the inventory stays."""
    if not deps.state.release(connector.tenant, organization, connector.id):
        return False
    for kind in WorkKind:
        deps.state.drop_work(organization, kind)
    record = deps.state.get_organization(organization)
    if record is not None:
        deps.state.append_journal(
            [
                organization_entry(
                    deps.clock.now(),
                    JournalEvent.CLAIM_RELEASED,
                    connector,
                    record,
                    before=connector.name,
                    reason=reason,
                    requested_by=asked,
                )
            ]
        )
    return True
