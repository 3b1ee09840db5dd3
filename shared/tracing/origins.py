"""Where an image came from, as facts of the mapping graph: the same ones, whoever tells them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from shared.model.ids import OrganizationId, ProjectId, RepositoryId
from shared.model.mapping import (
    Confidence,
    Edge,
    EdgeKind,
    GraphFacts,
    Node,
    NodeId,
    Source,
    image_node,
    organization_node,
    pipeline_node,
    project_node,
    registry_node,
    repository_node,
    run_node,
    tag_node,
)
from shared.tracing.references import ImageReference

_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Origin:
    """A run, and what is known of where it belongs. What is not known is empty or 0.

    `repository` is the GUID of one of Azure Repos, or the https address of another; `commit` is whole.
    """

    organization: OrganizationId
    organization_name: str = ""
    project: str = ""
    project_name: str = ""
    pipeline: int = 0
    pipeline_name: str = ""
    run: int = 0
    run_number: str = ""
    repository: str = ""
    repository_name: str = ""
    commit: str = ""
    branch: str = ""


@dataclass(frozen=True, slots=True)
class Saying:
    """Who says it, how sure, when."""

    source: Source
    confidence: Confidence
    at: datetime

    def edge(
        self,
        start: NodeId,
        kind: EdgeKind,
        end: NodeId,
        detail: str = "",
        evidence: Mapping[str, str] | None = None,
    ) -> Edge:
        """The edge that is said."""
        return Edge(start, kind, end, self.source, self.confidence, self.at, detail, evidence or {})


def repository_key(identifier: str, url: str) -> str:
    """What a repository is known by: its GUID, else its https address without what addresses may vary in.

    Empty where neither is told.
    """
    if _GUID.fullmatch(identifier.lower()):
        return identifier.lower()
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    if parts.scheme != "https" or not host:
        return ""
    path = parts.path.rstrip("/").removesuffix(".git")
    return f"https://{host}{f':{port}' if port else ''}{path}"


def facts_of_origin(origin: Origin, saying: Saying, evidence: Mapping[str, str] | None = None) -> GraphFacts:
    """How run, pipeline, repository, project and organization hang together, as far as they are known.

    The project of the repository is not said: a pipeline may build what another project holds.
    """
    nodes: list[Node] = []
    edges: list[Edge] = []
    organization = organization_node(origin.organization)
    project = project_node(ProjectId(origin.project))
    pipeline = pipeline_node(origin.organization, origin.pipeline)
    run = run_node(origin.organization, origin.run)
    if origin.organization_name:
        nodes.append(Node(organization, saying.at, origin.organization_name))
    if origin.project:
        nodes.append(Node(project, saying.at, origin.project_name))
        edges.append(saying.edge(project, EdgeKind.IN, organization, evidence=evidence))
    if origin.pipeline:
        nodes.append(Node(pipeline, saying.at, origin.pipeline_name))
        if origin.project:
            edges.append(saying.edge(pipeline, EdgeKind.IN, project, evidence=evidence))
    if origin.run:
        told = {"number": origin.run_number, "commit": origin.commit, "branch": origin.branch}
        attributes = {key: value for key, value in told.items() if value}
        nodes.append(Node(run, saying.at, origin.run_number, attributes))
        if origin.pipeline:
            edges.append(saying.edge(run, EdgeKind.RUN_OF, pipeline, evidence=evidence))
    if origin.repository:
        repository = repository_node(RepositoryId(origin.repository))
        nodes.append(Node(repository, saying.at, origin.repository_name))
        if origin.run:
            edges.append(saying.edge(run, EdgeKind.CHECKED_OUT, repository, origin.commit, evidence))
    return GraphFacts(tuple(nodes), tuple(edges))


def facts_of_image(
    digest: str, origin: Origin, saying: Saying, evidence: Mapping[str, str] | None = None
) -> GraphFacts:
    """That the image was built by the run, and from the repository at the commit, where they are known."""
    image = image_node(digest)
    edges: list[Edge] = []
    if origin.run:
        run = run_node(origin.organization, origin.run)
        edges.append(saying.edge(image, EdgeKind.BUILT_BY, run, evidence=evidence))
    if origin.repository:
        repository = repository_node(RepositoryId(origin.repository))
        edges.append(saying.edge(image, EdgeKind.BUILT_FROM, repository, origin.commit, evidence))
    return GraphFacts(edges=tuple(edges))


def facts_of_place(
    digest: str, place: ImageReference, saying: Saying, evidence: Mapping[str, str] | None = None
) -> GraphFacts:
    """That the image is in the registry and, where a tag is told, that the tag named it then."""
    image = image_node(digest)
    registry = registry_node(place.registry)
    edges = [saying.edge(image, EdgeKind.STORED_IN, registry, place.repository, evidence)]
    if place.tag:
        tag = tag_node(place.registry, place.repository, place.tag)
        edges.append(saying.edge(tag, EdgeKind.NAMES, image, evidence=evidence))
    return GraphFacts((Node(registry, saying.at, place.registry),), tuple(edges))
