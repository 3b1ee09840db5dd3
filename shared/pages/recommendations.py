"""Recommendations: by rule, by resource, one by one; and the page of one of them."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from shared.model.assessment import AssessmentStatus, ResourceAssessments
from shared.model.ids import OrganizationId, ProjectId
from shared.pages import addresses
from shared.pages.look import (
    PAGE,
    Absent,
    Look,
    Values,
    findings_link,
    link_of,
    may_change,
    most_of,
    place_of,
    project_of,
)
from shared.posture.catalogue import find
from shared.posture.judging import ResourceKey, key_of
from shared.posture.risk import owner_of, risk_of
from shared.posture.rule import Rule
from shared.posture.score import EXEMPTED, OUTCOMES
from shared.views.lists import OPEN, Filter, Finding, OfRule, Page, Row, counts_of, page_of
from shared.views.recommendations import place_of as exemption_place
from shared.views.sheets import Outcome
from shared.views.text import instant

DAYS: Final = 30
"""Days that the history of a recommendation is drawn for."""
_FINDINGS: Final = 50
"""Findings of a page: evidence is read for them, and they may be of as many projects."""
_CHANGES_MOST: Final = 20_000
"""Changes that are read for it; with more there is no picture."""
_UNHEALTHY: Final = AssessmentStatus.UNHEALTHY
_NOT_KEPT: Final = {
    AssessmentStatus.NEVER_ASSESSED: "It has not been assessed yet.",
}


def recommendations_page(look: Look) -> tuple[str, Values]:
    """The page of all recommendations."""
    view = look.query.get("view", "")
    view = view if view in {"resources", "all"} else "rules"
    values: Values = {
        **look.common(),
        "view": view,
        "total": counts_of(look.overview.total()[0]),
        "title": "Recommendations",
        "csv": addresses.address("/recommendations.csv", look.query, {"page": "", "view": ""}),
    }
    if view == "rules":
        values["page"] = _rules(look)
    elif view == "resources":
        rows = sorted(look.overview.resources(look.wanted), key=_worst, reverse=True)
        page = page_of(rows, look.number, PAGE)
        values["page"] = Page(tuple(_resource(one) for one in page.rows), page.total, page.number, page.size)
        values["most"] = most_of(one.own.counts for one in page.rows)
    else:
        page_of_findings = look.overview.findings_page(look.wanted, look.number, _FINDINGS)
        values["page"] = replace(page_of_findings, rows=tuple(told(look, page_of_findings.rows)))  # type: ignore[arg-type]
    return "recommendations.html", values


def _worst(row: Row) -> tuple[int, int, int, int]:
    counts = row.own.counts
    return counts.high, counts.medium, counts.low, counts.untold


def _rules(look: Look) -> Page[Values]:
    page = page_of(look.overview.by_rule(look.wanted), look.number, 200)
    return Page(tuple(_rule(look, one) for one in page.rows), page.total, page.number, page.size)


def _untold(counts: Mapping[str, int]) -> int:
    return sum(
        counts.get(one.value, 0)
        for one in (AssessmentStatus.UNKNOWN, AssessmentStatus.STALE, AssessmentStatus.NEVER_ASSESSED)
    )


def _rule(look: Look, one: OfRule) -> Values:
    wanted = {**addresses.told(look.wanted), "view": "all", "status": OPEN, "rule": one.rule.id}
    return {
        "id": one.rule.id,
        "title": one.rule.title,
        "severity": one.rule.severity.value,
        "link": addresses.rule(one.rule.id),
        "list": addresses.address("/recommendations", wanted),
        "open": one.open,
        "exempted": one.counts.get(EXEMPTED, 0),
        "untold": _untold(one.counts),
        "healthy": one.counts.get(AssessmentStatus.HEALTHY.value, 0),
        "not_applicable": one.counts.get(AssessmentStatus.NOT_APPLICABLE.value, 0),
        "assessed_at": one.assessed_at,
    }


def _resource(row: Row) -> Values:
    return {
        "name": row.item.resource.name,
        "kind": row.item.resource.kind.value,
        "organization": row.sheet.organization.name,
        "project": row.project.name if row.project else "",
        "link": link_of(row),
        "counts": row.own.counts,
        "findings": findings_link(row),
        "assessed_at": row.assessed_at,
    }


def told(look: Look, findings: Sequence[Finding]) -> Iterator[Values]:
    """Findings with their reason and evidence, which are read now, project by project, for these alone."""
    stored: dict[tuple[OrganizationId, ProjectId], dict[ResourceKey, ResourceAssessments]] = {}
    for one in findings:
        organization = one.row.sheet.organization
        where = organization.id, project_of(one.row)
        if where not in stored:
            wanted = {
                key_of(each.row.item.resource)
                for each in findings
                if (each.row.sheet.organization.id, project_of(each.row)) == where
            }
            stored[where] = {
                key_of(row.resource): row
                for row in look.state.assessments(*where)
                if key_of(row.resource) in wanted
            }
        row = stored[where].get(key_of(one.row.item.resource))
        yield _finding(look, one, row)


def _finding(look: Look, one: Finding, kept: ResourceAssessments | None) -> Values:
    row, resource, organization = one.row, one.row.item.resource, one.row.sheet.organization
    assessment = kept.assessments.get(one.rule.id) if kept is not None else None
    verdict = assessment.verdict if assessment is not None else None
    evidence = verdict.evidence if verdict is not None else {}
    place = exemption_place(organization, row.project)
    return {
        "status": one.status.value,
        "exempted": one.is_exempted,
        "exemption": look.overview.exemptions.of(one.rule.id, resource, place) if one.is_exempted else None,
        "risk": risk_of(one.rule.severity, resource, row.project, evidence).level.value,
        "rule": one.rule.id,
        "title": one.rule.title,
        "rule_link": addresses.rule(one.rule.id),
        "name": resource.name,
        "kind": resource.kind.value,
        "place": place_of(row),
        "link": link_of(row),
        "reason": verdict.reason if verdict is not None else _NOT_KEPT.get(one.status, ""),
        "permission": verdict.permission if verdict is not None else "",
        "evidence": json.dumps(dict(evidence), indent=2, ensure_ascii=False, default=str) if evidence else "",
        "owner": owner_of(evidence, row.project, organization.name, organization.owner),
        "changed_at": assessment.changed_at if assessment is not None else None,
        "organization_id": organization.id,
        "resource_id": resource.id,
        "may_change": may_change(look, row),
        "is_open": one.status is _UNHEALTHY and not one.is_exempted,
        "settings": addresses.settings_page(
            organization.name, row.project.name if row.project else "", resource
        ),
    }


def recommendation_rows(look: Look) -> Iterator[Values]:
    """All recommendations that are wanted as a file has them, without reason and evidence."""
    for one in look.overview.findings(look.wanted):
        row, resource = one.row, one.row.item.resource
        yield {
            "rule": one.rule.id,
            "title": one.rule.title,
            "severity": one.rule.severity.value,
            "status": one.status.value,
            "exempted": one.is_exempted,
            "organization": row.sheet.organization.name,
            "organizationId": row.sheet.organization.id,
            "project": row.project.name if row.project else "",
            "projectId": row.project.id if row.project else "",
            "resourceKind": resource.kind.value,
            "resourceId": resource.id,
            "resourceName": resource.name,
            "assessedAt": instant(row.assessed_at) or "",
        }


# --- one recommendation -----------------------------------------------------------------------------------


def rule_page(look: Look, identifier: str) -> tuple[str, Values]:
    """The page of one recommendation. Raises `Absent`."""
    rule = find(identifier)
    if rule is None or rule.id != identifier:
        raise Absent
    status = look.query.get("status", OPEN)
    chosen = "" if status == "all" else status
    wanted = Filter(
        rule=rule.id, status=chosen, organization=look.wanted.organization, project=look.wanted.project
    )
    page = look.overview.findings_page(wanted, look.number, _FINDINGS)
    of_rule = look.overview.by_rule(Filter(rule=rule.id))
    counts: Counter[str] = Counter(of_rule[0].counts) if of_rule else Counter()
    first_day = look.now - timedelta(days=DAYS)
    return "rule.html", {
        **look.common(),
        "title": rule.title,
        "rule": rule,
        "counts": {name: counts[name] for name in OUTCOMES},
        "days": DAYS,
        "first_day": f"{first_day:%Y-%m-%d}",
        "history": _history(look, rule, counts[AssessmentStatus.UNHEALTHY.value] + counts[EXEMPTED]),
        "page": replace(page, rows=tuple(told(look, page.rows))),  # type: ignore[arg-type]
        "chosen": chosen,
    }


def _history(look: Look, rule: Rule, unhealthy: int) -> list[int] | None:
    """How many were unhealthy at the end of each day, from what is so now and what has changed since."""
    since = look.now - timedelta(days=DAYS)
    steps = [0] * (DAYS + 1)
    read = 0
    for sheet in look.overview.visible():
        seen = {row.project.id if row.project else None for row in look.overview.rows(sheet)}
        for one in look.state.status_changes(sheet.organization.id, since=since):
            read += 1
            if read > _CHANGES_MOST:
                return None
            if one.rule == rule.id and one.resource.project in seen:
                days_ago = min(DAYS, max(0, math.floor((look.now - one.at) / timedelta(days=1))))
                steps[days_ago] += (one.after is _UNHEALTHY) - (one.before is _UNHEALTHY)
    # What changed on a day was otherwise on all days before it.
    numbers = [unhealthy]
    for step in steps[:DAYS]:
        numbers.append(max(0, numbers[-1] - step))
    return numbers[::-1]


def permissions_of(outcomes: Mapping[Outcome, int], status: AssessmentStatus) -> Counter[str]:
    """Permissions that rules of this outcome rest on, and how many recommendations each."""
    found: Counter[str] = Counter()
    for outcome, number in outcomes.items():
        for rule, one in outcome.told:
            if one is status:
                for permission in rule.permissions:
                    found[permission] += number
    return found
