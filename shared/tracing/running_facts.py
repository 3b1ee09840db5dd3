"""Which images Azure resources run, as facts of the mapping graph."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from shared.model.container import CloudResource
from shared.model.mapping import (
    Confidence,
    Edge,
    EdgeKind,
    GraphFacts,
    Node,
    NodeId,
    Source,
    cloud_resource_node,
    image_node,
    tag_node,
)
from shared.tracing.origins import Saying, facts_of_place
from shared.tracing.references import ImageReference, parse_reference
from shared.tracing.run_facts import UNREAD

LATEST = "latest"
"""The tag that a reference without tag and digest means."""
BY_DIGEST = "digest"
BY_TAG = "tag"


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a tag led to when it was seen, or why that is not known."""

    digest: str = ""
    unknown: str = ""


def subscription_node(subscription: str) -> NodeId:
    """An Azure subscription, which is a resource as well."""
    return cloud_resource_node(f"/subscriptions/{subscription}")


def facts_of_resource(
    resource: CloudResource, resolve: Callable[[ImageReference], Resolved], at: datetime
) -> GraphFacts:
    """The resource and what it runs. `resolve` says what a tag leads to at this moment."""
    node = cloud_resource_node(resource.id)
    unread = [resource.unknown] if resource.unknown else []
    saying = Saying(Source.RESOURCE_GRAPH, Confidence.ATTESTED, at)
    facts = GraphFacts()
    for text in resource.images:
        reference = parse_reference(text)
        if reference is None:
            unread.append("A reference in its definition is no name of an image.")
            continue
        facts += _runs(node, text, reference, resolve, saying)
    told = {
        "id": resource.id,
        "kind": resource.kind.value,
        "subscription": resource.subscription,
        "resourceGroup": resource.resource_group,
        "location": resource.location,
        UNREAD: " ".join(unread),
    }
    return facts + GraphFacts((Node(node, at, resource.name, told),))


def _runs(
    node: NodeId,
    text: str,
    reference: ImageReference,
    resolve: Callable[[ImageReference], Resolved],
    saying: Saying,
) -> GraphFacts:
    if reference.digest:
        edge = saying.edge(node, EdgeKind.RUNS, image_node(reference.digest), text, {"by": BY_DIGEST})
        return GraphFacts(edges=(edge,)) + facts_of_place(
            reference.digest, replace(reference, tag=""), saying
        )
    named = reference if reference.tag else replace(reference, tag=LATEST)
    found = resolve(named)
    tag = tag_node(named.registry, named.repository, named.tag)
    if not found.digest:
        evidence = {"by": BY_TAG, "unknown": found.unknown}
        return GraphFacts(edges=(saying.edge(node, EdgeKind.RUNS, tag, text, evidence),))
    evidence = {
        "by": BY_TAG,
        "resolvedAt": saying.at.isoformat(),
        "note": "the tag led to this digest at that time; the resource may have started with another",
    }
    edge = saying.edge(node, EdgeKind.RUNS, image_node(found.digest), text, evidence)
    seen = Saying(Source.REGISTRY, Confidence.ATTESTED, saying.at)
    return GraphFacts(edges=(edge,)) + facts_of_place(found.digest, named, seen)


def superseded(known: Iterable[Edge], facts: GraphFacts, at: datetime) -> Iterator[Edge]:
    """What the resource ran when it was looked at before, and does not now: it ended."""
    now = {edge.id for edge in facts.edges}
    for edge in known:
        if edge.kind is EdgeKind.RUNS and edge.ended_at is None and edge.id not in now:
            yield replace(edge, ended_at=at)
