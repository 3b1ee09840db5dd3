"""What failures to sign in make of a connector's authorisation."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.model.connector import (
    AuthKind,
    AuthorizationState,
    AuthorizationStatus,
    Connector,
    DiscoveryMode,
    IdentityReference,
)
from shared.model.failure import Failure, FailureKind
from shared.model.ids import ConnectorId, TenantId
from shared.model.journal import JournalEntry, JournalEvent
from shared.reconcile.authorization import REFUSED, authorization_entry, judge_authorization

T0 = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
LATER = T0 + timedelta(hours=1)
CONNECTOR = Connector(
    id=ConnectorId("c"),
    name="contoso",
    tenant=TenantId("t"),
    mode=DiscoveryMode.EXISTING,
    identity=IdentityReference(AuthKind.USER, account="ana", sign_in="s"),
    created_at=T0,
)


def refused(code: str) -> Failure:
    return Failure(FailureKind.DENIED, code, "No.", "Run: ado-connector connector authorize NAME.")


@pytest.mark.parametrize("code", sorted(REFUSED))
def test_every_refusal_ends_it_and_names_the_connector_in_the_fix(code: str) -> None:
    state = judge_authorization(CONNECTOR, refused(code), T0)
    assert (state.status, state.code, state.since) == (AuthorizationStatus.ENDED, code, T0)
    assert "authorize contoso" in state.fix
    assert authorization_entry(CONNECTOR, state, LATER) == JournalEntry(
        at=LATER,
        event=JournalEvent.AUTHORIZATION_CHANGED,
        connector=CONNECTOR.id,
        subject=CONNECTOR.id,
        subject_name="contoso",
        before="unknown",
        after="ended",
        reason="No. Run: ado-connector connector authorize contoso.",
    )


@pytest.mark.parametrize("kind", [FailureKind.TRANSIENT, FailureKind.THROTTLED, FailureKind.UNREADABLE])
def test_what_could_not_be_told_changes_nothing(kind: FailureKind) -> None:
    ended = replace(CONNECTOR, authorization=judge_authorization(CONNECTOR, refused("SignInEnded"), T0))
    for connector in (CONNECTOR, ended):
        state = judge_authorization(connector, Failure(kind, "NoConnection", "Not now."), LATER)
        assert state == connector.authorization


def test_since_stays_while_the_status_does_and_recovery_is_told_once() -> None:
    first = judge_authorization(CONNECTOR, refused("SignInEnded"), T0)
    broken = replace(CONNECTOR, authorization=first)
    again = judge_authorization(broken, refused("SignInEnded"), LATER)
    assert (again.since, again.checked_at) == (T0, LATER)
    assert authorization_entry(broken, again, LATER) is None
    well = judge_authorization(broken, None, LATER)
    assert (well.status, well.code, well.reason, well.since) == (AuthorizationStatus.OK, "", "", LATER)
    told = authorization_entry(broken, well, LATER)
    assert told is not None
    assert told.reason == "The identity can sign in again."


def test_the_first_success_is_no_news() -> None:
    assert authorization_entry(CONNECTOR, judge_authorization(CONNECTOR, None, T0), T0) is None


def test_nobody_has_signed_in_yet_is_not_ended() -> None:
    connector = replace(CONNECTOR, identity=IdentityReference(AuthKind.USER))
    state = judge_authorization(connector, refused("CredentialMissing"), T0)
    assert state.status is AuthorizationStatus.NOT_AUTHORIZED


def test_a_known_end_is_told_a_fortnight_before() -> None:
    ends = T0 + timedelta(days=15)
    far = judge_authorization(CONNECTOR, None, T0, ends)
    assert far.status is AuthorizationStatus.OK
    near = judge_authorization(replace(CONNECTOR, authorization=far), None, T0 + timedelta(days=2), ends)
    assert near.status is AuthorizationStatus.ENDING
    assert "2026-01-17" in near.reason
    assert AuthorizationState().status is AuthorizationStatus.UNKNOWN
