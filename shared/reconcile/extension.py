"""What is known of the Container Mapping extension means, and whether it is to be installed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from shared.model.connector import CONTAINER_MAPPING_PUBLISHER, Connector, ConnectorOptions
from shared.model.extension import (
    PRESENT,
    ExtensionState,
    ExtensionStatus,
    InstallAttempt,
    InstallOutcome,
)
from shared.model.failure import Failure, FailureKind
from shared.model.identity import ExtensionLook, InstalledExtension
from shared.model.journal import JournalEntry, JournalEvent
from shared.model.organization import Organization

_WHERE = "Organization settings > Extensions"

_BY_FLAG = (
    ("disabled", ExtensionStatus.DISABLED),
    ("needsReauthorization", ExtensionStatus.NEEDS_REAUTHORIZATION),
    ("error", ExtensionStatus.IN_ERROR),
    ("versionCheckError", ExtensionStatus.IN_ERROR),
    ("unpublished", ExtensionStatus.IN_ERROR),
    ("autoUpgradeError", ExtensionStatus.OUT_OF_DATE),
)
"""`installState.flags` that make a 200 answer something else than installed, the strongest first."""

_HARMLESS = frozenset({"none", "builtin", "multiversion", "trusted", "warning"})
"""Flags with which an extension works."""

_UPGRADED_WITHIN: Final = timedelta(days=7)
"""Azure DevOps upgrades installations by itself within hours of a publication; after a week it did not."""

_ASK_AGAIN: Final = timedelta(days=1)
"""How long an installation that found it not shared stands, where nothing else tells whether it is."""

_REMOVALS_MOST: Final = 1
"""Removals that are answered by installing it again. Whoever removes it once more means it."""

_FIXES = {
    ExtensionStatus.INSTALLED: "",
    ExtensionStatus.NOT_INSTALLED: f"Install it from {_WHERE} > Shared, or let the connector do it "
    "(`connector create --install-extension`, `installExtension: true`).",
    ExtensionStatus.INSTALL_REQUESTED: f"An administrator approves or rejects it: {_WHERE} > Requested.",
    ExtensionStatus.REMOVED: f"Ask who removed it, then install it from {_WHERE} > Shared, or with "
    '"ado-connector extension install" where the connector may; if it is not wanted, use container mapping '
    "without it.",
    ExtensionStatus.DISABLED: f"Enable it: {_WHERE} > Installed. The connector never enables it: somebody, "
    "or a policy, turned it off.",
    ExtensionStatus.NEEDS_REAUTHORIZATION: f"Approve its new scopes: {_WHERE} > Installed > Review.",
    ExtensionStatus.IN_ERROR: f"Look at the extension's message, then reinstall it: {_WHERE} > Installed.",
    ExtensionStatus.OUT_OF_DATE: f"Look why it was not upgraded, then update or reinstall it: {_WHERE} > "
    "Installed.",
    ExtensionStatus.UNKNOWN: "",
}

_WITHOUT_IT = "or use container mapping without it"


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether to install it now, why, and who asked; `resumed` for an attempt whose answer was lost."""

    install: bool
    why: str
    requested_by: str = ""
    resumed: bool = False


def of_this(known: ExtensionState | None, connector: Connector) -> ExtensionState | None:
    """What is known, if it is of the extension that the connector names now: its ids may have changed."""
    if known is None:
        return None
    options = connector.options
    told = (known.publisher.casefold(), known.name.casefold())
    return (
        known if told == (options.extension_publisher.casefold(), options.extension_name.casefold()) else None
    )


def judge(
    look: ExtensionLook, connector: Connector, known: ExtensionState | None, now: datetime
) -> ExtensionState:
    """State from what one look told. `known` is of the same extension (see `of_this`)."""
    if look.installed is None or not look.installed.is_there:
        return _absent(look, connector, known, now)
    return _present(look.installed, connector, known, now)


