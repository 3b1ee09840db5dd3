"""What the installed-extension answer means for the Container Mapping extension."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from shared.model.connector import Connector
from shared.model.extension import ExtensionState, ExtensionStatus
from shared.model.failure import Failure, FailureKind
from shared.model.identity import InstalledExtension
from shared.model.journal import JournalEntry, JournalEvent
from shared.model.organization import Organization

_WHERE = "Organization settings > Extensions"

_BY_FLAG = (
    ("unInstalled", ExtensionStatus.NOT_INSTALLED),
    ("disabled", ExtensionStatus.DISABLED),
    ("needsReauthorization", ExtensionStatus.NEEDS_REAUTHORIZATION),
    ("error", ExtensionStatus.IN_ERROR),
    ("versionCheckError", ExtensionStatus.IN_ERROR),
    ("autoUpgradeError", ExtensionStatus.IN_ERROR),
)
"""`installState.flags` that make a 200 answer something else than installed, the strongest first."""

_FIXES = {
    ExtensionStatus.INSTALLED: "",
    ExtensionStatus.NOT_INSTALLED: (
        f"Install it from {_WHERE} > Shared. If it is not there, its publisher has not shared it with this "
        "organization; connecting the organization to Defender for Cloud once shares it."
    ),
    ExtensionStatus.DISABLED: f"Enable it: {_WHERE} > Installed.",
    ExtensionStatus.NEEDS_REAUTHORIZATION: f"Approve its new scopes: {_WHERE} > Installed > Review.",
    ExtensionStatus.IN_ERROR: f"Look at the extension's message, then reinstall it: {_WHERE} > Installed.",
    ExtensionStatus.UNKNOWN: "",
}


def judge(
    installed: InstalledExtension | None,
    connector: Connector,
    known: ExtensionState | None,
    now: datetime,
) -> ExtensionState:
    """State from the answer; no answer object means that the service says it is not installed."""
    options = connector.options
    if installed is None:
        return _state(
            connector,
            ExtensionStatus.NOT_INSTALLED,
            f"Azure DevOps has no installation of {options.extension_publisher}.{options.extension_name}.",
            known,
            now,
        )
    flags = {flag.casefold() for flag in installed.flags}
    status = next(
        (status for flag, status in _BY_FLAG if flag.casefold() in flags), ExtensionStatus.INSTALLED
    )
    issues = f" Issues: {'; '.join(installed.issues)}." if installed.issues else ""
    state = _state(
        connector,
        status,
        f"installState.flags is {', '.join(installed.flags) or 'empty'}.{issues}",
        known,
        now,
    )
    return replace(state, flags=installed.flags, version=installed.version)


def could_not_tell(
    failure: Failure, connector: Connector, known: ExtensionState | None, now: datetime
) -> ExtensionState:
    """Unknown, with the reason and the permission that would help."""
    permission = f" Permission that allows it: {failure.permission}." if failure.permission else ""
    state = _state(connector, ExtensionStatus.UNKNOWN, failure.reason, known, now)
    return replace(state, fix=f"{failure.fix}{permission}".strip())


def not_installable(state: ExtensionState, failure: Failure) -> ExtensionState:
    """Still not installed: the installation that the connector asked for was refused."""
    told = (
        "It could not be installed since it is not shared with this organization."
        if failure.kind is FailureKind.GONE
        else f"Installing it was refused: {failure.reason}"
    )
    fix = state.fix if failure.kind is FailureKind.GONE else failure.fix or state.fix
    return replace(state, evidence=f"{state.evidence} {told}", fix=fix)


def _state(
    connector: Connector,
    status: ExtensionStatus,
    evidence: str,
    known: ExtensionState | None,
    now: datetime,
) -> ExtensionState:
    return ExtensionState(
        publisher=connector.options.extension_publisher,
        name=connector.options.extension_name,
        status=status,
        evidence=evidence,
        fix=_FIXES[status],
        checked_at=now,
        since=known.since if known is not None and known.status is status else now,
    )


def changes(
    known: ExtensionState | None,
    state: ExtensionState,
    connector: Connector,
    organization: Organization,
    now: datetime,
) -> list[JournalEntry]:
    """A journal entry when the status is new."""
    if known is not None and known.status is state.status:
        return []
    return [
        JournalEntry(
            at=now,
            event=JournalEvent.EXTENSION_CHANGED,
            connector=connector.id,
            organization=organization.id,
            subject=f"{state.publisher}.{state.name}",
            subject_name=organization.name,
            before=known.status.value if known is not None else "",
            after=state.status.value,
            reason=f"{state.evidence} {state.fix}".strip(),
        )
    ]
