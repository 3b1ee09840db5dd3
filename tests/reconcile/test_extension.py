"""Every flag of an installed extension, and what it means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.model.connector import AuthKind, Connector, DiscoveryMode, IdentityReference
from shared.model.extension import ExtensionStatus
from shared.model.failure import Failure, FailureKind
from shared.model.identity import InstalledExtension
from shared.model.ids import ConnectorId, OrganizationId, TenantId
from shared.model.organization import Organization
from shared.reconcile.extension import changes, could_not_tell, judge, not_installable

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
CONNECTOR = Connector(
    ConnectorId("c"),
    "main",
    TenantId("t"),
    DiscoveryMode.EXISTING_AND_FUTURE,
    IdentityReference(AuthKind.PAT),
    created_at=NOW,
)
ORGANIZATION = Organization(OrganizationId("o"), TenantId("t"), "contoso", first_seen=NOW)


@pytest.mark.parametrize(
    ("flags", "status"),
    [
        ((), ExtensionStatus.INSTALLED),
        (("none",), ExtensionStatus.INSTALLED),
        (("trusted",), ExtensionStatus.INSTALLED),
        (("builtIn", "multiVersion"), ExtensionStatus.INSTALLED),
        (("warning",), ExtensionStatus.INSTALLED),
        (("unInstalled",), ExtensionStatus.NOT_INSTALLED),
        (("uninstalled", "disabled"), ExtensionStatus.NOT_INSTALLED),
        (("disabled",), ExtensionStatus.DISABLED),
        (("disabled", "error"), ExtensionStatus.DISABLED),
        (("needsReauthorization",), ExtensionStatus.NEEDS_REAUTHORIZATION),
        (("error",), ExtensionStatus.IN_ERROR),
        (("versionCheckError",), ExtensionStatus.IN_ERROR),
        (("autoUpgradeError",), ExtensionStatus.IN_ERROR),
    ],
)
def test_flags(flags: tuple[str, ...], status: ExtensionStatus) -> None:
    state = judge(InstalledExtension("p", "e", "1.0", flags), CONNECTOR, None, NOW)
    assert state.status is status
    assert all(flag in state.evidence for flag in flags)
    assert state.fix or status is ExtensionStatus.INSTALLED


def test_absent_is_not_installed_with_the_ways_out() -> None:
    state = judge(None, CONNECTOR, None, NOW)
    assert state.status is ExtensionStatus.NOT_INSTALLED
    assert "publisher has not shared" in state.fix


def test_unread_is_unknown_with_the_permission() -> None:
    failure = Failure(FailureKind.DENIED, "PermissionMissing", "Denied.", "Ask.", permission="vso.extension")
    state = could_not_tell(failure, CONNECTOR, None, NOW)
    assert state.status is ExtensionStatus.UNKNOWN
    assert "vso.extension" in state.fix


def test_a_refused_installation_says_why() -> None:
    missing = judge(None, CONNECTOR, None, NOW)
    unshared = not_installable(missing, Failure(FailureKind.GONE, "NotFound", "404."))
    assert "not shared" in unshared.evidence
    refused = not_installable(missing, Failure(FailureKind.DENIED, "PermissionMissing", "No right.", "Ask."))
    assert "No right." in refused.evidence
    assert refused.fix == "Ask."


def test_since_holds_and_the_journal_tells_changes_alone() -> None:
    first = judge(None, CONNECTOR, None, NOW)
    later = NOW + timedelta(hours=1)
    again = judge(None, CONNECTOR, first, later)
    assert (again.since, again.checked_at) == (NOW, later)
    assert changes(first, again, CONNECTOR, ORGANIZATION, later) == []
    installed = judge(InstalledExtension("p", "e", "1", ()), CONNECTOR, again, later)
    (entry,) = changes(again, installed, CONNECTOR, ORGANIZATION, later)
    assert (entry.before, entry.after) == ("notInstalled", "installed")
