"""`state verify`: what was planted is found, told and mended, in both stores; what is right is left alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace

import pytest
from azure.data.tables import UpdateMode

from handlers.mend_state import Outcome
from handlers.verify_state import verify_state
from shared.model.inventory import Repository
from shared.model.journal import JournalEvent
from shared.model.notification import Notified
from shared.model.record import Record, RecordKind
from shared.model.work import LOOKING, WorkKind
from shared.reconcile.consistency.findings import WHY, Code
from shared.reconcile.listing import PartialListing
from tests.scenarios.plants import (
    LOOKED_AT_AGAIN,
    LOOKED_AT_AGAIN_TOO,
    MENDED,
    MORE,
    STRAY,
    checkpoint_of_nothing,
    connector_name_twice,
    counts_differ,
    exemption_of_no_rule,
    history_cut_off,
    history_lacking,
    journal_in_future,
    sums_differ,
    total_differs,
)
from tests.scenarios.spoiled_state import LEASE, LONGEST, Place

OF_A_FILE = {Code.FILE_DAMAGED, Code.SCHEMA_LACKING}


def test_nothing_is_wrong_with_a_state_after_a_life(place: Place) -> None:
    assert place.found() == []
    assert place.mend() == []
    kinds = {one.kind for one in place.state.records()}
    assert kinds >= {RecordKind.STATUS_CHANGE, RecordKind.POSTURE, RecordKind.FACTS, RecordKind.REPOSITORY}
    assert any(isinstance(one.value, Repository) and one.value.retired_at for one in place.state.records())


def test_every_code_is_planted() -> None:
    left = {Code.CONNECTOR_NAME_TWICE, Code.ROW_OF_NOTHING}
    assert set(MENDED) | set(LOOKED_AT_AGAIN) | left | OF_A_FILE == set(Code) == set(WHY)
    assert len(MENDED) >= 20


EVERY = [
    *((code, plant, follows) for code, (plant, follows) in MENDED.items()),
    *((code, plant, set()) for code, plants in MORE.items() for plant in plants),
]


@pytest.mark.parametrize(("code", "plant", "follows"), EVERY, ids=[plant.__name__ for _, plant, _ in EVERY])
def test_what_is_planted_is_found_and_mended(
    place: Place, code: Code, plant: Callable[[Place], None], follows: set[Code]
) -> None:
    plant(place)
    found = place.found()
    assert {one for one, _ in found} - follows == {code}
    told = place.mend()
    assert code in {one for one, _ in told}
    assert {one for _, one in told} <= {Outcome.MENDED, Outcome.DUE}
    assert place.found() == []
    entries = [one for one in place.state.journal(limit=10_000) if one.event is JournalEvent.STATE_MENDED]
    assert code in {one.subject for one in entries}
    assert {one.requested_by for one in entries} == {"ana"}


def test_a_wish_that_is_removed_stands_in_the_journal(place: Place) -> None:
    exemption_of_no_rule(place)
    place.mend()
    (entry,) = [one for one in place.state.journal(limit=10_000) if one.event is JournalEvent.STATE_MENDED]
    assert entry.before.startswith("ADO-GONE-* at *, waiver until ")
    assert entry.before.endswith(" UTC by ana: why")


AGAIN = [*LOOKED_AT_AGAIN.items(), *LOOKED_AT_AGAIN_TOO]


@pytest.mark.parametrize(("code", "plant"), AGAIN, ids=[plant.__name__ for _, plant in AGAIN])
def test_what_only_azure_devops_can_tell_is_looked_at_again(
    place: Place, code: Code, plant: Callable[[Place], None]
) -> None:
    before = {one.key: one.value for one in place.all(RecordKind.REPOSITORY)}
    plant(place)
    assert {one for one, _ in place.found()} == {code}
    assert {one for _, one in place.mend()} == {Outcome.DUE}
    now = place.clock.now()
    assert {one for _, one in verify_state(place.state, now, LONGEST)} == {Outcome.DUE}, "it was asked for"
    place.run()
    assert place.found() == []
    assert {one.key: one.value for one in place.all(RecordKind.REPOSITORY)} == before


def test_an_organization_that_is_worked_on_is_left_alone(place: Place) -> None:
    sums_differ(place)
    work = next(
        one for one in place.state.work(organization=place.organization) if one.kind is WorkKind.EXTENSION
    )
    now = place.clock.now()
    lease = place.state.lease_work(
        place.organization, work.kind, work.revision, owner="other", now=now, until=now + LEASE
    )
    assert lease is not None
    assert {one for _, one in place.mend()} == {Outcome.BUSY}
    assert {one for one, _ in place.found()} == {Code.SUMS_DIFFER}
    place.state.finish_work(lease, work)
    assert {one for _, one in place.mend()} == {Outcome.MENDED}
    assert place.found() == []


def test_work_is_given_back_as_it_was(place: Place) -> None:
    before = {one.kind: one for one in place.state.work(organization=place.organization)}
    total_differs(place)
    place.mend()
    after = {one.kind: one for one in place.state.work(organization=place.organization)}
    assert {kind: replace(one, revision=0) for kind, one in after.items()} == {
        kind: replace(one, revision=0) for kind, one in before.items()
    }
    assert set(after) >= set(LOOKING)


def test_what_is_under_way_is_not_taken_for_wrong(place: Place) -> None:
    """Half of a run is written, and its sums and counts are not."""
    sums_differ(place)
    counts_differ(place)
    project = next(one.id for one in place.state.projects(place.organization))
    listing = PartialListing(place.clock.now())
    place.edit_work(WorkKind.POSTURE, checkpoint=project)
    place.edit_work(WorkKind.INVENTORY, checkpoint=listing.checkpoint(listing.content()))
    assert place.found() == []


def test_a_wish_that_cannot_be_read_is_left_to_a_person(place: Place) -> None:
    if place.url.startswith("sqlite"):
        with sqlite3.connect(place.url.removeprefix("sqlite:///")) as connection:
            connection.execute("UPDATE connectors SET document = '{'")
        connection.close()
    else:
        with place.table() as client:
            (row,) = client.query_entities(
                "PartitionKey eq 'catalog' and RowKey ge 'connector:' and RowKey lt 'connector;'"
            )
            client.update_entity(
                {"PartitionKey": "catalog", "RowKey": row["RowKey"], "document": "{", "revision": "1"},
                UpdateMode.REPLACE,
            )
    assert {one for one, _ in place.found()} == {Code.UNREADABLE}
    assert {one for _, one in place.mend()} == {Outcome.BY_HAND}
    assert len(place.state.claims()) == 2, (
        "who holds what is not given up for a connector that is only unreadable"
    )


def test_work_that_cannot_go_on_begins_anew(place: Place) -> None:
    checkpoint_of_nothing(place)
    assert {one for one, _ in place.found()} == {Code.CONTENT_UNREADABLE}
    assert {one for _, one in place.mend()} == {Outcome.DUE}
    assert place.found() == []
    (work,) = place.state.work(organization=place.organization, kind=WorkKind.POSTURE)
    assert (work.checkpoint, work.due_at) == ("", place.clock.now())


def test_two_connectors_of_one_name_are_left_to_a_person(place: Place) -> None:
    connector_name_twice(place)
    ((finding, _),) = verify_state(place.state, place.clock.now(), LONGEST)
    assert finding.code is Code.CONNECTOR_NAME_TWICE
    assert "connector delete another" in finding.fix
    assert {one for _, one in place.mend()} == {Outcome.BY_HAND}
    assert len(place.state.connectors()) == 2


@pytest.mark.parametrize("plant", [history_lacking, history_cut_off])
def test_history_that_is_lost_is_told_as_what_was_forgotten(
    place: Place, plant: Callable[[Place], None]
) -> None:
    last = place.state.posture_summaries()[place.organization].changes
    told = last - 9
    for one in place.all(RecordKind.NOTIFIED):
        place.put(one, None)
    at = place.clock.now()
    place.put(Record(RecordKind.NOTIFIED, (place.organization,), None), Notified(told, at))
    plant(place)
    left = list(place.state.status_changes(place.organization))
    untold = list(place.state.status_changes(place.organization, after=told))
    place.mend()
    numbered = list(place.state.status_changes(place.organization))
    assert [one.sequence for one in numbered] == list(range(last - len(left) + 1, last + 1))
    assert [replace(one, sequence=0) for one in numbered] == [replace(one, sequence=0) for one in left]
    told = place.state.notified(place.organization).told
    again = list(place.state.status_changes(place.organization, after=told))
    assert [replace(one, sequence=0) for one in again] == [replace(one, sequence=0) for one in untold]
    assert place.state.posture_summaries()[place.organization].changes == last


def test_an_entry_of_the_future_says_what_it_said(place: Place) -> None:
    journal_in_future(place)
    place.mend()
    entries = place.state.journal(limit=10_000)
    (dated,) = [one for one in entries if one.reason == "to come"]
    assert dated.at == place.clock.now()
    assert max(one.at for one in entries) == place.clock.now()
    of = place.state.journal(organization=dated.organization, limit=10_000)
    assert [one.at for one in of if one.reason == "to come"] == [place.clock.now()]


@pytest.mark.parametrize("place", ["tables"], indirect=True)
@pytest.mark.parametrize("plant", STRAY)
def test_rows_of_the_table_that_belong_to_nothing_are_removed(
    place: Place, plant: Callable[[Place], None]
) -> None:
    before = list(place.state.records_of_everybody())
    plant(place)
    assert {one for one, _ in place.found()} == {Code.ROW_OF_NOTHING}
    assert {one for _, one in place.mend()} == {Outcome.MENDED}
    assert place.found() == []
    assert list(place.state.records_of_everybody()) == before
