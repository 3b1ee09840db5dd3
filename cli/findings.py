"""What could not be told, and what needs a person: read from the state alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from cli.recommendation_rows import organization_recommendations
from shared.model.assessment import AssessmentStatus
from shared.model.connector import Connector, ProvisioningState
from shared.model.extension import ExtensionStatus
from shared.model.failure import FailureKind
from shared.model.ids import OrganizationId
from shared.model.organization import OnboardingCause, OnboardingState
from shared.model.prerequisite import INFORMATIONAL, PrerequisiteStatus
from shared.model.work import Work, WorkKind
from shared.posture.verdicts import UNREAD
from shared.views.organizations import WORK_TITLES, View, extension_trouble, failure_sentence, sentence, views

if TYPE_CHECKING:
    from shared.ports import ConnectorState, Intervals
    from shared.posture.rule import Rule

EXEMPTED = "exempted"
"""Key of unhealthy findings that somebody answers for: they are counted apart."""

UNTOLD_STATUSES = (AssessmentStatus.UNKNOWN, AssessmentStatus.NEVER_ASSESSED, AssessmentStatus.STALE)
_UNTOLD_WORDS = {
    AssessmentStatus.UNKNOWN: "unknown",
    AssessmentStatus.NEVER_ASSESSED: "not assessed yet",
    AssessmentStatus.STALE: "stale",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be: of what, why, and what to do.

    `is_untold` where something could not be told, `needs_person` where it does not pass by itself.
    """

    subject: str
    reason: str
    is_untold: bool
    needs_person: bool

    def row(self) -> dict[str, object]:
        """The JSON of it."""
        return {
            "subject": self.subject,
            "reason": self.reason,
            "untold": self.is_untold,
            "needsPerson": self.needs_person,
        }


def find_all(state: ConnectorState, now: datetime) -> list[Finding]:
    """Everything but the posture, which `posture_findings` tells."""
    found: list[Finding] = []
    for connector in sorted(state.connectors(), key=lambda one: one.name.casefold()):
        found.extend(_of_connector(connector))
    for view in views(state):
        found.extend(dict.fromkeys(_of_view(view, now)))
    return found


def _of_connector(connector: Connector) -> Iterator[Finding]:
    if connector.provisioning is ProvisioningState.SUCCEEDED:
        return
    failed = connector.provisioning is ProvisioningState.FAILED
    what = "Its organizations could not be listed: " if failed else ""
    yield Finding(
        f"connector {connector.name}",
        sentence(what + connector.provisioning_message),
        is_untold=True,
        needs_person=failed,
    )


def _of_view(view: View, now: datetime) -> Iterator[Finding]:
    enrollment = view.enrollment
    if enrollment is None:
        return
    name = view.organization.name
    if view.is_onboarded:
        yield from _of_onboarded(view, now)
        return
    if view.state is not OnboardingState.NOT_ONBOARDED:
        return
    told = sentence(enrollment.reason, enrollment.fix)
    if enrollment.cause is OnboardingCause.PENDING:
        failures = [failure_sentence(one, now) for one in view.work if one.last_failure is not None]
        yield Finding(
            name, " ".join([told, *failures]), is_untold=True, needs_person=_any_needs_person(view.work)
        )
    elif enrollment.cause is OnboardingCause.PREREQUISITES:
        required = [one for one in view.prerequisites.values() if view.requires(one.name)]
        not_met = any(one.status is PrerequisiteStatus.NOT_MET for one in required)
        unknown = any(one.status is PrerequisiteStatus.UNKNOWN for one in required)
        yield Finding(name, told, is_untold=unknown and not not_met, needs_person=True)


