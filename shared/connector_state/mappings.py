"""The mapping graph: a row for each node and for each source's word for an edge."""

from __future__ import annotations

import sqlite3
from typing import Final

from shared.connector_state.codec import Cell, Document, time_text, to_cell
from shared.connector_state.database import Part
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
    edge_after,
    node_after,
    together,
)
from shared.ports import ReportOutcome, ReportReceipt

_NODE = Document(Node)
_EDGE = Document(Edge)

_GET_EDGE = (
    "SELECT document FROM graph_edges WHERE start_key = ? AND end_key = ? AND kind = ? AND source = ?"
    " AND detail = ? AND start_kind = ? AND end_kind = ?"
)
_PUT_EDGE = (
    "INSERT INTO graph_edges (start_key, end_key, kind, source, detail, start_kind, end_kind, seen_at,"
    " document) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (start_key, end_key, kind, source, detail,"
    " start_kind, end_kind) DO UPDATE SET seen_at = excluded.seen_at, document = excluded.document"
)
_ENDS: Final = {Direction.OUT: "start", Direction.IN: "end"}

_FORGET_AT_ONCE: Final = 10
"""Old receipts that go with each new one: more than come, so that they grow no longer than tokens last."""


class MappingsPart(Part):
    """Nodes and edges."""

    def record_mappings(self, facts: GraphFacts) -> int:
        facts = together(facts)
        with self._database.read() as connection:
            # Most of what is told is known: looked up first, so that those who tell it do not queue to write.
            if not _write(connection, facts, look_only=True):
                return 0
        with self._database.write() as connection:
            return _write(connection, facts)

    def record_report(self, receipt: ReportReceipt, facts: GraphFacts) -> ReportOutcome:
        facts = together(facts)
        with self._database.write(durable=True) as connection:
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

    def node(self, node: NodeId) -> Node | None:
        with self._database.read() as connection:
            return _node(connection, node)

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
        with self._database.read() as connection:
            rows = connection.execute(query, (*values, limit)).fetchall()
        edges = tuple(_EDGE.load(document) for _, _, document in rows)
        return EdgePage(edges, f"{rows[-1][0]}/{rows[-1][1]}" if len(rows) == limit else "")


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
        identity = _identity(edge)
        row = connection.execute(_GET_EDGE, identity).fetchone()
        edge_now = edge_after(None if row is None else _EDGE.load(row[0]), edge)
        if edge_now is None:
            continue
        changed += 1
        if look_only:
            return changed
        connection.execute(_PUT_EDGE, (*identity, time_text(edge_now.seen_at), _EDGE.dump(edge_now)))
    return changed


def _node(connection: sqlite3.Connection, node: NodeId) -> Node | None:
    row = connection.execute(
        "SELECT document FROM graph_nodes WHERE kind = ? AND key = ?", (node.kind.value, to_cell(node.key))
    ).fetchone()
    return None if row is None else _NODE.load(row[0])


def _identity(edge: Edge) -> tuple[Cell, ...]:
    return (
        to_cell(edge.start.key),
        to_cell(edge.end.key),
        edge.kind.value,
        edge.source.value,
        to_cell(edge.detail),
        edge.start.kind.value,
        edge.end.kind.value,
    )
