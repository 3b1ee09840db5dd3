"""The mapping graph: a partition for each node, in which one row holds the node and the edges near it.

Every edge is kept at both of its ends, so that either is read without a search. The first `NEAR_MOST` edges
of a direction are in the node's own row: most nodes are read whole by one read of one row. Further ones have
rows of their own in the same partition. Of the edges that leave a node the newest are kept near, so that a
tag leads to its present image however often it moved; those that lead to it stay where they are, so that the
many who write to a hub (a registry, a repository) do not change one row at once.

A change takes one transaction for each node, at the end of an edge before its start: what is known at the
start is known at the end. So a change that dies in between is completed by the same change again, and what is
told again costs one read of each start.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from graphlib import CycleError, TopologicalSorter
from itertools import islice
from typing import Final

from shared.connector_state.codec import Document, time_text
from shared.connector_state.tables.journal import Part
from shared.connector_state.tables.keys import key, pack, prefix, unpack
from shared.connector_state.tables.table import (
    BATCH_MOST,
    Delete,
    Entity,
    Insert,
    Operation,
    Refused,
    Replace,
    Table,
)
from shared.model.mapping import (
    Direction,
    Edge,
    EdgeKind,
    EdgePage,
    GraphFacts,
    Node,
    NodeId,
    NodeKind,
    NodePage,
    Surroundings,
    edge_after,
    node_after,
    together,
)
from shared.ports import ReportOutcome, ReportReceipt, StateUnavailable

NEAR_MOST: Final = 100
"""Edges of one direction in the node's own row."""

_NEAR_BYTES_MOST: Final = 300_000
"""Characters of all edges in one row. Table Storage takes a megabyte, and half as many characters of text."""
_SLICE: Final = 30
"""Edges of each direction in one transaction, which takes 100 rows: one that leaves may need two of them."""
_CONFLICTS_MOST: Final = 60
_STRIPES: Final = 64
GRAPH: Final = "graph"
NEAR: Final = "near"
RECEIPT: Final = "receipt"
_BODY: Final = "body"
_FORGET_AT_ONCE: Final = 1_000
_JUST_BEHIND: Final = "!"
"""Sorts before every character of a key: right behind a key itself, and before all longer ones."""


@dataclass(frozen=True, slots=True)
class _Near:
    """A node's own row. `more_out` and `more_in` say that further edges have rows of their own."""

    node: Node
    out: tuple[Edge, ...] = ()
    into: tuple[Edge, ...] = ()
    more_out: bool = False
    more_in: bool = False

    def side(self, direction: Direction) -> tuple[tuple[Edge, ...], bool]:
        """The edges near it in this direction, and whether there are more."""
        return (self.out, self.more_out) if direction is Direction.OUT else (self.into, self.more_in)


_NEAR_DOCUMENT = Document(_Near)
_EDGE = Document(Edge)


