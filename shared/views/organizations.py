"""What is known of an organization, as each connector sees it, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from shared.model.connector import Connector
from shared.model.extension import ABSENT, ExtensionState, ExtensionStatus
from shared.model.failure import FailureKind
from shared.model.organization import Enrollment, OnboardingState, Organization
from shared.model.prerequisite import Prerequisite, PrerequisiteName, PrerequisiteStatus
from shared.model.work import Work, WorkKind

if TYPE_CHECKING:
    from shared.ports import ConnectorState

WORK_TITLES = {
    WorkKind.PREREQUISITES: "Checking the prerequisites",
    WorkKind.INVENTORY: "Listing projects and repositories",
    WorkKind.EXTENSION: "Checking the Container Mapping extension",
    WorkKind.POSTURE: "Assessing the posture",
    WorkKind.NOTIFICATIONS: "Notifying of changes",
    WorkKind.IMAGES: "Tracing images",
}

_FINE = frozenset({ExtensionStatus.INSTALLED, ExtensionStatus.UNKNOWN})
"""What is fine, or is told as unknown elsewhere."""

_ONLY_WHERE_WANTED = ABSENT | {ExtensionStatus.DISABLED}
"""States that are nobody's trouble where nobody asked for the extension."""

_IN_WORDS = {
    ExtensionStatus.NOT_SHARED: "not shared",
    ExtensionStatus.NOT_INSTALLED: "not installed",
    ExtensionStatus.INSTALL_REQUESTED: "not installed, and waits for an administrator",
    ExtensionStatus.REMOVED: "removed",
    ExtensionStatus.DISABLED: "disabled",
    ExtensionStatus.NEEDS_REAUTHORIZATION: "in need of authorisation anew",
    ExtensionStatus.IN_ERROR: "in error",
    ExtensionStatus.OUT_OF_DATE: "out of date",
}

_NO_CONNECTOR = "No connector has it any more; its inventory is kept as it was."


@dataclass(frozen=True, slots=True)
class View:
    """One organization as one connector sees it; the connector is None for what a deleted one left behind."""

    organization: Organization
    connector: Connector | None
    enrollment: Enrollment | None
    prerequisites: Mapping[PrerequisiteName, Prerequisite]
    extension: ExtensionState | None
    work: tuple[Work, ...]

    @property
    def state(self) -> OnboardingState:
        """Onboarded, or not."""
        return self.enrollment.state if self.enrollment else OnboardingState.NOT_ONBOARDED

    @property
    def is_onboarded(self) -> bool:
        """Whether this connector has it."""
        return self.state is OnboardingState.ONBOARDED

    def requires(self, name: PrerequisiteName) -> bool:
        """Whether onboarding depends on it."""
        return self.connector is not None and name in self.connector.options.required_prerequisites


def views(state: ConnectorState, organizations: Iterable[Organization] | None = None) -> list[View]:
    """Every pair of organization and connector, by name."""
    connectors = {one.id: one for one in state.connectors()}
    chosen = state.organizations() if organizations is None else organizations
    known = {one.id: one for one in chosen}
    found: list[View] = []
    enrolled = set()
    for enrollment in state.enrollments():
        organization = known.get(enrollment.organization)
        connector = connectors.get(enrollment.connector)
        if organization is None or connector is None:
            continue
        enrolled.add(organization.id)
        onboarded = enrollment.state is OnboardingState.ONBOARDED
        found.append(
            View(
                organization=organization,
                connector=connector,
                enrollment=enrollment,
                prerequisites={one.name: one for one in state.prerequisites(organization.id, connector.id)},
                extension=state.extension(organization.id) if onboarded else None,
                work=state.work(organization=organization.id),
            )
        )
    found.extend(View(one, None, None, {}, None, ()) for one in known.values() if one.id not in enrolled)
    return sorted(found, key=_order)


def _order(view: View) -> tuple[str, str, str, str]:
    name = view.organization.name
    return (
        name.casefold(),
        name,
        view.organization.id,
        view.connector.name.casefold() if view.connector else "",
    )


def extension_trouble(view: View) -> str:
    """What is wrong with the extension, if somebody wants it: it is there, or is to be installed."""
    known = view.extension
    if known is None or view.connector is None or known.status in _FINE:
        return ""
    if known.status in _ONLY_WHERE_WANTED and not view.connector.options.install_extension:
        return ""
    return sentence(
        f"The Container Mapping extension is {_IN_WORDS[known.status]}: {known.evidence}", known.fix
    )


def tell(view: View, now: datetime) -> list[str]:
    """What a person should know of the organization, in sentences that say what to do."""
    if view.enrollment is None:
        return [_NO_CONNECTOR]
    said: list[str] = []
    if view.enrollment.reason:
        said.append(sentence(view.enrollment.reason, view.enrollment.fix))
    organization = view.organization
    if organization.missing_since is not None and not _repeats(said, organization.missing_reason):
        said.append(
            sentence(
                f"It is missing since {organization.missing_since:%Y-%m-%d %H:%M} UTC.",
                organization.missing_reason,
            )
        )
    if view.is_onboarded:
        said.extend(_lost_rights(view, said))
        said.extend(failure_sentence(one, now) for one in view.work if one.last_failure is not None)
        if trouble := extension_trouble(view):
            said.append(trouble)
        if not view.enrollment.listed and organization.missing_since is None:
            said.append("The last listing of organizations did not name it.")
    elif view.state is OnboardingState.NOT_ONBOARDED and view.work and not view.prerequisites:
        said.extend(failure_sentence(one, now) for one in view.work if one.last_failure is not None)
    return said


def _lost_rights(view: View, said: list[str]) -> list[str]:
    """Required prerequisites that an onboarded organization does not meet (any more)."""
    return [
        sentence(known.evidence, known.fix)
        for name, known in view.prerequisites.items()
        if view.requires(name)
        and known.status is not PrerequisiteStatus.MET
        and not _repeats(said, known.evidence)
    ]


def _repeats(said: list[str], text: str) -> bool:
    return bool(text) and any(text in one for one in said)


def failure_sentence(work: Work, now: datetime) -> str:
    """Which work did not succeed, why, what to do, and when it is tried again."""
    failure = work.last_failure
    if failure is None:
        return ""
    verb = "waits for the rate limit" if failure.kind is FailureKind.THROTTLED else "failed"
    since = f" at {work.last_failure_at:%Y-%m-%d %H:%M} UTC" if work.last_failure_at else ""
    told = sentence(f"{WORK_TITLES[work.kind]} {verb}{since}: {failure.reason}", failure.fix)
    if work.not_before is not None and work.not_before > now:
        told += f" It is tried again at {work.not_before:%Y-%m-%d %H:%M:%S} UTC."
    return told


def sentence(*parts: str) -> str:
    """The parts, one after the other, each ended as a sentence."""
    ended = [part.strip() for part in parts if part.strip()]
    return " ".join(part if part[-1] in ".!?" else f"{part}." for part in ended)
