"""Recommendations as commands tell them: read from the state, project by project, in one order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING

from cli.output import Row, instant
from cli.problems import WrongOption
from shared.model.assessment import AssessmentStatus, StatusChange
from shared.model.exemption import Exemption
from shared.model.ids import ProjectId
from shared.model.inventory import Project
from shared.model.organization import Organization

if TYPE_CHECKING:
    from shared.ports import ConnectorState, Intervals
    from shared.posture.exemptions import Exemptions, Place
    from shared.posture.history import Subject
    from shared.posture.rule import Rule
    from shared.posture.views import Recommendation
    from shared.wiring.runtime import Runtime

UNTOLD = frozenset({AssessmentStatus.UNKNOWN, AssessmentStatus.NEVER_ASSESSED, AssessmentStatus.STALE})
"""Outcomes that tell neither that something is well nor that it is not."""


@dataclass(frozen=True, slots=True)
class Told:
    """One recommendation, and where it is."""

    organization: Organization
    project: Project | None
    """None for what is of the organization itself."""
    recommendation: Recommendation

    @property
    def project_name(self) -> str:
        """Name of the project; empty for what is of the organization itself."""
        return self.project.name if self.project else ""


def place_of(organization: Organization, project: Project | None) -> Place:
    """A project, or the organization itself, as exemptions ask for it."""
    from shared.views import recommendations  # noqa: PLC0415 - loads every rule

    return recommendations.place_of(organization, project)


def find_rules(wanted: str | None, option: str = "--rule") -> tuple[Rule, ...]:
    """The rule with this id, Defender key or id in another tool; all, when none is named."""
    from shared.posture.catalogue import RULES, find  # noqa: PLC0415 - loads every rule

    if wanted is None:
        return RULES
    found = find(wanted)
    if found is None:
        near = get_close_matches(wanted.strip().upper(), [one.id for one in RULES], n=5, cutoff=0.5)
        fix = f"Did you mean {' or '.join(near)}?" if near else "Rules have ids such as ADO-REPO-001."
        raise WrongOption(option, f'there is no rule "{wanted}".', f"{fix} See docs/rules.")
    return (found,)


def exemptions_now(state: ConnectorState, now: datetime) -> Exemptions:
    """The exemptions that hold."""
    from shared.posture.exemptions import Exemptions  # noqa: PLC0415 - loads every rule

    return Exemptions(state.exemptions(), now)


def organization_recommendations(
    state: ConnectorState,
    organization: Organization,
    rules: tuple[Rule, ...],
    intervals: Intervals,
    now: datetime,
    exemptions: Exemptions | None = None,
) -> Iterator[tuple[Project | None, Recommendation]]:
    """Everything to say of one organization: of itself (no project), then project by project.

    `exemptions` are those that hold; read from the state unless they are given.
    """
    from shared.views import recommendations  # noqa: PLC0415 - loads every rule

    holding = exemptions_now(state, now) if exemptions is None else exemptions
    yield from recommendations.organization_recommendations(
        state, organization, rules, intervals, now, holding
    )


def tell(
    runtime: Runtime, organizations: Iterable[Organization], rules: tuple[Rule, ...], now: datetime
) -> Iterator[Told]:
    """Everything that these rules say of these organizations, in order."""
    exemptions = exemptions_now(runtime.state, now)
    for organization in organizations:
        for project, one in organization_recommendations(
            runtime.state, organization, rules, runtime.dependencies.intervals, now, exemptions
        ):
            yield Told(organization, project, one)


def tell_past(
    runtime: Runtime, organizations: Iterable[Organization], rules: tuple[Rule, ...], at: datetime
) -> Iterator[Told]:
    """Everything that these rules said of these organizations at a time, in order.

    Status and reason come from the history; where it does not reach back, the status is *unknown*. Evidence
    is not kept. Exemptions are those that are kept now and held then.
    """
    from shared.posture.exemptions import Exemptions, with_exemptions  # noqa: PLC0415 - loads every rule
    from shared.posture.history import by_subject, past_recommendations  # noqa: PLC0415
    from shared.views.recommendations import order  # noqa: PLC0415

    kept = Exemptions((one for one in runtime.state.exemptions() if one.created_at <= at), at)
    known = {one.id: one for one in rules}
    for organization in organizations:
        changes: dict[ProjectId | None, dict[Subject, list[StatusChange]]] = {}
        for subject, some in by_subject(runtime.state.status_changes(organization.id)).items():
            changes.setdefault(subject[2], {})[subject] = some
        of_projects = sorted(
            runtime.state.projects(organization.id), key=lambda one: (one.name.casefold(), one.name, one.id)
        )
        for project in (None, *of_projects):
            rows = runtime.state.assessments(organization.id, project.id if project else ProjectId(""))
            told = past_recommendations(rows, changes.get(project.id if project else None, {}), known, at)
            for one in sorted(with_exemptions(told, place_of(organization, project), kept), key=order):
                yield Told(organization, project, one)


def recommendation_row(told: Told) -> Row:
    """The JSON of a recommendation."""
    from shared.posture.risk import owner_of, risk_of  # noqa: PLC0415 - with the rules

    organization, project, one = told.organization, told.project, told.recommendation
    risk = risk_of(one.rule.severity, one.resource, project, one.evidence)
    return {
        "rule": one.rule.id,
        "key": one.rule.assessment_key or None,
        "title": one.rule.title,
        "severity": one.rule.severity.value,
        "status": one.status.value,
        "lastStatus": one.last_status.value if one.last_status else None,
        "organization": organization.name,
        "organizationId": organization.id,
        "project": project.name if project else None,
        "projectId": project.id if project else None,
        "resourceKind": one.resource.kind.value,
        "resourceId": one.resource.id,
        "resourceName": one.resource.name,
        "reason": one.reason,
        "evidence": one.evidence,
        "permission": one.permission or None,
        "fix": list(one.rule.fix),
        "readFrom": list(one.rule.sources),
        "aliases": list(one.rule.aliases),
        "assessedAt": instant(one.assessed_at),
        "firstSeen": instant(one.first_seen),
        "changedAt": instant(one.changed_at),
        "exemption": _exemption(one.exemption),
        "risk": risk.level.value,
        "riskFactors": [factor.value for factor in risk.factors],
        "owner": owner_of(one.evidence, project, organization.name, organization.owner),
    }


def _exemption(one: Exemption | None) -> Row | None:
    if one is None:
        return None
    return {
        "id": one.id,
        "kind": one.kind.value,
        "reason": one.reason,
        "by": one.by,
        "expiresAt": instant(one.expires_at),
    }
