"""Who may do what, by access lists: the nearer entry wins, a denial too, and inheritance may end."""

from __future__ import annotations

import pytest

from shared.model.facts import AccessEntry, AccessList
from shared.posture.access import allowed, pipeline_tokens

NEAR, ABOVE = "a/b", "a"
TOKENS = (NEAR, ABOVE)


def lists(near: tuple[int, int] | None, above: tuple[int, int] | None, *, inherits: bool = True) -> int:
    found = {}
    if near is not None:
        found[NEAR] = AccessList(inherits, (AccessEntry("g", *near),))
    if above is not None:
        found[ABOVE] = AccessList(inherits=True, entries=(AccessEntry("g", *above),))
    return allowed(found, TOKENS).get("g", 0)


@pytest.mark.parametrize(
    ("near", "above", "granted"),
    [
        (None, None, 0),
        ((4, 0), None, 4),
        (None, (4, 0), 4),
        ((2, 0), (4, 0), 6),
        ((0, 4), (4, 0), 0),
        ((4, 0), (0, 4), 4),
        ((4, 4), None, 0),
        ((0, 2), (6, 0), 4),
    ],
)
def test_the_nearer_entry_wins(
    near: tuple[int, int] | None, above: tuple[int, int] | None, granted: int
) -> None:
    assert lists(near, above) == granted


def test_what_does_not_inherit_takes_nothing_over() -> None:
    assert lists((2, 0), (4, 0), inherits=False) == 2


def test_groups_do_not_lend_each_other_what_they_have() -> None:
    found = {NEAR: AccessList(inherits=True, entries=(AccessEntry("g", 1, 0), AccessEntry("h", 2, 0)))}
    assert allowed(found, TOKENS) == {"g": 1, "h": 2}


def test_a_pipeline_stands_in_its_folders() -> None:
    assert pipeline_tokens("p", "\\", 7) == ("p/7", "p")
    assert pipeline_tokens("p", "\\Shop\\Web", 7) == ("p/shop/web/7", "p/shop/web", "p/shop", "p")
