"""The way of one image from where it runs to its code, as the mapping graph tells, and what it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from cli.output import Row, instant
from shared.model.mapping import (
    Confidence,
    Direction,
    Edge,
    EdgeKind,
    Node,
    NodeId,
    NodeKind,
    Source,
    Surroundings,
    image_node,
    tag_node,
)
from shared.tracing.references import ImageReference, is_digest, parse_reference
from shared.tracing.registry_facts import LOOKED
from shared.tracing.run_facts import ASKED, NO_PULL_REQUEST, UNREAD
from shared.tracing.running_facts import BY_TAG, LATEST

if TYPE_CHECKING:
    from shared.ports import MappingGraph

_MOST: Final = 500
"""Edges that are looked at from one node."""
_NEVER: Final = "~"
"""Stands behind every time."""
_PUSHES: Final = {Source.REPORT.value, Source.DECORATOR_LOG.value, Source.PUSH_LOG.value}
_RANK: Final = {Confidence.ATTESTED: 0, Confidence.MATCHED: 1, Confidence.CLAIMED: 2}


@dataclass(frozen=True, slots=True)
class Wanted:
    """The image that a person asks for. Of a tag, `named` are its observations, the newest first."""

    text: str
    digest: str
    reference: ImageReference | None = None
    named: tuple[Edge, ...] = ()
    is_latest_meant: bool = False


class UnknownImage(ValueError):
    """Nothing is known of it. The message says so, and the second argument what to do."""


def find_image(graph: MappingGraph, text: str) -> Wanted:
    """The image of that name or digest. Raises `UnknownImage`."""
    reference = None if is_digest(text) else parse_reference(text)
    if not is_digest(text) and reference is None:
        raise UnknownImage(
            "that is no name of an image.", "Give host/repository@sha256:…, host/repository:tag, or a digest."
        )
    digest = reference.digest if reference is not None else text
    if digest:
        if graph.node(image_node(digest)) is None:
            raise UnknownImage(f"nothing is known of {digest}.", _WHERE_FROM)
        return Wanted(text, digest, reference)
    if reference is None:
        raise UnknownImage("that is no name of an image.", "Give host/repository:tag, or a digest.")
    tag = reference.tag or LATEST
    node = tag_node(reference.registry, reference.repository, tag)
    named = tuple(islice(all_edges(graph, node, Direction.OUT, EdgeKind.NAMES), _MOST))
    if not named:
        hint = "" if reference.tag else f" (without a tag it means :{LATEST})"
        raise UnknownImage(f"no source told of {node.key}{hint}.", _WHERE_FROM)
    named = tuple(sorted(named, key=lambda edge: edge.seen_at, reverse=True))
    return Wanted(text, named[0].end.key, reference, named, not reference.tag)


_WHERE_FROM = (
    'See "ado-connector mappings list" for what is known. Images become known through pipelines that report '
    "them and through connectors with readBuildLogs, registries or tracedSubscriptions."
)


@dataclass(slots=True)
class View:
    """Reads the graph, each thing once."""

    graph: MappingGraph
    _known: dict[NodeId, Surroundings | None] = field(default_factory=dict)
    _edges: dict[tuple[NodeId, Direction], tuple[Edge, ...]] = field(default_factory=dict)

    def node(self, node: NodeId) -> Node | None:
        """What is known of a thing."""
        known = self._around(node)
        return known.node if known is not None else None

    def _around(self, node: NodeId) -> Surroundings | None:
        if node not in self._known:
            self._known[node] = self.graph.surroundings(node)
        return self._known[node]

    def name(self, node: NodeId) -> str:
        """What a thing is called, else its key."""
        known = self.node(node)
        return (known.name if known else "") or node.key

    def attribute(self, node: NodeId, key: str) -> str | None:
        """What was told of a thing; None where nothing was."""
        known = self.node(node)
        return (known.attributes.get(key) if known else None) or None

    def edges(self, node: NodeId, direction: Direction, *kinds: EdgeKind) -> list[Edge]:
        """Edges of these kinds at one end, those that ended left out."""
        key = (node, direction)
        if key not in self._edges:
            known = self._around(node)
            if known is None:
                return []
            page = known.out if direction is Direction.OUT else known.into
            rest = all_edges(self.graph, node, direction, after=page.next) if page.next else ()
            self._edges[key] = (*page.edges, *islice(rest, max(0, _MOST - len(page.edges))))
        return [one for one in self._edges[key] if one.kind in kinds and one.ended_at is None]

    def out(self, node: NodeId, *kinds: EdgeKind) -> list[Edge]:
        """Where edges of these kinds lead."""
        return self.edges(node, Direction.OUT, *kinds)

    def into(self, node: NodeId, *kinds: EdgeKind) -> list[Edge]:
        """Where edges of these kinds come from."""
        return self.edges(node, Direction.IN, *kinds)

    # --- the parts of a trace -----------------------------------------------------------------------------

    def trace(self, wanted: Wanted) -> Row:
        """The whole way."""
        image = image_node(wanted.digest)
        indexes = [edge.end for edge in self.out(image, EdgeKind.PART_OF)]
        parts = [edge.start for edge in self.into(image, EdgeKind.PART_OF)]
        related = list(dict.fromkeys([image, *indexes, *parts]))
        origins = self.origins(image)
        for index in indexes:
            origins += self.origins(index)
        if not origins:
            origins = [origin for part in parts for origin in self.origins(part)]
        return {
            "image": wanted.text,
            "digest": wanted.digest,
            "tagSeenAt": instant(wanted.named[0].seen_at) if wanted.named else None,
            "earlier": _earlier(wanted),
            "platform": self.attribute(image, "platform"),
            "related": [
                *({"digest": one.key, "relation": "index", "platform": None} for one in indexes),
                *(
                    {"digest": one.key, "relation": "platform", "platform": self.attribute(one, "platform")}
                    for one in parts
                ),
            ],
            "running": [row for one in related for row in self._running(one)],
            "stored": self._stored(image),
            "origins": origins,
            "contradictions": contradictions(origins),
            "unknown": self._unknown(image, origins),
        }

    def _running(self, image: NodeId) -> Iterator[Row]:
        for edge in self.into(image, EdgeKind.RUNS):
            yield self._runs(edge, image.key)
        for named in self.into(image, EdgeKind.NAMES):
            for edge in self.into(named.start, EdgeKind.RUNS):
                yield self._runs(edge, None)

    def _runs(self, edge: Edge, digest: str | None) -> Row:
        return {
            "resource": self.attribute(edge.start, "id") or edge.start.key,
            "name": self.name(edge.start),
            "kind": self.attribute(edge.start, "kind"),
            "subscription": self.attribute(edge.start, "subscription"),
            "reference": edge.detail,
            "digest": digest,
            "by": edge.evidence.get("by", BY_TAG),
            "seenAt": instant(edge.seen_at),
            "restsOn": [rests_on(edge)],
        }

    def _stored(self, image: NodeId) -> list[Row]:
        tags: dict[str, list[str]] = {}
        for edge in self.into(image, EdgeKind.NAMES):
            place, _, tag = edge.start.key.rpartition(":")
            tags.setdefault(place, [])
            if tag not in tags[place]:
                tags[place].append(tag)
        places: dict[tuple[str, str], list[Edge]] = {}
        for edge in self.out(image, EdgeKind.STORED_IN):
            places.setdefault((edge.end.key, edge.detail), []).append(edge)
        return [
            {
                "registry": registry,
                "repository": repository,
                "tags": tags.get(f"{registry}/{repository}", []),
                "restsOn": [rests_on(edge) for edge in told],
            }
            for (registry, repository), told in places.items()
        ]

    def origins(self, image: NodeId) -> list[dict[str, object]]:
        """Each run, and each commit of no known run, that the image is said to be of; the earliest first."""
        grouped: dict[tuple[NodeId | None, str, str], list[Edge]] = {}
        for edge in self.out(image, EdgeKind.BUILT_BY):
            code = self.out(edge.end, EdgeKind.CHECKED_OUT)
            repository, commit = (code[0].end.key, code[0].detail) if code else ("", "")
            key: tuple[NodeId | None, str, str] = (edge.end, repository, commit)
            grouped.setdefault(key, []).append(edge)
        for edge in self.out(image, EdgeKind.BUILT_FROM):
            same = [known for known in grouped if known[1:] == (edge.end.key, edge.detail)]
            if any(one.source is edge.source for known in same for one in grouped[known]):
                continue  # the same word of the same source, which named the run as well
            alone: tuple[NodeId | None, str, str] = (None, edge.end.key, edge.detail)
            for known in same or [alone]:
                grouped.setdefault(known, []).append(edge)
        rows = [self._origin(image, *key, edges) for key, edges in grouped.items()]
        return sorted(rows, key=lambda row: (str(row["finishedAt"] or _NEVER), row["rank"], str(row["run"])))

    def _origin(
        self, image: NodeId, run: NodeId | None, repository: str, commit: str, edges: list[Edge]
    ) -> dict[str, object]:
        pipeline = self._first(run, EdgeKind.RUN_OF)
        project = self._first(pipeline, EdgeKind.IN)
        best = min(edges, key=lambda edge: _RANK[edge.confidence])
        code = NodeId(NodeKind.REPOSITORY, repository) if repository else None
        organization = self._first(project, EdgeKind.IN)

        def told(key: str) -> str | None:
            return self.attribute(run, key) if run is not None else None

        def people(kind: EdgeKind) -> list[str]:
            return [self.name(edge.end) for edge in self.out(run, kind)] if run is not None else []

        was_read = told(ASKED) == (told("pullRequest") or NO_PULL_REQUEST)
        return {
            "digest": image.key,
            "confidence": best.confidence.value,
            "rank": _RANK[best.confidence],
            "organization": self.name(organization) if organization else None,
            "project": self.name(project) if project else None,
            "pipeline": self.name(pipeline) if pipeline else None,
            "pipelineId": _number(pipeline),
            "run": _number(run),
            "runNumber": told("number"),
            "finishedAt": told("finishedAt"),
            "repository": self.name(code) if code else None,
            "repositoryId": repository or None,
            "commit": commit or told("commit"),
            "branch": told("branch"),
            "author": next(iter(people(EdgeKind.AUTHORED_BY)), None),
            "requestedBy": next(iter(people(EdgeKind.REQUESTED_BY)), None),
            "pullRequest": told("pullRequest"),
            "pullRequestAsked": told(ASKED) is not None,
            "approvers": people(EdgeKind.APPROVED_BY) if was_read else None,
            "restsOn": [rests_on(edge) for edge in edges],
            "runRestsOn": [rests_on(edge) for edge in self.out(run, EdgeKind.RUN_OF)] if run else [],
            "authorRestsOn": [rests_on(edge) for edge in self.out(run, EdgeKind.AUTHORED_BY)] if run else [],
        }

    def _first(self, node: NodeId | None, kind: EdgeKind) -> NodeId | None:
        edges = self.out(node, kind) if node is not None else []
        return edges[0].end if edges else None

    def _unknown(self, image: NodeId, origins: Iterable[Mapping[str, object]]) -> list[str]:
        found = [reason] if (reason := self.attribute(image, UNREAD)) else []
        if not list(origins):
            found.append(self.reason(image))
        return found

    def is_mapped(self, image: NodeId) -> bool:
        """Whether a source told where it came from: it itself, or the index that it is part of."""
        wanted = [image, *(edge.end for edge in self.out(image, EdgeKind.PART_OF))]
        return any(self.out(one, EdgeKind.BUILT_BY, EdgeKind.BUILT_FROM) for one in wanted)

    def reason(self, image: NodeId) -> str:
        """Why nobody told where an image came from."""
        if self.attribute(image, LOOKED) is None:
            stored = self.out(image, EdgeKind.STORED_IN)
            where = f" ({stored[0].end.key})" if stored else ""
            return (
                "No report and no build log names its digest, and its labels were not read: name its "
                f"registry{where} in a connector."
            )
        return (
            "It has no label and no provenance that names a run or a commit, and no report and no build log "
            "names its digest. Label it, or let a connector read build logs."
        )


def rests_on(edge: Edge) -> Row:
    """Who said it, how sure, when, and by what."""
    return {
        "source": edge.source.value,
        "confidence": edge.confidence.value,
        "firstSeen": instant(edge.first_seen or edge.seen_at),
        "seenAt": instant(edge.seen_at),
        "evidence": dict(edge.evidence),
    }


def contradictions(origins: Iterable[Mapping[str, object]]) -> list[str]:
    """What sources disagree on. A run that pushes an image again, under another name, contradicts nobody."""
    found: list[str] = []
    of: dict[str, list[Mapping[str, object]]] = {}
    for origin in origins:
        known = of.setdefault(str(origin["digest"]), [])
        if not (_is_pushed(origin) and any(_is_pushed(one) for one in known)):
            known.append(origin)
    for digest, several in of.items():
        for key, noun in (("repositoryId", "repositories"), ("commit", "commits")):
            told = {str(one[key]) for one in several if one[key]}
            if len(told) > 1:
                found.append(f"{digest}: sources name different {noun}: {', '.join(sorted(told))}.")
    told_by_claims = {
        str(rest["evidence"]["contradicts"])
        for origin in of.values()
        for one in origin
        for rest in _rests(one)
        if "contradicts" in rest["evidence"]
    }
    return [*found, *(f"A claim names a commit, but {one}." for one in sorted(told_by_claims))]


def _is_pushed(origin: Mapping[str, object]) -> bool:
    """Whether all that is known is that a run pushed it."""
    return all(rest["source"] in _PUSHES for rest in _rests(origin))


def _rests(origin: Mapping[str, object]) -> list[Mapping[str, Any]]:
    rests = origin["restsOn"]
    return rests if isinstance(rests, list) else []


def _earlier(wanted: Wanted) -> list[Row]:
    """Where the tag led before, each digest once."""
    seen = {wanted.digest}
    rows: list[Row] = []
    for edge in wanted.named:
        if edge.end.key not in seen:
            seen.add(edge.end.key)
            rows.append(
                {"digest": edge.end.key, "seenAt": instant(edge.seen_at), "source": edge.source.value}
            )
    return rows


def _number(node: NodeId | None) -> int | None:
    number = node.key.rpartition("/")[2] if node is not None else ""
    return int(number) if number.isdecimal() else None


def all_nodes(graph: MappingGraph, kind: NodeKind) -> Iterator[Node]:
    """Every node of a kind."""
    after = ""
    while True:
        page = graph.nodes(kind, after=after, limit=_MOST)
        yield from page.nodes
        after = page.next
        if not after:
            return


def all_edges(
    graph: MappingGraph, node: NodeId, direction: Direction, kind: EdgeKind | None = None, *, after: str = ""
) -> Iterator[Edge]:
    """Every edge at one end of a node, however many."""
    while True:
        page = graph.edges(node, direction, kind, after=after, limit=_MOST)
        yield from page.edges
        after = page.next
        if not after:
            return