def _of_onboarded(view: View, now: datetime) -> Iterator[Finding]:
    name = view.organization.name
    organization = view.organization
    for one in view.prerequisites.values():
        if one.name in INFORMATIONAL and not view.requires(one.name):
            continue
        if one.status is PrerequisiteStatus.UNKNOWN:
            told = sentence(f"Prerequisite {one.name.value} is unknown: {one.evidence}", one.fix)
            # One that nothing depends on is shown, and leaves nothing of what was asked for untold.
            yield Finding(name, told, is_untold=view.requires(one.name), needs_person=True)
        elif one.status is PrerequisiteStatus.NOT_MET and view.requires(one.name):
            told = sentence(f"Prerequisite {one.name.value} is no longer met: {one.evidence}", one.fix)
            yield Finding(name, told, is_untold=False, needs_person=True)
    if organization.missing_since is not None:
        told = sentence(
            f"It is missing since {organization.missing_since:%Y-%m-%d %H:%M} UTC.",
            organization.missing_reason,
        )
        yield Finding(name, told, is_untold=False, needs_person=True)
    failed = {one.kind: one for one in view.work if one.last_failure is not None}
    for work in failed.values():
        yield Finding(name, failure_sentence(work, now), is_untold=True, needs_person=_needs_person(work))
    if WorkKind.EXTENSION not in failed:
        yield from _of_extension(view)
    never = []
    if organization.last_complete_listing is None and WorkKind.INVENTORY not in failed:
        never.append("its projects and repositories were never listed completely")
    if view.extension is None and WorkKind.EXTENSION not in failed:
        never.append("its extension was never checked")
    if not view.prerequisites and WorkKind.PREREQUISITES not in failed:
        never.append("its prerequisites were never checked")
    for lack in never:
        yield Finding(name, f"It is onboarded, but {lack} yet.", is_untold=True, needs_person=False)


def _of_extension(view: View) -> Iterator[Finding]:
    known = view.extension
    if known is not None and known.status is ExtensionStatus.UNKNOWN:
        told = sentence(f"The state of the extension is unknown: {known.evidence}", known.fix)
        yield Finding(view.organization.name, told, is_untold=True, needs_person=True)
    elif trouble := extension_trouble(view):
        yield Finding(view.organization.name, trouble, is_untold=False, needs_person=True)


def _needs_person(work: Work) -> bool:
    failure = work.last_failure
    return failure is not None and failure.kind in {FailureKind.DENIED, FailureKind.GONE}


def _any_needs_person(work: tuple[Work, ...]) -> bool:
    return any(_needs_person(one) for one in work)


def posture_findings(
    state: ConnectorState, rules: tuple[Rule, ...], intervals: Intervals, now: datetime
) -> tuple[dict[OrganizationId, Counter[str]], list[Finding]]:
    """How many recommendations of each outcome each organization has, and where some could not be told."""
    counts: dict[OrganizationId, Counter[str]] = {}
    found: list[Finding] = []
    for view in views(state):
        if not view.is_onboarded:
            continue
        of_this = counts.setdefault(view.organization.id, Counter())
        reasons: dict[AssessmentStatus, str] = {}
        unread = False
        for _, one in organization_recommendations(state, view.organization, rules, intervals, now):
            of_this[EXEMPTED if one.is_exempted else one.status] += 1
            reasons.setdefault(one.status, one.reason)
            unread = unread or (one.status is AssessmentStatus.UNKNOWN and UNREAD in one.evidence)
        untold = {status: of_this[status] for status in UNTOLD_STATUSES if of_this[status]}
        for status, number in untold.items():
            name = view.organization.name
            told = sentence(
                f"{number} of its recommendations {'is' if number == 1 else 'are'} {_UNTOLD_WORDS[status]}",
                f"For example: {reasons[status]}" if status is AssessmentStatus.UNKNOWN else "",
                f'See "ado-connector recommendations list --organization {name} --status {status.value}"',
            )
            is_unknown = status is AssessmentStatus.UNKNOWN
            # What was read whole and does not settle the question has been told, as unknown.
            found.append(Finding(name, told, is_untold=unread or not is_unknown, needs_person=is_unknown))
    return counts, found


def unfinished(state: ConnectorState, now: datetime, since: datetime) -> list[Finding]:
    """Work that is due and was not done since then, for no told reason."""
    names = {one.id: one.name for one in state.organizations()}
    found: list[Finding] = []
    for work in state.work():
        if work.last_failure is not None or work.due_at > now or work.organization not in names:
            continue
        if work.last_success is not None and work.last_success >= since and not work.checkpoint:
            continue
        being_done = work.leased_until is not None and work.leased_until > now
        doing = "is still being done" if being_done else "still waits"
        told = f"{WORK_TITLES[work.kind]} {doing}; it was due {work.due_at:%Y-%m-%d %H:%M:%S} UTC."
        found.append(Finding(names[work.organization], told, is_untold=True, needs_person=False))
    return found