def _present(
    installed: InstalledExtension, connector: Connector, known: ExtensionState | None, now: datetime
) -> ExtensionState:
    flags = {flag.casefold() for flag in installed.flags}
    status = next(
        (status for flag, status in _BY_FLAG if flag.casefold() in flags), ExtensionStatus.INSTALLED
    )
    evidence = f"installState.flags is {', '.join(installed.flags) or 'empty'}."
    fix = _FIXES[status]
    unheard = sorted(flags - _HARMLESS - {flag.casefold() for flag, _ in _BY_FLAG})
    if status is ExtensionStatus.INSTALLED and unheard:
        status = ExtensionStatus.UNKNOWN
        evidence += f" What {', '.join(unheard)} means for it is not known."
        fix = f"Look at the extension: {_WHERE} > Installed."
    elif status is ExtensionStatus.INSTALLED and _is_old(installed, now):
        status = ExtensionStatus.OUT_OF_DATE
        fix = _FIXES[status]
        evidence += (
            f" Version {installed.version or 'unknown'} was last updated {_day(installed.updated_at)}; the "
            f"extension was published anew {_day(installed.published_at)}."
        )
    elif status is ExtensionStatus.INSTALLED and "warning" in flags:
        fix = f"It works with a warning; look at it: {_WHERE} > Installed."
    if installed.issues:
        evidence += f" Issues: {'; '.join(installed.issues)}."
    state = _state(connector, status, evidence, fix, known, now)
    # Somebody else put it back: a later removal is a first one.
    by_hand = known is not None and known.is_gone and not _is_answered(known)
    return replace(
        state,
        flags=installed.flags,
        version=installed.version,
        seen_at=now,
        is_gone=False,
        removals=0 if by_hand else state.removals,
    )


def _is_old(installed: InstalledExtension, now: datetime) -> bool:
    updated, published = installed.updated_at, installed.published_at
    return (
        updated is not None
        and published is not None
        and published > updated
        and now - published > _UPGRADED_WITHIN
    )


def _absent(
    look: ExtensionLook, connector: Connector, known: ExtensionState | None, now: datetime
) -> ExtensionState:
    options = connector.options
    title = f"{options.extension_publisher}.{options.extension_name}"
    evidence = f"Azure DevOps has no installation of {title}."
    removed = None if known is None else _gone_since(known)
    is_new = known is not None and removed is not None and not known.is_gone
    if removed is not None and known is not None:
        gone = now if is_new or known.removed_at is None else known.removed_at
        evidence = (
            f"{title} was installed when it was looked at {_minute(removed)}, and was found removed "
            f"{_minute(gone)}."
        )
    status, told, fix = _standing(look, connector, known, is_removed=removed is not None)
    state = _state(connector, status, f"{evidence} {told}".strip(), fix, known, now)
    if is_new:
        state = replace(state, removed_at=now, removals=state.removals + 1, is_gone=True)
    if look.installed is not None:
        state = replace(state, flags=look.installed.flags, version=look.installed.version)
    elif known is not None:
        state = replace(state, version="")
    return state


def _standing(
    look: ExtensionLook, connector: Connector, known: ExtensionState | None, *, is_removed: bool
) -> tuple[ExtensionStatus, str, str]:
    """Status, what else is told, and the fix, of one that is not installed."""
    offer = look.offer.value if look.offer is not None else None
    if offer is None:
        if known is not None and _was_not_shared(known):
            told = known.attempt.message if known.attempt is not None else ""
            return ExtensionStatus.NOT_SHARED, told, ways_out(connector.options)
        failure = look.offer.failure if look.offer is not None else None
        if is_removed:
            return ExtensionStatus.REMOVED, "", _FIXES[ExtensionStatus.REMOVED]
        why = failure.reason if failure is not None else "It was not asked."
        permission = _permission(failure)
        fix = f"Look whether it is listed: {_WHERE} > Shared.{permission}"
        return ExtensionStatus.UNKNOWN, f"Whether it is shared with the organization is unknown: {why}", fix
    if not offer.is_shared:
        told = "Its publisher has not shared it with this organization, so nobody here can install it."
        return ExtensionStatus.NOT_SHARED, told, ways_out(connector.options)
    told = "It is shared with this organization."
    if offer.refusal:
        told += f" This identity may not install it: {offer.refusal}"
    if is_removed:
        return ExtensionStatus.REMOVED, told, _FIXES[ExtensionStatus.REMOVED]
    requests = look.requests.value if look.requests is not None else None
    if requests is None:
        told += " Whether somebody asked for it is unknown."
    elif requests.waiting:
        since = f" since {_day(requests.since)}" if requests.since is not None else ""
        told += f" {requests.waiting} asked for it{since}, and an administrator has not answered."
        return ExtensionStatus.INSTALL_REQUESTED, told, _FIXES[ExtensionStatus.INSTALL_REQUESTED]
    elif requests.rejected:
        told += f" An administrator rejected {requests.rejected} requests for it."
    return ExtensionStatus.NOT_INSTALLED, told, _FIXES[ExtensionStatus.NOT_INSTALLED]


