"""History: what was said when, after a hundred days, told or admitted not to be known."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from shared.model.assessment import (
    Assessment,
    AssessmentChange,
    AssessmentStatus,
    ResourceAssessments,
    StatusChange,
    Verdict,
)
from shared.model.ids import RuleId
from shared.posture.catalogue import RULES as CATALOGUE
from shared.posture.history import (
    NOT_RECORDED,
    Spell,
    Trend,
    by_subject,
    past_recommendations,
    spell_at,
    spells,
    subjects,
    with_first_verdict,
)
from shared.posture.judge import changes, drop_all
from shared.posture.judging import JudgedResource, ResourceKey, key_of
from shared.posture.subjects import repository_resource
from tests.posture.builders import NOW, ORGANIZATION, a_repository

Is = AssessmentStatus
DAY = timedelta(days=1)
RULES = (RuleId("ADO-REPO-001"), RuleId("ADO-REPO-002"))
STORED = (Is.HEALTHY, Is.UNHEALTHY, Is.NOT_APPLICABLE, Is.UNKNOWN)

Truth = dict[tuple[str, RuleId], AssessmentStatus]


class World:
    """Resources that are judged day by day, and what history and rows are then kept."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - a simulation
        self.rows: dict[ResourceKey, ResourceAssessments] = {}
        self.history: list[StatusChange] = []
        self.truth: list[tuple[datetime, Truth]] = []
        self.said: Truth = {}

    def pass_a_day(self, at: datetime) -> None:
        """Most of what is said stays; some changes, comes or goes."""
        for number in range(6):
            name = f"r{number}"
            if self.chance.random() < 0.03:  # it is gone, or was not there
                self.said = {key: value for key, value in self.said.items() if key[0] != name}
                continue
            for rule in RULES:
                if (name, rule) not in self.said or self.chance.random() < 0.15:
                    self.said[name, rule] = self.chance.choice(STORED)
        self.judge(at)
        self.truth.append((at, dict(self.said)))

    def judge(self, at: datetime) -> int:
        judged: dict[ResourceKey, JudgedResource] = {}
        for name in sorted({name for name, _ in self.said}):
            resource = repository_resource(a_repository(name))
            verdicts = {
                rule: Verdict(status, f"It is {status}.")
                for (of, rule), status in self.said.items()
                if of == name
            }
            judged[key_of(resource)] = JudgedResource(resource, verdicts)
        change = changes(ORGANIZATION, judged, self.rows, frozenset(), at)
        for key in change.dropped:
            del self.rows[key]
        self.rows.update({key_of(row.resource): row for row in change.rows})
        self.history.extend(change.history)
        self.keep(change, at)
        return len(change.rows) + len(change.history) + len(change.journal)

    def keep(self, change: AssessmentChange, at: datetime) -> None:
        """A store would write it."""

    def at(self, at: datetime) -> dict[tuple[str, RuleId], Spell]:
        told = {}
        for resource, rule, some in subjects(self.rows.values(), by_subject(self.history)):
            spell = spell_at(some, at)
            if spell is not None:
                told[resource.id, rule] = spell
        return told


def a_world(seed: int = 1, days: int = 100) -> World:
    world = World(seed)
    for day in range(days):
        world.pass_a_day(NOW + day * DAY)
    return world


def test_after_a_hundred_days_every_day_is_told_as_it_was() -> None:
    for seed in range(5):
        world = a_world(seed)
        for at, truth in world.truth:
            for moment in (at, at + timedelta(hours=12), at + DAY - timedelta(microseconds=1)):
                told = {key: one.status for key, one in world.at(moment).items()}
                assert told == truth, (seed, moment)
        assert world.at(NOW - timedelta(seconds=1)) == {}


def test_what_was_forgotten_is_unknown_and_never_guessed() -> None:
    world = a_world()
    horizon = NOW + 60 * DAY
    world.history = [one for one in world.history if one.at >= horizon]
    gaps = 0
    for at, truth in world.truth:
        for key, spell in world.at(at).items():
            if spell.status is None:
                gaps += 1
                assert spell.reason == NOT_RECORDED
                assert at < horizon
            else:
                assert spell.status is truth[key]
        if at >= horizon:
            assert {key: one.status for key, one in world.at(at).items()} == truth
    assert gaps > 0


def test_an_unchanged_day_changes_nothing() -> None:
    world = a_world(days=30)
    before = list(world.history), dict(world.rows)
    for day in range(30, 60):
        assert world.judge(NOW + day * DAY) == 0
    assert (world.history, world.rows) == before


def test_a_trend_counts_what_was_said() -> None:
    world = a_world()
    times = [at for at, _ in world.truth]
    trend = Trend(times)
    for _, rule, some in subjects(world.rows.values(), by_subject(world.history)):
        trend.add(rule, some)
    for (_, truth), told in zip(world.truth, trend.counts(), strict=True):
        expected: dict[RuleId, dict[AssessmentStatus, int]] = {}
        for (_, rule), status in truth.items():
            of_rule = expected.setdefault(rule, {})
            of_rule[status] = of_rule.get(status, 0) + 1
        assert told == expected


