"""Every answer about the extension, what it means, and whether the extension is to be installed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.connector import AuthKind, Connector, ConnectorOptions, DiscoveryMode, IdentityReference
from shared.model.extension import (
    ABSENT,
    PRESENT,
    ExtensionState,
    ExtensionStatus,
    InstallAttempt,
    InstallOutcome,
)
from shared.model.fact import Fact
from shared.model.failure import Failure, FailureKind
from shared.model.identity import ExtensionLook, ExtensionOffer, ExtensionRequests, InstalledExtension
from shared.model.ids import ConnectorId, OrganizationId, TenantId
from shared.model.journal import JournalEntry, JournalEvent
from shared.model.organization import Organization
from shared.reconcile.extension import (
    asked_entry,
    begun,
    changes,
    could_not_tell,
    decide,
    installed_entry,
    judge,
    left_alone,
    of_this,
    refused,
    refused_entry,
    settled,
)

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
CONNECTOR = Connector(
    ConnectorId("c"),
    "main",
    TenantId("t"),
    DiscoveryMode.EXISTING_AND_FUTURE,
    IdentityReference(AuthKind.PAT),
    created_at=NOW,
)
INSTALLING = replace(CONNECTOR, options=ConnectorOptions(install_extension=True))
ORGANIZATION = Organization(OrganizationId("o"), TenantId("t"), "contoso", first_seen=NOW)
DENIED = Failure(FailureKind.DENIED, "PermissionMissing", "Denied.", "Ask.", permission="vso.extension")
UNSHARED = ExtensionLook(None, Fact.read(ExtensionOffer(is_shared=False)))
SHARED = ExtensionLook(None, Fact.read(ExtensionOffer(is_shared=True)), Fact.read(ExtensionRequests()))
UNTOLD = ExtensionLook(None, Fact.unread(DENIED), Fact.unread(DENIED))


def there(*flags: str, **more: object) -> ExtensionLook:
    return ExtensionLook(InstalledExtension("p", "e", "1.0", flags, **more))  # type: ignore[arg-type]


def after(*looks: ExtensionLook, connector: Connector = INSTALLING) -> ExtensionState:
    """The state after these looks, an hour apart, where no installation was made."""
    known: ExtensionState | None = None
    for number, look in enumerate(looks):
        known = judge(look, connector, known, NOW + number * HOUR)
    assert known is not None
    return known


@pytest.mark.parametrize(
    ("flags", "status"),
    [
        ((), ExtensionStatus.INSTALLED),
        (("none",), ExtensionStatus.INSTALLED),
        (("trusted",), ExtensionStatus.INSTALLED),
        (("builtIn", "multiVersion"), ExtensionStatus.INSTALLED),
        (("warning",), ExtensionStatus.INSTALLED),
        (("disabled",), ExtensionStatus.DISABLED),
        (("Disabled", "error"), ExtensionStatus.DISABLED),
        (("needsReauthorization",), ExtensionStatus.NEEDS_REAUTHORIZATION),
        (("error",), ExtensionStatus.IN_ERROR),
        (("versionCheckError",), ExtensionStatus.IN_ERROR),
        (("unpublished",), ExtensionStatus.IN_ERROR),
        (("autoUpgradeError",), ExtensionStatus.OUT_OF_DATE),
        (("autoUpgradeError", "error"), ExtensionStatus.IN_ERROR),
        (("hibernating",), ExtensionStatus.UNKNOWN),
    ],
)
def test_flags(flags: tuple[str, ...], status: ExtensionStatus) -> None:
    state = judge(there(*flags), CONNECTOR, None, NOW)
    assert state.status is status
    assert all(flag in state.evidence for flag in flags)
    assert state.fix or flags in {(), ("none",), ("trusted",), ("builtIn", "multiVersion")}
    assert state.seen_at == NOW


@pytest.mark.parametrize(
    ("look", "status", "told", "fix"),
    [
        (UNSHARED, ExtensionStatus.NOT_SHARED, "has not shared it", "Defender for Cloud once"),
        (UNSHARED, ExtensionStatus.NOT_SHARED, "has not shared it", "container mapping without it"),
        (SHARED, ExtensionStatus.NOT_INSTALLED, "is shared", "Shared"),
        (UNTOLD, ExtensionStatus.UNKNOWN, "is unknown: Denied.", "vso.extension"),
        (
            replace(SHARED, requests=Fact.read(ExtensionRequests(2, NOW))),
            ExtensionStatus.INSTALL_REQUESTED,
            "2 asked for it since 2026-01-01",
            "Requested",
        ),
        (
            replace(SHARED, requests=Fact.read(ExtensionRequests(rejected=1))),
            ExtensionStatus.NOT_INSTALLED,
            "rejected 1",
            "Shared",
        ),
        (
            replace(SHARED, requests=Fact.unread(DENIED)),
            ExtensionStatus.NOT_INSTALLED,
            "asked for it is unknown",
            "Shared",
        ),
        (
            replace(SHARED, offer=Fact.read(ExtensionOffer(is_shared=True, refusal="no right"))),
            ExtensionStatus.NOT_INSTALLED,
            "may not install it: no right",
            "Shared",
        ),
        (
            replace(SHARED, installed=there("unInstalled").installed),
            ExtensionStatus.NOT_INSTALLED,
            "no inst",
            "S",
        ),
    ],
)
def test_absent(look: ExtensionLook, status: ExtensionStatus, told: str, fix: str) -> None:
    state = judge(look, CONNECTOR, None, NOW)
    assert state.status is status
    assert told in state.evidence
    assert fix in state.fix
    assert state.seen_at is None


def test_an_extension_of_ones_own_is_shared_by_its_own_publisher() -> None:
    own = replace(CONNECTOR, options=ConnectorOptions(extension_publisher="fabrikam", extension_name="maps"))
    state = judge(UNSHARED, own, None, NOW)
    assert "fabrikam" in state.fix
    assert "Defender" not in state.fix


@pytest.mark.parametrize(
    ("published", "status"),
    [
        (NOW - timedelta(days=1), ExtensionStatus.INSTALLED),
        (NOW - timedelta(days=8), ExtensionStatus.OUT_OF_DATE),
        (NOW - timedelta(days=40), ExtensionStatus.INSTALLED),
        (None, ExtensionStatus.INSTALLED),
    ],
)
def test_an_upgrade_gets_a_week(published: datetime | None, status: ExtensionStatus) -> None:
    look = there("none", updated_at=NOW - timedelta(days=30), published_at=published)
    assert judge(look, CONNECTOR, None, NOW).status is status


def test_one_that_went_away_is_removed_for_as_long_as_it_is_gone() -> None:
    state = after(there(), SHARED, SHARED)
    assert state.status is ExtensionStatus.REMOVED
    assert (state.seen_at, state.removed_at, state.since, state.removals) == (NOW, NOW + HOUR, NOW + HOUR, 1)
    assert "2026-01-01 12:00" in state.evidence
    assert after(there(), UNTOLD).status is ExtensionStatus.REMOVED
    unshared = after(there(), UNSHARED)
    assert (unshared.status, unshared.removals) == (ExtensionStatus.NOT_SHARED, 1)
    assert "found removed" in unshared.evidence


def test_what_is_not_told_in_between_removes_nothing_and_hides_no_removal() -> None:
    known = after(there())
    unknown = could_not_tell(DENIED, INSTALLING, known, NOW + HOUR)
    assert (unknown.status, unknown.removals, unknown.seen_at) == (ExtensionStatus.UNKNOWN, 0, NOW)
    assert judge(SHARED, INSTALLING, unknown, NOW + 2 * HOUR).status is ExtensionStatus.REMOVED


def test_what_an_earlier_release_saw_is_remembered() -> None:
    old = replace(after(there("disabled")), seen_at=None)
    assert judge(SHARED, INSTALLING, old, NOW + HOUR).status is ExtensionStatus.REMOVED
    never = replace(after(SHARED), seen_at=None)
    assert judge(SHARED, INSTALLING, never, NOW + HOUR).status is ExtensionStatus.NOT_INSTALLED


def test_another_extension_starts_anew() -> None:
    known = after(there())
    assert of_this(known, INSTALLING) == known
    other = replace(INSTALLING, options=replace(INSTALLING.options, extension_name="other"))
    assert of_this(known, other) is None


@pytest.mark.parametrize("look", [SHARED, UNTOLD, replace(SHARED, requests=Fact.read(ExtensionRequests(1)))])
def test_what_is_missing_is_installed_where_that_is_allowed(look: ExtensionLook) -> None:
    state = after(look)
    decision = decide(state, look, INSTALLING, NOW)
    assert decision.install
    assert decision.requested_by == "connector main"
    assert not decide(state, look, CONNECTOR, NOW).install
    assert not decide(state, look, CONNECTOR, NOW, person="ann").install


@pytest.mark.parametrize(
    "look",
    [
        UNSHARED,
        *(there(flag) for flag in ("none", "disabled", "error", "needsReauthorization", "autoUpgradeError")),
    ],
)
def test_nothing_else_is_touched(look: ExtensionLook) -> None:
    assert not decide(after(look), look, INSTALLING, NOW).install
    assert not decide(after(look), look, INSTALLING, NOW, person="ann").install


def test_a_removal_is_answered_once_and_a_second_one_never() -> None:
    removed = after(there(), SHARED)
    first = decide(removed, SHARED, INSTALLING, NOW + HOUR)
    assert first.install
    pending = begun(removed, first, NOW + HOUR)
    back = settled(judge(there(), INSTALLING, pending, NOW + HOUR))
    assert back.attempt is not None
    assert back.attempt.outcome is InstallOutcome.INSTALLED
    again = judge(SHARED, INSTALLING, back, NOW + 2 * HOUR)
    assert again.removals == 2
    second = decide(again, SHARED, INSTALLING, NOW + 2 * HOUR)
    assert not second.install
    assert "leaves it to the administrators" in left_alone(again, second, INSTALLING).evidence
    asked = decide(again, SHARED, INSTALLING, NOW + 2 * HOUR, person="ann")
    assert asked.requested_by == "ann"
    assert begun(again, asked, NOW, person="ann").removals == 0


def test_whoever_puts_it_back_by_hand_has_decided_anew() -> None:
    state = after(there(), SHARED, there(), SHARED, connector=CONNECTOR)
    assert state.removals == 1


def test_a_refused_answer_to_a_removal_is_not_repeated() -> None:
    removed = after(there(), SHARED)
    pending = begun(removed, decide(removed, SHARED, INSTALLING, NOW + HOUR), NOW + HOUR)
    state = refused(pending, DENIED, INSTALLING, removed)
    assert "vso.extension" in state.fix
    later = judge(SHARED, INSTALLING, state, NOW + 2 * HOUR)
    decision = decide(later, SHARED, INSTALLING, NOW + 2 * HOUR)
    assert not decision.install
    assert "Denied." in decision.why


def test_a_lost_answer_is_looked_at_and_is_the_same_attempt() -> None:
    missing = after(SHARED)
    pending = begun(missing, decide(missing, SHARED, INSTALLING, NOW), NOW)
    again = decide(judge(SHARED, INSTALLING, pending, NOW + HOUR), SHARED, INSTALLING, NOW + HOUR)
    assert (again.install, again.resumed) == (True, True)
    assert begun(pending, again, NOW + HOUR).attempt == pending.attempt
    found = settled(judge(there(), INSTALLING, pending, NOW + HOUR))
    assert found.attempt is not None
    assert (found.attempt.outcome, found.attempt.at) == (InstallOutcome.INSTALLED, NOW)
    unread = could_not_tell(DENIED, INSTALLING, pending, NOW + HOUR)
    assert settled(unread) == unread


def test_an_installation_tells_that_it_is_not_shared_where_nothing_else_does() -> None:
    missing = after(UNTOLD)
    pending = begun(missing, decide(missing, UNTOLD, INSTALLING, NOW), NOW)
    gone = Failure(FailureKind.GONE, "NotFound", "404.")
    state = refused(pending, gone, INSTALLING, missing)
    assert state.status is ExtensionStatus.NOT_SHARED
    assert "Defender for Cloud once" in state.fix
    later = judge(UNTOLD, INSTALLING, state, NOW + HOUR)
    assert (later.status, later.since) == (ExtensionStatus.NOT_SHARED, state.since)
    assert not decide(later, UNTOLD, INSTALLING, NOW + HOUR).install
    assert decide(later, UNTOLD, INSTALLING, NOW + 25 * HOUR).install
    assert decide(later, SHARED, INSTALLING, NOW + HOUR).install


def test_a_refusal_is_told_with_what_azure_devops_said_and_what_would_help() -> None:
    missing = after(SHARED)
    pending = begun(missing, decide(missing, SHARED, INSTALLING, NOW), NOW)
    state = refused(pending, DENIED, INSTALLING, missing)
    assert pending.attempt is not None
    assert state == replace(
        pending,
        attempt=replace(
            pending.attempt,
            outcome=InstallOutcome.REFUSED,
            message="Installing it was refused: Denied.",
        ),
        evidence=f"{pending.evidence} Installing it was refused: Denied.",
        fix="Ask. Permission that allows it: vso.extension.",
    )
    silent = Failure(FailureKind.DENIED, "PermissionMissing", "Denied.")
    assert refused(pending, silent, INSTALLING, missing).fix == pending.fix


def test_an_installation_that_finds_nothing_shared_says_so_since_when_it_is_known() -> None:
    missing = after(UNTOLD)
    pending = begun(missing, decide(missing, UNTOLD, INSTALLING, NOW), NOW)
    pending = replace(pending, checked_at=NOW + HOUR)
    gone = Failure(FailureKind.GONE, "NotFound", "404.")
    told = "It could not be installed since it is not shared with this organization."
    state = refused(pending, gone, INSTALLING, missing)
    assert state.attempt is not None
    assert (state.attempt.outcome, state.attempt.message) == (InstallOutcome.NOT_SHARED, told)
    assert state.evidence == (
        f"Azure DevOps has no installation of ms-securitydevops.ms-dfd-code-to-cloud. {told}"
    )
    for known in (missing, None, replace(missing, status=ExtensionStatus.UNKNOWN)):
        assert refused(pending, gone, INSTALLING, known).since == NOW + HOUR
    unshared = replace(missing, status=ExtensionStatus.NOT_SHARED, since=NOW - HOUR)
    assert refused(pending, gone, INSTALLING, unshared).since == NOW - HOUR
    assert refused(replace(pending, attempt=None), gone, INSTALLING, missing).attempt is None


def test_since_holds_and_the_journal_tells_changes_alone() -> None:
    first = after(SHARED)
    again = judge(SHARED, INSTALLING, first, NOW + HOUR)
    assert (again.since, again.checked_at) == (NOW, NOW + HOUR)
    assert changes(first, again, CONNECTOR, ORGANIZATION, NOW + HOUR) == []
    installed = judge(there(), INSTALLING, again, NOW + HOUR)
    (entry,) = changes(again, installed, CONNECTOR, ORGANIZATION, NOW + HOUR)
    assert (entry.before, entry.after) == ("notInstalled", "installed")


def test_every_status_is_one_of_there_and_not_there_or_unknown() -> None:
    assert frozenset(ExtensionStatus) == ABSENT | PRESENT | {ExtensionStatus.UNKNOWN}


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["remove", "by hand", "disable", "share", "unshare", "nothing"]),
        st.sampled_from(["told", "lost", "unread"]),
    ),
    max_size=30,
)


@given(EVENTS)
def test_whatever_happens_nobody_is_fought(events: list[tuple[str, str]]) -> None:
    """Nothing but what is missing and shared is installed, and no second removal is answered.

    What was `lost` is done, and its answer does not arrive: it may be repeated once each time.
    """
    is_there, is_shared, flags = False, True, "none"
    known: ExtensionState | None = None
    since_a_person = lost = 0
    for number, (event, answer) in enumerate(events):
        now = NOW + number * HOUR
        if event == "remove":
            is_there, flags = False, "none"
        elif event == "by hand" and is_shared and not is_there:
            is_there, since_a_person, lost = True, 0, 0
        elif event == "disable" and is_there:
            flags = "disabled"
        elif event in {"share", "unshare"}:
            is_shared = event == "share"
        if answer == "unread":
            known = could_not_tell(DENIED, INSTALLING, known, now)
            continue
        look = there(flags) if is_there else SHARED if is_shared else UNSHARED
        known = settled(judge(look, INSTALLING, known, now))
        assert (known.status in PRESENT) is is_there
        decision = decide(known, look, INSTALLING, now)
        if not decision.install:
            continue
        assert is_shared
        assert not is_there
        known = begun(known, decision, now)
        is_there, since_a_person, lost = True, since_a_person + 1, lost + (answer == "lost")
        if answer == "told":
            known = settled(judge(there(), INSTALLING, known, now))
        # Once where it was missing, and once more after the first removal.
        assert since_a_person <= 2 + lost


@pytest.mark.parametrize(
    ("entry", "event", "after", "reason"),
    [
        (
            asked_entry,
            JournalEvent.EXTENSION_INSTALL_REQUESTED,
            "",
            "Ana asks for it.",
        ),
        (
            refused_entry,
            JournalEvent.EXTENSION_INSTALL_REFUSED,
            "refused",
            "Not you. Ask.",
        ),
        (
            partial(installed_entry, was_lost=False),
            JournalEvent.EXTENSION_INSTALLED,
            "1.2",
            "Azure DevOps installed it.",
        ),
        (
            partial(installed_entry, was_lost=True),
            JournalEvent.EXTENSION_INSTALLED,
            "1.2",
            "The answer to the installation of 2026-01-01 11:00 UTC was lost; the extension is there.",
        ),
    ],
)
def test_the_journal_tells_of_an_installation_who_asked_and_how_it_went(
    entry: Callable[..., JournalEntry], event: JournalEvent, after: str, reason: str
) -> None:
    tried = InstallAttempt(NOW - HOUR, "Ana", InstallOutcome.REFUSED, "Not you.")
    state = replace(judge(SHARED, INSTALLING, None, NOW), version="1.2", fix="Ask.", attempt=tried)
    more = ("Ana asks for it.",) if entry is asked_entry else ()
    assert entry(state, INSTALLING, ORGANIZATION, *more) == JournalEntry(
        at=NOW,
        event=event,
        connector=INSTALLING.id,
        organization=ORGANIZATION.id,
        subject="ms-securitydevops.ms-dfd-code-to-cloud",
        subject_name="contoso",
        after=after,
        reason=reason,
        requested_by="Ana",
    )


def test_a_change_is_told_with_what_it_changed_from_and_only_then() -> None:
    before, now = judge(UNSHARED, CONNECTOR, None, NOW), judge(SHARED, CONNECTOR, None, NOW + HOUR)
    (entry,) = changes(before, now, CONNECTOR, ORGANIZATION, NOW + HOUR)
    assert entry == JournalEntry(
        at=NOW + HOUR,
        event=JournalEvent.EXTENSION_CHANGED,
        connector=CONNECTOR.id,
        organization=ORGANIZATION.id,
        subject="ms-securitydevops.ms-dfd-code-to-cloud",
        subject_name="contoso",
        before="notShared",
        after="notInstalled",
        reason=f"{now.evidence} {now.fix}",
    )
    (first,) = changes(None, now, CONNECTOR, ORGANIZATION, NOW)
    assert (first.before, first.after) == ("", "notInstalled")
    assert changes(now, now, CONNECTOR, ORGANIZATION, NOW) == []
