"""Connectors and health: who connects what, whether it works, and what it takes of Azure DevOps."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from shared.model.assessment import AssessmentStatus
from shared.model.connector import Connector
from shared.model.organization import OnboardingState
from shared.model.viewer import Sight
from shared.model.work import Work, WorkKind
from shared.pages import addresses
from shared.pages.look import Look, Values
from shared.pages.recommendations import permissions_of
from shared.reconcile.work import next_start
from shared.views.organizations import WORK_TITLES, tell
from shared.views.sheets import Sheet

_HOUR = timedelta(hours=1)


def connectors_page(look: Look) -> tuple[str, Values]:
    """The page of connectors and health."""
    whole = [one for one in look.overview.visible() if look.overview.sight(one) is Sight.WHOLE]
    # Queues are those of all connectors together.
    sees_queues = any(one.is_all for one in look.overview.viewer.grants)
    return "connectors.html", {
        **look.common(),
        "title": "Connectors and health",
        "connectors": [
            _connector(look, one, is_whole=sight is Sight.WHOLE) for one, sight in look.connectors()
        ],
        "work": _work(look, whole),
        "troubles": _troubles(look, whole),
        "unread": _unread(look, whole),
        "budgets": _budgets(look, whole),
        "sees_queues": sees_queues,
        "queues": _queues(look) if sees_queues else [],
    }


def _connector(look: Look, one: Connector, *, is_whole: bool) -> Values:
    if not is_whole:
        return {"name": one.name, "whole": False}
    enrolled = look.state.enrollments(connector=one.id)
    told = one.authorization
    return {
        "name": one.name,
        "whole": True,
        "authorization": told.status.value,
        "authorization_reason": f"{told.reason} {told.fix}".strip(),
        "expires_at": told.expires_at,
        "provisioning": one.provisioning.value,
        "message": one.provisioning_message,
        "mode": one.mode.value,
        "onboarded": sum(each.state is OnboardingState.ONBOARDED for each in enrolled),
        "organizations": len(enrolled),
        "plan": one.plan.value,
        "identity": one.identity.kind.value,
        "account": one.identity.account or one.identity.client_id,
        "place": " / ".join(text for text in (one.subscription, one.resource_group, one.region) if text)
        or "not told",
        "created_at": one.created_at,
    }


def _work(look: Look, sheets: list[Sheet]) -> list[Values]:
    known = {one.organization.id for one in sheets}
    by_kind: dict[WorkKind, list[Work]] = {}
    for one in look.state.work():
        if one.organization in known:
            by_kind.setdefault(one.kind, []).append(one)
    found: list[Values] = []
    for kind in WorkKind:
        some = by_kind.get(kind)
        if not some:
            continue
        starts = [next_start(one, look.now) for one in some]
        successes = [one.last_success for one in some if one.last_success is not None]
        found.append(
            {
                "title": WORK_TITLES[kind],
                "organizations": len(some),
                "due": sum(at <= look.now for at in starts),
                "held": sum(one.leased_until is not None and one.leased_until > look.now for one in some),
                "failing": sum(one.failures_in_a_row > 0 for one in some),
                "next": min(starts),
                "oldest": min(successes, default=None),
            }
        )
    return found


def _troubles(look: Look, sheets: list[Sheet]) -> list[Values]:
    found: list[Values] = [
        {"name": one.organization.name, "link": addresses.organization(one.organization.id), "texts": texts}
        for one in sheets
        if (texts := tell(one.view, look.now))
    ]
    return found[:200]


def _unread(look: Look, sheets: list[Sheet]) -> list[Values]:
    found: list[Values] = []
    for one in sheets:
        needed: Counter[str] = permissions_of(look.overview.told(one).everything, AssessmentStatus.UNKNOWN)
        found += [
            {
                "name": one.organization.name,
                "link": addresses.organization(one.organization.id),
                "permission": permission,
                "number": number,
            }
            for permission, number in needed.most_common(5)
        ]
    return found[:200]


def _queues(look: Look) -> list[Values] | None:
    counts = look.queue_counts()
    return None if counts is None else [{"name": name, **one} for name, one in counts.items()]


def _budgets(look: Look, sheets: list[Sheet]) -> list[Values]:
    """Keys of throttle records hold the organization's name; those of others are not told."""
    names = {one.organization.name.casefold(): one.organization.name for one in sheets}
    found: list[Values] = []
    for key, record in sorted(look.throttles().items()):
        name = names.get(key.partition("|")[0].casefold())
        if name is None:
            continue
        is_now = record.hour is not None and look.now - record.hour < _HOUR
        found.append(
            {
                "name": name,
                "requests": record.requests if is_now else 0,
                "limit": record.limit,
                "remaining": record.remaining or 0.0,
                "not_before": record.not_before
                if record.not_before is not None and record.not_before > look.now
                else None,
                "waited": record.throttled_seconds,
            }
        )
    return found
