"""How long it takes to lead from an image to its code among 200,000 mappings, on both stores.

    .venv/bin/python -m benchmarks.trace --store sqlite
    .venv/bin/python -m benchmarks.trace --store tables --mappings 20000

Each mapping is an image that a run built from a commit, in a registry; every tenth has a tag and runs in the
cloud. A trace is made in a process of its own: from a tag, or a digest, to image, registry, cloud resource,
run, pipeline, repository, project and organization, with every edge and name on the way. Told are the seconds
of the trace itself, beyond starting the process and opening the state. Azure Tables are served by Azurite on
this machine, and filled row by row by the store's own code for rows: the store's way to record facts reads
before it writes, which would take Azurite hours. Fails where a trace misses a step, or takes more than 0.3 s.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.storage import azurite
from shared.connector_state import open_state
from shared.connector_state.tables.keys import pack
from shared.connector_state.tables.mappings import (
    _EDGE,
    _NEAR_DOCUMENT,
    NEAR_MOST,
    _Near,
    _near_row,
    _partition,
    _row_of,
)
from shared.connector_state.tables.table import BATCH_MOST, Operation, Put
from shared.model.ids import OrganizationId
from shared.model.mapping import (
    Confidence,
    Direction,
    Edge,
    EdgeKind,
    GraphFacts,
    Node,
    NodeId,
    NodeKind,
    Source,
    cloud_resource_node,
    image_node,
    tag_node,
    together,
)
from shared.ports import MappingGraph
from shared.tracing.origins import Origin, Saying, facts_of_image, facts_of_origin, facts_of_place
from shared.tracing.references import ImageReference

PER_RUN = 10
MOST = 0.3
_NOW = datetime(2026, 3, 1, tzinfo=UTC)
_REGISTRY = "contoso.azurecr.io"
_LARGE = frozenset(
    {NodeKind.ORGANIZATION, NodeKind.PROJECT, NodeKind.PIPELINE, NodeKind.REPOSITORY, NodeKind.REGISTRY}
)
"""Kinds of which there are few, to which very many edges lead."""
_WAY = (
    NodeKind.IMAGE,
    NodeKind.RUN,
    NodeKind.PIPELINE,
    NodeKind.REPOSITORY,
    NodeKind.PROJECT,
    NodeKind.ORGANIZATION,
    NodeKind.REGISTRY,
)


def digest(number: int) -> str:
    """Of one image."""
    return f"sha256:{number:064x}"


def facts(run: int) -> GraphFacts:
    """Of one run and its images."""
    pipeline = run % 500 + 1
    origin = Origin(
        OrganizationId("o1"), "contoso", f"p{pipeline % 20}", f"project-{pipeline % 20}", pipeline,
        f"ci-{pipeline}", run, f"20260301.{run}", f"r{pipeline % 200}", f"app-{pipeline % 200}",
        f"{run:040x}", "refs/heads/main",
    )  # fmt: skip
    attested = Saying(Source.REPORT, Confidence.ATTESTED, _NOW)
    claimed = Saying(Source.REPORT, Confidence.CLAIMED, _NOW)
    found = facts_of_origin(origin, attested, {"job": f"contoso/project/ci-{pipeline}"})
    for number in range(run * PER_RUN, (run + 1) * PER_RUN):
        has_tag = number % PER_RUN == 0
        place = ImageReference(_REGISTRY, f"app-{pipeline % 200}", f"v{number}" if has_tag else "")
        evidence = {"job": f"contoso/project/ci-{pipeline}", "docker": "Docker version 26.1.3"}
        found += facts_of_image(digest(number), origin, claimed, evidence)
        found += facts_of_place(digest(number), place, claimed, evidence)
        if has_tag:
            resource = cloud_resource_node(
                f"/subscriptions/s/providers/microsoft.app/containerapps/app-{number}"
            )
            seen = Saying(Source.RESOURCE_GRAPH, Confidence.MATCHED, _NOW)
            edge = seen.edge(resource, EdgeKind.RUNS, image_node(digest(number)), str(place))
            found += GraphFacts((Node(resource, _NOW, f"app-{number}"),), (edge,))
    return together(found)


def fill_sqlite(url: str, runs: int) -> None:
    """By the store's own way."""
    with open_state(url) as state:
        for start in range(0, runs, 100):
            some = GraphFacts()
            for run in range(start, min(start + 100, runs)):
                some += facts(run)
            state.record_mappings(some)


def fill_tables(url: str, runs: int) -> None:
    """Row by row: near rows of what is small as they come, what is large at the end."""
    with open_state(url) as state, ThreadPoolExecutor(8) as pool:
        table: Any = state._table  # type: ignore[attr-defined]  # noqa: SLF001 - rows, see above
        large: dict[NodeId, _Large] = {}
        for start in range(0, runs, 200):
            rows = [row for run in range(start, min(start + 200, runs)) for row in _rows(facts(run), large)]
            list(pool.map(lambda row: table.put(*row), rows))
        batches = [batch for node, one in large.items() for batch in one.batches(node)]
        list(pool.map(lambda batch: table.transact(*batch), batches))


