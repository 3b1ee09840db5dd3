"""What is worth telling of an organization's changes: what ended as it began is no news."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from shared.model.assessment import AssessmentStatus, Severity, StatusChange
from shared.model.ids import RuleId
from shared.posture.history import by_subject
from shared.posture.rule import Rule

_SEVERITIES = tuple(Severity)
"""The worst comes first."""

_UNSEEN = frozenset({None, AssessmentStatus.UNKNOWN})


@dataclass(frozen=True, slots=True)
class NewsItem:
    """One finding that is new, or over, or open again because its exemption has ended."""

    rule: Rule
    change: StatusChange
    reopened: bool = False


@dataclass(frozen=True, slots=True)
class News:
    """What there is to tell. What somebody answers for, and what sight was lost of, is only counted."""

    unhealthy: tuple[NewsItem, ...] = ()
    recovered: tuple[NewsItem, ...] = ()
    unknown: int = 0
    exempted: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether nobody needs to hear of it."""
        return not (self.unhealthy or self.recovered or self.unknown)


def news_of(
    changes: Iterable[StatusChange],
    find_rule: Callable[[RuleId], Rule | None],
    severity: Severity,
    is_exempted: Callable[[StatusChange], bool],
) -> News:
    """The news of changes, oldest first, that are not told yet.

    A finding is new when it is unhealthy now and was not when it was last known; it is over when it is the
    other way round. So losing sight of it for a while, and finding it as it was, is no news of either kind.
    """
    unhealthy: list[NewsItem] = []
    recovered: list[NewsItem] = []
    unknown = exempted = 0
    for some in by_subject(changes).values():
        first, last = some[0], some[-1]
        rule = find_rule(last.rule)
        if rule is None or _SEVERITIES.index(rule.severity) > _SEVERITIES.index(severity):
            continue
        if last.after is AssessmentStatus.UNKNOWN:
            unknown += first.before not in _UNSEEN
            continue
        known = first.last_known if first.before is AssessmentStatus.UNKNOWN else first.before
        was, is_now = known is AssessmentStatus.UNHEALTHY, last.after is AssessmentStatus.UNHEALTHY
        if was is is_now:
            continue
        if is_exempted(last):
            exempted += is_now
            continue
        item = NewsItem(rule, replace(last, before=known))
        (unhealthy if is_now else recovered).append(item)
    return News(_sorted(unhealthy), _sorted(recovered), unknown, exempted)


def with_reopened(news: News, reopened: Iterable[NewsItem]) -> News:
    """The news with findings whose exemption has ended; one that is news by itself is told once."""
    told = {_key(one) for one in news.unhealthy}
    more = [one for one in reopened if _key(one) not in told]
    return replace(news, unhealthy=_sorted([*news.unhealthy, *more]))


def _sorted(items: Iterable[NewsItem]) -> tuple[NewsItem, ...]:
    return tuple(sorted(items, key=lambda one: (_SEVERITIES.index(one.rule.severity), *_key(one))))


def _key(one: NewsItem) -> tuple[str, str, str, str]:
    resource = one.change.resource
    return one.rule.id, resource.project or "", resource.kind.value, resource.id
