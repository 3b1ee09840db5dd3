"""Sealed sign-ins: conditional writes, one renewal at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.model.sign_in import SignInRecord
from shared.ports import StateConflict
from tests.contract.adapters import START, State, StatePlace
from tests.contract.processes import race_threads

NAME = "5f0c9df2-sign-in"


def test_what_is_not_there_is_an_empty_record(state: State) -> None:
    assert state.sign_in(NAME) == SignInRecord()


def test_a_record_is_read_back_by_every_handle(state: State, state_place: StatePlace) -> None:
    record = SignInRecord("x" * 90_000, "me", START + timedelta(minutes=1))
    written = state.put_sign_in(NAME, record)
    assert written == replace(record, revision=1)
    other = state_place.open()
    assert other.sign_in(NAME) == written
    other.close()


def test_an_outdated_write_is_refused(state: State) -> None:
    first = state.put_sign_in(NAME, SignInRecord("one"))
    second = state.put_sign_in(NAME, replace(first, sealed="two"))
    for outdated in (first, SignInRecord("new")):
        with pytest.raises(StateConflict):
            state.put_sign_in(NAME, replace(outdated, sealed="late"))
    assert state.sign_in(NAME) == second


def test_of_many_that_would_renew_at_once_one_does(state: State) -> None:
    first = state.put_sign_in(NAME, SignInRecord("one"))

    def renew(number: int) -> bool:
        try:
            state.put_sign_in(NAME, replace(first, renewing_by=str(number)))
        except StateConflict:
            return False
        return True

    assert sum(race_threads(renew)) == 1


def test_a_dropped_record_is_gone_and_may_be_made_anew(state: State) -> None:
    state.put_sign_in(NAME, SignInRecord("one"))
    state.drop_sign_in(NAME)
    state.drop_sign_in(NAME)
    assert state.sign_in(NAME) == SignInRecord()
    assert state.put_sign_in(NAME, SignInRecord("two")).revision == 1
