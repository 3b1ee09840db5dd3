"""What one slice of a listing leaves for the next, and when it is not trusted."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.ids import ProjectId
from shared.model.inventory import ObservedProject
from shared.reconcile.listing import OLDEST, PartialListing, resumed

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
LISTING = PartialListing(NOW, (ObservedProject(ProjectId("p1"), "One", "wellFormed", "private"),), "100")

projects = st.builds(
    ObservedProject, st.uuids().map(str).map(ProjectId), st.text(st.characters()), st.text(), st.text()
)


@given(
    st.builds(
        PartialListing,
        st.just(NOW),
        st.lists(projects, max_size=5).map(tuple),
        st.text(),
        st.booleans(),
        st.booleans(),
    )
)
def test_a_listing_goes_on_as_it_was_left(left: PartialListing) -> None:
    content = left.content()
    assert resumed(left.checkpoint(content), content, NOW + timedelta(minutes=1), attempt=1) == left


@pytest.mark.parametrize(
    ("later", "attempt"),
    [
        (timedelta(0), 2),  # the slice before died
        (OLDEST + timedelta(seconds=1), 1),
        (timedelta(seconds=-1), 1),  # begun by a clock that is ahead of ours
    ],
)
def test_a_listing_is_read_again_rather_than_half_trusted(later: timedelta, attempt: int) -> None:
    content = LISTING.content()
    assert resumed(LISTING.checkpoint(content), content, NOW + later, attempt) is None


def test_what_does_not_belong_together_is_not_trusted() -> None:
    content = LISTING.content()
    other = replace(LISTING, projects=()).content()
    assert resumed(LISTING.checkpoint(content), other, NOW, 1) is None
    assert resumed(LISTING.checkpoint(content), b"", NOW, 1) is None
    assert resumed(LISTING.checkpoint(b"no listing"), b"no listing", NOW, 1) is None


@pytest.mark.parametrize("checkpoint", ["", "after project 7", "[]", "{}", "null", '{"beganAt": 7}'])
def test_another_checkpoint_is_no_listing(checkpoint: str) -> None:
    assert resumed(checkpoint, LISTING.content(), NOW, 1) is None


def test_a_checkpoint_is_short_however_much_was_read() -> None:
    many = replace(LISTING, projects=LISTING.projects * 10_000)
    assert len(many.checkpoint(many.content())) < 300
    assert json.loads(many.checkpoint(many.content()))["projects"] == 10_000