class _Side:
    """The edges of one direction of a node, while they are changed."""

    def __init__(self, table: Table, node: NodeId, direction: Direction, near: _Near | None) -> None:
        self._table = table
        self._partition = _partition(node)
        self._direction = direction
        edges: tuple[Edge, ...] = ()
        self.more = False
        if near is not None:
            edges, self.more = near.side(direction)
        self._near = {one.id: one for one in edges}
        self._sizes = {one.id: _size(one) for one in edges}
        self.near_changed = False
        self.rows: dict[str, Operation] = {}

    @property
    def near(self) -> tuple[Edge, ...]:
        """What belongs into the node's own row."""
        return tuple(self._near.values())

    def is_news(self, told: Edge) -> bool:
        """Whether telling it would change anything."""
        known = self._near.get(told.id)
        if known is None and (row := self._row(told)) is not None:
            known = _EDGE.load(unpack(row.values))
        return edge_after(known, told) is not None

    def tell(self, told: Edge) -> bool:
        """Take it in; returns whether that changes anything."""
        known = self._near.get(told.id)
        row = self._row(told) if known is None else None
        if row is not None:
            known = _EDGE.load(unpack(row.values))
        changed = edge_after(known, told)
        if changed is None:
            return False
        if known is not None and row is None:
            self._put_near(changed)
        elif row is None:
            self._place(changed)
        elif self._belongs_near(changed):
            self.rows[row.row] = Delete(row.row, row.etag)
            self._place(changed)
        else:
            self.rows[row.row] = Replace(row.row, pack(_EDGE.dump(changed)), row.etag)
        return True

    def _belongs_near(self, edge: Edge) -> bool:
        """Whether it leaves the node and is newer than one that is near."""
        return self._direction is Direction.OUT and any(
            one.told_at < edge.told_at for one in self._near.values()
        )

    def _place(self, new: Edge) -> None:
        """Near while there is room; else, of those that leave the node, instead of the oldest."""
        while len(self._near) >= NEAR_MOST or sum(self._sizes.values()) + _size(new) > _NEAR_BYTES_MOST:
            self.near_changed = self.near_changed or not self.more
            self.more = True
            if not self._belongs_near(new):
                self._insert(new)
                return
            oldest = min(self._near.values(), key=lambda one: one.told_at)
            del self._near[oldest.id], self._sizes[oldest.id]
            self._insert(oldest)
        self._put_near(new)

    def _put_near(self, edge: Edge) -> None:
        self._near[edge.id] = edge
        self._sizes[edge.id] = _size(edge)
        self.near_changed = True

    def _insert(self, edge: Edge) -> None:
        row = _row_of(edge, self._direction)
        self.rows[row] = Insert(row, pack(_EDGE.dump(edge)))

    def _row(self, told: Edge) -> Entity | None:
        return self._table.get(self._partition, _row_of(told, self._direction)) if self.more else None


@dataclass(slots=True)
class _News:
    """What is to be written of one node, and its row as it was read when that was found out."""

    told: Node
    stored: Entity | None
    out: list[Edge] = field(default_factory=list)
    into: list[Edge] = field(default_factory=list)

    def slices(self) -> Iterator[tuple[Sequence[Edge], Sequence[Edge]]]:
        """Edges that lead to it and that leave it, as many at once as fit into one transaction."""
        for start in range(0, max(len(self.into), len(self.out), 1), _SLICE):
            yield self.into[start : start + _SLICE], self.out[start : start + _SLICE]


