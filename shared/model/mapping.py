"""The graph that leads from an image to its code and to where it runs, with what each step rests on.

Nodes are things, known by ids; edges say how they hang together, each as one source told it. Two sources that
contradict one another are two edges, side by side: nothing is merged away, and readers see both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from shared.model.ids import OrganizationId, ProjectId, RepositoryId

SEEN_AGAIN: Final = timedelta(hours=1)
"""A fact that is told again within this time writes nothing: `Edge.seen_at` is right to that much."""


class NodeKind(StrEnum):
    """What there is in the graph; the functions below make the key of each."""

    ORGANIZATION = "organization"
    PROJECT = "project"
    REPOSITORY = "repository"
    PIPELINE = "pipeline"
    RUN = "run"
    IMAGE = "image"
    TAG = "tag"
    REGISTRY = "registry"
    CLOUD_RESOURCE = "cloudResource"
    SERVICE_CONNECTION = "serviceConnection"
    IDENTITY = "identity"


@dataclass(frozen=True, slots=True, order=True)
class NodeId:
    """What a node is, and its key: unique among those of its kind."""

    kind: NodeKind
    key: str


def organization_node(organization: OrganizationId) -> NodeId:
    """An organization, by our own id."""
    return NodeId(NodeKind.ORGANIZATION, organization)


def project_node(project: ProjectId) -> NodeId:
    """A project of Azure DevOps."""
    return NodeId(NodeKind.PROJECT, project)


def repository_node(repository: RepositoryId | str) -> NodeId:
    """A repository: of Azure Repos by its GUID, any other by its https address."""
    return NodeId(NodeKind.REPOSITORY, repository)


def pipeline_node(organization: OrganizationId, definition: int) -> NodeId:
    """A pipeline by the id of its definition, which is unique in its organization."""
    return NodeId(NodeKind.PIPELINE, f"{organization}/{definition}")


def run_node(organization: OrganizationId, run: int) -> NodeId:
    """A run of a pipeline, by its id (the build's), which is unique in its organization."""
    return NodeId(NodeKind.RUN, f"{organization}/{run}")


def image_node(digest: str) -> NodeId:
    """An image, by the digest of its manifest or index: `sha256:` and 64 hexadecimal digits."""
    return NodeId(NodeKind.IMAGE, digest)


def tag_node(registry: str, repository: str, tag: str) -> NodeId:
    """A tag in a registry; its edges are observations of where it led, each with its time."""
    return NodeId(NodeKind.TAG, f"{registry}/{repository}:{tag}")


def registry_node(host: str) -> NodeId:
    """A registry, by its host in lower case."""
    return NodeId(NodeKind.REGISTRY, host)


def cloud_resource_node(resource: str) -> NodeId:
    """An Azure resource, by its id; Azure compares those without regard to case."""
    return NodeId(NodeKind.CLOUD_RESOURCE, resource.lower())


def service_connection_node(endpoint: str) -> NodeId:
    """A service connection, by its GUID."""
    return NodeId(NodeKind.SERVICE_CONNECTION, endpoint)


def identity_node(identity: str) -> NodeId:
    """A person or application, by what the source knows it by: a descriptor, an object id, an address."""
    return NodeId(NodeKind.IDENTITY, identity)


class EdgeKind(StrEnum):
    """How two nodes hang together; an edge leads from the one of which there are many to the one."""

    IN = "in"
    """Project in organization; repository, pipeline, service connection in project."""
    RUN_OF = "runOf"
    """Run of pipeline."""
    CHECKED_OUT = "checkedOut"
    """Run checked out repository; the detail is the commit."""
    BUILT_BY = "builtBy"
    """Image built, or pushed, by run."""
    BUILT_FROM = "builtFrom"
    """Image built from repository; the detail is the commit."""
    STORED_IN = "storedIn"
    """Image stored in registry; the detail is the repository there."""
    NAMES = "names"
    """Tag names image, when it was seen."""
    PART_OF = "partOf"
    """Image of one platform, part of the index of several; the detail is the platform."""
    RUNS = "runs"
    """Cloud resource runs image; the detail is the reference in the resource's definition."""
    REQUESTED_BY = "requestedBy"
    """Run requested by identity."""
    AUTHORED_BY = "authoredBy"
    """The commit that the run built was written by identity; the detail is the commit."""
    APPROVED_BY = "approvedBy"
    """The pull request behind the run was approved by identity; the detail is its number."""
    USES = "uses"
    """Pipeline uses service connection."""
    SIGNS_IN_AS = "signsInAs"
    """Service connection signs in as identity."""
    MAY_CHANGE = "mayChange"
    """Identity may change cloud resource."""


class Source(StrEnum):
    """Who told an edge."""

    REPORT = "report"
    """A job's own report, over HTTP."""
    DECORATOR_LOG = "decoratorLog"
    """What Microsoft's decorator printed into a build log."""
    PUSH_LOG = "pushLog"
    """What a push step printed into a build log."""
    LABEL = "label"
    """Labels of the image."""
    ATTESTATION = "attestation"
    """A provenance document attached to the image."""
    REGISTRY = "registry"
    """The registry that holds the image."""
    AZURE_DEVOPS = "azureDevOps"
    """Azure DevOps itself: runs, repositories, pull requests, service connections."""
    RESOURCE_GRAPH = "resourceGraph"
    """Azure Resource Graph."""


class Confidence(StrEnum):
    """How much an edge may be relied on."""

    CLAIMED = "claimed"
    """Somebody who could write anything wrote it: a label, a log, a job about its images."""
    MATCHED = "matched"
    """A claim that agrees with what somebody else says."""
    ATTESTED = "attested"
    """Said by who must know, and shown to be said by them."""


@dataclass(frozen=True, slots=True)
class Node:
    """A thing. `name` and `attributes` are what was told of it last, at `seen_at`; ids are identity."""

    id: NodeId
    seen_at: datetime
    name: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


EdgeId = tuple[NodeId, EdgeKind, NodeId, Source, str]


@dataclass(frozen=True, slots=True)
class Edge:
    """One source's word for how two nodes hang together.

    `detail` tells apart several of one kind between the same two, such as the commit. `evidence` is what it
    rests on, by name, fit to be shown. `first_seen` is when it was told first (None: as `seen_at`), `seen_at`
    when last, right to `SEEN_AGAIN`; `ended_at` since when it is known not to hold any more.
    """

    start: NodeId
    kind: EdgeKind
    end: NodeId
    source: Source
    confidence: Confidence
    seen_at: datetime
    detail: str = ""
    evidence: Mapping[str, str] = field(default_factory=dict)
    first_seen: datetime | None = None
    ended_at: datetime | None = None

    @property
    def id(self) -> EdgeId:
        """What makes it the same fact when it is told again."""
        return self.start, self.kind, self.end, self.source, self.detail

    @property
    def told_at(self) -> datetime:
        """When the last of it was told."""
        return self.seen_at if self.ended_at is None else max(self.seen_at, self.ended_at)


@dataclass(frozen=True, slots=True)
class GraphFacts:
    """What somebody found out. The ends of an edge need no node here unless there is a name to tell."""

    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()

    def __add__(self, other: GraphFacts) -> GraphFacts:
        return GraphFacts(self.nodes + other.nodes, self.edges + other.edges)


class Direction(StrEnum):
    """From which of its ends an edge is looked at."""

    OUT = "out"
    IN = "in"


@dataclass(frozen=True, slots=True)
class NodePage:
    """Some nodes; `next` goes on behind them, empty behind the last. A page may be short, even empty."""

    nodes: tuple[Node, ...]
    next: str = ""


@dataclass(frozen=True, slots=True)
class EdgePage:
    """Some edges; `next` goes on behind them, empty behind the last. A page may be short, even empty."""

    edges: tuple[Edge, ...]
    next: str = ""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A node with the first pages of the edges that leave it and of those that lead to it."""

    node: Node
    out: EdgePage
    into: EdgePage


def node_after(known: Node | None, told: Node) -> Node | None:
    """What a node becomes by what is told; None where that changes nothing.

    What was told later wins for each attribute; what it leaves out stays.
    """
    if known is None:
        return told
    newer, older = (told, known) if told.seen_at > known.seen_at else (known, told)
    name = newer.name or older.name
    attributes = {**older.attributes, **newer.attributes}
    if name == known.name and attributes == known.attributes:
        return None
    return Node(known.id, newer.seen_at, name, attributes)


def edge_after(known: Edge | None, told: Edge) -> Edge | None:
    """What an edge becomes by what its source tells; None where that is nothing new.

    What was told later wins (of two of one moment always the same one); when it was told first is kept. So it
    makes no difference in which order facts are learnt, as far as they are more than `SEEN_AGAIN` apart.
    """
    first = told.first_seen or told.seen_at
    if known is None:
        return replace(told, first_seen=first)
    before = known.first_seen or known.seen_at
    first = min(first, before)
    if not _is_later(told, known):
        return None if first == before else replace(known, first_seen=first)
    is_same = (
        told.confidence is known.confidence
        and told.evidence == known.evidence
        and told.ended_at == known.ended_at
        and first == before
    )
    if is_same and told.seen_at - known.seen_at < SEEN_AGAIN:
        return None
    return replace(told, first_seen=first)


def _is_later(told: Edge, known: Edge) -> bool:
    if told.told_at != known.told_at:
        return told.told_at > known.told_at
    return _content(told) > _content(known)


def _content(edge: Edge) -> tuple[bool, str, tuple[tuple[str, str], ...]]:
    return edge.ended_at is not None, edge.confidence.value, tuple(sorted(edge.evidence.items()))


def together(facts: GraphFacts) -> GraphFacts:
    """The same facts with each node and each edge once, and a node for each end of an edge."""
    nodes: dict[NodeId, Node] = {}
    edges: dict[EdgeId, Edge] = {}
    for node in facts.nodes:
        nodes[node.id] = node_after(nodes.get(node.id), node) or nodes[node.id]
    for edge in facts.edges:
        edges[edge.id] = edge_after(edges.get(edge.id), edge) or edges[edge.id]
        for end in (edge.start, edge.end):
            nodes.setdefault(end, Node(end, edge.seen_at))
    return GraphFacts(tuple(nodes.values()), tuple(edges.values()))