def _permission(failure: Failure | None) -> str:
    if failure is None or not failure.permission:
        return ""
    return f" Permission that allows it: {failure.permission}."


def ways_out(options: ConnectorOptions) -> str:
    """What to do where the extension is not shared: only its publisher can share it."""
    if options.extension_publisher.casefold() != CONTAINER_MAPPING_PUBLISHER:
        return (
            f"Only its publisher {options.extension_publisher} can share it: have it shared with this "
            f"organization, {_WITHOUT_IT}."
        )
    return (
        "Only its publisher can share it: connect the organization to Microsoft Defender for Cloud once, "
        f"which shares it, {_WITHOUT_IT}."
    )


def _gone_since(known: ExtensionState) -> datetime | None:
    """When it was last there, if it ever was. What an earlier release stored has no `seen_at`."""
    return known.seen_at or (known.checked_at if known.status in PRESENT else None)


def _was_not_shared(known: ExtensionState) -> bool:
    """Whether the last word on its sharing is that of an installation that was refused."""
    return known.attempt is not None and known.attempt.outcome is InstallOutcome.NOT_SHARED


def _is_answered(known: ExtensionState) -> bool:
    """Whether the last removal was answered here by an installation."""
    attempt = known.attempt
    return (
        attempt is not None
        and known.removed_at is not None
        and attempt.at >= known.removed_at
        and attempt.outcome in {InstallOutcome.PENDING, InstallOutcome.INSTALLED}
    )


def decide(
    state: ExtensionState, look: ExtensionLook, connector: Connector, now: datetime, *, person: str = ""
) -> Decision:
    """Whether to install it now. `person` is who asks for it by hand, whatever was removed before."""
    if not connector.options.install_extension:
        return _no("The connector is not allowed to install it.")
    if look.installed is not None and look.installed.is_there:
        return _no("The organization has it: its state is for an administrator to change.")
    offer = look.offer.value if look.offer is not None else None
    if offer is not None and not offer.is_shared:
        return _no("It is not shared with the organization.")
    attempt = state.attempt
    if attempt is not None and attempt.outcome is InstallOutcome.PENDING:
        why = "The answer to the last installation was lost, and the extension is not there."
        return Decision(install=True, why=why, requested_by=attempt.requested_by, resumed=True)
    if person:
        return Decision(install=True, why=f"{person} asks for it.", requested_by=person)
    by = f"connector {connector.name}"
    if state.is_gone and state.removed_at is not None:
        return _after_removal(state, state.removed_at, by)
    if offer is None and _was_not_shared(state) and attempt is not None and now - attempt.at < _ASK_AGAIN:
        return _no("It was not shared when the connector last tried.")
    why = "The connector is told to install the extension where it is missing."
    return Decision(install=True, why=why, requested_by=by)


def _after_removal(state: ExtensionState, removed_at: datetime, by: str) -> Decision:
    """One installation for the first removal, and none for a further one: nobody is fought with."""
    attempt = state.attempt
    if state.removals > _REMOVALS_MOST:
        return _no(
            f"It was removed {state.removals} times, the last time after the connector had installed it "
            "again: the connector leaves it to the administrators."
        )
    if attempt is not None and attempt.at >= removed_at:
        return _no(
            f"The connector tried once since it was removed, and does not try again. {attempt.message}"
        )
    why = "It was removed; the connector is told to install it where it is missing, and tries once."
    return Decision(install=True, why=why, requested_by=by)


def _no(why: str) -> Decision:
    return Decision(install=False, why=why.strip())


def left_alone(state: ExtensionState, decision: Decision, connector: Connector) -> ExtensionState:
    """Says why one that went away is not installed again although the connector may install it."""
    if state.status is ExtensionStatus.REMOVED and connector.options.install_extension:
        return replace(state, evidence=f"{state.evidence} {decision.why}")
    return state


def begun(state: ExtensionState, decision: Decision, now: datetime, *, person: str = "") -> ExtensionState:
    """The state to keep before the write: an attempt whose outcome is not known yet."""
    if decision.resumed:
        return state
    removals = 0 if person else state.removals
    return replace(state, attempt=InstallAttempt(now, decision.requested_by), removals=removals)


def settled(state: ExtensionState) -> ExtensionState:
    """The state with a pending attempt taken for done where the organization has the extension."""
    attempt = state.attempt
    if attempt is None or attempt.outcome is not InstallOutcome.PENDING or not _is_there(state):
        return state
    return replace(state, attempt=replace(attempt, outcome=InstallOutcome.INSTALLED))


