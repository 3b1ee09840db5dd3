"""What attempts to sign in as a connector's identities mean for the connector's authorisation."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from shared.model.connector import AuthKind, AuthorizationState, AuthorizationStatus, Connector
from shared.model.failure import Failure
from shared.model.journal import JournalEntry, JournalEvent

ENDING_WITHIN: Final = timedelta(days=14)
"""How long before its end an authorisation is said to be ending."""

_MISSING: Final = "CredentialMissing"

REFUSED: Final = frozenset(
    {
        "CredentialRefused",
        "AccountDisabled",
        "ConsentMissing",
        "InteractionRequired",
        "SignInEnded",
        "WrongTenant",
        "ApplicationUnknown",
        "SecretRefused",
        "SignInRequired",
        "TokenRefused",
        _MISSING,
    }
)
"""Codes of failures that end an authorisation: whoever is to act is a person, and not Azure DevOps."""


def is_refused(failure: Failure) -> bool:
    """Whether the failure says that the identity cannot sign in, rather than that something else is wrong."""
    return failure.code in REFUSED


def judge_authorization(
    connector: Connector, failure: Failure | None, now: datetime, expires_at: datetime | None = None
) -> AuthorizationState:
    """The state after an attempt that failed so, or did not fail. What could not be told changes nothing."""
    before = connector.authorization
    if failure is None:
        ends = expires_at
        ending = ends is not None and ends - now < ENDING_WITHIN
        status = AuthorizationStatus.ENDING if ending else AuthorizationStatus.OK
        reason = f"The authorisation ends on {ends:%Y-%m-%d %H:%M} UTC." if ends and ending else ""
        fix = f'Renew it before: "ado-connector connector authorize {connector.name}".' if ending else ""
        after = replace(before, status=status, code="", reason=reason, fix=fix, expires_at=ends)
    elif is_refused(failure):
        nobody_yet = (
            failure.code == _MISSING
            and connector.identity.kind is AuthKind.USER
            and not connector.identity.sign_in
        )
        status = AuthorizationStatus.NOT_AUTHORIZED if nobody_yet else AuthorizationStatus.ENDED
        after = replace(
            before,
            status=status,
            code=failure.code,
            reason=failure.reason,
            fix=failure.fix.replace("authorize NAME", f"authorize {connector.name}"),
        )
    else:
        return before
    since = before.since if before.status is after.status and before.since is not None else now
    return replace(after, since=since, checked_at=now)


def authorization_entry(
    connector: Connector, after: AuthorizationState, now: datetime
) -> JournalEntry | None:
    """The journal entry for a change worth telling; the first success is none."""
    before = connector.authorization
    if (before.status, before.code) == (after.status, after.code):
        return None
    if before.status is AuthorizationStatus.UNKNOWN and after.status is AuthorizationStatus.OK:
        return None
    return JournalEntry(
        at=now,
        event=JournalEvent.AUTHORIZATION_CHANGED,
        connector=connector.id,
        subject=connector.id,
        subject_name=connector.name,
        before=before.status.value,
        after=after.status.value,
        reason=f"{after.reason} {after.fix}".strip() or "The identity can sign in again.",
    )