def test_each_change_is_one_record_that_stands_for_itself() -> None:
    world = World(0)
    name, rule = "r0", RULES[0]
    seen = (Is.HEALTHY, Is.HEALTHY, Is.UNHEALTHY, Is.UNKNOWN, Is.UNKNOWN, Is.HEALTHY)
    for day, status in enumerate(seen):
        world.said = {(name, rule): status}
        world.judge(NOW + day * DAY)
    known = [(one.before, one.after, (one.since - NOW).days, one.last_known) for one in world.history]
    assert known == [
        (Is.HEALTHY, Is.UNHEALTHY, 0, None),
        (Is.UNHEALTHY, Is.UNKNOWN, 2, None),
        (Is.UNKNOWN, Is.HEALTHY, 3, Is.UNHEALTHY),
    ]
    assert {one.first_seen for one in world.history} == {NOW}
    (row,) = world.rows.values()
    gone = drop_all(ORGANIZATION, [row], NOW + 9 * DAY).history
    assert [(one.before, one.after, one.since) for one in gone] == [(Is.HEALTHY, None, NOW + 5 * DAY)]


def test_first_verdicts_are_recorded_when_they_matter_and_worked_out_when_not() -> None:
    for status in STORED:
        world = World(0)
        world.said = {("r0", RULES[0]): status}
        world.judge(NOW)
        assert len(world.history) == (status in {Is.UNHEALTHY, Is.UNKNOWN})
        (row,) = world.rows.values()
        (first,) = with_first_verdict(row.resource, RULES[0], row.assessments[RULES[0]], world.history)
        assert (first.before, first.after, first.at) == (None, status, NOW)
        world.said = {("r0", RULES[0]): Is.HEALTHY if status is Is.UNHEALTHY else Is.UNHEALTHY}
        world.judge(NOW + DAY)
        (row,) = world.rows.values()
        told = with_first_verdict(row.resource, RULES[0], row.assessments[RULES[0]], world.history)
        assert [one.at for one in told] == [NOW, NOW + DAY]
        assert told[0].after is told[1].before is status


def test_a_long_reason_is_cut_in_history_and_whole_in_the_journal() -> None:
    resource = repository_resource(a_repository("r0"))
    judged = {key_of(resource): JudgedResource(resource, {RULES[0]: Verdict(Is.UNHEALTHY, "x" * 1000)})}
    change = changes(ORGANIZATION, judged, {}, frozenset(), NOW)
    assert len(change.history[0].reason) == 200
    assert change.history[0].reason.endswith("\u2026")
    assert "x" * 1000 in change.journal[0].reason


def test_who_changed_it_is_told_where_evidence_tells() -> None:
    resource = repository_resource(a_repository("r0"))
    verdict = Verdict(Is.UNHEALTHY, "So.", {"changedBy": "ana@contoso.com"})
    judged = {key_of(resource): JudgedResource(resource, {RULES[0]: verdict})}
    assert changes(ORGANIZATION, judged, {}, frozenset(), NOW).history[0].changed_by == "ana@contoso.com"


def test_a_row_of_before_history_was_kept_is_honest() -> None:
    current = Assessment(Verdict(Is.HEALTHY, "Fine."), first_seen=NOW, changed_at=NOW + 5 * DAY)
    told = spells(current, [])
    assert [(one.start, one.status) for one in told] == [(NOW, None), (NOW + 5 * DAY, Is.HEALTHY)]
    assert spell_at(told, NOW - DAY) is None


def test_recommendations_of_the_past_are_told_as_they_were() -> None:
    world = a_world()
    rules = {rule.id: rule for rule in CATALOGUE}
    history = by_subject(world.history)
    for at, truth in world.truth[::7]:
        told = list(past_recommendations(world.rows.values(), history, rules, at))
        assert {(one.resource.id, one.rule.id): one.status for one in told} == truth
        for one in told:
            assert one.rule is rules[one.rule.id]
            assert one.last_status is one.status
            assert one.first_seen is not None
            assert one.changed_at is not None
            assert one.first_seen <= one.changed_at <= at
            assert (one.evidence, one.permission, one.assessed_at, one.exemption) == ({}, "", None, None)
            assert one.reason in {f"It is {one.status}.", "Why it was so is not recorded."}
    assert not list(past_recommendations(world.rows.values(), history, rules, NOW - DAY))


def test_a_recommendation_of_a_forgotten_time_is_unknown_and_of_a_lost_rule_is_none() -> None:
    world = a_world()
    history = by_subject([one for one in world.history if one.at >= NOW + 60 * DAY])
    rules = {rule.id: rule for rule in CATALOGUE if rule.id == RULES[0]}
    told = list(past_recommendations(world.rows.values(), history, rules, NOW + 10 * DAY))
    assert told
    assert {one.rule.id for one in told} == {RULES[0]}
    forgotten = [one for one in told if one.reason == NOT_RECORDED]
    assert forgotten
    for one in forgotten:
        assert (one.status, one.last_status, one.changed_at) == (Is.UNKNOWN, None, None)
        assert one.first_seen is not None
