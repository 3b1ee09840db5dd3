"""Queue: is the Container Mapping extension installed and working? Installs it where the connector may."""

from __future__ import annotations

from datetime import datetime

from shared.model.connector import Connector
from shared.model.extension import ExtensionState, ExtensionStatus
from shared.model.failure import Denied, Gone, Unreadable
from shared.model.journal import JournalEntry, JournalEvent
from shared.model.organization import Organization
from shared.model.work import Lease
from shared.ports import AzureDevOps, Dependencies
from shared.reconcile import extension


def check_container_mapping(
    lease: Lease, deps: Dependencies, connector: Connector, organization: Organization, deadline: datetime
) -> str:
    """Read the extension's state; install a missing one if the connector is told to.

    Requests: 1, and 1 more to install. Raises `ServiceError` where the state could not be read; what is
    known of a permanent refusal is stored as unknown, with the reason, before it is raised.
    """
    del deadline
    options = connector.options
    ado = deps.connect(connector)
    known = deps.state.extension(organization.id)
    try:
        installed = ado.installed_extension(
            organization.name, options.extension_publisher, options.extension_name
        )
    except (Denied, Gone, Unreadable) as error:
        now = deps.clock.now()
        state = extension.could_not_tell(error.failure, connector, known, now)
        deps.state.put_extension(lease, state, extension.changes(known, state, connector, organization, now))
        raise
    now = deps.clock.now()
    state = extension.judge(installed, connector, known, now)
    journal: list[JournalEntry] = []
    if state.status is ExtensionStatus.NOT_INSTALLED and options.install_extension:
        journal.append(_asked(connector, organization, now))
        state = _install(ado, connector, organization, known, state, now)
    journal.extend(extension.changes(known, state, connector, organization, now))
    deps.state.put_extension(lease, state, journal)
    return ""


def _install(
    ado: AzureDevOps,
    connector: Connector,
    organization: Organization,
    known: ExtensionState | None,
    missing: ExtensionState,
    now: datetime,
) -> ExtensionState:
    options = connector.options
    try:
        installed = ado.install_extension(
            organization.name, options.extension_publisher, options.extension_name
        )
    except (Denied, Gone) as error:
        return extension.not_installable(missing, error.failure)
    return extension.judge(installed, connector, known, now)


def _asked(connector: Connector, organization: Organization, now: datetime) -> JournalEntry:
    return JournalEntry(
        at=now,
        event=JournalEvent.EXTENSION_INSTALL_REQUESTED,
        connector=connector.id,
        organization=organization.id,
        subject=f"{connector.options.extension_publisher}.{connector.options.extension_name}",
        subject_name=organization.name,
        reason="The connector is told to install the extension where it is missing.",
        requested_by=f"connector {connector.name}",
    )
