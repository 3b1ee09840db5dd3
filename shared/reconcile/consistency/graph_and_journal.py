"""What is wrong with the mapping graph and the journal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from shared.model.journal import JournalEntry
from shared.model.mapping import Edge, Node
from shared.model.record import Record, RecordKind
from shared.model.storage import GRAPH
from shared.model.work import SKEW
from shared.reconcile.consistency.any_record import unreadable
from shared.reconcile.consistency.findings import AddNodes, Code, DateJournal, Finding, MendStorage


def check_told(records: Iterable[Record], now: datetime) -> Iterator[Finding]:
    """What is wrong with the mapping graph and the journal, read once, as they come: nodes before edges."""
    nodes: set[int] = set()
    whole, strays, late = True, 0, 0
    for record in records:
        strays += not record.copies_agree
        if record.problem:
            whole = whole and record.kind is not RecordKind.NODE
            yield unreadable(record)
        elif isinstance(record.value, JournalEntry):
            late += record.value.at > now + SKEW
        elif isinstance(record.value, Node):
            nodes.add(hash(record.value.id))
        elif isinstance(record.value, Edge) and whole:
            edge = record.value
            lacking = [one for one in (edge.start, edge.end) if hash(one) not in nodes]
            if lacking:
                nodes.update(map(hash, lacking))
                told = " and ".join(f"{one.kind.value} {one.key}" for one in lacking)
                what = (
                    f"An edge of the mapping graph ({edge.kind.value}) hangs on {told}, which is not there."
                )
                cure = AddNodes(tuple(Node(one, edge.seen_at) for one in lacking))
                yield Finding(Code.EDGE_OF_NO_NODE, what, cure)
    if strays:
        what = f"{strays:,} nodes and edges of the mapping graph are not found by what they are."
        yield Finding(Code.COPIES_DIFFER, what, MendStorage(GRAPH))
    if late:
        what = f"{late:,} entries of the journal are dated as of a time that is still to come."
        yield Finding(Code.TIME_IN_FUTURE, what, DateJournal())
