"""Fact sets name the rights that the calls behind them take, word by word."""

from __future__ import annotations

from shared.ado.calls import CALLS
from shared.model.facts import FactKind
from shared.posture.fact_sets import BY_KIND, FACT_SETS, Level


def test_every_kind_of_fact_is_one_set() -> None:
    assert [one.kind for one in FACT_SETS] == list(BY_KIND)
    assert set(BY_KIND) == set(FactKind)


def test_each_set_is_read_by_a_call_that_takes_its_right() -> None:
    rights = {call.permission for call in CALLS}
    for one in FACT_SETS:
        assert one.permission in rights, one.kind


def test_each_address_is_that_of_a_call() -> None:
    told = {f"{call.method} {call.path}" for call in CALLS}
    for one in FACT_SETS:
        method, _, address = one.source.partition(" ")
        path = address[address.index("/") :].partition("?")[0]
        begun = f"{method} /{{organization}}{path}"
        # The last segment may be an id, such as that of a security namespace or a type of resource.
        assert any(call.startswith((begun, begun.rpartition("/")[0] + "/{")) for call in told), one.source


def test_levels_come_in_the_order_of_gathering() -> None:
    levels = [one.level for one in FACT_SETS]
    assert levels == sorted(levels, key=[Level.ORGANIZATION, Level.PROJECT, Level.OBJECT].index)