class MappingsPart(Part):
    """Nodes and edges."""

    def __init__(self, table: Table) -> None:
        super().__init__(table)
        self._forgotten = ""
        self._turns = tuple(threading.Lock() for _ in range(_STRIPES))

    def record_mappings(self, facts: GraphFacts) -> int:
        return sum(self._write(node, news) for node, news in _ends_first(self._news(facts)))

    def record_report(self, receipt: ReportReceipt, facts: GraphFacts) -> ReportOutcome:
        # The receipt first: of two reports with one token, only one may then go on. A report whose receipt is
        # there may have died behind it, so what comes again is written again, where it is not there yet.
        hour = _hour(receipt.forget_at)
        row = key(RECEIPT, receipt.token)
        outcome = ReportOutcome.NEW
        try:
            self._table.transact(hour, [Insert(row, {_BODY: receipt.body})])
        except Refused:
            stored = self._table.get(hour, row)
            if stored is not None and stored.text(_BODY) != receipt.body:
                return ReportOutcome.CONTRADICTED
            outcome = ReportOutcome.REPEATED
        self.record_mappings(facts)
        self._forget_receipts(_hour(receipt.received_at))
        return outcome

    def _forget_receipts(self, hour: str) -> None:
        """Once an hour, whoever comes first: those that expired in an hour that is over."""
        if hour == self._forgotten:
            return
        self._forgotten = hour
        old = self._table.query_partitions((key(RECEIPT), hour), prefix(RECEIPT), page=_FORGET_AT_ONCE)
        rows: dict[str, list[Operation]] = {}
        for one in islice(old, _FORGET_AT_ONCE):
            rows.setdefault(one.text("PartitionKey"), []).append(Delete(one.row))
        if sum(len(some) for some in rows.values()) == _FORGET_AT_ONCE:
            self._forgotten = ""  # there are more
        for partition, some in rows.items():
            for start in range(0, len(some), BATCH_MOST):
                with suppress(Refused):  # another instance forgot them
                    self._table.transact(partition, some[start : start + BATCH_MOST])

    def node(self, node: NodeId) -> Node | None:
        stored = self._stored(node)
        return None if stored is None else near_of(stored).node

    def surroundings(self, node: NodeId) -> Surroundings | None:
        stored = self._stored(node)
        if stored is None:
            return None
        near = near_of(stored)
        out, into = (_first_page(near, way, None, "", NEAR_MOST) for way in Direction)
        return Surroundings(near.node, out, into)

    def nodes(self, kind: NodeKind, *, after: str = "", limit: int = 100) -> NodePage:
        first, last = prefix(GRAPH, kind.value)
        found = self._table.query_partitions(
            (f"{after}{_JUST_BEHIND}" if after else first, last), prefix(NEAR), page=limit
        )
        some = tuple(islice(found, limit))
        behind = some[-1].text("PartitionKey") if len(some) == limit else ""
        return NodePage(tuple(near_of(one).node for one in some), behind)

    def edges(
        self,
        node: NodeId,
        direction: Direction,
        kind: EdgeKind | None = None,
        *,
        after: str = "",
        limit: int = 100,
    ) -> EdgePage:
        rows, end = _rows_of(direction, kind)
        if after.startswith(rows):
            begin = after if after == rows else f"{after}{_JUST_BEHIND}"
            found = tuple(islice(self._table.query(_partition(node), (begin, end), page=limit), limit))
            edges = tuple(_EDGE.load(unpack(one.values)) for one in found)
            return EdgePage(edges, found[-1].row if len(found) == limit else "")
        stored = self._stored(node)
        if stored is None:
            return EdgePage(())
        return _first_page(near_of(stored), direction, kind, after, limit)

    # --- writing ------------------------------------------------------------------------------------------

    def _news(self, facts: GraphFacts) -> dict[NodeId, _News]:
        """What of the facts is not known yet, by the nodes that have to be written."""
        named = {node.id for node in facts.nodes}
        facts = together(facts)
        told = {node.id: node for node in facts.nodes}
        leaving: dict[NodeId, list[Edge]] = {}
        for edge in facts.edges:
            leaving.setdefault(edge.start, []).append(edge)
        read: dict[NodeId, Entity | None] = {}
        news: dict[NodeId, _News] = {}

        def of(node: NodeId) -> _News:
            if node not in read:
                read[node] = self._stored(node)
            return news.setdefault(node, _News(told[node], read[node]))

        for node, what in told.items():
            if node not in named and node not in leaving:
                continue  # only an end of edges, whose starts tell whether they are known
            stored = read[node] = self._stored(node)
            near = None if stored is None else near_of(stored)
            if node_after(None if near is None else near.node, what) is not None:
                of(node)
            side = _Side(self._table, node, Direction.OUT, near)
            for edge in leaving.get(node, ()):
                if side.is_news(edge):
                    of(node).out.append(edge)
                    of(edge.end).into.append(edge)
        return news

    def _write(self, node: NodeId, news: _News) -> int:
        """Write what is told of one node; returns how many facts are new: an edge counts where it starts."""
        stored, changed = news.stored, 0
        with self._turns[hash(node) % _STRIPES]:
            for number, (into, out) in enumerate(news.slices()):
                if number:
                    stored = self._stored(node)
                changed += self._write_slice(node, stored, news.told, into, out)
        return changed

    def _write_slice(
        self, node: NodeId, stored: Entity | None, told: Node, into: Sequence[Edge], out: Sequence[Edge]
    ) -> int:
        partition, row = _partition(node), _near_row(node)
        for _ in range(_CONFLICTS_MOST):
            near = None if stored is None else near_of(stored)
            leaving = _Side(self._table, node, Direction.OUT, near)
            leading = _Side(self._table, node, Direction.IN, near)
            node_now = node_after(None if near is None else near.node, told)
            changed = sum([leaving.tell(edge) for edge in out]) + (node_now is not None)
            for edge in into:
                leading.tell(edge)
            operations = [*leaving.rows.values(), *leading.rows.values()]
            if node_now is not None or leaving.near_changed or leading.near_changed:
                now = node_now or (told if near is None else near.node)
                values = pack(
                    _NEAR_DOCUMENT.dump(_Near(now, leaving.near, leading.near, leaving.more, leading.more))
                )
                operations.append(
                    Insert(row, values) if stored is None else Replace(row, values, stored.etag)
                )
            try:
                self._table.transact(partition, operations)
            except Refused:  # somebody else told something of it meanwhile, or our own first try did
                stored = self._stored(node)
                continue
            return changed
        raise StateUnavailable(f"{row} in {self._table.where} is changed by others all the time.")

    def _stored(self, node: NodeId) -> Entity | None:
        return self._table.get(_partition(node), _near_row(node))


