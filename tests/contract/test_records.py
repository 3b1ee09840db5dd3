"""Records one by one: written in place of what was read, and of nothing else."""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import replace
from datetime import datetime

from shared.connector_state.codec import Misshapen
from shared.connector_state.record_forms import checked, plain_of, record_of
from shared.model.inventory import Repository
from shared.model.record import OF_EVERYBODY, OF_ORGANIZATIONS, Record, RecordKind
from shared.ports import State
from tests.contract.records import ORGANIZATION, OTHER
from tests.contract.test_transfer import exported, fill

REPLACED = tuple(one for one in (*OF_EVERYBODY, *OF_ORGANIZATIONS) if one is not RecordKind.STATUS_CHANGE)
BYTES = {RecordKind.FACTS, RecordKind.PARTIAL}


def told(state: State) -> list[Record]:
    return [
        *state.records_of_everybody(),
        *(one for of in state.organizations_with_records() for one in state.records_of(of)),
    ]


def test_everybody_s_and_each_organization_s_are_all_but_graph_and_journal(state: State) -> None:
    fill(state)
    of_all = {RecordKind.NODE, RecordKind.EDGE, RecordKind.RECEIPT, RecordKind.JOURNAL}
    assert told(state) == [one for one in state.records() if one.kind not in of_all]
    assert list(state.organizations_with_records()) == [ORGANIZATION]
    assert list(state.records_of(OTHER)) == []
    repositories = list(state.records_of(ORGANIZATION, (RecordKind.REPOSITORY,)))
    assert {one.kind for one in repositories} == {RecordKind.REPOSITORY}
    assert len(repositories) == 20


def test_a_record_is_replaced_only_as_it_was_read(state: State) -> None:
    fill(state)
    before = exported(state)
    for record in told(state):
        if record.kind not in REPLACED:
            continue
        absent = Record(record.kind, record.key, None)
        unreadable = Record(record.kind, record.key, None, "It cannot be read.")
        other = Record(record.kind, record.key, object())
        for wrong in (absent, unreadable, other):
            assert not state.replace_record(wrong, record.value)
            assert not state.replace_record(wrong, None)
        if record.kind not in BYTES:
            assert state.replace_record(record, record.value)
    assert exported(state) == before


def test_a_record_that_was_removed_can_be_written_again(state: State) -> None:
    fill(state)
    before = exported(state)
    for record in told(state):
        if record.kind not in REPLACED or record.kind in BYTES:
            continue
        assert state.replace_record(record, None)
        assert record not in told(state)
        assert not state.replace_record(record, None)
        assert state.replace_record(Record(record.kind, record.key, None), record.value)
    assert exported(state) == before
    assert {one.resource.id for one in state.statuses(ORGANIZATION)} == {
        one.resource.id for one in state.assessments(ORGANIZATION)
    }


def test_all_of_an_organization_is_dropped_and_nothing_else(state: State) -> None:
    fill(state)
    before = told(state)
    state.drop_records_of(ORGANIZATION)
    assert told(state) == [one for one in before if one.kind in OF_EVERYBODY]
    assert list(state.statuses(ORGANIZATION)) == []
    assert list(state.organizations_with_records()) == []


def test_what_was_written_agrees_with_its_copies(state: State) -> None:
    fill(state)
    assert Counter(one.copies_agree for one in told(state)) == Counter({True: len(told(state))})
    assert any(isinstance(one.value, Repository) for one in told(state))


NAIVE = datetime.fromisoformat("2026-01-01T00:00:00")
WRONG: tuple[object, ...] = (None, 7, 7.5, True, "x", (), ("x",), {}, {"x": 7}, NAIVE, object)


def test_what_no_import_would_take_is_told_of_every_field(state: State) -> None:
    fill(state)
    tried = 0
    for record in state.records():
        if not dataclasses.is_dataclass(record.value) or isinstance(record.value, type):
            continue
        for name in (one.name for one in dataclasses.fields(record.value) if one.init):
            for wrong in WRONG:
                spoilt = replace(record, value=replace(record.value, **{name: wrong}))
                assert bool(checked(spoilt).problem) == (not is_taken(spoilt)), (record.kind, name, wrong)
                tried += bool(checked(spoilt).problem)
    assert tried > 1_000


def is_taken(record: Record) -> bool:
    try:
        record_of(plain_of(record))
    except (Misshapen, TypeError, ValueError, AttributeError, KeyError):
        return False
    return True
