"""The permissions page says what the calls take, and the calls are all of them."""

from __future__ import annotations

from local.permissions_reference import PAGE, page
from shared.ado import calls
from shared.ado.calls import CALLS, Call
from shared.model.facts import FactKind
from shared.model.right import CAPABILITY_TITLES, Capability
from shared.posture.permissions import PERMISSIONS


def test_the_page_is_what_the_table_generates() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m local.permissions_reference"


def test_the_table_has_every_call() -> None:
    assert set(CALLS) == {one for one in vars(calls).values() if isinstance(one, Call)}
    assert len(CALLS) == len(set(CALLS))


def test_every_call_says_what_it_takes_and_what_is_lost_without_it() -> None:
    for call in CALLS:
        assert call.right.permission or call.right.scope, call.action
        assert call.lost, call.action
        assert not call.lost.endswith("."), call.action
        for told in (call.action, call.lost, CAPABILITY_TITLES[call.capability]):
            assert told in page()


def test_a_key_names_one_right() -> None:
    rights = {call.right for call in CALLS}
    assert len({one.key for one in rights}) == len(rights)


def test_every_capability_has_a_title_and_calls() -> None:
    assert set(CAPABILITY_TITLES) == set(Capability) == {call.capability for call in CALLS}


def test_recommendations_name_the_rights_that_the_calls_name() -> None:
    named = {call.permission for call in CALLS}
    assert set(PERMISSIONS) == set(FactKind)
    assert set(PERMISSIONS.values()) <= named


def test_least_privilege_needs_no_administrator_and_three_scopes() -> None:
    least = page().partition("### Personal access token")[2].partition("Least privilege:")[2]
    assert "`vso.profile`" in least
    assert "`vso.project`" in least
    assert "`vso.code`" in least
    assert least.count("`vso.") == 3