def _ends_first(news: dict[NodeId, _News]) -> Iterator[tuple[NodeId, _News]]:
    """Each node behind those to which its edges lead."""
    order = TopologicalSorter({node: [edge.end for edge in one.out] for node, one in news.items()})
    try:
        yield from ((node, news[node]) for node in order.static_order())
    except CycleError:  # nothing that is true: then all ends are written before any start
        for node, one in news.items():
            yield node, _News(one.told, one.stored, into=one.into)
        for node, one in news.items():
            yield node, _News(one.told, None, out=one.out)


def _hour(at: datetime) -> str:
    """The partition of receipts that are forgotten in the same hour; in order of time."""
    return key(RECEIPT, time_text(at)[:13])


def _first_page(near: _Near, direction: Direction, kind: EdgeKind | None, after: str, limit: int) -> EdgePage:
    """The edges in the node's own row, newest first; the first of the others come behind them."""
    some, more = near.side(direction)
    wanted = sorted((one for one in some if kind is None or one.kind is kind), key=_order, reverse=True)
    left = [one for one in wanted if not after or _order(one) < after]
    if len(left) > limit:
        return EdgePage(tuple(left[:limit]), _order(left[limit - 1]))
    return EdgePage(tuple(left), _rows_of(direction, kind)[0] if more else "")


def _rows_of(direction: Direction, kind: EdgeKind | None) -> tuple[str, str]:
    return prefix(direction.value) if kind is None else prefix(direction.value, kind.value)


def near_of(stored: Entity) -> _Near:
    """What a node's own row holds."""
    return _NEAR_DOCUMENT.load(unpack(stored.values))


def _size(edge: Edge) -> int:
    return len(_EDGE.dump(edge))


def _partition(node: NodeId) -> str:
    return key(GRAPH, node.kind.value, node.key)


def _near_row(node: NodeId) -> str:
    """With the key in it once more: a store that looks rows up first must not find all nodes at once."""
    return key(NEAR, node.key)


def _row_of(edge: Edge, direction: Direction) -> str:
    return key(direction.value, edge.kind.value, _hash(edge))


def _hash(edge: Edge) -> str:
    start, end = edge.start, edge.end
    parts = (start.kind, start.key, end.kind, end.key, edge.source, edge.detail)
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:40]


def _order(edge: Edge) -> str:
    """Newest last, and no two alike."""
    return f"{time_text(edge.seen_at)}/{edge.kind}/{_hash(edge)}"
