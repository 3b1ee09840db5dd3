"""The review before a connector is created or changed: what comes of it, and what it takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from cli.connector_rows import intervals_written
from cli.output import Column, many, note
from shared.model.connector import Connector, DiscoveryMode, IdentityReference, Plan
from shared.model.organization import OnboardingState
from shared.model.prerequisite import PrerequisiteName, PrerequisiteStatus
from shared.reconcile.prerequisites import TITLES

if TYPE_CHECKING:
    from cli.connector_survey import Survey, Surveyed

PLANS: Final[Mapping[Plan, str]] = {
    Plan.FOUNDATIONAL: "inventory, prerequisites and posture recommendations",
    Plan.DEFENDER_CSPM: "what Foundational has, and container mapping, risk context and code-to-cloud",
}
"""What each plan turns on (Microsoft Learn, "DevOps security support")."""

MODES: Final[Mapping[DiscoveryMode, str]] = {
    DiscoveryMode.EXISTING: "all existing organizations, and none that appear later",
    DiscoveryMode.EXISTING_AND_FUTURE: "all existing and future organizations",
    DiscoveryMode.SELECTED: "selected organizations",
}

COSTS: Final[Mapping[PrerequisiteName, str]] = {
    PrerequisiteName.MEMBERSHIP: "nothing of the organization can be read",
    PrerequisiteName.PROJECT_COLLECTION_ADMINISTRATOR: "projects and repositories that the identity may not "
    "see are missing, organization settings are unknown, and the extension cannot be installed",
    PrerequisiteName.ACCESS_LEVEL: "repositories and their posture are missing",
    PrerequisiteName.THIRD_PARTY_OAUTH: "nothing: the policy does not govern Microsoft Entra tokens",
    PrerequisiteName.SAME_TENANT: "an identity of the connector's tenant cannot sign in to it",
    PrerequisiteName.ORGANIZATION_ACTIVE: "nothing can be read until it is started again",
    PrerequisiteName.AUDITING: "changes are found by the timers alone, not by the audit log",
    PrerequisiteName.ADVANCED_SECURITY: "code, secret and dependency findings are unknown",
}
"""What is lost where a prerequisite is not met."""

COLUMNS: Final = (
    Column("ORGANIZATION", "organization"),
    Column("WILL BE", "state"),
    Column("PROJECTS", "projects", right=True),
    Column("REQUESTS", "requests", right=True),
    Column("WHY NOT", "reason"),
)

_STATES: Final = {
    OnboardingState.ONBOARDED: "onboarded",
    OnboardingState.NOT_ONBOARDED: "left out",
    OnboardingState.ONBOARDED_BY_OTHER_CONNECTOR: "left to another connector",
    OnboardingState.NOT_APPLICABLE: "left out",
}


def review_rows(found: Survey) -> list[dict[str, object]]:
    """The JSON of each organization."""
    return [_row(one) for one in found.organizations]


def _row(one: Surveyed) -> dict[str, object]:
    return {
        "organization": one.name,
        "onboardingState": one.state.value,
        "state": _STATES[one.state],
        "reason": f"{one.reason} {one.fix}".strip() or None,
        "projects": f"{one.projects}+" if one.has_more else one.projects,
        "requests": f"{one.requests}+" if one.has_more else one.requests,
        "prerequisites": {
            each.name.value: {
                "status": each.status.value,
                "evidence": each.evidence,
                "fix": each.fix or None,
                "costs": None if each.status is PrerequisiteStatus.MET else COSTS[each.name],
            }
            for each in one.prerequisites
        },
    }


def permission_lines(organizations: Sequence[Surveyed]) -> list[str]:
    """Which prerequisites hold where; for the others what that costs."""
    lines = []
    for name in PrerequisiteName:
        asked = [(one, each) for one in organizations for each in one.prerequisites if each.name is name]
        if not asked:
            continue
        counts = {
            status: [one.name for one, each in asked if each.status is status]
            for status in PrerequisiteStatus
        }
        held, lacking = counts[PrerequisiteStatus.MET], counts[PrerequisiteStatus.NOT_MET]
        unknown = counts[PrerequisiteStatus.UNKNOWN]
        line = f"{TITLES[name]}: held in {len(held)} of {len(asked)}"
        if lacking:
            line += f"; missing in {_some(lacking)}"
        if unknown:
            line += f"; could not be told in {_some(unknown)}"
        if lacking or unknown:
            line += f". Without it {COSTS[name]}"
        lines.append(f"{line}.")
    return lines


def _some(names: Sequence[str], most: int = 5) -> str:
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def identity_text(identity: IdentityReference) -> str:
    """The identity in a few words."""
    return " ".join(part for part in (identity.kind.value, identity.account or identity.client_id) if part)


def settings_lines(connector: Connector) -> list[str]:
    """What the connector is told, in words."""
    place = "/".join(part for part in (connector.subscription, connector.resource_group) if part)
    options = connector.options
    lines = [
        f"Connector      {connector.name}",
        f"Tenant         {connector.tenant}",
        f"Place          {place or 'none told'}{f', {connector.region}' if connector.region else ''}",
        f"Plan           {connector.plan.value}: {PLANS[connector.plan]}",
        f"Runs as        {identity_text(connector.identity)}",
    ]
    if connector.discover_as is not None:
        lines.append(f"Discovers as   {identity_text(connector.discover_as)}")
    lines.append(f"Organizations  {MODES[connector.mode]}{_names(connector.organizations)}")
    if connector.excluded:
        lines.append(f"Excluded       {', '.join(connector.excluded)}")
    lines.append(
        "Extension      "
        + (
            "Container Mapping is installed where it is shared (the only write to Azure DevOps)"
            if options.install_extension
            else "nothing is installed; Azure DevOps is only read"
        )
    )
    required = ", ".join(TITLES[one] for one in options.required_prerequisites) or "nothing"
    lines.append(f"Requires       {required}")
    own = intervals_written(options)
    if "postureRefreshInterval" in own:
        lines.append(f"Posture        is refreshed every {own['postureRefreshInterval']}")
    if "postureFullRefreshInterval" in own:
        lines.append(f"Posture        is read in full every {own['postureFullRefreshInterval']}")
    return lines


def _names(names: Iterable[str]) -> str:
    told = ", ".join(names)
    return f": {told}" if told else ""


def cannot_discover(connector: Connector) -> str:
    """What an identity that cannot list organizations will never find; empty for one that can."""
    identity = connector.discover_as or connector.identity
    if identity.lists_organizations:
        return ""
    return (
        f"A {identity.kind.value} is shown no list of organizations: only those that are named are "
        "connected, and organizations that appear later are not found. To have them found, let a person do "
        "the listing: --discover-as user."
    )


def duration_text(seconds: float) -> str:
    """About how long, for people."""
    if seconds < 90:  # noqa: PLR2004 - up to which seconds are easier to think of
        return f"about {max(1, round(seconds))} seconds"
    if seconds < 5400:  # noqa: PLR2004 - and up to which minutes are
        return f"about {round(seconds / 60)} minutes"
    return f"about {seconds / 3600:.1f} hours"


def say_cost(found: Survey, at_once: int) -> None:
    """How many requests a first sync takes, and how long."""
    more = " or more, since some have more than 100 projects" if found.has_more else ""
    seconds = found.requests * found.seconds_per_request / max(1, at_once)
    note(
        f"A first sync takes {many(found.requests, 'request')}{more}, {duration_text(seconds)} at "
        f"{at_once} at once; each service connection takes one more."
    )
