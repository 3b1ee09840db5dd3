"""Queue: tell a webhook what became unhealthy, and what recovered, of one organization."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from shared.model.assessment import AssessmentStatus, Resource, StatusChange
from shared.model.connector import Connector
from shared.model.exemption import Exemption
from shared.model.inventory import Project
from shared.model.notification import Notified
from shared.model.organization import Organization
from shared.model.work import Lease, WorkKind, is_held
from shared.ports import Dependencies, Notifications
from shared.posture.catalogue import find
from shared.posture.exemptions import Exemptions, Place
from shared.posture.news import News, NewsItem, news_of, with_reopened

EVENT_TYPE = "ado-connector.posture.changed.v1"

_LISTED_MOST = 1_000
"""Findings of each kind in one message; all are counted."""

_LONGEST = 1_000_000
"""Bytes that the findings of one message may take; the rest of it takes less than a thousand."""

_HALF = re.compile("[\ud800-\udfff]")


def notify_organization(
    lease: Lease, deps: Dependencies, connector: Connector, organization: Organization, deadline: datetime
) -> str:
    """Send one message about all changes since the last, if any of them is news.

    Requests to Azure DevOps: none. While the organization is being assessed nothing is told: the end of that
    run asks for it, so that a run is one message. Only a run that takes longer than `POSTURE_INTERVAL`, or is
    stuck, is told in part.

    Which changes a message is to tell is noted before it is sent: should the answer be lost, they are sent
    again under the same id, and whoever receives it knows that id. A change is noted as told only when the
    webhook has taken the message.
    """
    del connector, deadline
    wanted = deps.notifications
    if wanted is None:
        return ""
    before = deps.state.notified(organization.id)
    now = before.sending_at or deps.clock.now()
    last, oldest, changes = _changes(deps, wanted, organization, before)
    if before.sending_at is None and oldest is not None and _is_too_early(deps, organization, oldest):
        return ""
    ended = _ended(deps.state.exemptions(), before, now)
    if oldest is None and not ended:
        return ""
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


def _changes(
    deps: Dependencies, wanted: Notifications, organization: Organization, before: Notified
) -> tuple[int, datetime | None, list[StatusChange]]:
    """The number of the last change to look at, the time of the first, and those of severe rules.

    A first run records one change for each finding, so only what may be told is kept in memory.
    """
    last, oldest = before.told, None
    kept = []
    for one in deps.state.status_changes(organization.id, after=before.told):
        if before.sending_at is not None and one.sequence > before.sending:
            break
        last, oldest = one.sequence, oldest or one.at
        rule = find(one.rule)
        if rule is not None and rule.severity in wanted.severities:
            kept.append(one)
    return last, oldest, kept


def _is_too_early(deps: Dependencies, organization: Organization, oldest: datetime) -> bool:
    """Whether a run over the organization is under way that soon ends."""
    now = deps.clock.now()
    if now - oldest > deps.intervals.work[WorkKind.POSTURE]:
        return False
    return any(
        work.checkpoint or is_held(work, now, deps.intervals.lease)
        for work in deps.state.work(organization=organization.id, kind=WorkKind.POSTURE)
    )


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
                if one.changed_at > now:
                    # Of a message that is tried again: what changed since is told by the next.
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
    unhealthy, left = _listed(news.unhealthy, _LONGEST)
    recovered, _ = _listed(news.recovered, left)
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
            "notListed": {
                "unhealthy": len(news.unhealthy) - len(unhealthy),
                "recovered": len(news.recovered) - len(recovered),
            },
            "unhealthy": unhealthy,
            "recovered": recovered,
        },
    }
    return _json(event)


def _listed(items: Sequence[NewsItem], room: int) -> tuple[list[dict[str, object]], int]:
    """As many as may be listed, in their order, and how many bytes are left then."""
    listed: list[dict[str, object]] = []
    for item in items[:_LISTED_MOST]:
        told = _told(item)
        room -= len(_json(told)) + 1
        if room < 0:
            break
        listed.append(told)
    return listed, max(room, 0)


def _json(value: object) -> bytes:
    """In UTF-8, which cannot hold half of a character as a name can: that is marked as unreadable."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return _HALF.sub("\N{REPLACEMENT CHARACTER}", text).encode()


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