def _is_there(state: ExtensionState) -> bool:
    return state.seen_at == state.checked_at and not state.is_gone


def refused(
    state: ExtensionState, failure: Failure, connector: Connector, known: ExtensionState | None
) -> ExtensionState:
    """Still not installed: Azure DevOps refused the installation, or does not have the extension for it."""
    attempt = state.attempt
    is_unshared = failure.kind is FailureKind.GONE
    outcome = InstallOutcome.NOT_SHARED if is_unshared else InstallOutcome.REFUSED
    told = (
        "It could not be installed since it is not shared with this organization."
        if is_unshared
        else f"Installing it was refused: {failure.reason}"
    )
    if attempt is not None:
        state = replace(state, attempt=replace(attempt, outcome=outcome, message=told))
    if not is_unshared:
        fix = f"{failure.fix}{_permission(failure)}".strip() or state.fix
        return replace(state, evidence=f"{state.evidence} {told}", fix=fix)
    title = f"{state.publisher}.{state.name}"
    was = known is not None and known.status is ExtensionStatus.NOT_SHARED
    return replace(
        state,
        status=ExtensionStatus.NOT_SHARED,
        evidence=f"Azure DevOps has no installation of {title}. {told}",
        fix=ways_out(connector.options),
        since=known.since if was and known is not None else state.checked_at,
    )


def installed_entry(
    state: ExtensionState, connector: Connector, organization: Organization, *, was_lost: bool
) -> JournalEntry:
    """The journal's word on an installation that was made, or whose answer was lost and is there now."""
    attempt = state.attempt
    when = f" of {_minute(attempt.at)}" if attempt is not None else ""
    return _entry(
        JournalEvent.EXTENSION_INSTALLED,
        state,
        connector,
        organization,
        after=state.version,
        reason=f"The answer to the installation{when} was lost; the extension is there."
        if was_lost
        else "Azure DevOps installed it.",
    )


def asked_entry(
    state: ExtensionState, connector: Connector, organization: Organization, why: str
) -> JournalEntry:
    """The journal's word on an installation, written before it is made."""
    return _entry(
        JournalEvent.EXTENSION_INSTALL_REQUESTED, state, connector, organization, after="", reason=why
    )


def refused_entry(state: ExtensionState, connector: Connector, organization: Organization) -> JournalEntry:
    """The journal's word on an installation that Azure DevOps refused."""
    attempt = state.attempt
    return _entry(
        JournalEvent.EXTENSION_INSTALL_REFUSED,
        state,
        connector,
        organization,
        after=attempt.outcome.value if attempt is not None else "",
        reason=f"{attempt.message if attempt is not None else ''} {state.fix}".strip(),
    )


def _entry(
    event: JournalEvent,
    state: ExtensionState,
    connector: Connector,
    organization: Organization,
    *,
    after: str,
    reason: str,
) -> JournalEntry:
    return JournalEntry(
        at=state.checked_at,
        event=event,
        connector=connector.id,
        organization=organization.id,
        subject=f"{state.publisher}.{state.name}",
        subject_name=organization.name,
        after=after,
        reason=reason,
        requested_by=state.attempt.requested_by if state.attempt is not None else "",
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


def could_not_tell(
    failure: Failure, connector: Connector, known: ExtensionState | None, now: datetime
) -> ExtensionState:
    """Unknown, with the reason and the permission that would help. What was seen before is kept."""
    fix = f"{failure.fix}{_permission(failure)}".strip()
    return _state(connector, ExtensionStatus.UNKNOWN, failure.reason, fix, known, now)


def _state(
    connector: Connector,
    status: ExtensionStatus,
    evidence: str,
    fix: str,
    known: ExtensionState | None,
    now: datetime,
) -> ExtensionState:
    return ExtensionState(
        publisher=connector.options.extension_publisher,
        name=connector.options.extension_name,
        status=status,
        evidence=evidence,
        fix=fix,
        checked_at=now,
        since=known.since if known is not None and known.status is status else now,
        version=known.version if known is not None else "",
        seen_at=_gone_since(known) if known is not None else None,
        removed_at=known.removed_at if known is not None else None,
        removals=known.removals if known is not None else 0,
        is_gone=known.is_gone if known is not None else False,
        attempt=known.attempt if known is not None else None,
    )


def _day(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d}" if at is not None else "at an unknown time"


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
