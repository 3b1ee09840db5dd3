"""Queue: tell a webhook what became unhealthy, and what recovered, of one organization."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime

from shared.model.assessment import AssessmentStatus, Resource, StatusChange
from shared.model.connector import Connector
from shared.model.exemption import Exemption
from shared.model.inventory import Project
from shared.model.notification import Notified
from shared.model.organization import Organization
from shared.model.work import Lease
from shared.ports import Dependencies, Notifications
from shared.posture.catalogue import find
from shared.posture.exemptions import Exemptions, Place
from shared.posture.news import News, NewsItem, news_of, with_reopened

EVENT_TYPE = "ado-connector.posture.changed.v1"

_LISTED_MOST = 1_000
"""Findings of each kind in one message; all are counted."""


def notify_organization(
    lease: Lease, deps: Dependencies, connector: Connector, organization: Organization, deadline: datetime
) -> str:
    """Send one message about all changes since the last, if any of them is news.

    Requests to Azure DevOps: none. What a message is to tell is noted before it is sent: should the answer be
    lost, the same message is sent again under the same id, and whoever receives it knows that id. A change
    is noted as told only when the webhook has taken the message.
    """
    del connector, deadline
    wanted = deps.notifications
    if wanted is None:
        return ""
    before = deps.state.notified(organization.id)
    changes = tuple(deps.state.status_changes(organization.id, after=before.told))
    if before.sending_at is not None:
        changes = tuple(one for one in changes if one.sequence <= before.sending)
    now = before.sending_at or deps.clock.now()
    ended = _ended(deps.state.exemptions(), before, now)
    if not changes and not ended:
        return ""
    last = changes[-1].sequence if changes else before.told
    news = _news(deps, wanted, organization, changes, ended, now)
    if not news.is_empty:
        deps.state.put_notified(lease, Notified(before.told, before.at, last, now))
        identifier = f"{organization.id}-{before.told}-{last}-{now:%Y%m%dT%H%M%S%fZ}"
        wanted.notifier.send(identifier, _event(identifier, organization, news, wanted, now), now)
        deps.log.info(
            "posture.notified",
            organization=organization.name,
            unhealthy=len(news.unhealthy),
            recovered=len(news.recovered),
            unknown=news.unknown,
        )
    deps.state.put_notified(lease, Notified(last, now))
    return ""


def _ended(exemptions: Sequence[Exemption], before: Notified, now: datetime) -> list[Exemption]:
    """Exemptions that have ended since the last message; at first there is nothing to compare with."""
    return [one for one in exemptions if before.at is not None and before.at < one.expires_at <= now]


def _news(
    deps: Dependencies,
    wanted: Notifications,
    organization: Organization,
    changes: Sequence[StatusChange],
    ended: Sequence[Exemption],
    now: datetime,
) -> News:
    holding = Exemptions(deps.state.exemptions(), now)
    projects = {one.id: one for one in deps.state.projects(organization.id)}

    def place(resource: Resource) -> Place:
        project: Project | None = projects.get(resource.project) if resource.project else None
        name = project.name if project else ""
        return Place(organization.id, organization.name, resource.project, name)

    def is_exempted(change: StatusChange) -> bool:
        return holding.of(change.rule, change.resource, place(change.resource)) is not None

    def reopened() -> Iterator[NewsItem]:
        over = Exemptions(ended, min(one.created_at for one in ended))
        for row in deps.state.assessments(organization.id):
            here = place(row.resource)
            for name, one in row.assessments.items():
                rule = find(name)
                if rule is None or one.verdict.status is not AssessmentStatus.UNHEALTHY:
                    continue
                if over.of(name, row.resource, here) and not holding.of(name, row.resource, here):
                    change = StatusChange(
                        at=one.changed_at,
                        resource=row.resource,
                        rule=name,
                        before=None,
                        after=one.verdict.status,
                        since=one.changed_at,
                        first_seen=one.first_seen,
                        reason=one.verdict.reason,
                    )
                    yield NewsItem(rule, change, reopened=True)

    news = news_of(changes, find, wanted.severity, is_exempted)
    counting = wanted.severities
    if not ended:
        return news
    return with_reopened(news, (one for one in reopened() if one.rule.severity in counting))


def _event(
    identifier: str, organization: Organization, news: News, wanted: Notifications, now: datetime
) -> bytes:
    """A CloudEvent in JSON (CloudEvents 1.0.2, JSON event format)."""
    event = {
        "specversion": "1.0",
        "id": identifier,
        "source": f"/ado-connector/organizations/{organization.id}",
        "type": EVENT_TYPE,
        "subject": organization.name,
        "time": _instant(now),
        "datacontenttype": "application/json",
        "data": {
            "organization": organization.name,
            "organizationId": organization.id,
            "severity": wanted.severity.value,
            "counts": {
                "unhealthy": len(news.unhealthy),
                "recovered": len(news.recovered),
                "unknown": news.unknown,
                "exempted": news.exempted,
            },
            "unhealthy": [_told(one) for one in news.unhealthy[:_LISTED_MOST]],
            "recovered": [_told(one) for one in news.recovered[:_LISTED_MOST]],
        },
    }
    # In ASCII: a name may hold what UTF-8 cannot.
    return json.dumps(event, separators=(",", ":")).encode("ascii")


def _told(item: NewsItem) -> dict[str, object]:
    change, rule = item.change, item.rule
    return {
        "rule": rule.id,
        "title": rule.title,
        "severity": rule.severity.value,
        "projectId": change.resource.project,
        "resourceKind": change.resource.kind.value,
        "resourceId": change.resource.id,
        "resourceName": change.resource.name,
        "before": change.before.value if change.before else None,
        "after": change.after.value if change.after else None,
        "at": _instant(change.at),
        "reason": change.reason,
        "changedBy": change.changed_by or None,
        "exemptionEnded": item.reopened,
    }


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
