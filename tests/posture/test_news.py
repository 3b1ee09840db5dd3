"""News: what is new, what is over, and what ended as it began."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.model.assessment import AssessmentStatus, Severity, StatusChange
from shared.model.ids import RuleId
from shared.posture.catalogue import find
from shared.posture.history import by_subject
from shared.posture.news import News, NewsItem, news_of, with_reopened
from shared.posture.subjects import repository_resource
from tests.posture.builders import NOW, a_repository
from tests.posture.test_history import RULES, World

H, U, N, X = (
    AssessmentStatus.HEALTHY,
    AssessmentStatus.UNHEALTHY,
    AssessmentStatus.NOT_APPLICABLE,
    AssessmentStatus.UNKNOWN,
)
HOUR = timedelta(hours=1)


def history(*seen: AssessmentStatus | None) -> list[StatusChange]:
    """What judging keeps of a repository that is seen so, hour by hour; None is gone."""
    world = World(0)
    for hour, status in enumerate(seen):
        world.said = {} if status is None else {("r0", RULES[0]): status}
        world.judge(NOW + hour * HOUR)
    return world.history


def news(changes: list[StatusChange], severity: Severity = Severity.HIGH, *, exempted: bool = False) -> News:
    return news_of(changes, find, severity, lambda _: exempted)


def told(found: News) -> tuple[int, int, int]:
    return len(found.unhealthy), len(found.recovered), found.unknown


@pytest.mark.parametrize(
    ("before", "since", "expected"),
    [
        ((), (U,), (1, 0, 0)),
        ((), (H,), (0, 0, 0)),
        # What nobody ever saw cannot be lost sight of.
        ((), (X,), (0, 0, 0)),
        ((X, None), (X,), (0, 0, 0)),
        ((H,), (X,), (0, 0, 1)),
        ((H,), (U,), (1, 0, 0)),
        ((N,), (U,), (1, 0, 0)),
        ((U,), (H,), (0, 1, 0)),
        ((U,), (N,), (0, 1, 0)),
        ((U,), (None,), (0, 1, 0)),
        ((H,), (U, H), (0, 0, 0)),
        ((U,), (H, U), (0, 0, 0)),
        ((U,), (H, U, H), (0, 1, 0)),
        # Losing sight of it and finding it as it was is no news of either kind.
        ((U,), (X,), (0, 0, 1)),
        ((U, X), (U,), (0, 0, 0)),
        ((U, X), (H,), (0, 1, 0)),
        ((H, X), (U,), (1, 0, 0)),
        ((H, X), (H,), (0, 0, 0)),
        ((X,), (U,), (1, 0, 0)),
        ((X,), (H,), (0, 0, 0)),
        ((U,), (X, U), (0, 0, 0)),
        ((U,), (X, H), (0, 1, 0)),
        ((H,), (None,), (0, 0, 0)),
        ((H, None), (U,), (1, 0, 0)),
    ],
)
def test_what_is_news(
    before: tuple[AssessmentStatus | None, ...],
    since: tuple[AssessmentStatus | None, ...],
    expected: tuple[int, int, int],
) -> None:
    known = len(history(*before))
    assert told(news(history(*before, *since)[known:])) == expected


def test_only_severe_ones_are_told() -> None:
    (change,) = history(U)
    medium = StatusChange(
        change.at, change.resource, RuleId("ADO-CONN-002"), None, U, change.at, change.at, "So."
    )
    assert told(news([change, medium])) == (1, 0, 0)
    assert told(news([change, medium], Severity.MEDIUM)) == (2, 0, 0)
    assert told(news([change, medium], Severity.LOW)) == (2, 0, 0)
    gone = StatusChange(change.at, change.resource, RuleId("GONE"), None, U, change.at, change.at, "So.")
    assert news([gone]).is_empty


def test_what_is_exempted_is_counted_and_not_told() -> None:
    found = news(history(U), exempted=True)
    assert (told(found), found.exempted, found.is_empty) == ((0, 0, 0), 1, True)
    found = news(history(U, H)[1:], exempted=True)
    assert (told(found), found.exempted) == ((0, 0, 0), 0)


def test_what_is_open_again_is_told_once() -> None:
    found = news(history(U))
    (item,) = found.unhealthy
    again = NewsItem(item.rule, item.change, reopened=True)
    assert with_reopened(found, [again]) == found
    other = repository_resource(a_repository("r1"))
    change = StatusChange(NOW, other, RULES[0], None, U, NOW, NOW, "So.")
    both = with_reopened(found, [NewsItem(item.rule, change, reopened=True)])
    assert [one.reopened for one in both.unhealthy] == [False, True]
    assert len(by_subject(one.change for one in both.unhealthy)) == 2
