"""Exemptions are kept as they were given, one for each id, and removed with what the journal says of it."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta

from hypothesis import HealthCheck, given, settings

from shared.model.exemption import Exemption, ExemptionKind, ExemptionScope, ExemptionTarget
from shared.model.journal import JournalEvent
from tests.contract.adapters import START, State, StatePlace
from tests.contract.records import ORGANIZATION, entry, subjects
from tests.contract.strategies import records

numbers = itertools.count(1)


def exemption(identifier: str = "e1", reason: str = "Replaced in March.") -> Exemption:
    return Exemption(
        id=identifier,
        scope=ExemptionScope("ADO-REPO-001", "contoso", "web*"),
        target=ExemptionTarget(ORGANIZATION),
        kind=ExemptionKind.WAIVER,
        reason=reason,
        by="ana@contoso.com",
        created_at=START,
        expires_at=START + timedelta(days=90),
        source="default",
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records(Exemption))
def test_an_exemption_is_read_back_as_it_was_written(state: State, drawn: Exemption) -> None:
    written = replace(drawn, id=f"e{next(numbers)}")
    state.change_exemptions([written])
    assert written in state.exemptions()


def test_there_is_one_for_each_id_in_order_of_id(state: State) -> None:
    state.change_exemptions([exemption("b"), exemption("a"), exemption("c")])
    state.change_exemptions([exemption("b", "Another reason.")], ["c", "never there"])
    assert state.exemptions() == (exemption("a"), exemption("b", "Another reason."))


def test_the_journal_is_written_with_the_change(state: State) -> None:
    told = [entry("added", JournalEvent.EXEMPTION_ADDED), entry("removed", JournalEvent.EXEMPTION_REMOVED)]
    state.change_exemptions([exemption()], [], told)
    assert subjects(state) == ["added", "removed"]


def test_more_than_fits_into_one_transaction(state: State, state_place: StatePlace) -> None:
    many = [exemption(f"e{number:04}") for number in range(250)]
    state.change_exemptions(many, [], [entry(one.id, JournalEvent.EXEMPTION_ADDED) for one in many])
    other = state_place.open()
    assert list(other.exemptions()) == many
    other.change_exemptions([], [one.id for one in many[1:]])
    other.close()
    assert list(state.exemptions()) == many[:1]
    assert subjects(state) == [one.id for one in many]


def test_what_is_removed_and_put_at_once_is_kept(state: State) -> None:
    state.change_exemptions([exemption()])
    state.change_exemptions([exemption(reason="Again.")], ["e1"])
    assert state.exemptions() == (exemption(reason="Again."),)
