"""The mapping graph: a row for each node and for each source's word for an edge."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shared.connector_state.codec import Cell, Document, time_text, to_cell
from shared.connector_state.database import Database, Part
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

_NODE = Document(Node)
_EDGE = Document(Edge)

_GET_EDGE = (
    "SELECT document FROM graph_edges WHERE start_key = ? AND end_key = ? AND kind = ? AND source = ?"
    " AND detail = ? AND start_kind = ? AND end_kind = ?"
)
EDGE_COLUMNS = "start_key, end_key, kind, source, detail, start_kind, end_kind, seen_at"
PUT_EDGE = (
    f"INSERT INTO graph_edges ({EDGE_COLUMNS}, document) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
    " ON CONFLICT (start_key, end_key, kind, source, detail, start_kind, end_kind)"
    " DO UPDATE SET seen_at = excluded.seen_at, document = excluded.document"
)
_ENDS: Final = {Direction.OUT: "start", Direction.IN: "end"}

_FORGET_AT_ONCE: Final = 10
"""Old receipts that go with each new one: more than come, so that they grow no longer than tokens last."""


_FIRST_PAGE: Final = 100
_REPORTS_AT_ONCE: Final = 64
"""Reports in one transaction, at most."""


@dataclass(slots=True)
class _Waiting:
    """A report that is to be written, and what became of it."""

    receipt: ReportReceipt
    facts: GraphFacts
    outcome: ReportOutcome | None = None
    problem: StateUnavailable | None = None


class MappingsPart(Part):
    """Nodes and edges."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._waiting: list[_Waiting] = []

    def record_mappings(self, facts: GraphFacts) -> int:
        facts = together(facts)
        with self._database.read() as connection:
            # Most of what is told is known: looked up first, so that those who tell it do not queue to write.
            if not _write(connection, facts, look_only=True):
                return 0
        with self._database.write() as connection:
            return _write(connection, facts)

    def record_report(self, receipt: ReportReceipt, facts: GraphFacts) -> ReportOutcome:
        mine = _Waiting(receipt, together(facts))
        with self._lock:
            self._waiting.append(mine)
        while mine.outcome is None and mine.problem is None:
            # Whoever has the turn writes for all who wait: the disk takes longer than everything else.
            with self._turn:
                if mine.outcome is None and mine.problem is None:
                    with self._lock:
                        some = self._waiting[:_REPORTS_AT_ONCE]
                        del self._waiting[:_REPORTS_AT_ONCE]
                    self._write_reports(some)
        if mine.outcome is None:
            raise mine.problem or StateUnavailable("The report was not written.")
        return mine.outcome

    def _write_reports(self, some: Sequence[_Waiting]) -> None:
        """Write these in one transaction, and tell each what became of it."""
        problem: StateUnavailable | None = StateUnavailable("Writing the report was broken off.")
        outcomes: list[ReportOutcome] = []
        try:
            with self._database.write(durable=True) as connection:
                outcomes = [_write_report(connection, one.receipt, one.facts) for one in some]
            problem = None
        except StateUnavailable as error:
            problem = error
        finally:
            for number, one in enumerate(some):
                one.problem = problem
                if problem is None:
                    one.outcome = outcomes[number]

    def node(self, node: NodeId) -> Node | None:
        with self._database.read() as connection:
            return _node(connection, node)

    def surroundings(self, node: NodeId) -> Surroundings | None:
        with self._database.read() as connection:
            found = _node(connection, node)
            if found is None:
                return None
            out, into = (_edges(connection, node, way, None, "", _FIRST_PAGE) for way in Direction)
        return Surroundings(found, out, into)

    def nodes(self, kind: NodeKind, *, after: str = "", limit: int = 100) -> NodePage:
        query = "SELECT key, document FROM graph_nodes WHERE kind = ? AND key > ? ORDER BY key LIMIT ?"
        with self._database.read() as connection:
            rows = connection.execute(query, (kind.value, to_cell(after), limit)).fetchall()
        nodes = tuple(_NODE.load(document) for _, document in rows)
        return NodePage(nodes, nodes[-1].id.key if len(nodes) == limit else "")

    def edges(
        self,
        node: NodeId,
        direction: Direction,
        kind: EdgeKind | None = None,
        *,
        after: str = "",
        limit: int = 100,
    ) -> EdgePage:
        with self._database.read() as connection:
            return _edges(connection, node, direction, kind, after, limit)


