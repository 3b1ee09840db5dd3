"""The mapping graph keeps what each source told, once, and is read from either end of an edge."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from threading import Thread

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.model.ids import OrganizationId, RepositoryId
from shared.model.mapping import (
    SEEN_AGAIN,
    Confidence,
    Direction,
    Edge,
    EdgeKind,
    EdgePage,
    GraphFacts,
    Node,
    NodeId,
    NodeKind,
    Source,
    image_node,
    registry_node,
    repository_node,
    run_node,
    tag_node,
)
from shared.ports import ReportOutcome, ReportReceipt
from tests.contract.adapters import START, State, StatePlace
from tests.contract.strategies import records

ORGANIZATION = OrganizationId("o1")
OUT, IN = Direction.OUT, Direction.IN
numbers = itertools.count(1)


def image(number: int) -> NodeId:
    return image_node(f"sha256:{number:064x}")


def built(
    of: NodeId, run: int = 1, source: Source = Source.REPORT, *, minutes: float = 0, **evidence: str
) -> Edge:
    return Edge(
        of,
        EdgeKind.BUILT_BY,
        run_node(ORGANIZATION, run),
        source,
        Confidence.CLAIMED,
        START + timedelta(minutes=minutes),
        evidence=evidence,
    )


def edges_of(state: State, node: NodeId, direction: Direction, kind: EdgeKind | None = None) -> list[Edge]:
    """All of them, three at a time."""
    found: list[Edge] = []
    page = state.edges(node, direction, kind, limit=3)
    while True:
        found += page.edges
        if not page.next:
            return found
        page = state.edges(node, direction, kind, after=page.next, limit=3)


def alike(edges: Iterable[Edge]) -> list[Edge]:
    return sorted(
        (replace(one, first_seen=one.first_seen or one.seen_at) for one in edges), key=lambda one: one.id
    )


def test_an_edge_is_read_from_both_ends_and_its_ends_are_nodes(state: State) -> None:
    edge = built(image(1))
    assert state.record_mappings(GraphFacts(edges=(edge,))) > 0
    assert edges_of(state, image(1), OUT) == alike([edge])
    assert edges_of(state, edge.end, IN) == alike([edge])
    assert edges_of(state, edge.end, OUT) == edges_of(state, image(1), IN) == []
    assert state.node(image(1)) == Node(image(1), START)
    assert state.node(image(2)) is None
    assert edges_of(state, image(2), OUT) == []


def test_the_same_facts_again_write_nothing(state: State) -> None:
    run = run_node(ORGANIZATION, 1)
    facts = GraphFacts(
        (Node(run, START, "20260301.1", {"result": "succeeded"}),),
        (
            built(image(1)),
            built(image(2), log="3"),
            replace(built(image(1)), kind=EdgeKind.BUILT_FROM, detail="c"),
        ),
    )
    assert state.record_mappings(facts) == 6
    assert state.record_mappings(facts) == 0
    soon = tuple(replace(one, seen_at=START + SEEN_AGAIN / 2) for one in facts.edges)
    assert state.record_mappings(GraphFacts(facts.nodes, soon)) == 0
    later = tuple(replace(one, seen_at=START + SEEN_AGAIN) for one in facts.edges)
    assert state.record_mappings(GraphFacts(facts.nodes, later)) == 3
    (seen,) = edges_of(state, image(2), OUT)
    assert (seen.first_seen, seen.seen_at) == (START, START + SEEN_AGAIN)


def test_sources_that_contradict_one_another_stand_side_by_side(state: State) -> None:
    told = [
        built(image(1), 1, Source.REPORT),
        built(image(1), 2, Source.LABEL),
        built(image(1), 2, Source.PUSH_LOG),
    ]
    for one in told:
        state.record_mappings(GraphFacts(edges=(one,)))
    assert alike(edges_of(state, image(1), OUT)) == alike(told)


def test_a_source_corrects_itself_and_what_came_late_does_not_win(state: State) -> None:
    state.record_mappings(GraphFacts(edges=(built(image(1), minutes=5, line="7"),)))
    state.record_mappings(GraphFacts(edges=(built(image(1), minutes=9, line="8"),)))
    state.record_mappings(GraphFacts(edges=(built(image(1), minutes=1, line="6"),)))
    (edge,) = edges_of(state, image(1), OUT)
    assert edge == edges_of(state, edge.end, IN)[0]
    assert edge.evidence == {"line": "8"}
    assert edge.first_seen == START + timedelta(minutes=1)


def test_an_edge_ends_and_begins_again(state: State) -> None:
    edge = built(image(1))
    state.record_mappings(GraphFacts(edges=(edge,)))
    ended = replace(edge, ended_at=START + timedelta(minutes=10))
    assert state.record_mappings(GraphFacts(edges=(ended,))) == 1
    assert state.record_mappings(GraphFacts(edges=(edge, ended))) == 0
    assert edges_of(state, image(1), OUT)[0].ended_at == START + timedelta(minutes=10)
    state.record_mappings(GraphFacts(edges=(built(image(1), minutes=20),)))
    (again,) = edges_of(state, image(1), OUT)
    assert (again.ended_at, again.first_seen) == (None, START)


def test_names_and_attributes_are_what_was_told_last(state: State) -> None:
    node = registry_node("contoso.azurecr.io")
    state.record_mappings(GraphFacts((Node(node, START, "old", {"a": "1", "b": "1"}),)))
    state.record_mappings(GraphFacts((Node(node, START + timedelta(hours=1), "new", {"b": "2"}),)))
    state.record_mappings(
        GraphFacts((Node(node, START + timedelta(minutes=1), "late", {"b": "3", "c": "3"}),))
    )
    stored = state.node(node)
    assert stored is not None
    assert (stored.name, stored.attributes) == ("new", {"a": "1", "b": "2", "c": "3"})


@pytest.mark.parametrize("count", [100, 103])
def test_more_edges_than_fit_into_one_row(state: State, state_place: StatePlace, count: int) -> None:
    run = run_node(ORGANIZATION, 1)
    facts = GraphFacts(edges=tuple(built(image(number), minutes=number) for number in range(count)))
    assert state.record_mappings(facts) == 2 * count + 1
    assert state.record_mappings(facts) == 0
    other = state_place.open()
    found = edges_of(other, run, IN)
    other.close()
    assert len(found) == count
    assert {one.start for one in found} == {image(number) for number in range(count)}
    assert edges_of(state, run, IN, EdgeKind.PART_OF) == []
    assert len(edges_of(state, run, IN, EdgeKind.BUILT_BY)) == count


def test_the_first_page_tells_where_a_tag_leads_now(state: State) -> None:
    tag = tag_node("contoso.azurecr.io", "app", "latest")

    def names(number: int, minutes: int) -> Edge:
        return replace(
            built(image(number), minutes=minutes), start=tag, kind=EdgeKind.NAMES, end=image(number)
        )

    moves = [names(number, number) for number in range(110)]
    random.Random(1).shuffle(moves)  # noqa: S311 - no secret
    for start in range(0, 110, 30):
        state.record_mappings(GraphFacts(edges=tuple(moves[start : start + 30])))
    assert state.edges(tag, OUT, limit=1).edges[0].end == image(109)
    # Long ago it was image 3, and is so again.
    state.record_mappings(GraphFacts(edges=(names(3, 500),)))
    first = state.edges(tag, OUT, limit=2).edges
    assert [one.end for one in first] == [image(3), image(109)]
    assert len({one.end for one in edges_of(state, tag, OUT)}) == len(edges_of(state, tag, OUT)) == 110


def test_edges_that_are_large(state: State) -> None:
    told = [built(image(number), log="x" * 40_000, number=str(number)) for number in range(12)]
    state.record_mappings(GraphFacts(edges=tuple(told)))
    assert alike(edges_of(state, run_node(ORGANIZATION, 1), IN)) == alike(told)


def test_what_is_around_a_node(state: State) -> None:
    run = run_node(ORGANIZATION, 1)
    told = [built(image(number), minutes=number) for number in range(120)]
    state.record_mappings(GraphFacts((Node(run, START, "20260301.1"),), tuple(told)))
    around = state.surroundings(image(5))
    assert around is not None
    assert (around.node.id, list(around.out.edges), around.out.next) == (image(5), alike([told[5]]), "")
    assert around.into == EdgePage(())
    hub = state.surroundings(run)
    assert hub is not None
    assert (hub.node.name, len(hub.into.edges), bool(hub.into.next)) == ("20260301.1", 100, True)
    rest = state.edges(run, IN, after=hub.into.next)
    assert {*(one.id for one in (*hub.into.edges, *rest.edges))} == {one.id for one in told}
    assert state.surroundings(image(500)) is None


def test_nodes_are_listed_by_kind(state: State) -> None:
    state.record_mappings(GraphFacts(edges=tuple(built(image(number), number) for number in range(10))))
    state.record_mappings(GraphFacts((Node(repository_node(RepositoryId("r")), START, "app"),)))
    found: list[NodeId] = []
    page = state.nodes(NodeKind.IMAGE, limit=4)
    while True:
        found += [one.id for one in page.nodes]
        if not page.next:
            break
        page = state.nodes(NodeKind.IMAGE, after=page.next, limit=4)
    assert sorted(found) == [image(number) for number in range(10)]
    assert [one.name for one in state.nodes(NodeKind.REPOSITORY).nodes] == ["app"]
    assert state.nodes(NodeKind.REGISTRY).nodes == ()


def test_edges_may_go_in_circles(state: State) -> None:
    def part(one: int, of: int) -> Edge:
        return replace(built(image(one)), kind=EdgeKind.PART_OF, end=image(of))

    told = [part(1, 2), part(2, 1), part(3, 3)]
    facts = GraphFacts(edges=tuple(told))
    state.record_mappings(facts)
    assert state.record_mappings(facts) == 0
    for number in (1, 2, 3):
        assert len(edges_of(state, image(number), IN)) == len(edges_of(state, image(number), OUT)) == 1


def test_many_tell_of_one_thing_at_once(state: State, state_place: StatePlace) -> None:
    hub = run_node(ORGANIZATION, 1)

    def tell(who: int) -> None:
        own = state_place.open()
        for number in range(12):
            own.record_mappings(GraphFacts(edges=(built(image(100 * who + number)), built(image(7)))))
        own.close()

    threads = [Thread(target=tell, args=(who,)) for who in range(1, 5)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len({one.start for one in edges_of(state, hub, IN)}) == len(edges_of(state, hub, IN)) == 49


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records(Edge, first_seen=None, ended_at=None), records(Node))
def test_whatever_the_model_can_hold_is_read_back(state: State, edge: Edge, node: Node) -> None:
    edge = replace(edge, start=NodeId(edge.start.kind, f"{next(numbers)}{edge.start.key}"))
    node = replace(node, id=NodeId(node.id.kind, f"{next(numbers)}{node.id.key}"))
    facts = GraphFacts((node,), (edge,))
    state.record_mappings(facts)
    assert state.record_mappings(facts) == 0
    assert state.node(node.id) == node
    assert edges_of(state, edge.start, OUT) == alike([edge])


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.builds(
            lambda start, run, source, minutes, ended: replace(
                built(image(start), run, source, minutes=minutes, at=str(minutes)),
                ended_at=START + timedelta(minutes=minutes) if ended else None,
            ),
            st.integers(0, 2),
            st.integers(1, 2),
            st.sampled_from([Source.REPORT, Source.LABEL]),
            st.integers(0, 300),
            st.booleans(),
        ),
        max_size=8,
        unique_by=lambda edge: (edge.id, edge.told_at),
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_of_facts_makes_no_difference(
    state: State, told: list[Edge], chance: random.Random
) -> None:
    number = next(numbers)

    def of(case: str) -> list[Edge]:
        at = OrganizationId(f"{case}{number}")
        return [
            replace(one, start=NodeId(NodeKind.IMAGE, f"{case}{number}{one.start.key}"), end=run_node(at, 1))
            for one in told
        ]

    one, other = of("a"), of("b")
    chance.shuffle(other)
    for edge in one:
        state.record_mappings(GraphFacts(edges=(edge,)))
    state.record_mappings(GraphFacts(edges=tuple(other)))

    def end_of(case: str) -> list[tuple[str, str, object, object, object]]:
        run = run_node(OrganizationId(f"{case}{number}"), 1)
        return sorted(
            (one.start.key[1:], one.source.value, one.first_seen, one.ended_at, dict(one.evidence)["at"])
            for one in edges_of(state, run, IN)
        )

    assert end_of("a") == end_of("b")


def receipt(token: str = "t1", body: str = "b1", *, hours: float = 0) -> ReportReceipt:
    received = START + timedelta(hours=hours)
    return ReportReceipt(token, body, received, received + timedelta(minutes=20))


def test_a_token_comes_with_one_report(state: State) -> None:
    facts = GraphFacts(edges=(built(image(1)),))
    assert state.record_report(receipt(), facts) is ReportOutcome.NEW
    assert state.record_report(receipt(), facts) is ReportOutcome.REPEATED
    other = GraphFacts(edges=(built(image(2)),))
    assert state.record_report(receipt(body="b2"), other) is ReportOutcome.CONTRADICTED
    assert state.node(image(2)) is None
    assert state.record_report(receipt("t2", "b2"), other) is ReportOutcome.NEW
    assert len(edges_of(state, run_node(ORGANIZATION, 1), IN)) == 2


def test_one_token_with_many_reports_at_once(state: State, state_place: StatePlace) -> None:
    outcomes: list[ReportOutcome] = []

    def send(number: int) -> None:
        own = state_place.open()
        facts = GraphFacts(edges=(built(image(number)),))
        outcomes.append(own.record_report(receipt(body=f"b{number}"), facts))
        own.close()

    threads = [Thread(target=send, args=(number,)) for number in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(one.value for one in outcomes) == ["contradicted"] * 5 + ["new"]
    assert len(edges_of(state, run_node(ORGANIZATION, 1), IN)) == 1


def test_receipts_of_expired_tokens_are_forgotten(state: State) -> None:
    for number in range(5):
        state.record_report(receipt(f"t{number}"), GraphFacts())
    assert state.record_report(receipt("later", hours=2), GraphFacts()) is ReportOutcome.NEW
    assert state.record_report(receipt("t1", "another"), GraphFacts()) is ReportOutcome.NEW
    assert (
        state.record_report(receipt("later", "another", hours=2), GraphFacts()) is ReportOutcome.CONTRADICTED
    )
