"""A hundred days in the store: every day is told as it was, and a day without change writes nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

from shared.model.assessment import AssessmentChange
from shared.model.ids import RuleId
from shared.model.work import Lease, WorkKind
from shared.posture.history import by_subject, spell_at, subjects
from shared.posture.judging import key_of
from tests.contract.adapters import State
from tests.contract.records import ORGANIZATION, lease
from tests.posture.builders import NOW, PROJECT
from tests.posture.test_history import DAY, World


class StoredWorld(World):
    """Every run is one of its own, as a timer would start it."""

    def __init__(self, seed: int, state: State) -> None:
        super().__init__(seed)
        self.state = state

    def held(self) -> Lease:
        self.state.drop_work(ORGANIZATION, WorkKind.POSTURE)
        return lease(self.state, WorkKind.POSTURE)

    def keep(self, change: AssessmentChange, at: datetime) -> None:
        self.state.apply_assessments(self.held(), PROJECT, change, at)


def told(state: State, at: datetime) -> dict[tuple[str, RuleId], str | None]:
    changes = by_subject(state.status_changes(ORGANIZATION))
    found: dict[tuple[str, RuleId], str | None] = {}
    for resource, rule, some in subjects(state.assessments(ORGANIZATION), changes):
        spell = spell_at(some, at)
        if spell is not None:
            found[resource.id, rule] = spell.status.value if spell.status else None
    return found


def test_every_day_is_told_as_it_was(state: State) -> None:
    world = StoredWorld(7, state)
    for day in range(100):
        world.pass_a_day(NOW + day * DAY)
    assert {key_of(row.resource): row for row in state.assessments(ORGANIZATION)} == world.rows
    stored = list(state.status_changes(ORGANIZATION))
    assert [one.sequence for one in stored] == list(range(1, len(world.history) + 1))
    for at, truth in world.truth[::7]:
        assert told(state, at + timedelta(hours=1)) == {key: one.value for key, one in truth.items()}

    for day in range(100, 110):
        world.judge(NOW + day * DAY)
    assert list(state.status_changes(ORGANIZATION)) == stored

    state.forget_status_changes(world.held(), NOW + 80 * DAY)
    assert all(one.at >= NOW + 80 * DAY for one in state.status_changes(ORGANIZATION))
    for at, truth in world.truth[80::7]:
        assert told(state, at) == {key: one.value for key, one in truth.items()}
    for at, truth in world.truth[:80:7]:
        for key, status in told(state, at).items():
            assert status in {None, truth[key].value}