def _edges(
    connection: sqlite3.Connection,
    node: NodeId,
    direction: Direction,
    kind: EdgeKind | None,
    after: str,
    limit: int,
) -> EdgePage:
    end = _ENDS[direction]
    conditions = [f"{end}_key = ?", f"{end}_kind = ?"]
    values: list[Cell] = [to_cell(node.key), node.kind.value]
    if kind is not None:
        conditions.append("kind = ?")
        values.append(kind.value)
    if after:
        seen_at, _, identifier = after.rpartition("/")
        conditions.append("(seen_at, id) < (?, ?)")
        values += [seen_at, int(identifier)]
    query = (
        f"SELECT seen_at, id, document FROM graph_edges WHERE {' AND '.join(conditions)}"  # noqa: S608 - constants
        " ORDER BY seen_at DESC, id DESC LIMIT ?"
    )
    rows = connection.execute(query, (*values, limit)).fetchall()
    edges = tuple(_EDGE.load(document) for _, _, document in rows)
    return EdgePage(edges, f"{rows[-1][0]}/{rows[-1][1]}" if len(rows) == limit else "")


def _write_report(connection: sqlite3.Connection, receipt: ReportReceipt, facts: GraphFacts) -> ReportOutcome:
    known = connection.execute(
        "SELECT body FROM report_receipts WHERE token = ?", (receipt.token,)
    ).fetchone()
    if known is not None and known[0] != receipt.body:
        return ReportOutcome.CONTRADICTED
    _write(connection, facts)
    if known is not None:
        return ReportOutcome.REPEATED
    connection.execute(
        "DELETE FROM report_receipts WHERE token IN"
        " (SELECT token FROM report_receipts WHERE forget_at < ? LIMIT ?)",
        (time_text(receipt.received_at), _FORGET_AT_ONCE),
    )
    connection.execute(
        "INSERT INTO report_receipts (token, body, forget_at) VALUES (?, ?, ?)",
        (receipt.token, receipt.body, time_text(receipt.forget_at)),
    )
    return ReportOutcome.NEW


def _write(connection: sqlite3.Connection, facts: GraphFacts, *, look_only: bool = False) -> int:
    """Write what is new; returns how many rows. With `look_only` it stops at the first, unwritten."""
    changed = 0
    for node in facts.nodes:
        node_now = node_after(_node(connection, node.id), node)
        if node_now is None:
            continue
        changed += 1
        if look_only:
            return changed
        connection.execute(
            "INSERT OR REPLACE INTO graph_nodes (kind, key, document) VALUES (?, ?, ?)",
            (node.id.kind.value, to_cell(node.id.key), _NODE.dump(node_now)),
        )
    for edge in facts.edges:
        identity = edge_identity(edge)
        row = connection.execute(_GET_EDGE, identity).fetchone()
        edge_now = edge_after(None if row is None else _EDGE.load(row[0]), edge)
        if edge_now is None:
            continue
        changed += 1
        if look_only:
            return changed
        connection.execute(PUT_EDGE, (*identity, time_text(edge_now.seen_at), _EDGE.dump(edge_now)))
    return changed


def _node(connection: sqlite3.Connection, node: NodeId) -> Node | None:
    row = connection.execute(
        "SELECT document FROM graph_nodes WHERE kind = ? AND key = ?", (node.kind.value, to_cell(node.key))
    ).fetchone()
    return None if row is None else _NODE.load(row[0])


def edge_identity(edge: Edge) -> tuple[Cell, ...]:
    """What makes it the same row when it is told again."""
    return (
        to_cell(edge.start.key),
        to_cell(edge.end.key),
        edge.kind.value,
        edge.source.value,
        to_cell(edge.detail),
        edge.start.kind.value,
        edge.end.kind.value,
    )


def edge_columns(edge: Edge) -> tuple[Cell, ...]:
    """What stands beside an edge, so that it is found: `EDGE_COLUMNS`."""
    return (*edge_identity(edge), time_text(edge.seen_at))