class _Large:
    """A node with very many edges."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.out: dict[Any, Edge] = {}
        self.into: dict[Any, Edge] = {}

    def batches(self, node: NodeId) -> Iterator[tuple[str, Sequence[Operation]]]:
        """Its own row, and rows for the edges that do not fit into it."""
        edges = list(self.into.values())
        near = _Near(
            self.node, tuple(self.out.values()), tuple(edges[:NEAR_MOST]), more_in=len(edges) > NEAR_MOST
        )
        yield _partition(node), [Put(_near_row(node), pack(_NEAR_DOCUMENT.dump(near)))]
        rows = [Put(_row_of(one, Direction.IN), pack(_EDGE.dump(one))) for one in edges[NEAR_MOST:]]
        for start in range(0, len(rows), BATCH_MOST):
            yield _partition(node), rows[start : start + BATCH_MOST]


def _rows(some: GraphFacts, large: dict[NodeId, _Large]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    small = {node.id: (node, list[Edge](), list[Edge]()) for node in some.nodes if node.id.kind not in _LARGE}
    for node in some.nodes:
        if node.id.kind in _LARGE:
            large.setdefault(node.id, _Large(node))
    for edge in some.edges:
        if edge.start in small:
            small[edge.start][1].append(edge)
        else:
            large[edge.start].out[edge.id] = edge
        if edge.end in small:
            small[edge.end][2].append(edge)
        else:
            large[edge.end].into[edge.id] = edge
    for identity, (node, out, into) in small.items():
        near = _Near(node, tuple(out), tuple(into))
        yield _partition(identity), _near_row(identity), dict(pack(_NEAR_DOCUMENT.dump(near)))


# --- tracing ----------------------------------------------------------------------------------------------


def trace(graph: MappingGraph, start: NodeId) -> dict[NodeId, Node]:
    """Every node on the way from a tag or an image, by first pages alone."""
    found: dict[NodeId, Node] = {}
    waiting = [start]
    while waiting:
        one = waiting.pop()
        around = None if one in found else graph.surroundings(one)
        if around is None:
            continue
        found[one] = around.node
        waiting += [edge.end for edge in around.out.edges]
        if one.kind is NodeKind.IMAGE:
            waiting += [edge.start for edge in around.into.edges if edge.kind is EdgeKind.RUNS]
    return found


def child(url: str, start: str) -> None:
    """One trace in this process; tells its seconds and the kinds that it met."""
    kind, _, key = start.partition("|")
    with open_state(url) as state:
        began = time.perf_counter()
        found = trace(state, NodeId(NodeKind(kind), key))
        seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "kinds": sorted({one.kind for one in found})}))


def measure(url: str, runs: int, traces: int) -> tuple[list[float], bool]:
    """Seconds of each trace, and whether all of them came to the end."""
    chance = random.Random(1)  # noqa: S311 - no secret
    seconds, is_whole = [], True
    for number in range(traces):
        image = chance.randrange(runs) * PER_RUN
        start, expected = image_node(digest(image + 3)), {*_WAY}
        if number % 2:
            pipeline = (image // PER_RUN) % 500 + 1
            start = tag_node(_REGISTRY, f"app-{pipeline % 200}", f"v{image}")
            expected |= {NodeKind.TAG, NodeKind.CLOUD_RESOURCE}
        done = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-m", "benchmarks.trace", "--child", url, f"{start.kind}|{start.key}"],
            check=True,
            capture_output=True,
            text=True,
        )
        told = json.loads(done.stdout)
        seconds.append(told["seconds"])
        is_whole = is_whole and set(told["kinds"]) == expected
    return seconds, is_whole


def main() -> int:
    """Fill, measure, tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--store", choices=["sqlite", "tables"], default="sqlite")
    parser.add_argument("--mappings", type=int, default=200_000)
    parser.add_argument("--traces", type=int, default=20)
    parser.add_argument("--child", nargs=2, metavar=("URL", "NODE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(*options.child)
        return 0
    runs = options.mappings // PER_RUN
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        place = (
            azurite() if options.store == "tables" else nullcontext(f"sqlite:///{Path(folder) / 'state.db'}")
        )
        url = stack.enter_context(place)
        began = time.perf_counter()
        (fill_sqlite if options.store == "sqlite" else fill_tables)(url, runs)
        filled = time.perf_counter() - began
        seconds, is_whole = measure(url, runs, options.traces)
    told = {
        "store": options.store,
        "mappings": options.mappings,
        "secondsToFill": round(filled, 1),
        "medianSeconds": round(statistics.median(seconds), 4),
        "mostSeconds": round(max(seconds), 4),
        "whole": is_whole,
    }
    print(json.dumps(told))
    return 0 if is_whole and max(seconds) <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())
